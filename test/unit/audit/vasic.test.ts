/** The vASIC compared with the FIB, against a real sandbox whose tables are changed behind the bridge's back. */
import { auditNodes } from '../../../src/audit/vasic-nodes';
import { auditEntries, type VasicParts } from '../../../src/audit/vasic-routes';
import { Findings } from '../../../src/audit/findings';
import { vrfTokens } from '../../../src/afi/base-tokens';
import { ROUTE_TREE } from '../../../src/afi/base-graph';
import type { AftEntry, AftNode, AftOperation } from '../../../src/aft/model';
import { AftField } from '../../../src/aft/model';
import { parseMac, parsePrefix } from '../../../src/net/address';
import { Bed, TABLE } from '../../bed/bed';

const MAC = { a: '02:00:00:00:00:0a', b: '02:00:00:00:00:0b', c: '02:00:00:00:00:0c' };

interface Audited {
  readonly shown: readonly string[];
  readonly compared: number;
  readonly repair: () => void;
}

/** `during` is called while the route tree is read, each time. */
async function audit(bed: Bed, during: () => void = () => undefined): Promise<Audited> {
  let clock = 10;
  const parts: VasicParts = {
    fib: bed.fib,
    programmer: bed.programmer,
    now: () => clock++,
    transport: {
      async *find({ tokens, entriesOf }) {
        const { sandbox } = bed.server;
        const nodes = entriesOf === undefined ? sandbox.find(tokens === undefined ? {} : { tokens }) : [];
        const entries = entriesOf === undefined ? [] : [...(sandbox.entriesOf(entriesOf) ?? [])];
        if (entriesOf === ROUTE_TREE) during();
        yield await Promise.resolve({ nodes, entries });
      },
    },
  };
  bed.later(5);
  const findings = new Findings('vasic');
  const nodes = await auditNodes(parts, findings);
  const entries = await auditEntries(parts, findings);
  const view = findings.view();
  if (view.state !== 'compared') throw new Error('not compared');
  return {
    shown: view.shown.map(({ kind, what }) => `${kind} ${what}`),
    compared: view.compared,
    repair() {
      for (const node of nodes.wrong) bed.programmer.rewrite(node);
      bed.programmer.removeForeign(nodes.foreign);
      for (const row of entries.rows.rows()) bed.fib.forwarding.rewriteRoute(row);
      for (const { table, bytes, length } of entries.foreign) bed.fib.forwarding.removeForeign(table, bytes, length);
      bed.settle();
    },
  };
}

async function bedOfRoutes(routes = 20): Promise<Bed> {
  const bed = await new Bed().up();
  bed.neighbor(1, '10.0.1.2', MAC.a).neighbor(2, '10.0.2.2', MAC.b);
  bed.address(1, '10.0.1.1/24').via('10.0.1.0/24', '@1');
  bed.nexthop(1, '10.0.1.2@1').nexthop(2, '10.0.2.2@2').group(3, 1, 2);
  for (let i = 0; i < routes; i++) bed.viaId(`20.0.${i}.0/24`, 3);
  bed.viaId('2001:db8::/32', 1).route('10.9.0.0/16', { kind: 'drop', drop: 'blackhole' });
  bed.via('10.8.0.0/16', '10.0.2.77@2');
  return bed.settle();
}

const key = (text: string): AftEntry['key'] => {
  const { bytes, length } = parsePrefix(text)!;
  return { field: AftField.PacketLookupKey, data: { kind: 'prefix', bytes, length } };
};

/** Another client's operation. */
function behind(bed: Bed, operation: AftOperation): void {
  expect(bed.server.sandbox.apply(operation)).toBeUndefined();
}
const remove = (...prefixes: string[]): AftOperation => ({
  kind: 'remove',
  remove: { entries: prefixes.map((text) => ({ parent: ROUTE_TREE, key: key(text) })), tokens: [] },
});
const insert = (nodes: AftNode[], ...entries: AftEntry[]): AftOperation => ({
  kind: 'insert',
  insert: { nodes, entries },
});

test('nothing differs, whatever was programmed', async () => {
  const bed = await bedOfRoutes();
  const { shown, compared } = await audit(bed);
  expect(shown).toEqual([]);
  expect(compared).toBeGreaterThan(50);
  bed.neighborGone(1, '10.0.1.2').settle();
  expect((await audit(bed)).shown).toEqual([]);
  bed.neighbor(1, '10.0.1.2', MAC.c).group(3, 2).settle();
  expect((await audit(bed)).shown).toEqual([]);
});

test('entries: missing, surplus, leading elsewhere; and the repair', async () => {
  const bed = await bedOfRoutes();
  behind(bed, remove('20.0.3.0/24', '10.0.1.1/32'));
  behind(
    bed,
    insert(
      [],
      { parent: ROUTE_TREE, key: key('20.0.4.0/24'), next: 0 },
      { parent: ROUTE_TREE, key: key('30.0.0.0/8'), next: 0 },
      { parent: ROUTE_TREE, key: key('3fff::/20'), next: 0 },
    ),
  );
  expect(bed.packet('20.0.4.1')).toBe('dropped');
  const { shown, repair } = await audit(bed);
  expect([...shown].sort()).toEqual([
    'differs 20.0.4.0/24',
    'missing 10.0.1.1/32',
    'missing 20.0.3.0/24',
    'surplus 30.0.0.0/8',
    'surplus 3fff::/20',
  ]);
  repair();
  expect((await audit(bed)).shown).toEqual([]);
  expect(bed.packet('20.0.4.1')).toMatch(/^p/);
});

test('an entry that an own withdrawal left behind', async () => {
  const bed = await bedOfRoutes();
  bed.withdraw('20.0.5.0/24').settle();
  behind(bed, insert([], { parent: ROUTE_TREE, key: key('20.0.5.0/24'), next: 0 }));
  const { shown, repair } = await audit(bed);
  expect(shown).toEqual(['surplus 20.0.5.0/24']);
  repair();
  expect(bed.entries().has('20.0.5.0/24')).toBe(false);
});

test('nodes: another target, another address, other slots, nodes of nobody; and the repair', async () => {
  const bed = await bedOfRoutes();
  const tokens = [...bed.programmer.tables.programmed()];
  const group = tokens.find(({ layer, node }) => layer === 'nexthop' && node?.type === 'loadBalance')!;
  const encap = tokens.find(({ layer, node }) => layer === 'adjacency' && node?.type === 'encap')!;
  const encapNode = encap.node as AftNode & { type: 'encap' };
  const other = parseMac(MAC.c)!;
  const single = tokens.find(({ layer, name }) => layer === 'nexthop' && name === 'nexthop id 1')!;
  behind(
    bed,
    insert(
      [
        {
          ...encapNode,
          keys: encapNode.keys.map((key) => ({ ...key, data: { kind: 'ether' as const, bytes: other } })),
        },
        { type: 'indirect', token: single.token, target: 0 },
        { type: 'indirect', token: 700_000, target: 0 },
        { type: 'indirect', token: 700_001, target: 700_000 },
      ],
      { parent: group.token, key: { field: AftField.None, data: { kind: 'int', value: 5 } }, next: 0 },
    ),
  );
  const { shown, repair } = await audit(bed);
  const expected = [encap, group, single].map(({ token, name }) => `differs node ${token} (${name})`);
  const foreign = [700_000, 700_001].map((token) => `surplus node ${token} (indirect node)`);
  expect([...shown].sort()).toEqual([...expected, ...foreign].sort());
  repair();
  expect((await audit(bed)).shown).toEqual([]);
  expect(bed.packet('20.0.1.1')).toMatch(/^p[12] /);
});

test('the base graph is written again, and routes go on', async () => {
  const bed = await bedOfRoutes();
  const nodes = [...bed.programmer.tables.programmed()];
  const match = nodes.find(({ layer, node }) => layer === 'base' && node?.type === 'match')!;
  behind(bed, insert([{ ...(match.node as AftNode & { type: 'match' }), falseNext: 0, trueNext: 0 }]));
  const { shown, repair } = await audit(bed);
  expect(shown).toEqual([`differs node ${match.token} (${match.name})`]);
  repair();
  expect(bed.programmer.ready).toBe(true);
  bed.viaId('20.1.0.0/24', 3).settle();
  expect([(await audit(bed)).shown, bed.packet('20.1.0.1').slice(0, 1)]).toEqual([[], 'p']);
});

test('what changes while it is read makes no difference', async () => {
  const bed = await bedOfRoutes(200);
  let round = 0;
  const during = (): void => {
    round++;
    // Read as it was, and changed before it is compared.
    for (let i = 0; i < 50; i++) bed.withdraw(`20.0.${i}.0/24`);
    for (let i = 100; i < 150; i++) bed.viaId(`20.0.${i}.0/24`, round % 2 === 0 ? 3 : 1);
    for (let i = 0; i < 50; i++) bed.viaId(`21.${round}.${i}.0/24`, 2);
    bed.later(10).settle();
  };
  expect((await audit(bed, during)).shown).toEqual([]);
  expect(round).toBe(2);
});

test('the trees of all VRFs are compared, and repaired by table', async () => {
  const RED = 1001;
  const { tree } = vrfTokens(RED, TABLE);
  const bed = await new Bed(undefined, { portTables: new Map([[0, RED]]) }).neighbor(1, '10.0.1.2', MAC.a).up();
  bed.via('20.0.0.0/16', '10.0.1.2@1').viaIn(RED, '20.0.0.0/16', '10.0.1.2@1').viaIn(RED, '20.1.0.0/16', '10.0.1.2@1');
  bed.settle();
  const { shown, compared } = await audit(bed);
  expect(shown).toEqual([]);
  expect(compared).toBeGreaterThan(11);
  const remove = { entries: [{ parent: tree, key: key('20.0.0.0/16') }], tokens: [] };
  behind(bed, { kind: 'remove', remove });
  behind(bed, insert([], { parent: tree, key: key('30.0.0.0/8'), next: 0 }));
  const wrong = await audit(bed);
  expect([...wrong.shown].sort()).toEqual(['missing 20.0.0.0/16 table 1001', 'surplus 30.0.0.0/8 table 1001']);
  wrong.repair();
  expect((await audit(bed)).shown).toEqual([]);
  expect([bed.entries(tree).has('20.0.0.0/16'), bed.entries(tree).has('30.0.0.0/8')]).toEqual([true, false]);
  expect(bed.entries().has('20.0.0.0/16')).toBe(true);
});
