/**
 * A short run of `make fuzz`'s histories (test/fuzz/fib), always with the same seeds: whatever zebra, the kernel and the AFI
 * server do, in the end packets go where the last updates say, zebra is told so, and nothing is left when all is withdrawn.
 */
import { performance } from 'node:perf_hooks';
import { PuntReason } from '../../src/aft/model';
import { parseAddress, parsePrefix } from '../../src/net/address';
import { ForwardingState } from '../../src/fib/forwarding-state';
import { corpus } from '../fuzz/corpus';
import { describeEvent, type Event, type History } from '../fuzz/fib/events';
import { fuzzFib, historyFrom } from '../fuzz/fib/fib-fuzz';
import { Inputs } from '../fuzz/fib/inputs';
import { Oracle } from '../fuzz/fib/oracle';
import { play } from '../fuzz/fib/player';
import { reduce } from '../fuzz/fib/reduce';
import { ifindexOf, TABLE } from '../bed/bed';

jest.setTimeout(120_000);

const effort = { operations: 0, packets: 0, checks: 0 };

test('100 histories, nothing found', async () => {
  const result = await fuzzFib(1, 100, { now: () => performance.now() });
  expect(result.findings).toEqual([]);
  expect(result.checks).toBeGreaterThan(200);
  expect(result.packets).toBeGreaterThan(10_000);
});

test('a TAP with an address of its own that is renamed, in a VRF, and goes: its addresses are taken back before, as the mirror does', async () => {
  const result = await fuzzFib(9370, 1, { now: () => performance.now() });
  expect(result.findings).toEqual([]);
});

test('a history is made again by its seed, and has everything in it that may happen', () => {
  const seeds = corpus();
  const histories = Array.from({ length: 120 }, (_, seed) => historyFrom(seed, seeds));
  const texts = (history: History): string[] => history.events.map(describeEvent);
  expect(texts(historyFrom(7, seeds))).toEqual(texts(histories[7]!));
  const kinds = new Set(histories.flatMap(({ events }) => events.map((event) => event.do)));
  const all: Event['do'][] = ['fpm', 'kernel', 'port', 'answer', 'refuse', 'down', 'up', 'late', 'serverRestart'];
  for (const kind of [...all, 'otherClient', 'bridgeRestart', 'beginReplay', 'endReplay', 'check'])
    expect(kinds).toContain(kind);
});

test('a route that is never removed is found, and its history comes down to that route', async () => {
  const history = historyFrom(20, []);
  jest.spyOn(ForwardingState.prototype, 'takeRoute').mockImplementation(() => 0);
  const fault = await play(history, effort);
  expect(fault?.what).toMatch(/^entries that are missing/);
  const { events } = await reduce({ ...history, events: history.events.slice(0, fault!.at + 1) });
  jest.restoreAllMocks();
  expect(events).toEqual([]);
  expect(await play({ ...history, events }, effort)).toBeUndefined();
});

test('the model: the longest prefix, a neighbor on a connected subnet, and what is missed', () => {
  const inputs = new Inputs();
  const link = { kind: 'link', ifindex: ifindexOf(1), name: 'tap1', present: true, up: true, master: 0 } as const;
  const route = { kind: 'routeAdd', table: TABLE, protocol: 11, metric: 0 } as const;
  const path = { ifindex: ifindexOf(1), weight: 1 };
  inputs.applyKernel(link);
  inputs.applyFpm({ ...route, prefix: parsePrefix('10.0.1.0/24')!, target: { kind: 'paths', paths: [path] } });
  inputs.applyFpm({
    ...route,
    prefix: parsePrefix('20.0.0.0/16')!,
    target: { kind: 'paths', paths: [{ ...path, gateway: parseAddress('10.0.1.2')! }] },
  });
  const packet = (to: string): string[] => [...new Oracle(inputs, TABLE).packet(parseAddress(to)!)!];
  expect(packet('10.0.1.2')).toEqual([`punt ${PuntReason.Glean}`]);
  expect(packet('20.0.0.9')).toEqual([`punt ${PuntReason.Unresolved}`]);
  expect(packet('30.0.0.9')).toEqual([`punt ${PuntReason.NoRoute}`]);
  const mac = Uint8Array.of(2, 0, 0, 0, 0, 5);
  const neighbor = { source: 'kernel', ifindex: ifindexOf(1), address: parseAddress('10.0.1.2')! } as const;
  inputs.applyKernel({ kind: 'neighborAdd', ...neighbor, mac, state: 'reachable' });
  expect(packet('10.0.1.2')).toEqual(['p1 020000000005']);
  expect(packet('20.0.0.9')).toEqual(['p1 020000000005']);
  inputs.applyKernel({ ...link, up: false });
  expect(packet('20.0.0.9')).toEqual([`punt ${PuntReason.Unresolved}`]);
});

test("the model: a port is its VRF's table's, and what a popped label leads to is looked up in the device's table", () => {
  const inputs = new Inputs();
  const link = { kind: 'link', present: true, up: true, master: 0 } as const;
  inputs.applyKernel({ ...link, ifindex: 41, name: 'red', vrfTable: 100 });
  inputs.applyKernel({ ...link, ifindex: ifindexOf(1), name: 'tap1', master: 41 });
  inputs.applyKernel({ kind: 'addressAdd', ifindex: ifindexOf(1), address: parseAddress('10.0.1.1')!, length: 24 });
  expect([...inputs.tables()]).toEqual([TABLE, 100]);
  const packet = (table: number): string[] => [...new Oracle(inputs, table).packet(parseAddress('10.0.1.1')!)!];
  expect(packet(100)).toEqual([`punt ${PuntReason.Local}`]);
  expect(packet(TABLE)).toEqual([`punt ${PuntReason.NoRoute}`]);
  inputs.applyFpm({
    ...{ kind: 'lspAdd', label: 16, protocol: 1 },
    paths: [{ ifindex: 41, weight: 1, outLabels: [] }],
  });
  expect(new Oracle(inputs, TABLE).labelled(16)).toEqual({ lookup: 100 });
  inputs.applyKernel({ ...link, ifindex: ifindexOf(1), name: 'tap1' });
  expect([...inputs.tables()]).toEqual([TABLE]);
  expect(new Oracle(inputs, TABLE).labelled(16)).toEqual(new Set([`punt ${PuntReason.NotAPort}`]));
});
