/**
 * When the tables grow: never while a version is odd, as another instance of the program takes long to load, and every packet that meets an odd version meanwhile
 * goes the slow way.
 */
import { AftField, type AftEntry, type AftNode } from '../../../../src/aft/model';
import type { Sandbox } from '../../../../src/vasic/engine/api';
import * as layout from '../../../../src/vasic/kernel/layout';
import { createFastPath } from '../../../../src/vasic/kernel/image';
import { insert, int, PORTS, routeTo } from '../../../fuzz/kernel/graph-parts';
import { GROUPS, header, NEIGHBOR, ROUTED, TREE } from '../../../fuzz/kernel/routed-graph';
import { memoryTables, sandboxOn } from '../../../fuzz/kernel/tables';

/** Words to begin with, and counters: few, so that both grow often. */
const WORDS = 1 << 20;
const COUNTERS = 16;

interface Growth {
  readonly sandbox: Sandbox;
  /** How often each grew. */
  readonly grown: { heap: number; counters: number };
  /** How often the heap was told that it is about to. */
  readonly prepared: () => number;
  /** Whether changes had better wait, where what was begun is still being made ready. */
  readonly isMakingRoom: (preparing: boolean) => boolean;
}

/** A sandbox that complains when something grows within a change. */
function growing(): Growth {
  const tables = memoryTables(WORDS);
  const { globals, heap, counters } = tables;
  const grown = { heap: 0, counters: 0 };
  let prepared = 0;
  let preparing = false;
  const quiet = (): void => {
    const odd = [...globals.subarray(layout.GLOBAL_TREE_VERSIONS, layout.GLOBAL_TREE_VERSIONS + layout.TREE_VERSIONS)];
    expect([globals[layout.GLOBAL_GRAPH_VERSION]! & 1, odd.findIndex((version) => version & 1)]).toEqual([0, -1]);
  };
  let end = counters.first + COUNTERS;
  const backing = {
    globals,
    heap: {
      get words() {
        return heap.words;
      },
      grow() {
        quiet();
        expect(prepared).toBeGreaterThan(0);
        grown.heap++;
        return heap.grow();
      },
      prepare() {
        prepared++;
      },
      isPreparing: () => preparing,
    },
    counters: {
      ...{ first: counters.first, read: counters.read, port: counters.port },
      get end() {
        return end;
      },
      grow() {
        quiet();
        grown.counters++;
        end += COUNTERS;
        return true;
      },
    },
  };
  const fastPath = createFastPath(backing, PORTS);
  const sandbox = sandboxOn(backing, fastPath);
  expect(sandbox.apply(insert(ROUTED))).toBeUndefined();
  const isMakingRoom = (now: boolean): boolean => {
    preparing = now;
    return fastPath.isMakingRoom();
  };
  return { sandbox, grown, prepared: () => prepared, isMakingRoom };
}

/** Puts routes in, a thousand in each operation, as fpm2afi does. Before each that the heap grows in, changes had better waited. */
function put({ sandbox, grown, isMakingRoom }: Growth, routes: number, route: (n: number) => AftEntry): void {
  for (let n = 0; n < routes; n += 1000) {
    const entries = Array.from({ length: Math.min(1000, routes - n) }, (_, i) => route(n + i));
    const before = grown.heap;
    const advised = isMakingRoom(true);
    expect(isMakingRoom(false)).toBe(false);
    expect(sandbox.apply(insert({ entries }))).toBeUndefined();
    if (grown.heap > before) expect(advised).toBe(true);
  }
}

/** Spread over all of them, in no order. */
const scattered = (n: number): number => Math.imul(n, 0x9e3779b1) >>> 0;

function ip4(address: number, length: number): AftEntry {
  const bytes = Uint8Array.of(1 + ((address >>> 16) & 63), (address >>> 8) & 255, address & 255, 0);
  return routeTo(TREE, { bytes, length }, NEIGHBOR);
}

function ip6(address: number, length: number): AftEntry {
  const bytes = new Uint8Array(16);
  bytes.set([0x2a, (address >>> 16) & 63, (address >>> 8) & 255, address & 255]);
  if (length > 32) bytes.set([address >>> 24, (address >>> 20) & 255], 4);
  return routeTo(TREE, { bytes, length }, NEIGHBOR);
}

test.each([
  ['IPv4 in order', (n: number) => ip4(41 * n, 24)],
  ['IPv4 in no order', (n: number) => ip4(scattered(n), 24)],
  ['IPv6 in order', (n: number) => ip6(41 * n, 32)],
  ['IPv6 in no order', (n: number) => ip6(scattered(n), 48)],
])('the heap grows between changes: %s', (_, route) => {
  const growth = growing();
  const { grown, prepared } = growth;
  put(growth, 100_000, route);
  expect(grown.heap).toBeGreaterThan(0);
  // It is told well before, and not of each prefix.
  expect(prepared()).toBeLessThan(20_000);
});

test('so do the counters', () => {
  const { sandbox, grown } = growing();
  const nodes = Array.from({ length: 200 }, (_, i) => ({ ...header(i), token: GROUPS + i }));
  expect(sandbox.apply(insert({ nodes }))).toBeUndefined();
  expect(grown.counters).toBeGreaterThan(5);
});

test('and the heap for groups of which paths are missing', () => {
  const { sandbox, grown } = growing();
  const balancers = Array.from({ length: 3000 }, (_, i): AftNode => ({
    type: 'loadBalance',
    token: GROUPS + i,
    max: 256,
    fields: [],
  }));
  const entries = balancers.flatMap(({ token }) =>
    [1, 3, 200].map((at) => ({ parent: token, key: { field: AftField.None, data: int(at) }, next: NEIGHBOR })),
  );
  expect(sandbox.apply(insert({ nodes: balancers, entries }))).toBeUndefined();
  expect(grown.heap).toBeGreaterThan(0);
});
