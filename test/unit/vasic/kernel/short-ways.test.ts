/** What a port has of the records behind it for usual packets: always what the records say, whichever of them changed. */
import { AftField, type AftEntry, type AftInsert, type Token } from '../../../../src/aft/model';
import type { Sandbox } from '../../../../src/vasic/engine/api';
import type { KernelTables } from '../../../../src/vasic/kernel/image';
import * as layout from '../../../../src/vasic/kernel/layout';
import { portAt } from '../../../../src/vasic/kernel/port-table';
import { insert, int, MACS, remove } from '../../../fuzz/kernel/graph-parts';
import { DROP, GROUPS, leadOn, MATCH, NEIGHBOR, route, ROUTED, TREE, TYPES } from '../../../fuzz/kernel/routed-graph';
import { memoryTables, sandboxOn } from '../../../fuzz/kernel/tables';

const IP4 = 0x0800;
const IP6 = 0x86dd;
const OTHER_TREE = TREE + 50;

let tables: KernelTables;
let sandbox: Sandbox;

beforeEach(() => {
  tables = memoryTables();
  sandbox = sandboxOn(tables);
});

function put(what: Partial<AftInsert>): void {
  expect(sandbox.apply(insert(what))).toBeUndefined();
}

const typeTo = (type: number, next: Token): AftEntry => ({
  parent: TYPES,
  key: { field: AftField.EtherType, data: int(type) },
  next,
});

const word = (port: number, offset: number): number => tables.globals[portAt(port) + offset]!;

/** The families that have a short way from a port. */
const families = (port = 0): number => word(port, layout.PORT_SHORT);

/** The first word of the record that a port's IPv4 packets get to where no route leads. */
const otherwise = (): number =>
  tables.heap.words[
    tables.globals[layout.GLOBAL_RECORDS]! + word(0, layout.PORT_SHORT_DEFAULT4) * layout.RECORD_WORDS
  ]!;

test('a port with a route tree behind its MAC address has one, for the families that lead there', () => {
  expect(families()).toBe(0);
  put(ROUTED);
  expect(families()).toBe(layout.SHORT_IP4);
  const mac = Buffer.from(MACS[0]!);
  expect(word(0, layout.PORT_SHORT_HIGH)).toBe(mac.readUInt16BE(0));
  expect(word(0, layout.PORT_SHORT_LOW)).toBe(mac.readUInt32BE(2));
  expect(otherwise()).toBe(layout.KIND_DISCARD);
  put({ entries: [typeTo(IP6, TREE)] });
  expect(families()).toBe(layout.SHORT_IP4 | layout.SHORT_IP6);
  expect(word(0, layout.PORT_SHORT_ROOT4)).not.toBe(word(0, layout.PORT_SHORT_ROOT6));
  expect(sandbox.apply(remove([typeTo(IP4, TREE)], []))).toBeUndefined();
  expect(families()).toBe(layout.SHORT_IP6);
  expect(families(1)).toBe(0);
});

test('another tree, another default and another MAC address are the port’s as well', () => {
  put(ROUTED);
  const root = word(0, layout.PORT_SHORT_ROOT4);
  const tree = ROUTED.nodes!.find(({ token }) => token === TREE)!;
  put({ nodes: [{ ...tree, token: OTHER_TREE }] });
  put({ entries: [typeTo(IP4, OTHER_TREE)] });
  expect(word(0, layout.PORT_SHORT_ROOT4)).not.toBe(root);
  put({ entries: [typeTo(IP4, TREE)] });
  expect(word(0, layout.PORT_SHORT_ROOT4)).toBe(root);
  put({ nodes: [leadOn(GROUPS, NEIGHBOR)] });
  put({ nodes: [{ ...tree, defaultNext: GROUPS } as typeof tree] });
  expect(otherwise()).toBe(layout.KIND_ADJACENCY);
  const match = ROUTED.nodes!.find(({ token }) => token === MATCH)!;
  put({ nodes: [{ ...match, value: { kind: 'ether', bytes: MACS[2]! } } as typeof match] });
  expect(word(0, layout.PORT_SHORT_LOW)).toBe(Buffer.from(MACS[2]!).readUInt32BE(2));
});

test('routes don’t matter to it; a binding that goes, another node in the tree’s place and the sandbox’s end take it away', () => {
  put(ROUTED);
  put({ nodes: [leadOn(GROUPS, NEIGHBOR)], entries: [route(0, GROUPS), route(1, GROUPS)] });
  expect(families()).toBe(layout.SHORT_IP4);
  put({ binds: [{ port: 0, next: DROP }] });
  expect(families()).toBe(0);
  put({ binds: [{ port: 0, next: MATCH }] });
  expect(families()).toBe(layout.SHORT_IP4);
  put({ entries: [typeTo(IP4, DROP)] });
  expect(families()).toBe(0);
  put({ entries: [typeTo(IP4, TREE)] });
  sandbox.close();
  expect(families()).toBe(0);
});

test('an indirect in front of the tree, many more nodes, and a tree that goes, comes again and loses its lookups don’t confuse it', () => {
  const tree = ROUTED.nodes!.find(({ token }) => token === TREE)!;
  put(ROUTED);
  const root = word(0, layout.PORT_SHORT_ROOT4);
  put({ nodes: [leadOn(GROUPS, TREE)], entries: [typeTo(IP4, GROUPS)] });
  expect([families(), word(0, layout.PORT_SHORT_ROOT4)]).toEqual([layout.SHORT_IP4, root]);
  put({ nodes: Array.from({ length: 3000 }, (_, i) => leadOn(GROUPS + 1 + i, DROP)) });
  expect([families(), word(0, layout.PORT_SHORT_ROOT4)]).toEqual([layout.SHORT_IP4, root]);
  put({ nodes: [{ ...tree, params: {} } as typeof tree] });
  expect(families()).toBe(0);
  put({ nodes: [tree] });
  expect(families()).toBe(layout.SHORT_IP4);
  expect(sandbox.apply(remove([typeTo(IP4, GROUPS)], [GROUPS, TREE]))).toBeUndefined();
  expect(families()).toBe(0);
  put({ nodes: [tree], entries: [typeTo(IP4, TREE), route(0, DROP)] });
  expect(families()).toBe(layout.SHORT_IP4);
  expect(otherwise()).toBe(layout.KIND_DISCARD);
});
