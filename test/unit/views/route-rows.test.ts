/** A listing of routes: its order, what is left out, and each filter. */
import type { RouteFilter, RouteRow } from '../../../src/control/types';
import { parseAddress, parsePrefix } from '../../../src/net/address';
import { listRoutes, withTapOf } from '../../../src/views/route-rows';
import { summaryView } from '../../../src/views/summary';
import { RouteViews } from '../../../src/views/routes';
import { Bed, Server, TABLE } from '../../bed/bed';

const MAC = { a: '02:00:00:00:00:0a', b: '02:00:00:00:00:0b' };

async function stage(server?: Server): Promise<{ b: Bed; rows: (filter?: RouteFilter) => Promise<RouteRow[]> }> {
  const b = await new Bed(server).up();
  const views = new RouteViews(b.fib, b.programmer);
  const rows = async (filter: RouteFilter = {}): Promise<RouteRow[]> => {
    const all: RouteRow[] = [];
    for await (const portion of listRoutes(b.fib, views, filter)) all.push(...portion);
    return all;
  };
  return { b, rows };
}

async function filled(): Promise<(filter?: RouteFilter) => Promise<string[]>> {
  const { b, rows } = await stage();
  b.address(1, '10.0.1.1/24').neighbor(1, '10.0.1.2', MAC.a).nexthop(7, '10.0.1.2@1');
  b.via('100.0.0.0/8', '10.0.2.9@2').via('20.0.0.0/8', '10.0.1.2@1').viaId('20.1.0.0/16', 7);
  b.via('9.0.0.0/8', '10.0.1.2@1', '10.0.2.9@2')
    .via('10.0.1.0/24', '@1')
    .route('20.2.0.0/16', { kind: 'drop', drop: 'blackhole' });
  b.route('20.0.0.0/8', { kind: 'drop', drop: 'blackhole' }, { table: 100 })
    .via('2001:db8::/32', '2001:db8::9@1')
    .settle();
  return async (filter) => (await rows(filter)).map(({ prefix }) => prefix);
}

test("FRR's order, and only what zebra sent", async () => {
  const list = await filled();
  expect(await list()).toEqual([
    ...['20.0.0.0/8', '9.0.0.0/8', '10.0.1.0/24', '20.0.0.0/8', '20.1.0.0/16', '20.2.0.0/16', '100.0.0.0/8'],
    '2001:db8::/32',
  ]);
});

test("all: the router's own entries as well", async () => {
  const list = await filled();
  const all = await list({ all: true });
  for (const own of ['10.0.1.1/32', '10.0.1.2/32', '224.0.0.0/4']) expect(all).toContain(own);
  expect(all).toEqual(expect.arrayContaining(await list()));
});

test.each<[string, RouteFilter, readonly string[]]>([
  ['within', { within: parsePrefix('20.0.0.0/8')!, table: TABLE }, ['20.0.0.0/8', '20.1.0.0/16', '20.2.0.0/16']],
  ['within, none', { within: parsePrefix('21.0.0.0/8')! }, []],
  ['covering', { covering: parsePrefix('20.1.2.3')!, table: TABLE }, ['20.0.0.0/8', '20.1.0.0/16']],
  ['covering, own entries too', { covering: parsePrefix('10.0.1.2')! }, ['10.0.1.0/24', '10.0.1.2/32']],
  ['longest', { longest: parseAddress('20.1.2.3')!, table: TABLE }, ['20.1.0.0/16']],
  ['port', { port: 'tap2' }, ['9.0.0.0/8', '100.0.0.0/8']],
  ['gateway', { nexthop: '10.0.2.9' }, ['9.0.0.0/8', '100.0.0.0/8']],
  ['nexthop id', { nexthop: 7 }, ['20.1.0.0/16']],
  ['hardware address', { neighbor: MAC.a, state: 'offloaded' }, ['9.0.0.0/8', '20.0.0.0/8', '20.1.0.0/16']],
  ['neighbor', { neighbor: '10.0.1.2', within: parsePrefix('20.0.0.0/8')! }, ['20.0.0.0/8', '20.1.0.0/16']],
  ['state', { state: 'unresolved' }, ['100.0.0.0/8', '2001:db8::/32']],
  ['table', { table: 100 }, ['20.0.0.0/8']],
])('%s', async (_, filter, prefixes) => {
  expect(await (await filled())(filter)).toEqual(prefixes);
});

test('each row is what a look at it alone shows, also where the reason is its own', async () => {
  const refuse = ['20.0.0.0/8', '21.0.0.0/8'].map((text) => parsePrefix(text)!);
  const { b, rows } = await stage(new Server({ refuse }));
  b.neighbor(1, '10.0.1.2', MAC.a).nexthop(7, '10.0.1.2@1');
  for (const octet of [20, 21, 22, 23]) b.viaId(`${octet}.0.0.0/8`, 7).via(`${octet}.1.0.0/16`, '10.0.1.2@1');
  b.settle();
  const views = new RouteViews(b.fib, b.programmer);
  const shown = await rows();
  expect(shown).toHaveLength(8);
  for (const { prefix, rest } of shown) {
    expect([{ prefix, ...rest }]).toEqual([...views.lookup({ prefix: parsePrefix(prefix)! })]);
  }
  expect(shown.map(({ rest }) => rest.reason?.match(/2\d\.0\.0\.0/)?.[0])).toEqual([
    ...['20.0.0.0', undefined, '21.0.0.0', undefined],
    ...[undefined, undefined, undefined, undefined],
  ]);
});

test('a port by its number, and one that there is not', () => {
  const ports = [{ index: 3, tap: 'tap3' }] as unknown as Parameters<typeof withTapOf>[0];
  expect(withTapOf(ports, { port: '3' })).toEqual({ port: 'tap3' });
  expect(withTapOf(ports, { port: 'eth0' })).toEqual({ port: 'eth0' });
  expect(() => withTapOf(ports, { port: '4' })).toThrow('port: there is no port 4, but 3 (tap3)');
});

test('a summary counts by family, table, protocol and state', async () => {
  const { b } = await stage();
  b.address(1, '10.0.1.1/24').neighbor(1, '10.0.1.2', MAC.a).via('10.0.1.0/24', '@1');
  b.via('20.0.0.0/8', '10.0.1.2@1').via('21.0.0.0/8', '10.0.1.9@1').via('2001:db8::/32', '2001:db8::9@1');
  const drop = { kind: 'drop', drop: 'blackhole' } as const;
  b.route('22.0.0.0/8', drop, { protocol: 186 }).route('22.0.0.0/8', drop, { table: 100 }).settle();
  const { sources, own } = await summaryView(b.fib);
  const none = { offloaded: 0, trapped: 0, failed: 0, unresolved: 0, pending: 0 };
  expect(sources).toEqual([
    { family: 'ipv4', table: 100, protocol: 'ospf', routes: 1, ...none, trapped: 1 },
    { family: 'ipv4', table: 254, vrf: 'default', protocol: 'bgp', routes: 1, ...none, offloaded: 1 },
    {
      family: 'ipv4',
      table: 254,
      vrf: 'default',
      protocol: 'ospf',
      routes: 3,
      ...none,
      trapped: 1,
      offloaded: 1,
      unresolved: 1,
    },
    { family: 'ipv6', table: 254, vrf: 'default', protocol: 'ospf', routes: 1, ...none, unresolved: 1 },
  ]);
  expect(own).toBeGreaterThan(2);
});
