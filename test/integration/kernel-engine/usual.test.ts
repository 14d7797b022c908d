/**
 * The program's short way for usual packets (bpf/usual.h). A port that is bound to nothing but has its short way tells which packets take that: only
 * they are sent. Bound again, the port has to do the same with them, and whatever is right with the others.
 */
import { waitFor } from '../../../lab/wait';
import { AftField } from '../../../src/aft/model';
import { sumBytes, write16 } from '../../../src/net/checksum';
import { testRun } from '../../../src/sys/bpf';
import type { Trial } from '../../../src/vasic/kernel/forwarder';
import type { PortMode } from '../../../src/vasic/kernel/hooks';
import * as layout from '../../../src/vasic/kernel/layout';
import { portAt } from '../../../src/vasic/kernel/port-table';
import { insert, int, MACS, PORTS, routeTo } from '../../fuzz/kernel/graph-parts';
import { openJudge, type KernelJudge } from '../../fuzz/kernel/judge';
import { frameTo, GROUPS, leadOn, NEIGHBOR, route, ROUTED, TREE, TYPES } from '../../fuzz/kernel/routed-graph';
import { sandboxOn } from '../../fuzz/kernel/tables';

jest.setTimeout(120_000);

const IP = 14;
const MTU = 1500;
const BALANCER = GROUPS + 1;
const [UDP, TCP] = [17, 6];

let judge: KernelJudge;

beforeAll(() => {
  judge = openJudge('tc');
  const { tables, setPort } = judge.options;
  const sandbox = sandboxOn(tables);
  for (let port = 0; port < PORTS; port++) setPort(port, { mtu: MTU, up: true });
  expect(sandbox.apply(insert(ROUTED))).toBeUndefined();
  const toIp6 = { parent: TYPES, key: { field: AftField.EtherType, data: int(0x86dd) }, next: TREE };
  const prefix6 = { bytes: Uint8Array.of(0x20, 1, 0xd, 0xb8, ...Array<number>(12).fill(0)), length: 32 };
  const behind = {
    nodes: [leadOn(GROUPS, NEIGHBOR), { type: 'loadBalance', token: BALANCER, max: 2, fields: [] } as const],
    entries: [
      toIp6,
      route(0, GROUPS),
      routeTo(TREE, prefix6, GROUPS),
      route(1, BALANCER),
      ...[0, 1].map((slot) => ({ parent: BALANCER, key: { field: AftField.None, data: int(slot) }, next: GROUPS })),
    ],
  };
  expect(sandbox.apply(insert(behind))).toBeUndefined();
});

afterAll(() => judge.close());

/** The frame with a right checksum. */
function summed(frame: Uint8Array): Uint8Array {
  write16(frame, IP + 10, 0);
  write16(frame, IP + 10, ~sumBytes(frame, IP, IP + 20) & 0xffff);
  return frame;
}

/** An IPv4 packet of so many bytes to the nth /24. */
function packet4(n: number, bytes: number, change?: (ip: Uint8Array) => void): Uint8Array {
  const frame = Buffer.alloc(IP + bytes);
  frame.set(frameTo(n).subarray(0, Math.min(60, frame.length)));
  write16(frame, IP + 2, bytes);
  change?.(frame.subarray(IP));
  return summed(frame);
}

/** An IPv6 packet with so many bytes behind its header, where a route leads. */
function packet6(bytes: number, change?: (ip: Uint8Array) => void): Uint8Array {
  const frame = Buffer.alloc(IP + 40 + bytes);
  frame.set(frameTo(0).subarray(0, 12));
  write16(frame, 12, 0x86dd);
  frame.set([0x60, 0, 0, 0, bytes >> 8, bytes & 255, UDP, 64, 0x20, 1, 0xd, 0xb8, 0xff], IP);
  frame.set([0x20, 1, 0xd, 0xb8, 0, 7], IP + 24);
  change?.(frame.subarray(IP));
  return frame;
}

const at = (offset: number): number => portAt(0) + offset;

const said = ({ outcome, reason }: Trial): string => (outcome === 'slow' ? reason : outcome);

/** What `work` gives while a word of port 0 is 0. */
function without<T>(offset: number, work: () => T): T {
  const { globals } = judge.forwarder;
  const before = globals[at(offset)]!;
  globals[at(offset)] = 0;
  try {
    return work();
  } finally {
    globals[at(offset)] = before;
  }
}

/** Whether the packet takes the short way, by a port that leads nowhere else. */
function isUsual(mode: PortMode, frame: Uint8Array): boolean {
  const trial = without(layout.PORT_START, () => judge.forwarder.testRun(mode, 0, frame));
  if (trial.outcome !== 'sent') expect(['unbound', 'tagged']).toContain(said(trial));
  return trial.outcome === 'sent';
}

const set = (index: number, value: number) => (ip: Uint8Array) => void (ip[index] = value);

const USUAL: readonly (readonly [string, Uint8Array])[] = [
  ['UDP by IPv4', packet4(0, 46)],
  ['the shortest that are looked at', packet4(0, 24)],
  ['a hop that is left', packet4(0, 46, set(8, 2))],
  ['a first fragment', packet4(0, 46, set(6, 0x20))],
  ['a later fragment to a load balancer', packet4(1, 46, set(7, 9))],
  ['ports to a load balancer', packet4(1, 46)],
  ['another protocol to a load balancer', packet4(1, 46, set(9, 1))],
  ['as large as the MTU', packet4(0, MTU)],
  ['UDP by IPv6', packet6(20)],
  ['no next header, and little behind it', packet6(4, set(6, 59))],
];

const UNUSUAL: readonly (readonly [string, Uint8Array, string])[] = [
  ['the last hop', packet4(0, 46, set(8, 1)), 'ttl'],
  ['from a loopback address', packet4(0, 46, set(12, 127)), 'martian'],
  ['to a group', packet4(0, 46, set(16, 224)), 'discarded'],
  ['to where no route leads', packet4(0, 46, set(16, 11)), 'discarded'],
  ['options', packet4(0, 46, set(0, 0x46)), 'options'],
  ['23 bytes', packet4(0, 23), 'sent'],
  ['larger than the MTU', packet4(0, MTU + 1), 'mtu'],
  ['padding', Buffer.concat([packet4(0, 46), Buffer.alloc(4)]), 'sent'],
  ['the last hop by IPv6', packet6(20, set(7, 1)), 'ttl'],
  ['an extension header', packet6(20, set(6, 44)), 'sent'],
  ['hop-by-hop options', packet6(20, set(6, 0)), 'options'],
  ['from a link-local address', packet6(20, (ip) => ip.set([0xfe, 0x80], 8)), 'martian'],
  ['43 bytes of IPv6', packet6(3), 'sent'],
  [
    'another ether type',
    Buffer.concat([frameTo(0).subarray(0, 12), Buffer.from([8, 6]), Buffer.alloc(46)]),
    'etherType',
  ],
  [
    'a tag',
    Buffer.concat([frameTo(0).subarray(0, 12), Buffer.from([0x81, 0, 0, 1, 8, 0]), Buffer.alloc(46)]),
    'tagged',
  ],
];

describe.each(['tc', 'xdp'] as const)('%s', (mode) => {
  test.each(USUAL)('short: %s', (_name, frame) => {
    const { forwarder } = judge;
    expect(isUsual(mode, frame)).toBe(true);
    const short = forwarder.testRun(mode, 0, frame);
    const long = without(layout.PORT_SHORT, () => forwarder.testRun(mode, 0, frame));
    expect({ ...short, nanoseconds: 0 }).toEqual({ ...long, nanoseconds: 0 });
    expect(short.outcome).toBe('sent');
  });

  test.each(UNUSUAL)('long: %s', (_name, frame, wanted) => {
    expect(isUsual(mode, frame)).toBe(false);
    expect(said(judge.forwarder.testRun(mode, 0, frame))).toBe(wanted);
  });
});

test('a wrong checksum and another MAC address are not usual', () => {
  for (const byte of [IP + 10, 5]) {
    const frame = packet4(0, 46);
    frame[byte]! ^= 1;
    expect(isUsual('tc', frame)).toBe(false);
  }
});

test('every checksum that a header can have is right after the TTL was lowered, by the short way', () => {
  const seen = new Set<number>();
  for (let id = 0; id <= 0xffff; id++) {
    const frame = packet4(0, 46, (ip) => write16(ip, 4, id));
    seen.add((frame[IP + 10]! << 8) | frame[IP + 11]!);
    const trial = judge.forwarder.testRun('tc', 0, frame);
    const wanted = Uint8Array.from(frame);
    wanted.set([2, 0, 0, 0, 9, 1, ...MACS[1]!]);
    wanted[IP + 8] = 63;
    if (trial.outcome !== 'sent' || Buffer.compare(trial.frame, summed(wanted)) !== 0) {
      expect({ id, ...trial }).toEqual({ id, outcome: 'sent', frame: wanted });
    }
  }
  // All but 0xffff: that is of a header that sums up to nothing.
  expect(seen.size).toBe(0xffff);
  expect(isUsual('tc', packet4(0, 46))).toBe(true);
});

test('UDP takes the long way for some seconds after a large segment of it, and then the short one again', () => {
  const { globals } = judge.forwarder;
  const now = Number(process.hrtime.bigint() >> BigInt(layout.CUT_SHIFT)) + 1;
  const tcp = packet4(0, 46, set(9, TCP));
  for (const [cut, isShort] of [
    [now, false],
    [now - layout.CUT_UNITS - 2, true],
  ] as const) {
    globals[layout.GLOBAL_CUT] = cut;
    expect([isUsual('tc', packet4(0, 46)), isUsual('tc', packet6(20))]).toEqual([isShort, isShort]);
    expect([isUsual('tc', tcp), isUsual('xdp', packet4(0, 46))]).toEqual([true, true]);
  }
  globals[layout.GLOBAL_CUT] = 0;
});

test('a large segment of TCP takes it where what becomes of it on the wire is within the MTU, and no other does', () => {
  const { forwarder } = judge;
  const program = forwarder.programFd('tc');
  // struct __sk_buff: gso_size.
  const outcome = (frame: Uint8Array, segment: number): string => {
    const context = Buffer.alloc(192);
    context.writeUInt32LE(segment, 176);
    forwarder.globals[layout.GLOBAL_TEST_PORT] = 1;
    testRun(program, frame, 1, context);
    forwarder.globals[layout.GLOBAL_TEST_PORT] = 0;
    if (forwarder.globals[layout.GLOBAL_TEST_VERDICT] === layout.VERDICT_SENT) return 'sent';
    return layout.REASON_NAMES[forwarder.globals[layout.GLOBAL_TEST_REASON]!]!;
  };
  const tcp4 = packet4(0, 3000, (ip) => {
    ip[9] = TCP;
    ip[32] = 0x50;
  });
  const tcp6 = packet6(2900, (ip) => {
    ip[6] = TCP;
    ip[52] = 0x50;
  });
  const short = (frame: Uint8Array, segment: number): string =>
    without(layout.PORT_START, () => outcome(frame, segment));
  for (const [frame, header] of [
    [tcp4, 40],
    [tcp6, 60],
  ] as const) {
    expect([outcome(frame, MTU - header), outcome(frame, MTU - header + 1)]).toEqual(['sent', 'mtu']);
    expect([short(frame, MTU - header), short(frame, MTU - header + 1)]).toEqual(['sent', 'unbound']);
  }
  const fragment = packet4(0, 3000, (ip) => ip.set([0x20, 0, 64, TCP], 6));
  expect([short(packet4(0, 3000), 1000), short(fragment, 1000)]).toEqual(['unbound', 'unbound']);
});

test('the program for XDP is there when it is asked for, and both are after the tables have grown', () => {
  const { forwarder } = judge;
  const sent = { outcome: 'sent', port: 1 };
  // Where the other port's card doesn't send for XDP, it is the engine's.
  const flags = portAt(1) + layout.PORT_FLAGS;
  forwarder.globals[flags]! &= ~layout.PORT_XDP_TARGET;
  expect(forwarder.testRun('xdp', 0, frameTo(0))).toMatchObject({ outcome: 'slow', reason: 'port' });
  forwarder.globals[flags]! |= layout.PORT_XDP_TARGET;
  expect(forwarder.growHeap(forwarder.heap.length + 1)).toBe(true);
  forwarder.growCounters();
  for (const mode of ['xdp', 'tc'] as const) {
    expect(forwarder.testRun(mode, 0, frameTo(0))).toMatchObject(sent);
    expect(isUsual(mode, frameTo(0))).toBe(true);
  }
});

test('it is known whether a heap is still being made ready, so that nobody has to wait for it', async () => {
  const { forwarder } = judge;
  expect(forwarder.isPreparingHeap).toBe(false);
  forwarder.prepareHeap();
  expect(forwarder.isPreparingHeap).toBe(true);
  await waitFor(() => !forwarder.isPreparingHeap, { timeoutMs: 30_000, what: 'the heap to be ready' });
  // Not wanted for long.
  forwarder.tick(performance.now() + 60_000);
  expect(forwarder.isPreparingHeap).toBe(false);
});

test('a heap that another thread makes ready has what is written meanwhile, whatever else comes between', () => {
  const { forwarder } = judge;
  const sent = { outcome: 'sent', port: 1 };
  const words = (): number => forwarder.heap.length;
  const grows = (): void => {
    const [at, before] = [words() - 1, words()];
    forwarder.heap[at] = 0;
    forwarder.prepareHeap();
    forwarder.prepareHeap();
    forwarder.heap[at] = 4711;
    expect(forwarder.growHeap(before + 1)).toBe(true);
    expect([words(), forwarder.heap[at]]).toEqual([2 * before, 4711]);
    expect(forwarder.testRun('tc', 0, frameTo(0))).toMatchObject(sent);
  };
  grows();
  // It has another number of counters than this one, by then.
  forwarder.prepareHeap();
  forwarder.growCounters();
  expect(forwarder.testRun('tc', 0, frameTo(0))).toMatchObject(sent);
  // More was asked for than is ready.
  forwarder.prepareHeap();
  expect(forwarder.growHeap(2 * words() + 1)).toBe(true);
  expect(forwarder.testRun('tc', 0, frameTo(0))).toMatchObject(sent);
  // Not wanted for long.
  const before = words();
  forwarder.prepareHeap();
  forwarder.tick(performance.now() + 60_000);
  expect([words(), forwarder.testRun('tc', 0, frameTo(0))]).toMatchObject([before, sent]);
  // It is closed with the rest, under way.
  forwarder.prepareHeap();
});

test('no packet takes the short way while the graph is changing, or its part of the table', () => {
  const { globals } = judge.forwarder;
  const turn = (from: number, words: number): void => {
    for (let word = from; word < from + words; word++) globals[word]! ^= 1;
  };
  for (const [from, words] of [
    [layout.GLOBAL_GRAPH_VERSION, 1],
    [layout.GLOBAL_TREE_VERSIONS, layout.TREE_VERSIONS],
  ] as const) {
    turn(from, words);
    expect(said(judge.forwarder.testRun('tc', 0, frameTo(0)))).toBe('busy');
    turn(from, words);
    expect(isUsual('tc', frameTo(0))).toBe(true);
  }
});
