import { parseAddress, parseMac, parsePrefix } from '../../../src/net/address';
import { PuntReason } from '../../../src/aft/model';
import { Bed, Server } from '../../bed/bed';

const MAC = { a: '02:00:00:00:00:0a', b: '02:00:00:00:00:0b', c: '02:00:00:00:00:0c' };
const out = (port: number, mac: string): string => `p${port} ${mac.replaceAll(':', '')}`;

async function bed(server?: Server, options?: { batch?: number; inFlight?: number }): Promise<Bed> {
  return new Bed(server, options).up();
}

describe('a route', () => {
  test('forwards to its neighbor, and zebra hears of it only then', async () => {
    const b = await bed();
    b.neighbor(1, '10.0.1.2', MAC.a).via('192.0.2.0/24', '10.0.1.2@1');
    b.programmer.pump();
    b.report();
    expect(b.told.get('192.0.2.0/24')).toBeUndefined();
    b.settle();
    expect(b.packet('192.0.2.9')).toBe(out(1, MAC.a));
    expect(b.told.get('192.0.2.0/24')).toBe('offloaded');
  });

  test('goes to the host while its neighbor is unknown, and is asked for', async () => {
    const b = await bed();
    b.via('192.0.2.0/24', '10.0.1.2@1').settle();
    expect(b.packet('192.0.2.9')).toBe(`punt ${PuntReason.Unresolved}`);
    expect([...b.needed]).toEqual(['11 10.0.1.2']);
    b.neighbor(1, '10.0.1.2', MAC.a).settle();
    expect(b.packet('192.0.2.9')).toBe(out(1, MAC.a));
    expect(b.told.get('192.0.2.0/24')).toBe('offloaded');
    b.neighbor(1, '10.0.1.2', undefined, 'failed').settle();
    expect(b.packet('192.0.2.9')).toBe(`punt ${PuntReason.Unresolved}`);
    b.withdraw('192.0.2.0/24').settle();
    expect([...b.needed]).toEqual([]);
  });

  test('by a neighbor of the configuration: nobody is asked for it, whichever came first', async () => {
    const b = await bed();
    const configure = (address: string): unknown =>
      b.fib.applyKernel({
        ...{ kind: 'neighborAdd', source: 'static', ifindex: 11, state: 'permanent' },
        ...{ address: parseAddress(address)!, mac: parseMac(MAC.a)! },
      });
    configure('10.0.1.2');
    b.via('192.0.2.0/24', '10.0.1.2@1').via('198.51.100.0/24', '10.0.1.3@1').settle();
    expect([...b.needed]).toEqual(['11 10.0.1.3']);
    configure('10.0.1.3');
    b.settle();
    expect([...b.needed]).toEqual([]);
    expect(b.packet('198.51.100.9')).toBe(out(1, MAC.a));
    b.neighbor(1, '10.0.1.3', MAC.b).settle();
    expect(b.packet('198.51.100.9')).toBe(out(1, MAC.a));
  });

  test('is reported as unresolved only when its neighbor does not come in time: zebra never takes that back', async () => {
    const b = await bed();
    b.via('192.0.2.0/24', '10.0.1.2@1').via('198.51.100.0/24', '10.0.2.2@2').settle();
    expect([...b.told]).toEqual([]);
    b.neighbor(1, '10.0.1.2', MAC.a).settle().later();
    expect([...b.told]).toEqual([
      ['192.0.2.0/24', 'offloaded'],
      ['198.51.100.0/24', 'unresolved'],
    ]);
    b.neighbor(1, '10.0.1.2', undefined, 'failed').settle();
    expect(b.told.get('192.0.2.0/24')).toBe('offloaded');
    b.later();
    expect(b.told.get('192.0.2.0/24')).toBe('unresolved');
  });

  test('that waited and is meant for Linux by now is reported so at once', async () => {
    const b = await bed();
    b.nexthop(7, '10.0.1.2@1').viaId('192.0.2.0/24', 7).settle().later();
    expect(b.told.get('192.0.2.0/24')).toBe('unresolved');
    b.nexthop(7, '10.0.9.1@90').settle();
    expect(b.told.get('192.0.2.0/24')).toBe('trapped');
  });

  test('leaves a port whose link is down, and comes back with it', async () => {
    const b = await bed();
    b.neighbor(1, '10.0.1.2', MAC.a)
      .neighbor(2, '10.0.2.2', MAC.b)
      .via('192.0.2.0/24', '10.0.1.2@1', '10.0.2.2@2')
      .settle();
    const ways = (): Set<string> =>
      new Set(Array.from({ length: 64 }, (_, i) => b.packet('192.0.2.9', 0, { sport: i })));
    expect(ways()).toEqual(new Set([out(1, MAC.a), out(2, MAC.b)]));
    b.link(1, true, false).settle();
    expect(ways()).toEqual(new Set([out(2, MAC.b)]));
    b.link(1, true).settle();
    expect(ways()).toEqual(new Set([out(1, MAC.a), out(2, MAC.b)]));
  });

  test.each([
    ['stale', true],
    ['delay', true],
    ['probe', true],
    ['permanent', true],
    ['noarp', true],
    ['incomplete', false],
    ['failed', false],
    ['none', false],
  ] as const)('neighbor state %s is usable: %s', async (state, usable) => {
    const b = await bed();
    b.neighbor(1, '10.0.1.2', MAC.a, state).via('192.0.2.0/24', '10.0.1.2@1').settle();
    expect(b.packet('192.0.2.9')).toBe(usable ? out(1, MAC.a) : `punt ${PuntReason.Unresolved}`);
  });

  test('blackhole drops, unreachable and prohibit go to Linux for its ICMP error', async () => {
    const b = await bed();
    b.route('10.1.0.0/16', { kind: 'drop', drop: 'blackhole' });
    b.route('10.2.0.0/16', { kind: 'drop', drop: 'unreachable' });
    b.route('10.3.0.0/16', { kind: 'drop', drop: 'prohibit' }).settle();
    expect(['10.1.0.1', '10.2.0.1', '10.3.0.1', '10.4.0.1'].map((to) => b.packet(to))).toEqual([
      'dropped',
      `punt ${PuntReason.NoRoute}`,
      `punt ${PuntReason.NoRoute}`,
      `punt ${PuntReason.NoRoute}`,
    ]);
    expect(b.told.get('10.1.0.0/16')).toBe('offloaded');
    expect(b.told.get('10.2.0.0/16')).toBe('trapped');
  });

  test('out of an interface that is no port, or with an encapsulation, goes to the host and says so', async () => {
    const b = await bed();
    b.via('10.1.0.0/16', '10.0.9.1@90').settle();
    b.route('10.2.0.0/16', {
      kind: 'paths',
      paths: [{ gateway: Uint8Array.of(10, 0, 1, 2), ifindex: 11, weight: 1, encap: { kind: 'vxlan', vni: 16 } }],
    }).settle();
    expect(b.packet('10.1.0.1')).toBe(`punt ${PuntReason.NotAPort}`);
    expect(b.packet('10.2.0.1')).toBe(`punt ${PuntReason.Unsupported}`);
    expect([b.told.get('10.1.0.0/16'), b.told.get('10.2.0.0/16')]).toEqual(['trapped', 'trapped']);
  });

  test('of another table is kept apart and reported as trapped', async () => {
    const b = await bed();
    b.neighbor(1, '10.0.1.2', MAC.a).via('192.0.2.0/24', '10.0.1.2@1');
    b.route('192.0.2.0/24', { kind: 'drop', drop: 'blackhole' }, { table: 100 }).settle();
    expect(b.packet('192.0.2.9')).toBe(out(1, MAC.a));
    b.withdraw('192.0.2.0/24', 100).settle();
    expect(b.packet('192.0.2.9')).toBe(out(1, MAC.a));
  });

  test('a delete and an add that come together are a replace: no removal is sent', async () => {
    const b = await bed();
    b.neighbor(1, '10.0.1.2', MAC.a).neighbor(2, '10.0.2.2', MAC.b).via('192.0.2.0/24', '10.0.1.2@1').settle();
    const same = b.operationsFor(() => b.withdraw('192.0.2.0/24').via('192.0.2.0/24', '10.0.1.2@1'));
    expect(same.flatMap((op) => (op.kind === 'remove' ? op.remove.entries : op.insert.entries))).toEqual([]);
    const ops = b.operationsFor(() => b.withdraw('192.0.2.0/24').via('192.0.2.0/24', '10.0.2.2@2'));
    expect(ops.some((op) => op.kind === 'remove' && op.remove.entries.length > 0)).toBe(false);
    expect(b.packet('192.0.2.9')).toBe(out(2, MAC.b));
  });

  test('that is replaced is never without an entry (make before break)', async () => {
    const b = await bed();
    b.neighbor(1, '10.0.1.2', MAC.a).neighbor(2, '10.0.2.2', MAC.b).via('192.0.2.0/24', '10.0.1.2@1').settle();
    b.via('192.0.2.0/24', '10.0.2.2@2');
    const seen = new Set<string>();
    b.programmer.pump();
    do seen.add(b.packet('192.0.2.9'));
    while (b.answer());
    expect([...seen]).toEqual([out(1, MAC.a), out(2, MAC.b)]);
  });

  test('sent again by zebra is reported again', async () => {
    const b = await bed();
    b.neighbor(1, '10.0.1.2', MAC.a).via('192.0.2.0/24', '10.0.1.2@1').settle();
    b.told.clear();
    const ops = b.operationsFor(() => b.via('192.0.2.0/24', '10.0.1.2@1'));
    expect(ops).toEqual([]);
    expect(b.told.get('192.0.2.0/24')).toBe('offloaded');
  });
});

describe('what stands before the route tree', () => {
  const frame = (destination: string, type: number): Uint8Array =>
    Buffer.concat([
      Buffer.from(destination.replaceAll(':', ''), 'hex'),
      Buffer.alloc(6, 2),
      Buffer.of(type >> 8, type & 255),
      Buffer.alloc(46),
    ]);
  const mine = '32:26:0a:2e:aa:f0';

  test.each([
    ['ARP to the port', mine, 0x0806, `punt ${PuntReason.Arp}`],
    ['ARP to everybody', 'ff:ff:ff:ff:ff:ff', 0x0806, `punt ${PuntReason.Arp}`],
    ['IS-IS', '01:80:c2:00:00:14', 46, `punt ${PuntReason.Isis}`],
    ['IPv4 multicast', '01:00:5e:00:00:05', 0x0800, `punt ${PuntReason.Multicast}`],
    ["somebody else's frame", '32:26:0a:2e:aa:99', 0x0806, 'dropped'],
  ])('%s', async (_name, destination, type, expected) => {
    const b = await bed();
    expect(b.frame(frame(destination, type))).toBe(expected);
  });

  test("IP in somebody else's frame is not routed", async () => {
    const b = await bed();
    b.neighbor(1, '10.0.1.2', MAC.a).via('192.0.2.0/24', '10.0.1.2@1').settle();
    expect(b.packet('192.0.2.9', 0)).toBe(out(1, MAC.a));
    expect(b.packet('192.0.2.9', 0, { to: '32:26:0a:2e:aa:99' })).toBe('dropped');
  });
});

test('nothing is pointed at before it is acknowledged', async () => {
  const b = await bed();
  b.neighbor(1, '10.0.1.2', MAC.a).via('192.0.2.0/24', '10.0.1.2@1');
  const seen: string[] = [];
  b.programmer.pump();
  do {
    // One layer in flight at a time: neighbor, then nexthop, then route.
    expect(b.queue.length).toBeLessThanOrEqual(1);
    const operation = b.next();
    if (operation.kind === 'insert')
      seen.push(
        [...operation.insert.nodes.map(({ type }) => type), ...operation.insert.entries.map(() => 'entry')].join(' '),
      );
  } while (b.answer() && b.queue.length > 0);
  expect(seen).toEqual(['encap indirect', 'indirect', 'entry']);
});

describe('one change is one operation', () => {
  async function withRoutes(count: number): Promise<Bed> {
    const b = await bed(undefined, { batch: 1000 });
    b.neighbor(1, '10.0.1.2', MAC.a).neighbor(2, '10.0.2.2', MAC.b).neighbor(3, '10.0.3.2', MAC.c);
    b.nexthop(1, '10.0.1.2@1').nexthop(2, '10.0.2.2@2').nexthop(3, '10.0.3.2@3').group(4, 1, 2);
    for (let i = 0; i < count; i++) b.viaId(`${20 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}.0/24`, i % 2 === 0 ? 1 : 4);
    return b.settle();
  }
  const shape = (ops: readonly { kind: string }[]): string[] => ops.map((op) => op.kind);

  test('a MAC change is one operation with one node, whatever hangs behind it', async () => {
    for (const count of [10, 100_000]) {
      const b = await withRoutes(count);
      const ops = b.operationsFor(() => b.neighbor(1, '10.0.1.2', MAC.c));
      expect(ops).toHaveLength(1);
      expect(ops[0]).toMatchObject({ kind: 'insert', insert: { entries: [], nodes: [{ type: 'encap' }] } });
      expect(b.packet('20.0.0.1')).toBe(out(1, MAC.c));
    }
  });

  test('a group change and a lost neighbor take as many operations for 10 routes as for 100,000', async () => {
    const counts: string[][] = [];
    for (const count of [10, 100_000]) {
      const b = await withRoutes(count);
      counts.push([
        ...shape(b.operationsFor(() => b.group(4, 2, 3))),
        '|',
        ...shape(b.operationsFor(() => b.neighbor(2, '10.0.2.2', undefined, 'failed'))),
      ]);
      expect(b.packet('20.0.1.1')).toBe(out(3, MAC.c));
      expect(b.told.get('20.0.1.0/24')).toBe('offloaded');
    }
    expect(counts[0]).toEqual(counts[1]);
    expect(counts[0]!.length).toBeLessThanOrEqual(8);
  });

  test('traffic of a group is spread over its paths, and a lost path leaves at once', async () => {
    const b = await withRoutes(10);
    const spread = (): Set<string> =>
      new Set(Array.from({ length: 64 }, (_, i) => b.packet('20.0.1.1', 0, { sport: 5000 + i })));
    expect(spread()).toEqual(new Set([out(1, MAC.a), out(2, MAC.b)]));
    b.neighbor(2, '10.0.2.2', undefined, 'failed').settle();
    expect(spread()).toEqual(new Set([out(1, MAC.a)]));
  });
});

describe('nexthop ids', () => {
  test('a route may come before the id that it names', async () => {
    const b = await bed();
    b.neighbor(1, '10.0.1.2', MAC.a).viaId('192.0.2.0/24', 7).settle();
    expect(b.packet('192.0.2.9')).toBe(`punt ${PuntReason.Unresolved}`);
    b.nexthop(7, '10.0.1.2@1').settle();
    expect(b.packet('192.0.2.9')).toBe(out(1, MAC.a));
    expect(b.told.get('192.0.2.0/24')).toBe('offloaded');
  });

  test('an id deleted while routes name it keeps forwarding, and its nodes go with the last route', async () => {
    const b = await bed();
    b.neighbor(1, '10.0.1.2', MAC.a);
    const before = b.settle().server.sandbox.info().nodes;
    b.nexthop(7, '10.0.1.2@1').viaId('192.0.2.0/24', 7).settle();
    b.apply({ kind: 'nexthopDelete', id: 7 }).settle();
    expect(b.packet('192.0.2.9')).toBe(out(1, MAC.a));
    b.withdraw('192.0.2.0/24').settle();
    expect(b.server.sandbox.info().nodes).toBe(before);
  });

  test('new content under a known id moves every route', async () => {
    const b = await bed();
    b.neighbor(1, '10.0.1.2', MAC.a).neighbor(2, '10.0.2.2', MAC.b).nexthop(7, '10.0.1.2@1');
    b.viaId('192.0.2.0/24', 7).viaId('198.51.100.0/24', 7).settle();
    b.nexthop(7, '10.0.2.2@2').settle();
    expect([b.packet('192.0.2.9'), b.packet('198.51.100.9')]).toEqual([out(2, MAC.b), out(2, MAC.b)]);
  });

  test('IPv4 over an IPv6 nexthop (RFC 8950) and IPv6 over link-local', async () => {
    const b = await bed();
    b.neighbor(1, 'fe80::2', MAC.a).via('192.0.2.0/24', 'fe80::2@1').via('2001:db8:1::/48', 'fe80::2@1').settle();
    expect([b.packet('192.0.2.9'), b.packet('2001:db8:1::9')]).toEqual([out(1, MAC.a), out(1, MAC.a)]);
  });
});

describe('connected subnets', () => {
  test('are gleaned; known neighbors on them get an entry of their own', async () => {
    const b = await bed();
    b.via('10.0.1.0/24', '@1').settle();
    expect(b.packet('10.0.1.2')).toBe(`punt ${PuntReason.Glean}`);
    b.neighbor(1, '10.0.1.2', MAC.a).settle();
    expect([b.packet('10.0.1.2'), b.packet('10.0.1.3')]).toEqual([out(1, MAC.a), `punt ${PuntReason.Glean}`]);
    expect(b.told.get('10.0.1.0/24')).toBe('trapped');
    b.neighborGone(1, '10.0.1.2').settle();
    expect(b.packet('10.0.1.2')).toBe(`punt ${PuntReason.Glean}`);
  });

  test('a neighbor without a connected subnet on its interface gets none', async () => {
    const b = await bed();
    b.neighbor(1, '10.0.1.2', MAC.a).via('10.0.1.0/24', '@2').settle();
    expect(b.packet('10.0.1.2')).toBe(`punt ${PuntReason.Glean}`);
    b.withdraw('10.0.1.0/24').via('10.0.1.0/24', '@1').settle();
    expect(b.packet('10.0.1.2')).toBe(out(1, MAC.a));
  });

  test("a longer route of zebra's stands against the host entry", async () => {
    const b = await bed();
    b.neighbor(1, '10.0.1.130', MAC.a).neighbor(2, '10.0.2.2', MAC.b).via('10.0.1.0/24', '@1').settle();
    expect(b.packet('10.0.1.130')).toBe(out(1, MAC.a));
    b.via('10.0.1.128/25', '10.0.2.2@2').settle();
    expect(b.packet('10.0.1.130')).toBe(out(2, MAC.b));
    b.withdraw('10.0.1.128/25').settle();
    expect(b.packet('10.0.1.130')).toBe(out(1, MAC.a));
    b.via('10.0.1.130/32', '10.0.2.2@2').settle();
    expect(b.packet('10.0.1.130')).toBe(out(2, MAC.b));
  });

  test('the router itself, broadcast, multicast and link-local go to the host', async () => {
    const b = await bed();
    b.via('10.0.1.0/24', '@1').address(1, '10.0.1.1/24').via('224.0.0.0/4', '@2').settle();
    expect(['10.0.1.1', '10.0.1.255', '224.0.0.5', '255.255.255.255', 'fe80::1'].map((to) => b.packet(to))).toEqual([
      `punt ${PuntReason.Local}`,
      `punt ${PuntReason.Broadcast}`,
      `punt ${PuntReason.Multicast}`,
      `punt ${PuntReason.Broadcast}`,
      `punt ${PuntReason.LinkLocal}`,
    ]);
    expect([b.packet('ff02::5'), b.packet('fe80::1')]).toEqual([
      `punt ${PuntReason.Multicast}`,
      `punt ${PuntReason.LinkLocal}`,
    ]);
    b.address(1, '10.0.1.1/24', false).settle();
    expect(b.packet('10.0.1.1')).toBe(`punt ${PuntReason.Glean}`);
  });

  test('169.254.0.0/16 is routed like any other prefix, as Linux does', async () => {
    const b = await bed();
    b.via('169.254.5.0/30', '@1').address(1, '169.254.5.1/30').neighbor(1, '169.254.5.2', MAC.a);
    b.via('192.0.2.0/24', '169.254.5.2@1').via('169.254.6.0/24', '169.254.5.2@1').settle();
    expect(['169.254.5.1', '169.254.5.3', '169.254.7.1'].map((to) => b.packet(to))).toEqual([
      `punt ${PuntReason.Local}`,
      `punt ${PuntReason.Broadcast}`,
      `punt ${PuntReason.NoRoute}`,
    ]);
    const forwarded = ['169.254.5.2', '192.0.2.9', '169.254.6.1'].map((to) => b.packet(to));
    expect(forwarded).toEqual(Array(3).fill(out(1, MAC.a)));
    b.neighborGone(1, '169.254.5.2').settle();
    expect(b.packet('169.254.5.2')).toBe(`punt ${PuntReason.Glean}`);
  });

  test('an interface that comes later makes its routes work', async () => {
    const b = await bed();
    b.link(1, false);
    b.via('10.0.1.0/24', '@1').via('192.0.2.0/24', '10.0.1.2@1').settle();
    expect(b.packet('192.0.2.9')).toBe(`punt ${PuntReason.NotAPort}`);
    b.link(1, true);
    b.neighbor(1, '10.0.1.2', MAC.a).settle();
    expect([b.packet('192.0.2.9'), b.packet('10.0.1.2')]).toEqual([out(1, MAC.a), out(1, MAC.a)]);
  });
});

describe('refusals', () => {
  test('a refused prefix fails alone; the rest of its batch goes in', async () => {
    const refuse = [parsePrefix('20.0.7.0/24')!, parsePrefix('20.0.90.0/24')!];
    const b = await bed(new Server({ refuse }), { batch: 100 });
    b.neighbor(1, '10.0.1.2', MAC.a).nexthop(1, '10.0.1.2@1');
    for (let i = 0; i < 250; i++) b.viaId(`20.0.${i}.0/24`, 1);
    b.settle();
    const failed = [...b.told].filter(([, status]) => status === 'failed').map(([prefix]) => prefix);
    expect(failed.sort()).toEqual(['20.0.7.0/24', '20.0.90.0/24']);
    expect([...b.told.values()].filter((status) => status === 'offloaded')).toHaveLength(248);
    expect(b.packet('20.0.8.1')).toBe(out(1, MAC.a));
    const row = [...Array(b.fib.rows.routes.end).keys()].find((r) => b.fib.status.failureOf(r) !== undefined);
    expect(b.fib.status.failureOf(row!)).toMatch(/refused/);
    // Each prefix once; that the others go again is no failure.
    expect(b.programmer.counters).toMatchObject({ failed: 2, retried: 0 });
  });

  test('without a hint from the server the batch is bisected', async () => {
    const b = await bed(undefined, { batch: 64 });
    b.neighbor(1, '10.0.1.2', MAC.a).nexthop(1, '10.0.1.2@1').settle();
    for (let i = 0; i < 64; i++) b.viaId(`20.0.${i}.0/24`, 1);
    b.programmer.pump();
    for (let guard = 0; b.queue.length > 0 && guard < 1000; guard++) {
      const operation = b.next();
      const entries = operation.kind === 'insert' ? operation.insert.entries : [];
      const bad = entries.some(({ key }) => key.data.kind === 'prefix' && key.data.bytes[2] === 33);
      b.answer(bad ? { code: 'internal', message: 'no' } : undefined);
    }
    b.settle();
    expect([...b.told].filter(([, status]) => status === 'failed').map(([prefix]) => prefix)).toEqual(['20.0.33.0/24']);
    expect([...b.told.values()].filter((status) => status === 'offloaded')).toHaveLength(63);
    // 64 routes, 32, 16, 8, 4 and 2 of them, and the one.
    expect(b.programmer.counters).toMatchObject({ failed: 1, retried: 6 });
  });

  test('what is gone already, or still in use, is no failure; what the server will not do is', async () => {
    const b = await bed();
    b.neighbor(1, '10.0.1.2', MAC.a).via('192.0.2.0/24', '10.0.1.2@1').via('198.51.100.0/24', '10.0.1.2@1').settle();
    b.withdraw('192.0.2.0/24');
    b.programmer.pump();
    // Its answer was lost.
    b.server.sandbox.apply(b.next());
    b.settle();
    expect(b.programmer.counters).toMatchObject({ failed: 0, retried: 1 });
    b.withdraw('198.51.100.0/24');
    b.programmer.pump();
    b.answer();
    b.programmer.pump();
    b.answer({ code: 'inUse', message: 'for the test' });
    expect(b.programmer.counters).toMatchObject({ failed: 0, retried: 2 });
    b.via('203.0.113.0/24', '10.0.1.2@1');
    b.programmer.pump();
    while (b.queue.length > 0) b.answer({ code: 'refused', message: 'no' });
    expect(b.programmer.counters.failed).toBeGreaterThan(0);
  });

  test('a refused replacement leaves no outdated entry behind', async () => {
    const b = await bed();
    b.neighbor(1, '10.0.1.2', MAC.a).neighbor(2, '10.0.2.2', MAC.b).via('192.0.2.0/24', '10.0.1.2@1').settle();
    b.via('192.0.2.0/24', '10.0.2.2@2');
    b.programmer.pump();
    while (b.queue.length > 0) {
      const operation = b.next();
      const isRoute = operation.kind === 'insert' && operation.insert.entries.length > 0;
      b.answer(isRoute ? { code: 'refused', message: 'no' } : undefined);
    }
    b.report();
    expect(b.told.get('192.0.2.0/24')).toBe('failed');
    expect(b.packet('192.0.2.9')).toBe(`punt ${PuntReason.NoRoute}`);
  });

  test('a full table refuses; freed room is used, and zebra hears both', async () => {
    const server = new Server({ maxEntries: 20 });
    const b = await bed(server);
    b.neighbor(1, '10.0.1.2', MAC.a).nexthop(1, '10.0.1.2@1');
    for (let i = 0; i < 30; i++) b.viaId(`20.0.${i}.0/24`, 1);
    b.settle();
    const failed = (): string[] => [...b.told].filter(([, status]) => status === 'failed').map(([prefix]) => prefix);
    const before = failed();
    expect(before.length).toBeGreaterThan(0);
    expect(b.entries().size).toBe(20);
    for (const [prefix, status] of [...b.told]) {
      if (status === 'offloaded') {
        b.withdraw(prefix);
        b.told.delete(prefix);
      }
    }
    b.settle();
    expect(failed()).toEqual([]);
    expect(before.every((prefix) => b.told.get(prefix) === 'offloaded')).toBe(true);
  });

  test('a refused nexthop fails its routes, and a neighbor refused says so', async () => {
    const b = await bed();
    b.neighbor(1, '10.0.1.2', MAC.a);
    b.programmer.pump();
    b.answer({ code: 'full', message: 'no room for nodes' });
    b.settle();
    b.via('192.0.2.0/24', '10.0.1.2@1').settle();
    expect(b.told.get('192.0.2.0/24')).toBe('failed');
    b.neighbor(1, '10.0.1.2', MAC.b).settle();
    expect(b.told.get('192.0.2.0/24')).toBe('offloaded');
    expect(b.packet('192.0.2.9')).toBe(out(1, MAC.b));
  });
});

describe('lives of the server and of the bridge', () => {
  function fill(b: Bed): Bed {
    b.neighbor(1, '10.0.1.2', MAC.a).neighbor(2, '10.0.2.2', MAC.b);
    b.nexthop(1, '10.0.1.2@1').nexthop(2, '10.0.2.2@2').group(3, 1, 2);
    for (let i = 0; i < 50; i++) b.viaId(`20.0.${i}.0/24`, 1 + (i % 3));
    return b;
  }

  test('a server that restarted empty is programmed again, whole', async () => {
    const b = await bed();
    fill(b).settle();
    const before = b.entries().size;
    b.programmer.down('the connection broke');
    b.queue.length = 0;
    b.server.restart();
    await b.up();
    expect(b.entries().size).toBe(before);
    expect(b.packet('20.0.0.1')).toBe(out(1, MAC.a));
  });

  test('a broken connection loses nothing: what was in flight is written again', async () => {
    const b = await bed(undefined, { batch: 10, inFlight: 3 });
    fill(b);
    b.programmer.pump();
    for (let i = 0; i < 4; i++) b.answer();
    // The server applies one of those whose answers are lost, the others never arrive.
    b.server.sandbox.apply(b.queue[0]!.operation);
    b.queue.length = 0;
    b.programmer.down('the connection broke');
    b.withdraw('20.0.3.0/24');
    await b.up();
    expect([...b.entries().keys()].filter((prefix) => prefix.startsWith('20.'))).toHaveLength(49);
    expect([...b.told.values()].filter((status) => status === 'offloaded')).toHaveLength(49);
  });

  test('an answer that was lost counts for nothing: the entry is written again even if it is wanted as before', async () => {
    const b = await bed();
    b.neighbor(1, '10.0.1.2', MAC.a).neighbor(2, '10.0.2.2', MAC.b).nexthop(1, '10.0.1.2@1').nexthop(2, '10.0.2.2@2');
    b.viaId('192.0.2.0/24', 1).viaId('198.51.100.0/24', 2).settle();
    b.viaId('192.0.2.0/24', 2);
    b.programmer.pump();
    // The server applies it, the answer is lost, and zebra has changed its mind back.
    for (const { operation } of b.queue) expect(b.server.sandbox.apply(operation)).toBeUndefined();
    b.queue.length = 0;
    b.programmer.down('the connection broke');
    b.viaId('192.0.2.0/24', 1);
    await b.up();
    expect(b.packet('192.0.2.9')).toBe(out(1, MAC.a));
  });

  test('a removal whose answer was lost is done when the server says that nothing is there', async () => {
    const b = await bed();
    b.neighbor(1, '10.0.1.2', MAC.a).via('192.0.2.0/24', '10.0.1.2@1').via('198.51.100.0/24', '10.0.1.2@1').settle();
    b.withdraw('192.0.2.0/24').withdraw('198.51.100.0/24');
    b.programmer.pump();
    b.server.sandbox.apply(b.queue[0]!.operation);
    b.queue.length = 0;
    b.programmer.down('the connection broke');
    await b.up();
    expect(b.fib.rows.failed.size).toBe(0);
    expect(b.fib.rows.routes.size).toBe(b.entries().size);
  });

  test('a restarted bridge takes over, forwards all the while, and sweeps what zebra does not confirm', async () => {
    const first = await bed();
    fill(first).settle();
    const nodes = first.server.sandbox.info().nodes;

    const second = new Bed(first.server);
    await second.up();
    expect(second.packet('20.0.0.1')).toBe(out(1, MAC.a));
    second.fib.beginReplay();
    second.neighbor(1, '10.0.1.2', MAC.a).neighbor(2, '10.0.2.2', MAC.b);
    second.nexthop(1, '10.0.1.2@1').nexthop(2, '10.0.2.2@2').group(3, 1, 2);
    for (let i = 0; i < 40; i++) {
      second.viaId(`20.0.${i}.0/24`, 1 + (i % 3));
      second.programmer.pump();
      second.answer();
      expect(second.packet('20.0.0.1')).toBe(out(1, MAC.a));
    }
    second.settle();
    expect(second.packet('20.0.48.1')).toBe(out(1, MAC.a));
    expect(second.fib.endReplay()).toMatchObject({ adopted: 10 });
    second.programmer.releaseAdopted();
    second.settle();
    expect(second.packet('20.0.48.1')).toBe(`punt ${PuntReason.NoRoute}`);
    expect(second.packet('20.0.0.1')).toBe(out(1, MAC.a));
    expect(second.server.sandbox.info().nodes).toBe(nodes);
  });

  test('what an earlier bridge left is removed when nothing uses it any more: none of the removals is refused', async () => {
    const first = await bed();
    for (let i = 0; i < 200; i++) {
      const [a, b] = [`10.0.1.${10 + (i % 100)}`, `10.0.2.${10 + (i % 70)}`];
      first
        .neighbor(1, a, MAC.a)
        .neighbor(2, b, MAC.b)
        .via(`20.0.${i}.0/24`, `${a}@1*${i + 1}`, `${b}@2`);
    }
    first.settle();
    const second = new Bed(first.server);
    await second.up();
    second.fib.beginReplay();
    second.neighbor(1, '10.0.1.2', MAC.a).nexthop(1, '10.0.1.2@1');
    for (let i = 0; i < 200; i++) second.viaId(`20.0.${i}.0/24`, 1);
    second.settle();
    expect(second.fib.forwarding.adopted).toBe(0);
    second.fib.endReplay();
    second.programmer.releaseAdopted();
    expect(second.programmer.holdsAdopted).toBe(false);
    second.settle();
    expect(second.programmer.counters).toMatchObject({ failed: 0, retried: 0 });
    expect(second.server.sandbox.find({}).filter(({ type }) => type === 'loadBalance')).toEqual([]);
  });

  test('zebra reconnecting changes nothing that it confirms; ids that mean something new do not mislead old routes', async () => {
    const b = await bed();
    fill(b).settle();
    b.fib.beginReplay();
    const ops = b.operationsFor(() => {
      // In the order of zebra's replay: groups first, routes last.
      b.group(3, 1, 2).nexthop(1, '10.0.1.2@1').nexthop(2, '10.0.2.2@2');
      for (let i = 0; i < 50; i++) b.viaId(`20.0.${i}.0/24`, 1 + (i % 3));
    });
    expect(ops).toEqual([]);
    expect(b.fib.endReplay()).toEqual({ routes: 0, nexthops: 0, lsps: 0, neighbors: 0, adopted: 0, kept: 0 });

    b.fib.beginReplay();
    b.nexthop(1, '10.0.2.2@2').settle();
    expect(b.packet('20.0.0.1')).toBe(out(1, MAC.a));
    b.viaId('20.0.0.0/24', 1).settle();
    expect(b.packet('20.0.0.1')).toBe(out(2, MAC.b));
    expect(b.packet('20.0.3.1')).toBe(out(1, MAC.a));
    expect(b.fib.endReplay()).toMatchObject({ routes: 49 });
    b.settle();
    expect(b.packet('20.0.3.1')).toBe(`punt ${PuntReason.NoRoute}`);
  });

  test('nothing is left after withdrawing everything, over and over', async () => {
    const b = await bed();
    const empty = b.server.sandbox.info();
    for (let round = 0; round < 5; round++) {
      fill(b).via('10.0.1.0/24', '@1').settle();
      for (let i = 0; i < 50; i++) b.withdraw(`20.0.${i}.0/24`);
      b.withdraw('10.0.1.0/24');
      for (const id of [3, 2, 1]) b.apply({ kind: 'nexthopDelete', id });
      b.neighborGone(1, '10.0.1.2').neighborGone(2, '10.0.2.2').settle();
      const { nodes, entries } = b.server.sandbox.info();
      expect({ nodes, entries }).toEqual({ nodes: empty.nodes, entries: empty.entries });
      expect(b.fib.neighbors.size).toBe(0);
      expect(b.fib.rows.routes.size).toBe(b.entries().size);
    }
    // A strict server would have refused anything removed while it was pointed at.
    expect(b.programmer.counters).toMatchObject({ failed: 0, retried: 0 });
  });
});
