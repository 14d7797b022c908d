/** Inserts and removes: strictness, all or nothing, reference counts, names, limits, and reading back. */
import fc from 'fast-check';
import { AftField } from '../../../src/aft/model';
import type { AftEntry, AftError, AftNode, AftOperation, Token } from '../../../src/aft/model';
import { parsePrefix } from '../../../src/net/address';
import { entry, ethernet, int, ip4Frame, label, out, prefix, PUNT, route, testbed, tree } from './testbed';
import type { Testbed } from './testbed';

const counter = (token: Token, next?: Token): AftNode => ({
  type: 'counter',
  token,
  bytes: 0,
  packets: 0,
  ...(next === undefined ? {} : { next }),
});
const indirect = (token: Token, target: Token): AftNode => ({ type: 'indirect', token, target });

/** The wire can carry any number. */
const NO_FIELD: number = 99;

/** Everything a client can see of a sandbox. */
function state(bed: Testbed): unknown {
  const nodes = [...bed.sandbox.find({})].sort((a, b) => a.token - b.token);
  const server = [0, 1, 2, 3, out(0), out(1), out(2), PUNT];
  const tokens = [...server, ...nodes.map((node) => node.token)];
  const entries = nodes.map((node) =>
    [...(bed.sandbox.entriesOf(node.token) ?? [])].map((e) => JSON.stringify(e)).sort(),
  );
  const { nodes: nodeCount, entries: entryCount } = bed.sandbox.info();
  return { nodes, infos: bed.sandbox.nodeInfo(tokens), entries, nodeCount, entryCount };
}

describe('refusals', () => {
  const node = (
    error: AftError['code'],
    pattern: RegExp,
    bad: AftNode,
  ): [string, AftError['code'], RegExp, AftNode] => [`${bad.type}: ${pattern.source}`, error, pattern, bad];
  test.each([
    node('unknownToken', /no node 9999/, counter(2000, 9999)),
    node('unknownToken', /no node 9999/, { type: 'list', token: 2000, tokens: [PUNT, 9999] }),
    node('unknownToken', /has to lead somewhere/, indirect(2000, -1)),
    node('unknownToken', /no node 2000/, indirect(2000, 2000)),
    node('unknownToken', /no node 9999/, tree(2000, {}, 9999)),
    node('unknownToken', /no node 9999/, tree(2000, { ttl: 9999 })),
    node('unknownToken', /no node 9999/, tree(2000, { mtu: 9999 })),
    node('invalid', /rt.ttlExpired names no node/, tree(2000, { ttl: -1 })),
    node('unknownToken', /no node 9999/, {
      type: 'match',
      token: 2000,
      field: AftField.Ip4Ttl,
      op: 'eq',
      value: int(1),
      trueNext: 9999,
      falseNext: -1,
    }),
    node('invalid', /server's/, counter(1023)),
    node('invalid', /server's/, { type: 'outputPort', token: PUNT, index: 0 }),
    node('invalid', /no token/, counter(NaN)),
    node('exists', /is a tree node already/, counter(3000)),
    node('exists', /'routes' is tree node 3000's/, { ...tree(2000), name: 'routes' }),
    node('invalid', /longer than/, { ...counter(2000), name: 'x'.repeat(256) }),
    node('invalid', /at most 64/, { type: 'list', token: 2000, tokens: Array<number>(65).fill(PUNT) }),
    node('invalid', /rate/, { type: 'policer', token: 2000, rate: -1, burst: 1, packetMode: false }),
    node('invalid', /burst/, { type: 'policer', token: 2000, rate: 1, burst: 0, packetMode: false }),
    node('invalid', /whole numbers/, { type: 'counter', token: 2000, bytes: -1, packets: 0 }),
    node('invalid', /does not fit packet.ip4.ttl/, {
      type: 'match',
      token: 2000,
      field: AftField.Ip4Ttl,
      op: 'eq',
      value: int(256),
      trueNext: -1,
      falseNext: -1,
    }),
    node('invalid', /no field 99/, {
      type: 'match',
      token: 2000,
      field: NO_FIELD,
      op: 'eq',
      value: int(1),
      trueNext: -1,
      falseNext: -1,
    }),
    node('invalid', /string value/, {
      type: 'match',
      token: 2000,
      field: AftField.Ip4Ttl,
      op: 'eq',
      value: { kind: 'string', value: 'x' },
      trueNext: -1,
      falseNext: -1,
    }),
    node('invalid', /host bits/, {
      type: 'match',
      token: 2000,
      field: AftField.Ip4Daddr,
      op: 'eq',
      value: prefix('10.0.0.1/8'),
      trueNext: -1,
      falseNext: -1,
    }),
    node('invalid', /cannot be used as a number/, {
      type: 'switch',
      token: 2000,
      field: AftField.Ip6Daddr,
      defaultNext: -1,
    }),
    node('invalid', /needs a field/, { type: 'tree', token: 2000, fields: [], defaultNext: PUNT }),
    node('invalid', /vlan1 cannot be looked up/, {
      type: 'tree',
      token: 2000,
      fields: [AftField.EtherVlan1],
      defaultNext: PUNT,
    }),
    node('invalid', /exactly one field/, { type: 'table', token: 2000, fields: [], size: 1, defaultNext: PUNT }),
    node('invalid', /size of at least 1/, {
      type: 'table',
      token: 2000,
      fields: [AftField.EtherVlan1],
      size: 0,
      defaultNext: PUNT,
    }),
    node('invalid', /has no entries to look up/, { type: 'lookup', token: 2000, fields: [], container: PUNT }),
    node('invalid', /ttl cannot be looked up/, {
      type: 'lookup',
      token: 2000,
      fields: [AftField.Ip4Ttl],
      container: 3000,
    }),
    node('invalid', /1 to 4096 paths/, { type: 'loadBalance', token: 2000, max: 0, fields: [] }),
    node('invalid', /no encapsulation 'vxlan'/, { type: 'encap', token: 2000, template: 'vxlan', keys: [] }),
    node('invalid', /needs packet.ether.daddr/, {
      type: 'encap',
      token: 2000,
      template: 'ethernet',
      keys: [{ field: AftField.EtherSaddr, data: { kind: 'ether', bytes: new Uint8Array(6) } }],
    }),
    node('invalid', /doesn't set packet.ip4.ttl/, {
      type: 'encap',
      token: 2000,
      template: 'ethernet',
      keys: [{ field: AftField.Ip4Ttl, data: int(1) }],
    }),
    node('invalid', /label.value/, label(2000, 0x100000)),
    node('invalid', /label.value/, { type: 'encap', token: 2000, template: 'label', keys: [] }),
    node('invalid', /no decapsulation 'ip'/, { type: 'decap', token: 2000, template: 'ip' }),
    node('invalid', /code from 0 to 255/, { type: 'receive', token: 2000, code: 256, context: 0 }),
    node('invalid', /meta.ifinput cannot be written/, {
      type: 'write',
      token: 2000,
      key: { field: AftField.MetaIfInput, data: int(1) },
      op: 'set',
    }),
    node('invalid', /needs an IPv6 address/, {
      type: 'write',
      token: 2000,
      key: { field: AftField.Ip6Daddr, data: int(1) },
      op: 'set',
    }),
    node('invalid', /no input port 3/, { type: 'inputPort', token: 2000, index: 3 }),
    node('invalid', /no output port 4/, { type: 'outputPort', token: 2000, index: 4 }),
    node('invalid', /name of a sandbox/, { type: 'sandboxLink', token: 2000, sandbox: '', port: 0 }),
  ])('%s', (_what, code, pattern, bad) => {
    const bed = testbed();
    bed.insert({ nodes: [{ ...tree(3000), name: 'routes' }] });
    const before = state(bed);
    const error = bed.tryInsert({ nodes: [counter(2001), bad], entries: [route(3000, '10.0.0.0/8', PUNT)] });
    expect(error).toMatchObject({ code, item: { list: 'node', index: 1 } });
    expect(error!.message).toMatch(pattern);
    expect(state(bed)).toEqual(before);
  });

  const bad = (
    error: AftError['code'],
    pattern: RegExp,
    what: AftEntry,
  ): [string, AftError['code'], RegExp, AftEntry] => [pattern.source, error, pattern, what];
  test.each([
    bad('unknownParent', /no node 9999 for it to be in/, route(9999, '10.0.0.0/8', PUNT)),
    bad('unknownToken', /no node 9999 to lead to/, route(3000, '10.0.0.0/8', 9999)),
    bad('unknownToken', /no node -1 to lead to/, route(3000, '10.0.0.0/8', -1)),
    bad('invalid', /counter node 3003 has no entries/, route(3003, '10.0.0.0/8', PUNT)),
    bad('invalid', /host bits set/, {
      ...route(3000, '10.0.0.0/8', PUNT),
      key: { field: AftField.Ip4Daddr, data: prefix('10.0.0.1/8') },
    }),
    bad('invalid', /33 is no prefix length/, {
      parent: 3000,
      next: PUNT,
      key: { field: AftField.Ip4Daddr, data: prefix('10.0.0.0/33') },
    }),
    bad('invalid', /16 bytes are no address for packet.ip4.daddr/, {
      parent: 3000,
      next: PUNT,
      key: { field: AftField.Ip4Daddr, data: prefix('::/0') },
    }),
    bad('invalid', /5 bytes are no address/, {
      parent: 3000,
      next: PUNT,
      key: { field: AftField.PacketLookupKey, data: { kind: 'prefix', bytes: new Uint8Array(5), length: 0 } },
    }),
    bad('invalid', /int value is no key/, entry(3000, 1, PUNT)),
    bad('invalid', /keys of packet.ip6.saddr, not packet.ip6.daddr/, route(3004, '::/0', PUNT)),
    bad('invalid', /key 10 is beyond its last, 9/, entry(3001, 10, PUNT)),
    bad('invalid', /prefix value is no key here/, {
      ...route(3001, '10.0.0.0/8', PUNT),
      key: { field: AftField.None, data: prefix('10.0.0.0/8') },
    }),
    bad('invalid', /does not fit packet.ether.vlan1/, entry(3005, 4096, PUNT)),
    bad('invalid', /keys of packet.ether.vlan1, not packet.ip4.ttl/, entry(3001, 1, PUNT, AftField.Ip4Ttl)),
    bad('invalid', /key 2 is beyond its last, 1/, entry(3002, 2, PUNT)),
    bad('invalid', /int value is no key/, entry(3002, -1, PUNT)),
  ])('entry: %s', (_what, code, pattern, what) => {
    const bed = testbed();
    bed.insert({
      nodes: [
        tree(3000),
        { type: 'table', token: 3001, fields: [AftField.EtherVlan1], size: 10, defaultNext: 0 },
        { type: 'loadBalance', token: 3002, max: 2, fields: [] },
        counter(3003),
        { type: 'tree', token: 3004, fields: [AftField.Ip6Saddr], defaultNext: 0 },
        { type: 'switch', token: 3005, field: AftField.EtherVlan1, defaultNext: 0 },
      ],
      entries: [route(3000, '192.0.2.0/24', 3003)],
    });
    const before = state(bed);
    const good = [route(3000, '192.0.2.0/24', PUNT), route(3000, '203.0.113.0/24', 3003)];
    const error = bed.tryInsert({ nodes: [counter(2000)], entries: [...good, what], binds: [{ port: 0, next: 3000 }] });
    expect(error).toMatchObject({ code, item: { list: 'entry', index: 2 } });
    expect(error!.message).toMatch(pattern);
    expect(state(bed)).toEqual(before);
  });

  test('binds: unknown port, unknown node', () => {
    const bed = testbed();
    bed.insert({ nodes: [counter(2000)], binds: [{ port: 1, next: 2000 }] });
    const before = state(bed);
    const error = bed.tryInsert({
      binds: [
        { port: 1, next: PUNT },
        { port: 3, next: PUNT },
      ],
    });
    expect(error).toMatchObject({ code: 'invalid', item: { list: 'bind', index: 1 } });
    expect(bed.tryInsert({ binds: [{ port: 0, next: 9999 }] })).toMatchObject({ code: 'unknownToken' });
    expect(state(bed)).toEqual(before);
  });

  test('told to refuse: exactly that prefix, the whole operation', () => {
    const bed = testbed({ refuse: [parsePrefix('10.0.0.0/8')!, parsePrefix('2001:db8::/32')!] });
    bed.insert({ nodes: [tree(3000)] });
    const before = state(bed);
    for (const text of ['10.0.0.0/8', '2001:db8::/32']) {
      const error = bed.tryInsert({ entries: [route(3000, '10.0.0.0/9', PUNT), route(3000, text, PUNT)] });
      expect(error).toMatchObject({ code: 'refused', item: { list: 'entry', index: 1 } });
      expect(error!.message).toContain(text);
      expect(state(bed)).toEqual(before);
    }
    bed.insert({ entries: [route(3000, '10.0.0.0/9', PUNT), route(3000, '2001:db8::/33', PUNT)] });
  });

  test('full: replacing still works, removing makes room, all trees count together', () => {
    const bed = testbed({ maxEntries: 2 });
    bed.insert({ nodes: [tree(3000), tree(3001), { type: 'loadBalance', token: 3002, max: 8, fields: [] }] });
    bed.insert({ entries: [route(3000, '10.0.0.0/8', PUNT), route(3001, '::/0', PUNT), entry(3002, 1, PUNT)] });
    const before = state(bed);
    expect(bed.tryInsert({ entries: [route(3000, '10.0.0.0/8', 0), route(3000, '11.0.0.0/8', PUNT)] })).toMatchObject({
      code: 'full',
      item: { list: 'entry', index: 1 },
    });
    expect(state(bed)).toEqual(before);
    bed.insert({ entries: [route(3000, '10.0.0.0/8', 0), entry(3002, 2, PUNT)] });
    expect(bed.tryRemove({ entries: [route(3001, '::/0', 0)] })).toBeUndefined();
    bed.insert({ entries: [route(3000, '11.0.0.0/8', PUNT)] });
  });
});

describe('removal', () => {
  test('what is referenced stays: by a node, an entry, a port, a default, a parameter', () => {
    const bed = testbed();
    bed.insert({
      nodes: [
        counter(2000),
        counter(2001),
        counter(2002),
        counter(2003),
        counter(2004),
        counter(2005, 2000),
        tree(3000, { ttl: 2003, mtu: 2004 }, 2001),
      ],
      entries: [route(3000, '10.0.0.0/8', 2002)],
      binds: [{ port: 0, next: 2005 }],
    });
    const before = state(bed);
    for (const token of [2000, 2001, 2002, 2003, 2004, 2005]) {
      const error = bed.tryRemove({ tokens: [token] });
      expect(error).toMatchObject({ code: 'inUse', item: { list: 'token', index: 0 } });
      expect(error!.message).toContain(String(token));
    }
    expect(state(bed)).toEqual(before);
    expect(bed.sandbox.nodeInfo([2000, 2001, 2002, 2003, 2004, 2005]).map((info) => info.references)).toEqual([
      1, 1, 1, 1, 1, 1,
    ]);
  });

  test('a container with entries goes only together with them', () => {
    const bed = testbed();
    bed.insert({ nodes: [tree(3000), counter(2000)], entries: [route(3000, '10.0.0.0/8', 2000)] });
    expect(bed.tryRemove({ tokens: [3000] })).toMatchObject({ code: 'inUse' });
    expect(bed.tryRemove({ entries: [route(3000, '10.0.0.0/8', 0)], tokens: [3000, 2000] })).toBeUndefined();
    expect(bed.sandbox.info()).toMatchObject({ nodes: 0, entries: 0 });
  });

  test('tokens in the order given: pointers before what they point at', () => {
    const bed = testbed();
    bed.insert({ nodes: [counter(2000), counter(2001, 2000)] });
    const before = state(bed);
    expect(bed.tryRemove({ tokens: [2000, 2001] })).toMatchObject({ code: 'inUse' });
    expect(state(bed)).toEqual(before);
    expect(bed.tryRemove({ tokens: [2001, 2000] })).toBeUndefined();
  });

  test("unknown things, and the server's own", () => {
    const bed = testbed();
    bed.insert({ nodes: [tree(3000)] });
    expect(bed.tryRemove({ tokens: [9999] })).toMatchObject({ code: 'unknownToken' });
    for (const token of [0, 1, out(0), PUNT])
      expect(bed.tryRemove({ tokens: [token] })).toMatchObject({ code: 'invalid' });
    expect(bed.tryRemove({ entries: [route(3000, '10.0.0.0/8', 0)] })).toMatchObject({
      code: 'unknownEntry',
      item: { list: 'entry', index: 0 },
    });
    expect(bed.tryRemove({ entries: [route(9999, '10.0.0.0/8', 0)] })).toMatchObject({ code: 'unknownParent' });
  });

  test('a failed removal puts everything back', () => {
    const bed = testbed();
    bed.insert({
      nodes: [counter(2000), { ...tree(3000), name: 'routes' }, { ...counter(2002), name: 'gone' }],
      entries: [{ ...route(3000, '10.0.0.0/8', 2000), params: { 'route.string': { kind: 'string', value: 'x' } } }],
    });
    const before = state(bed);
    expect(bed.tryRemove({ entries: [route(3000, '10.0.0.0/8', 0)], tokens: [2002, 3000, 9999] })).toMatchObject({
      code: 'unknownToken',
    });
    expect(state(bed)).toEqual(before);
    expect(bed.sandbox.find({ name: 'gone' })).toHaveLength(1);
  });
});

describe('insertion', () => {
  test('within one operation, later items use earlier ones', () => {
    const bed = testbed();
    bed.insert({
      nodes: [counter(2000), counter(2001, 2000), tree(3000, {}, 2001)],
      entries: [route(3000, '10.0.0.0/8', 2000)],
      binds: [{ port: 0, next: 3000 }],
    });
    expect(bed.tryInsert({ nodes: [counter(2011, 2010), counter(2010)] })).toMatchObject({ code: 'unknownToken' });
  });

  test('nodes of different types may bear one name', () => {
    const bed = testbed();
    const named = (name: string, type?: AftNode['type']): Token[] =>
      bed.sandbox.find({ name, ...(type === undefined ? {} : { type }) }).map(({ token }) => token);
    bed.insert({
      nodes: [
        { ...tree(3000), name: 'a' },
        { ...counter(2000), name: 'a' },
      ],
    });
    expect([named('a'), named('a', 'tree'), named('a', 'counter'), named('a', 'list')]).toEqual([
      [3000, 2000],
      [3000],
      [2000],
      [],
    ]);
    expect(bed.tryInsert({ nodes: [{ ...counter(2001), name: 'a' }] })).toMatchObject({ code: 'exists' });
    expect(bed.tryInsert({ nodes: [{ ...counter(2000), name: 'b' }, counter(2001, 9999)] })).toBeDefined();
    expect([named('a'), named('b')]).toEqual([[3000, 2000], []]);
    bed.insert({ nodes: [{ ...tree(3000), name: 'b' }] });
    expect([named('a'), named('b')]).toEqual([[2000], [3000]]);
    expect(bed.tryRemove({ tokens: [2000] })).toBeUndefined();
    expect(named('a')).toEqual([]);
  });

  test('the same token and type: replaced in place, entries and references kept', () => {
    const bed = testbed();
    bed.insert({
      nodes: [counter(2000), { ...tree(3000), name: 'a' }],
      entries: [route(3000, '10.0.0.0/8', 2000)],
      binds: [{ port: 0, next: 3000 }],
    });
    bed.insert({ nodes: [{ ...tree(3000, {}, 2000), name: 'b' }] });
    expect(bed.sandbox.info()).toMatchObject({ nodes: 2, entries: 1 });
    expect(bed.sandbox.nodeInfo([3000, 2000])).toMatchObject([{ entries: 1, references: 1 }, { references: 2 }]);
    expect(bed.sandbox.find({ name: 'a' })).toEqual([]);
    expect(bed.sandbox.find({ name: 'b' })).toHaveLength(1);
    bed.insert({ nodes: [{ ...counter(2000), name: 'a' }, tree(3000)] });
    expect(bed.sandbox.find({ name: 'b' })).toEqual([]);
    expect(bed.sandbox.nodeInfo([2000])).toMatchObject([{ references: 1 }]);
  });

  test('a container with entries keeps what they were keyed by', () => {
    const bed = testbed();
    const table: AftNode = { type: 'table', token: 3001, fields: [AftField.EtherVlan1], size: 10, defaultNext: 0 };
    const balancer: AftNode = { type: 'loadBalance', token: 3002, max: 4, fields: [] };
    const choice: AftNode = { type: 'switch', token: 3003, field: AftField.EtherVlan1, defaultNext: 0 };
    const withFields = { ...tree(3000), fields: [AftField.Ip4Saddr] } as AftNode;
    const smaller = [
      withFields,
      { ...table, size: 9 },
      { ...balancer, max: 3 },
      { ...choice, field: AftField.Ip4Ttl },
    ] as AftNode[];
    bed.insert({ nodes: [tree(3000), table, balancer, choice] });
    bed.insert({ nodes: smaller });
    bed.insert({ nodes: [tree(3000), table, balancer, choice] });
    bed.insert({
      entries: [route(3000, '10.0.0.0/8', PUNT), entry(3001, 1, PUNT), entry(3002, 1, PUNT), entry(3003, 1, PUNT)],
    });
    const before = state(bed);
    for (const node of smaller) {
      const error = bed.tryInsert({ nodes: [node] });
      expect(error).toMatchObject({ code: 'invalid' });
      expect(error!.message).toMatch(/remove them before/);
    }
    expect(state(bed)).toEqual(before);
    bed.insert({
      nodes: [
        { ...table, size: 20 },
        { ...balancer, max: 9 },
      ] as AftNode[],
    });
    expect(bed.sandbox.nodeInfo([3001, 3002]).map((info) => info.entries)).toEqual([1, 1]);
  });

  test('a refused operation changes no counter, even one that it replaced', () => {
    const bed = testbed();
    bed.insert({ nodes: [counter(2000, PUNT)], binds: [{ port: 0, next: 2000 }] });
    bed.receive(ip4Frame());
    expect(bed.tryInsert({ nodes: [counter(2000, PUNT), counter(2001, 9999)] })).toMatchObject({
      code: 'unknownToken',
    });
    bed.receive(ip4Frame());
    expect(bed.sandbox.nodeInfo([2000])[0]).toMatchObject({ packets: 2 });
  });

  test('binding to none unbinds', () => {
    const bed = testbed();
    bed.insert({ nodes: [counter(2000)], binds: [{ port: 0, next: 2000 }] });
    bed.insert({ binds: [{ port: 0, next: -1 }] });
    expect(bed.tryRemove({ tokens: [2000] })).toBeUndefined();
    bed.receive(ip4Frame());
    expect(bed.sandbox.drops()).toEqual({ unbound: 1 });
  });
});

describe('reading back', () => {
  test('info: identity, port tables with the punt port last, counts', () => {
    const bed = testbed();
    bed.insert({ nodes: [tree(3000)], entries: [route(3000, '10.0.0.0/8', PUNT)] });
    const info = bed.sandbox.info();
    expect(info).toMatchObject({ id: 7, engine: 'trio', name: 'green', instance: 'i1', nodes: 1, entries: 1 });
    expect(info.inputPorts.map((port) => port.token)).toEqual([1, 2, 3]);
    expect(info.outputPorts.map((port) => [port.index, port.name, port.token])).toEqual([
      [0, 'ge-0/0/0', out(0)],
      [1, 'ge-0/0/1', out(1)],
      [2, 'ge-0/0/2', out(2)],
      [3, 'punt', PUNT],
    ]);
  });

  test('find: by token, name and type, alone and together', () => {
    const bed = testbed();
    const nodes = [{ ...tree(3000), name: 'routes' }, ethernet(2000, out(1)), ethernet(2001, out(1))];
    bed.insert({ nodes });
    const found = (request: Parameters<typeof bed.sandbox.find>[0]): Token[] =>
      bed.sandbox.find(request).map((n) => n.token);
    expect(bed.sandbox.find({})).toEqual(nodes);
    expect(found({ type: 'encap' })).toEqual([2000, 2001]);
    expect(found({ name: 'routes' })).toEqual([3000]);
    expect(found({ name: 'routes', type: 'encap' })).toEqual([]);
    expect(found({ tokens: [2001, 9999, PUNT] })).toEqual([2001, PUNT]);
    expect(found({ type: 'outputPort' })).toEqual([out(0), out(1), out(2), PUNT]);
  });

  test('entries come back as they went in, parameters included', () => {
    const bed = testbed();
    bed.insert({ nodes: [tree(3000), { type: 'loadBalance', token: 3002, max: 4, fields: [] }] });
    const routes: AftEntry[] = [
      { ...route(3000, '10.0.0.0/8', PUNT), params: { 'route.hwFlush': int(0) } },
      route(3000, '0.0.0.0/0', 0),
      route(3000, '10.1.2.3/32', out(1)),
      route(3000, '2001:db8::/32', out(2)),
      route(3000, '2001:db8::1/128', PUNT),
    ];
    bed.insert({ entries: [...routes, entry(3002, 3, PUNT)] });
    const byText = (list: Iterable<AftEntry>): string[] => [...list].map((e) => JSON.stringify(e)).sort();
    expect(byText(bed.sandbox.entriesOf(3000)!)).toEqual(byText(routes));
    expect([...bed.sandbox.entriesOf(3002)!]).toEqual([entry(3002, 3, PUNT)]);
    expect(bed.sandbox.entriesOf(PUNT)).toBeUndefined();
    expect(bed.sandbox.entriesOf(9999)).toBeUndefined();
    bed.insert({ entries: [route(3000, '10.0.0.0/8', PUNT)] });
    expect([...bed.sandbox.entriesOf(3000)!].every((e) => e.params === undefined)).toBe(true);
  });

  test('unknown nodes are answered as not found', () => {
    const bed = testbed();
    expect(bed.sandbox.nodeInfo([9999])).toEqual([
      { token: 9999, found: false, packets: 0, bytes: 0, drops: 0, entries: 0, references: 0, counted: false },
    ]);
  });
});

describe('any sequence of operations', () => {
  /** Each token has a type of its own, so that most replacements are sound. */
  const token = fc.integer({ min: 2000, max: 2007 });
  const anyTarget = fc.oneof({ weight: 3, arbitrary: token }, fc.constantFrom(PUNT, 0), {
    weight: 1,
    arbitrary: fc.constant(-1),
  });
  const node: fc.Arbitrary<AftNode> = fc
    .tuple(token, anyTarget, fc.array(anyTarget, { maxLength: 3 }))
    .map(([at, to, list]) => {
      if (at < 2002) return tree(at, {}, to);
      if (at < 2003) return { type: 'loadBalance', token: at, max: 3, fields: [] };
      if (at < 2005) return counter(at, to);
      return at < 2006 ? indirect(at, to) : { type: 'list', token: at, tokens: list };
    });
  const parent = fc.integer({ min: 2000, max: 2001 });
  const prefixes = fc.constantFrom('0.0.0.0/0', '10.0.0.0/8', '10.1.0.0/16', '198.51.100.0/24', '::/0');
  const anyEntry = fc.oneof(
    fc.tuple(parent, prefixes, anyTarget).map(([at, text, next]) => route(at, text, next)),
    fc.tuple(fc.constantFrom(2002, 2002, 2003), fc.nat(3), anyTarget).map(([at, key, next]) => entry(at, key, next)),
  );
  const operation: fc.Arbitrary<AftOperation> = fc.oneof(
    fc
      .record({
        nodes: fc.array(node, { maxLength: 2 }),
        entries: fc.array(anyEntry, { maxLength: 2 }),
        binds: fc.array(fc.record({ port: fc.nat(2), next: anyTarget }), { maxLength: 1 }),
      })
      .map((insert): AftOperation => ({ kind: 'insert', insert })),
    fc
      .record({ entries: fc.array(anyEntry, { maxLength: 1 }), tokens: fc.array(token, { maxLength: 2 }) })
      .map((remove): AftOperation => ({ kind: 'remove', remove })),
  );
  const start: AftNode[] = [2003, 2004].map((at) => counter(at, PUNT));

  test('refused ones change nothing; reference counts are what a recount finds; packets always end', () => {
    let accepted = 0;
    let refused = 0;
    fc.assert(
      fc.property(fc.array(operation, { minLength: 15, maxLength: 40 }), (operations) => {
        const bed = testbed();
        bed.insert({ nodes: [...start, tree(2000), tree(2001), indirect(2005, 2000)] });
        const bound = [-1, -1, -1];
        for (const op of operations) {
          const before = state(bed);
          const error = bed.sandbox.apply(op);
          if (error !== undefined) {
            refused++;
            expect(state(bed)).toEqual(before);
            continue;
          }
          accepted++;
          if (op.kind === 'insert') for (const { port, next } of op.insert.binds ?? []) bound[port] = next;
          const nodes = bed.sandbox.find({});
          const pointed = nodes.flatMap((n) => [
            n.next ?? -1,
            ...(n.type === 'indirect'
              ? [n.target]
              : n.type === 'list'
                ? n.tokens
                : n.type === 'tree'
                  ? [n.defaultNext]
                  : []),
            ...[...(bed.sandbox.entriesOf(n.token) ?? [])].map((e) => e.next),
          ]);
          const all = [...pointed, ...bound];
          for (const n of nodes) {
            expect(bed.sandbox.nodeInfo([n.token])[0]!.references).toBe(all.filter((t) => t === n.token).length);
          }
          for (let port = 0; port < 3; port++) bed.receive(ip4Frame(), port);
        }
        const { inputPorts, outputPorts } = bed.sandbox.info();
        const sum = (counts: (number | undefined)[]): number => counts.reduce<number>((a, b) => a + (b ?? 0), 0);
        const received = sum(inputPorts.map((port) => port.packets));
        const ended =
          sum(inputPorts.map((port) => port.drops)) +
          sum(outputPorts.map((port) => port.packets)) +
          sum(outputPorts.map((port) => port.drops));
        expect(ended).toBe(received);
      }),
      { numRuns: 150 },
    );
    expect(accepted).toBeGreaterThan(100);
    expect(refused).toBeGreaterThan(100);
  });
});
