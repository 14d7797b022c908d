/**
 * The program's short way for usual packets: that it has every header checksum as the engine has it, and that packets take the one
 * way or the other by how they are alone, with the same outcome.
 */
import { sumBytes, write16 } from '../../../src/net/checksum';
import { createSandbox } from '../../../src/vasic/engine/sandbox/sandbox';
import { createFastPath } from '../../../src/vasic/kernel/image';
import * as layout from '../../../src/vasic/kernel/layout';
import { createMemoryPort } from '../../bed/memory-port';
import { insert, MACS, PORTS } from '../../fuzz/kernel/graph-parts';
import { openJudge, type KernelJudge } from '../../fuzz/kernel/judge';
import { frameTo, GROUPS, leadOn, NEIGHBOR, route, ROUTED } from '../../fuzz/kernel/routed-graph';

jest.setTimeout(120_000);

const IP = 14;
let judge: KernelJudge;

beforeAll(() => {
  judge = openJudge('tc');
  const { tables, setPort } = judge.options;
  const ports = MACS.map((own, port) => createMemoryPort({ name: `p${port}`, mac: own, mtu: 1500 }));
  const host = { punt: (): void => undefined };
  const own = { id: 1, engine: 'trio', name: 'green', instance: '1', ports, host, now: () => 0 };
  const sandbox = createSandbox({ ...own, fastPath: createFastPath(tables, PORTS) });
  for (let port = 0; port < PORTS; port++) setPort(port, { mtu: 1500, up: true });
  expect(sandbox.apply(insert(ROUTED))).toBeUndefined();
  const toGroup = { nodes: [leadOn(GROUPS, NEIGHBOR)], entries: [route(0, GROUPS)] };
  expect(sandbox.apply(insert(toGroup))).toBeUndefined();
});

afterAll(() => judge.close());

/** The frame with a right checksum. */
function summed(frame: Uint8Array): Uint8Array {
  write16(frame, IP + 10, 0);
  write16(frame, IP + 10, ~sumBytes(frame, IP, IP + 20) & 0xffff);
  return frame;
}

test('every checksum that a header can have is right after the TTL was lowered', () => {
  const seen = new Set<number>();
  for (let id = 0; id <= 0xffff; id++) {
    const frame = frameTo(0);
    write16(frame, IP + 4, id);
    seen.add((summed(frame)[IP + 10]! << 8) | frame[IP + 11]!);
    const trial = judge.forwarder.testRun('tc', 0, frame);
    const wanted = Uint8Array.from(frame);
    wanted.set([2, 0, 0, 0, 9, 1, ...MACS[1]!]);
    wanted[IP + 8] = 63;
    if (trial.outcome !== 'sent' || Buffer.compare(trial.frame, summed(wanted)) !== 0) {
      expect({ id, ...trial }).toEqual({ id, outcome: 'sent', frame: wanted });
    }
  }
  // All but 0xffff, which sums up to what an ones' complement can't be.
  expect(seen.size).toBe(0xffff);
});

test.each([
  ['as it is', (): void => undefined, 'sent'],
  ['with the last TTL', (frame: Uint8Array): void => void (frame[IP + 8] = 1), 'ttl'],
  ['from a loopback address', (frame: Uint8Array): void => void (frame[IP + 12] = 127), 'martian'],
  ['to where no route leads', (frame: Uint8Array): void => void (frame[IP + 16] = 11), 'discarded'],
  ['with options', (frame: Uint8Array): void => void (frame[IP] = 0x46), 'options'],
  ['of another MAC address', (frame: Uint8Array): void => void (frame[5]! ^= 1), 'discarded'],
] as const)('a packet %s', (_name, change, wanted) => {
  const frame = frameTo(0);
  change(frame);
  const { outcome, reason } = judge.forwarder.testRun('tc', 0, summed(frame));
  expect(outcome === 'slow' ? reason : outcome).toBe(wanted);
});

test('the program for XDP is there when it is asked for, and both are after the tables have grown', () => {
  const { forwarder } = judge;
  const sent = { outcome: 'sent', port: 1 };
  // Where the other port's card doesn't send for XDP, it is the engine's.
  const flags = layout.GLOBAL_PORTS + layout.PORT_WORDS + layout.PORT_FLAGS;
  forwarder.globals[flags]! &= ~layout.PORT_XDP_TARGET;
  expect(forwarder.testRun('xdp', 0, frameTo(0))).toMatchObject({ outcome: 'slow', reason: 'port' });
  forwarder.globals[flags]! |= layout.PORT_XDP_TARGET;
  expect(forwarder.testRun('xdp', 0, frameTo(0))).toMatchObject(sent);
  expect(forwarder.testRun('tc', 0, frameTo(0))).toMatchObject(sent);
  expect(forwarder.growHeap(forwarder.heap.length + 1)).toBe(true);
  forwarder.growCounters();
  expect(forwarder.testRun('xdp', 0, frameTo(0))).toMatchObject(sent);
  expect(forwarder.testRun('tc', 0, frameTo(0))).toMatchObject(sent);
});

test("a wrong checksum is the engine's, and padding is taken off", () => {
  const wrong = frameTo(0);
  wrong[IP + 10]! ^= 1;
  expect(judge.forwarder.testRun('tc', 0, wrong)).toMatchObject({ outcome: 'slow', reason: 'ipHeader' });
  const padded = Buffer.concat([frameTo(0), Buffer.alloc(4)]);
  const { outcome, frame } = judge.forwarder.testRun('tc', 0, padded);
  expect([outcome, frame.length]).toEqual(['sent', padded.length - 4]);
});

test('no packet takes the short way while the graph is changing, or its part of the table', () => {
  const { globals } = judge.forwarder;
  const outcome = (): string => {
    const trial = judge.forwarder.testRun('tc', 0, frameTo(0));
    return trial.outcome === 'slow' ? trial.reason : trial.outcome;
  };
  const turn = (from: number, words: number): void => {
    for (let at = from; at < from + words; at++) globals[at]! ^= 1;
  };
  for (const [from, words] of [
    [layout.GLOBAL_GRAPH_VERSION, 1],
    [layout.GLOBAL_TREE_VERSIONS, layout.TREE_VERSIONS],
  ] as const) {
    turn(from, words);
    expect(outcome()).toBe('busy');
    turn(from, words);
    expect(outcome()).toBe('sent');
  }
});
