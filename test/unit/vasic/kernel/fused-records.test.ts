/** Nodes in a row that are one record: that a packet passes few of them, and that a change of any reaches all records that have it. */
import { AftField, type AftEntry, type AftInsert, type Token } from '../../../../src/aft/model';
import type { Sandbox } from '../../../../src/vasic/engine/api';
import { outputPortToken } from '../../../../src/vasic/engine/ports';
import { MAX_STEPS } from '../../../../src/vasic/engine/walk';
import { decide } from '../../../../src/vasic/kernel/decide';
import type { KernelTables } from '../../../../src/vasic/kernel/image';
import * as layout from '../../../../src/vasic/kernel/layout';
import { FIRST, insert, int, PORTS, remove } from '../../../fuzz/kernel/graph-parts';
import {
  DROP,
  ENCAP,
  frameTo,
  GROUPS,
  header,
  leadOn,
  NEIGHBOR,
  route,
  ROUTED,
  TREE,
  TYPES,
  UNBOUND,
} from '../../../fuzz/kernel/routed-graph';
import { memoryTables, sandboxOn, setPort } from '../../../fuzz/kernel/tables';

let tables: KernelTables;
let sandbox: Sandbox;

beforeEach(() => {
  tables = memoryTables();
  sandbox = sandboxOn(tables);
  for (let port = 0; port < PORTS; port++) setPort(tables.globals, port, { mtu: 1500, up: true });
  put(ROUTED);
});

function put(what: Partial<AftInsert>): void {
  expect(sandbox.apply(insert(what))).toBeUndefined();
}

function take(entries: readonly AftEntry[], tokens: readonly Token[]): void {
  expect(sandbox.apply(remove(entries, tokens))).toBeUndefined();
}

/** Where the frame to the nth /24 goes: the last byte of the MAC address and the port; or what else becomes of it. */
function way(n: number): string {
  const decision = decide({ heap: tables.heap.words, globals: tables.globals }, 0, frameTo(n));
  if (decision.verdict === 'sent') return `${decision.macs[5]} by ${decision.port}`;
  return decision.verdict === 'slow' ? decision.reason : decision.verdict;
}

/** Kinds of the records that there are, by number. */
function kinds(): Record<number, number> {
  const found: Record<number, number> = {};
  const at = tables.globals[layout.GLOBAL_RECORDS]!;
  for (let slot = 1; slot < 4096; slot++) {
    const kind = tables.heap.words[at + slot * layout.RECORD_WORDS]!;
    found[kind] = (found[kind] ?? 0) + 1;
  }
  return found;
}

test('steps and nodes of a record are no more than what the engine does', () => {
  expect(layout.MAX_KERNEL_STEPS * layout.FUSED_NODES).toBeLessThanOrEqual(MAX_STEPS);
});

test('what fpm2afi builds in a row is one record: the port with the types, the group with neighbor, header and port', () => {
  put({ nodes: [leadOn(GROUPS, NEIGHBOR)], entries: [route(0, GROUPS)] });
  expect(way(0)).toBe('1 by 1');
  // The match and the input port bound to it; the group, the neighbor and the header.
  expect(kinds()).toMatchObject({ [layout.KIND_FRONT]: 2, [layout.KIND_TREE]: 1, [layout.KIND_ADJACENCY]: 3 });
  expect(kinds()[layout.KIND_GOTO]).toBe(UNBOUND);
});

test('a longer row is passed over in parts', () => {
  const nodes = Array.from({ length: 9 }, (_, i) => leadOn(GROUPS + i, i === 0 ? NEIGHBOR : GROUPS + i - 1));
  put({ nodes, entries: nodes.map(({ token }, i) => route(i, token)) });
  expect(nodes.map((_, i) => way(i))).toEqual(nodes.map(() => '1 by 1'));
  expect(kinds()[layout.KIND_GOTO]).toBeGreaterThan(UNBOUND);
  put({ nodes: [header(7, 2)] });
  expect(nodes.map((_, i) => way(i))).toEqual(nodes.map(() => '7 by 2'));
});

test('a change of one node reaches all records that have it, more than are ever written again for it', () => {
  const count = 3000;
  const nodes = Array.from({ length: count }, (_, i) => leadOn(GROUPS + i, NEIGHBOR));
  put({ nodes, entries: nodes.map(({ token }, i) => route(i, token)) });
  const all = (): Set<string> => new Set(nodes.map((_, i) => way(i)));
  expect(all()).toEqual(new Set(['1 by 1']));
  expect(kinds()[layout.KIND_ADJACENCY]).toBeLessThan(count);
  expect(kinds()[layout.KIND_GOTO]).toBeGreaterThan(UNBOUND);
  put({ nodes: [header(2, 3)] });
  expect(all()).toEqual(new Set(['2 by 3']));
  put({ nodes: [leadOn(NEIGHBOR, DROP)] });
  expect(all()).toEqual(new Set(['discarded']));
  put({ nodes: [leadOn(NEIGHBOR, ENCAP)] });
  expect(all()).toEqual(new Set(['2 by 3']));
});

test('a group goes to another neighbor, comes back, and goes away', () => {
  const [other, otherEncap] = [FIRST + 20, FIRST + 21];
  const second = { ...header(2, 3), token: otherEncap };
  put({ nodes: [second, leadOn(other, otherEncap), leadOn(GROUPS, NEIGHBOR)], entries: [route(0, GROUPS)] });
  put({ nodes: [leadOn(GROUPS, other)] });
  expect(way(0)).toBe('2 by 3');
  put({ nodes: [header(9)] });
  expect(way(0)).toBe('2 by 3');
  put({ nodes: [leadOn(GROUPS, NEIGHBOR)] });
  expect(way(0)).toBe('9 by 1');
  take([route(0, GROUPS)], [GROUPS]);
  expect(way(0)).toBe('discarded');
  put({ nodes: [{ ...second, next: outputPortToken(2) }, leadOn(GROUPS, other)], entries: [route(0, GROUPS)] });
  expect(way(0)).toBe('2 by 2');
});

test('ether types change behind a port that has them in its record', () => {
  put({ nodes: [leadOn(GROUPS, NEIGHBOR)], entries: [route(0, GROUPS)] });
  const ip4 = { parent: TYPES, key: { field: AftField.EtherType, data: int(0x0800) }, next: TREE };
  take([ip4], []);
  expect(way(0)).toBe('discarded');
  put({ entries: [ip4] });
  expect(way(0)).toBe('1 by 1');
});
