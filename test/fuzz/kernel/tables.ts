/** The tables of the kernel engine in ordinary memory, for tests that need no kernel: nothing is counted there. */
import type { Sandbox } from '../../../src/vasic/engine/api';
import type { Counted } from '../../../src/vasic/engine/fast-path';
import { createSandbox } from '../../../src/vasic/engine/sandbox/sandbox';
import { createFastPath, type KernelTables } from '../../../src/vasic/kernel/image';
import { GLOBAL_WORDS, MAX_KERNEL_PORTS, PORT_FLAGS, PORT_MTU, PORT_UP } from '../../../src/vasic/kernel/layout';
import { portAt } from '../../../src/vasic/kernel/port-table';
import { createMemoryPort } from '../../bed/memory-port';
import { MACS, PORTS } from './graph-parts';

const NOTHING: Counted = { packets: 0, bytes: 0 };

/** A heap of so many words that grows to at most `most`. */
export function memoryTables(words = 1 << 20, most = 1 << 24): KernelTables {
  const heap = {
    words: new Uint32Array(words),
    grow(): boolean {
      if (heap.words.length * 2 > most) return false;
      const larger = new Uint32Array(heap.words.length * 2);
      larger.set(heap.words);
      heap.words = larger;
      return true;
    },
  };
  let end = 1 << 16;
  const counters = {
    first: 1 + MAX_KERNEL_PORTS,
    get end() {
      return end;
    },
    grow: () => (end *= 2) > 0,
    read: () => NOTHING,
    port: () => ({ received: NOTHING, sent: NOTHING, discarded: NOTHING }),
  };
  return { heap, globals: new Uint32Array(GLOBAL_WORDS), counters };
}

/** A sandbox whose graph is compiled into these tables, on memory ports with an MTU of 1500 whose packets for the host are gone. */
export function sandboxOn(tables: KernelTables, fastPath = createFastPath(tables, PORTS)): Sandbox {
  const ports = MACS.map((mac, port) => createMemoryPort({ name: `p${port}`, mac, mtu: 1500 }));
  const host = { punt: (): void => undefined };
  return createSandbox({ id: 1, engine: 'trio', name: 'green', instance: '1', ports, host, now: () => 0, fastPath });
}

/** What the forwarder says of a port. */
export function setPort(globals: Uint32Array, port: number, { mtu, up }: { mtu: number; up: boolean }): void {
  const at = portAt(port);
  globals[at + PORT_MTU] = mtu;
  globals[at + PORT_FLAGS] = up ? PORT_UP : 0;
}
