/**
 * The program itself as the judge: loaded into the kernel with the tables of the compiled graphs, and run on frames by
 * BPF_PROG_TEST_RUN. Nothing is sent. Needs root, or CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, and libbpf.
 */
import { read16 } from '../../../src/net/checksum';
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from '../../../src/net/ethertypes';
import { ETHER_HEADER } from '../../../src/vasic/engine/headers';
import { Forwarder } from '../../../src/vasic/kernel/forwarder';
import { forwarderTables } from '../../../src/vasic/kernel/forwarder-tables';
import * as layout from '../../../src/vasic/kernel/layout';
import { portAt } from '../../../src/vasic/kernel/port-table';
import type { CompareOptions, Judge } from './compare';
import { PORTS } from './graph-parts';

/** The programs that can be asked: XDP's as a card's driver runs it. */
export const HOOKS = ['tc', 'xdp'] as const;
export type JudgedHook = (typeof HOOKS)[number];

/** A page less what the kernel keeps of it: longer frames are refused, or come in parts of which the program sees the first. */
const LONGEST = 3400;
const HEAP_WORDS = 1 << 20;

/** Of what the kernel runs a program on; tc's wants its IP header since Linux 6.17. */
function shortest(hook: JudgedHook, frame: Uint8Array): number {
  const type = frame.length < ETHER_HEADER || hook === 'xdp' ? 0 : read16(frame, 12);
  return ETHER_HEADER + (type === ETHERTYPE_IPV4 ? 20 : type === ETHERTYPE_IPV6 ? 40 : 0);
}

export interface KernelJudge {
  readonly options: Omit<CompareOptions, 'frames'>;
  /** The program on a frame, as trace asks it; for tests that look at one alone. */
  readonly forwarder: Forwarder;
  close(): void;
}

/** Loads the program. @throws Error with cause and remedy where the kernel doesn't take it */
export function openJudge(hook: JudgedHook, heapWords = HEAP_WORDS): KernelJudge {
  const forwarder = new Forwarder({
    ports: PORTS,
    heapWords,
    maxHeapWords: 16 * HEAP_WORDS,
    counters: 4096,
  });
  const { globals } = forwarder;
  for (let port = 0; port < PORTS; port++) {
    // XDP in the driver can't send out of the last one what came in at the others.
    const isOther = hook === 'xdp' && port === PORTS - 1;
    globals[portAt(port) + layout.PORT_FLAGS] = isOther ? layout.PORT_GENERIC : layout.PORT_XDP_TARGET;
  }
  const judge: Judge = {
    name: `the ${hook} program`,
    judge(port, frame) {
      if (frame.length < shortest(hook, frame) || frame.length > LONGEST) return undefined;
      return forwarder.testRun(hook, port, frame);
    },
  };
  const complain = (reason: string): never => {
    throw new Error(reason);
  };
  return {
    options: {
      tables: forwarderTables(forwarder, complain),
      words: () => ({ heap: forwarder.heap, globals }),
      setPort: (port, facts) => forwarder.setPort(port, facts),
      judge,
    },
    forwarder,
    close: () => forwarder.close(),
  };
}
