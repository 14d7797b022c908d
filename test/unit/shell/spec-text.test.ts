/** Nodes and entries in the shell's words: whatever is written is read as the same, and what can't be read is told with the remedy. */
import * as fc from 'fast-check';
import { AftField, type AftInsert, type AftNode } from '../../../src/aft/model';
import { formatNode } from '../../../src/shell/node-text';
import { formatEntry, parseInsert, parseRemove } from '../../../src/shell/spec-text';
import type { TokenNames } from '../../../src/shell/tokens';
import { UsageError } from '../../../src/net/error-text';
import { splitWords } from '../../../src/shell/words';
import { entry, node } from '../aft/wire-arbitraries';

/** Ports ge0 and ge1, and nodes by their names: x2000 is 2000. */
const names: TokenNames = {
  named(name) {
    if (!/^x\d+$/.test(name)) throw new UsageError(`there is no node ${name}`);
    return Number(name.slice(1));
  },
  port: (direction, port) => (port === 'punt' ? 514 : (direction === 'in' ? 1 : 512) + names.portIndex(port)),
  portIndex(port) {
    const index = ['ge0', 'ge1'].indexOf(port);
    return index >= 0 ? index : Number(port);
  },
};
const insert = (text: string): AftInsert => parseInsert(splitWords(text), names);
const readNode = (text: string): AftNode => insert(text).nodes[0]!;

test('every node and entry is read as it was written', () => {
  fc.assert(
    fc.property(fc.array(node, { maxLength: 3 }), fc.array(entry, { minLength: 1, maxLength: 3 }), (nodes, entries) => {
      const line = [...nodes.map((one) => formatNode(one)), ...entries.map((one) => formatEntry(one))].join(' ');
      expect(line).not.toContain('\n');
      expect(insert(line)).toEqual({ nodes, entries });
    }),
    { numRuns: 2000 },
  );
});

test.each<[string, Omit<AftNode, 'token'>]>([
  ['discard', { type: 'discard' }],
  ['discard name=drop next=x2001', { type: 'discard', name: 'drop', next: 2001 }],
  ['list tokens=2001,discard,none,x2002', { type: 'list', tokens: [2001, 0, -1, 2002] } as never],
  ['counter', { type: 'counter', bytes: 0, packets: 0 } as never],
  ['policer rate=100 burst=10 packetMode=true', { type: 'policer', rate: 100, burst: 10, packetMode: true } as never],
  [
    'match field=packet.ether.type value=0x800 trueNext=x2001',
    {
      ...{ type: 'match', field: AftField.EtherType, op: 'eq', value: { kind: 'int', value: 0x800 } },
      ...{ trueNext: 2001, falseNext: -1 },
    } as never,
  ],
  [
    'tree rt.ttlExpired=x2003 route.string="a b"',
    {
      ...{ type: 'tree', fields: [AftField.PacketLookupKey], defaultNext: -1 },
      params: { 'rt.ttlExpired': { kind: 'int', value: 2003 }, 'route.string': { kind: 'string', value: 'a b' } },
    } as never,
  ],
  [
    'encap template=ethernet packet.ether.saddr=02:00:00:00:00:01 packet.ether.daddr=02-00-00-00-00-02 next=out:ge1 meta.nhid=7',
    {
      ...{ type: 'encap', template: 'ethernet', next: 513, params: { 'meta.nhid': { kind: 'int', value: 7 } } },
      keys: [
        { field: AftField.EtherSaddr, data: { kind: 'ether', bytes: Uint8Array.of(2, 0, 0, 0, 0, 1) } },
        { field: AftField.EtherDaddr, data: { kind: 'ether', bytes: Uint8Array.of(2, 0, 0, 0, 0, 2) } },
      ],
    } as never,
  ],
  ['receive code=noRoute', { type: 'receive', code: 1, context: 0 } as never],
  [
    'write packet.ip4.ttl=64',
    { type: 'write', op: 'set', key: { field: AftField.Ip4Ttl, data: { kind: 'int', value: 64 } } } as never,
  ],
  ['loadbalance max=2', { type: 'loadBalance', max: 2, fields: [] } as never],
  ['indirect target=punt', { type: 'indirect', target: 514 } as never],
])('node 2000 %s', (text, expected) => {
  expect(readNode(`node 2000 ${text}`)).toEqual({ token: 2000, ...expected });
});

test('several in a row are one operation', () => {
  const found = insert(
    'node 2000 discard entry 1030 10.0.0.0/8 -> 2000 entry 1031 packet.ip4.saddr=10.0.0.0/8 -> discard bind ge1 -> x1030',
  );
  const data = { kind: 'prefix', bytes: Uint8Array.of(10, 0, 0, 0), length: 8 };
  expect(found).toEqual({
    nodes: [{ token: 2000, type: 'discard' }],
    entries: [
      { parent: 1030, key: { field: AftField.Ip4Daddr, data }, next: 2000 },
      { parent: 1031, key: { field: AftField.Ip4Saddr, data }, next: 0 },
    ],
    binds: [{ port: 1, next: 1030 }],
  });
});

test('what is removed', () => {
  const data = { kind: 'label', value: 100 };
  expect(parseRemove(splitWords('2001 entry x1030 label:100 x2000'), names)).toEqual({
    entries: [{ parent: 1030, key: { field: AftField.None, data } }],
    tokens: [2001, 2000],
  });
});

test.each([
  ['', 'insert: what? node …, entry … or bind …'],
  ['nodes 2000 discard', 'nodes is nothing to insert: node, entry and bind are'],
  ['node', 'a node begins with its token, such as node 2000 discard'],
  ['node drop discard', 'node drop: a node begins with its token'],
  ['node 2000', 'node 2000: of which kind?'],
  ['node 2000 indirekt', 'there is no node kind indirekt; did you mean indirect?'],
  ['node 2000 x', 'there is no node kind x; there are discard, list,'],
  ['node 2000 indirect', 'node 2000 indirect: target=NODE is missing'],
  ['node 2000 indirect target=', 'node 2000 indirect: target: nothing is no node'],
  ['node 2000 indirect target=gone', 'there is no node gone'],
  ['node 2000 indirect target=-5', 'node 2000 indirect: target: -5 is no node: a token (2000), a node'],
  ['node 2000 indirect target=1 target=2', 'node 2000 indirect: target is given twice'],
  ['node 2000 indirect tarGet=1', 'node 2000 indirect: it has no tarGet; did you mean target?'],
  ['node 2000 discard something=1', 'it has no something; it has name, next, and parameters with a dot'],
  ['node 2000 discard drop', 'node 2000 discard: drop is not NAME=VALUE'],
  [
    'node 2000 tree fields=packet.ip4.dadr',
    'tree: fields: there is no field packet.ip4.dadr; did you mean packet.ip4.daddr?',
  ],
  ['node 2000 match field=packet.ip4.ttl value=x', 'match: value: x is no value, such as 42'],
  ['node 2000 match field=packet.ip4.ttl value=1 op=is', 'match: op: is is none of eq, ne'],
  ['node 2000 policer rate=-1 burst=1', 'policer: rate: -1 is not a whole number from 0'],
  ['node 2000 write packet.ip4.ttl=1 packet.ip4.tos=1', 'node 2000 write: it writes one field'],
  ['node 2000 encap template=label label.value=!', 'encap: label.value: ! is no value'],
  ['entry', 'entry: the node that it is in is missing'],
  ['entry 1030', 'entry 1030: a key is missing'],
  ['entry 1030 10.0.0.0/8', 'entry 1030 10.0.0.0/8: -> is missing'],
  ['entry 1030 10.0.0.0/8 -', 'a shell takes > for itself: put the whole in quotes'],
  ['entry 1030 10.0.0.0/8 2000', 'entry 1030 10.0.0.0/8: 2000 where -> belongs'],
  ['entry 1030 10.0.0.0/8 ->', 'entry 1030 10.0.0.0/8: where it leads is missing'],
  ['entry 1030 10.0.0.0/8/9 -> 1', 'entry 1030 10.0.0.0/8/9: 10.0.0.0/8/9 is no value'],
  ['entry 1030 1 -> 2000 discard', 'discard is nothing to insert'],
  ['entry 1030 1 -> 2000 next=1', 'next=1 is no parameter, such as route.string="text"'],
  ['node 2000 discard name="drop', 'no " ends what begins at'],
  ['node 2000 discard name="\\x"', 'in quotes, \\ stands before'],
])('%j: %s', (text, message) => {
  expect(() => insert(text)).toThrow(UsageError);
  expect(() => insert(text)).toThrow(message);
});

test('a comment ends a line; quotes keep blanks, signs and what looks like a comment', () => {
  expect(splitWords('  insert node 1 discard name="a #b = \\"c\\"" # drops')).toEqual([
    ...['insert', 'node', '1', 'discard', 'name="a #b = \\"c\\""'],
  ]);
  expect(splitWords('a#b #c')).toEqual(['a#b']);
  expect(splitWords('')).toEqual([]);
});
