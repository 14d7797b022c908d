import type { RouteView } from '../../../src/control/types';
import { parseAddress, parsePrefix } from '../../../src/net/address';
import { RouteViews } from '../../../src/views/routes';
import { Bed, Server } from '../../bed/bed';

const MAC = { a: '02:00:00:00:00:0a', b: '02:00:00:00:00:0b' };

async function stage(
  server?: Server,
): Promise<{ b: Bed; views: RouteViews; show: (text: string) => RouteView | undefined }> {
  const b = await new Bed(server).up();
  const views = new RouteViews(b.fib, b.programmer);
  const show = (text: string): RouteView | undefined => [...views.lookup({ prefix: parsePrefix(text)! })][0];
  return { b, views, show };
}

describe('RouteViews', () => {
  test('a forwarded route: nexthop, MAC, token, what was reported to zebra', async () => {
    const { b, show } = await stage();
    b.neighbor(1, '10.0.1.2', MAC.a).nexthop(7, '10.0.1.2@1').viaId('192.0.2.0/24', 7).settle();
    expect(show('192.0.2.0/24')).toEqual({
      prefix: '192.0.2.0/24',
      table: 254,
      vrf: 'default',
      protocol: 'ospf',
      metric: 20,
      origin: 'zebra',
      type: 'unicast',
      nexthops: [{ gateway: '10.0.1.2', interface: 'tap1', ifindex: 11, mac: MAC.a, weight: 1, state: 'ready' }],
      state: 'offloaded',
      nexthopId: 7,
      token: b.entries().get('192.0.2.0/24'),
      reported: 'offloaded',
    });
  });

  test('a group shows each member with its weight and state', async () => {
    const { b, show } = await stage();
    b.neighbor(1, '10.0.1.2', MAC.a).nexthop(1, '10.0.1.2@1').nexthop(2, '10.0.2.2@2').group(3, [1, 3], [2, 1]);
    b.viaId('192.0.2.0/24', 3).settle();
    expect(show('192.0.2.0/24')?.nexthops.map(({ gateway, weight, state }) => [gateway, weight, state])).toEqual([
      ['10.0.1.2', 3, 'ready'],
      ['10.0.2.2', 1, 'unresolved'],
    ]);
  });

  test('a path whose link is down is not ready, though its neighbor is known', async () => {
    const { b, show } = await stage();
    b.neighbor(1, '10.0.1.2', MAC.a).neighbor(2, '10.0.2.2', MAC.b);
    b.via('192.0.2.0/24', '10.0.1.2@1', '10.0.2.2@2').settle();
    b.fib.portChanged(1, false);
    b.settle();
    expect(show('192.0.2.0/24')).toMatchObject({
      state: 'offloaded',
      nexthops: [
        { mac: MAC.a, state: 'down' },
        { mac: MAC.b, state: 'ready' },
      ],
    });
  });

  test.each([
    ['10.1.0.0/16', 'unresolved', /no usable neighbor/],
    ['10.2.0.0/16', 'trapped', /no port of the vASIC/],
    ['10.3.0.0/16', 'trapped', /ICMP error/],
    ['10.4.0.0/16', 'offloaded', undefined],
    ['10.5.0.0/16', 'unresolved', /nexthop id/],
    ['10.0.1.0/24', 'trapped', /connected subnet/],
    ['10.0.1.1/32', 'trapped', /router itself/],
    ['224.0.0.0/4', 'trapped', /multicast/],
  ] as const)('%s is %s, and why', async (prefix, state, reason) => {
    const { b, show } = await stage();
    b.via('10.1.0.0/16', '10.0.1.9@1').via('10.2.0.0/16', '10.9.9.9@70').viaId('10.5.0.0/16', 99);
    b.route('10.3.0.0/16', { kind: 'drop', drop: 'unreachable' }).route('10.4.0.0/16', {
      kind: 'drop',
      drop: 'blackhole',
    });
    b.via('10.0.1.0/24', '@1').address(1, '10.0.1.1/24').settle();
    const route = show(prefix);
    expect(route?.state).toBe(state);
    if (reason === undefined) expect(route?.reason).toBeUndefined();
    else expect(route?.reason).toMatch(reason);
  });

  test('a refused route shows what the vASIC said', async () => {
    const { b, show } = await stage(new Server({ refuse: [parsePrefix('192.0.2.0/24')!] }));
    b.neighbor(1, '10.0.1.2', MAC.a).via('192.0.2.0/24', '10.0.1.2@1').settle();
    expect(show('192.0.2.0/24')).toMatchObject({
      state: 'failed',
      reported: 'failed',
      reason: expect.stringMatching(/refuse/),
    });
  });

  test('pending until the vASIC has answered', async () => {
    const { b, show } = await stage();
    b.neighbor(1, '10.0.1.2', MAC.a).via('192.0.2.0/24', '10.0.1.2@1');
    b.programmer.pump();
    expect(show('192.0.2.0/24')?.state).toBe('pending');
  });

  test('the longest match counts host entries and the default route, each table for itself', async () => {
    const { b, views } = await stage();
    b.neighbor(1, '10.0.1.2', MAC.a).via('10.0.1.0/24', '@1').via('0.0.0.0/0', '10.0.1.2@1');
    b.route('10.0.0.0/8', { kind: 'drop', drop: 'blackhole' }, { table: 100 }).settle();
    const longest = (text: string): string[] =>
      [...views.lookup({ longest: parseAddress(text)! })].map(({ prefix, table }) => `${prefix} ${table}`);
    expect(longest('10.0.1.2')).toEqual(['10.0.1.2/32 254', '10.0.0.0/8 100']);
    expect(longest('10.0.1.3')).toEqual(['10.0.1.0/24 254', '10.0.0.0/8 100']);
    expect(longest('192.0.2.1')).toEqual(['0.0.0.0/0 254']);
    expect(longest('2001:db8::1')).toEqual([]);
  });

  test('nexthops and neighbors show what depends on them', async () => {
    const { b, views } = await stage();
    b.neighbor(1, '10.0.1.2', MAC.a).nexthop(1, '10.0.1.2@1').nexthop(2, '10.0.2.2@2').group(3, 1, 2);
    b.viaId('192.0.2.0/24', 1)
      .viaId('198.51.100.0/24', 3)
      .viaId('203.0.113.0/24', 3)
      .via('10.9.0.0/16', '10.0.2.2@2')
      .settle();
    const nexthops = [...views.nexthops()].map(({ id, kind, content, routes, state }) => [
      id,
      kind,
      content,
      routes,
      state,
    ]);
    expect(nexthops).toEqual([
      [1, 'zebra', 'single', 1, 'offloaded'],
      [2, 'zebra', 'single', 0, 'unresolved'],
      [3, 'zebra', 'group', 2, 'offloaded'],
      [undefined, 'inline', 'single', 1, 'unresolved'],
    ]);
    const neighbors = [...views.neighbors()].map(({ address, mac, usedBy }) => [address, mac, usedBy.routes]);
    expect(neighbors).toEqual([
      ['10.0.1.2', MAC.a, 3],
      ['10.0.2.2', undefined, 3],
    ]);
  });

  test('every token has a purpose, and what it leads to exists', async () => {
    const { b, views } = await stage();
    b.neighbor(1, '10.0.1.2', MAC.a)
      .neighbor(2, '10.0.2.2', MAC.b)
      .via('192.0.2.0/24', '10.0.1.2@1', '10.0.2.2@2')
      .settle();
    const references = (tokens: readonly number[]): Promise<Map<number, number>> =>
      Promise.resolve(new Map(b.server.sandbox.nodeInfo(tokens).map((info) => [info.token, info.references])));
    const shown = [];
    for await (const token of views.tokens(references)) shown.push(token);
    const known = new Set(b.server.sandbox.find({}).map(({ token }) => token));
    expect(new Set(shown.map(({ token }) => token))).toEqual(new Set([...known].filter((token) => token >= 1024)));
    for (const { purpose, next } of shown) {
      expect(purpose).not.toBe('');
      for (const token of next) if (token >= 1024) expect(known).toContain(token);
    }
    expect(shown.find(({ type }) => type === 'loadBalance')?.references).toBe(1);
  });
});
