/** The forwarder's memory as the compiled graph writes it (image.ts): what is mapped, and how it grows. */
import { errorText } from '../../net/error-text';
import type { Counted } from '../engine/fast-path';
import type { Forwarder } from './forwarder';
import type { KernelTables } from './image';

/** `complain`: is told why the kernel gave no more memory, each time; operations are refused with FULL then. */
export function forwarderTables(forwarder: Forwarder, complain: (reason: string) => void): KernelTables {
  const grows = (grow: () => boolean): boolean => {
    try {
      return grow();
    } catch (error) {
      complain(`the kernel engine's tables cannot grow: ${errorText(error)}`);
      return false;
    }
  };
  return {
    heap: {
      get words() {
        return forwarder.heap;
      },
      grow: () => grows(() => forwarder.growHeap(forwarder.heap.length + 1)),
      prepare: () => forwarder.prepareHeap(),
      isPreparing: () => forwarder.isPreparingHeap,
    },
    globals: forwarder.globals,
    counters: {
      first: forwarder.firstCounter,
      get end() {
        return forwarder.counterEnd;
      },
      grow: () =>
        grows(() => {
          forwarder.growCounters();
          return true;
        }),
      read(id): Counted {
        const count = { packets: 0, bytes: 0 };
        forwarder.readCounter(id, count);
        return count;
      },
      port: (port) => forwarder.portCounts(port),
    },
  };
}
