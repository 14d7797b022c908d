/** `why` and `trace` over the FIB, the programmer and a real sandbox: what is told is what is there. */
import type { RouteQuery, TraceQuery, WhyView } from '../../../src/control/explain-types';
import { parseWhy } from '../../../src/control/explain-query';
import { parseAddress, parseMac, parsePrefix } from '../../../src/net/address';
import { buildProbe } from '../../../src/net/probe';
import { lastKnown } from '../../../src/views/known';
import { RouteViews } from '../../../src/views/routes';
import { traceView } from '../../../src/views/trace';
import { whyView, type WhyContext } from '../../../src/views/why';
import { Bed, pathOf, Server } from '../../bed/bed';
import { faultsOf } from '../../schemas';
import { traceText } from '../../../src/control/explain';
import { checksum, transportBytes } from '../vasic/testbed';

const M1 = '02:00:00:00:01:01';
const M2 = '02:00:00:00:02:02';
const UP: WhyContext = {
  afi: 'up',
  afiError: undefined,
  afiServer: '192.0.2.1:50051',
  known: undefined,
  portNames: new Map([0, 1, 2, 3].map((port) => [512 + port, `port ${port}`])),
};

function why(bed: Bed, where: string, context = UP, asked = 3): WhyView {
  const views = new RouteViews(bed.fib, bed.programmer);
  const progress = (): { asked: number } => ({ asked });
  const options = { fib: bed.fib, programmer: bed.programmer, views, kernelNeighbors: true, progress };
  const view = whyView(options, parseWhy(new URLSearchParams({ where })) as RouteQuery, context);
  expect(faultsOf('why', view)).toEqual([]);
  return view;
}

test('an ECMP route, one path without an answer', async () => {
  const bed = await new Bed().up();
  bed.neighbor(1, '10.1.1.2', M1).neighbor(2, '10.1.2.9', undefined, 'failed');
  bed.nexthop(5, '10.1.1.2@1').nexthop(6, '10.1.2.9@2').group(7, 5, 6).viaId('10.20.0.0/16', 7).settle();
  const view = why(bed, '10.20.0.0/16');
  expect(view.stops).toBeUndefined();
  expect(view.result).toBe('the vASIC forwards them by the entry 10.20.0.0/16: via 10.1.1.2, tap1');
  expect(view.notes).toEqual([
    "the path via 10.1.2.9, tap2 isn't used: no ARP answer from 10.1.2.9 on tap2, asked 3 times",
  ]);
  const story = view.routes[0]!;
  expect(story.nexthop).toMatchObject({ name: 'id 7', legs: [], members: [{ name: 'id 5' }, { name: 'id 6' }] });
  expect(story.chain.map(({ type, depth }) => `${depth} ${type}`)).toEqual([
    ...['0 match', '1 switch', '2 tree', '3 indirect', '4 indirect', '5 encap', '6 outputPort'],
  ]);
  bed.neighbor(2, '10.1.2.9', M2).settle();
  const both = why(bed, '10.20.3.4');
  expect(both.notes).toEqual([]);
  expect(both.routes[0]!.chain.filter(({ type }) => type === 'outputPort').map(({ purpose }) => purpose)).toEqual([
    'port 1',
    'port 2',
  ]);
});

test('the moments: sent, acknowledged, reported; forgotten when zebra sends the route again', async () => {
  const bed = await new Bed().up();
  bed.via('10.40.0.0/16', '10.1.1.99@1');
  const waiting = why(bed, '10.40.0.0/16').routes[0]!;
  expect(waiting.received).toBeDefined();
  expect([waiting.acknowledged, waiting.reported, waiting.programmed]).toEqual([undefined, undefined, false]);
  bed.settle();
  expect(why(bed, '10.40.0.0/16').routes[0]!.reported).toBeUndefined();
  bed.later();
  const told = why(bed, '10.40.0.0/16').routes[0]!;
  expect(Date.parse(told.reported!) - Date.parse(told.acknowledged!)).toBe(3999);
  expect(told.route.reported).toBe('unresolved');
  bed.via('10.40.0.0/16', '10.1.1.99@1');
  const again = why(bed, '10.40.0.0/16').routes[0]!;
  expect(Date.parse(again.received!)).toBeGreaterThan(Date.parse(told.received!));
  expect(again.reported).toBeUndefined();
});

test('while the vASIC can not be asked, every view says that it is what was known last, and since when', async () => {
  const bed = await new Bed().up();
  bed.neighbor(1, '10.1.1.2', M1).nexthop(5, '10.1.1.2@1').viaId('10.20.0.0/16', 5).settle();
  const views = new RouteViews(bed.fib, bed.programmer);
  const known = (): (string | undefined)[] => [
    ...[...views.lookup({ prefix: parsePrefix('10.20.0.0/16')! })].map((route) => route.lastKnown),
    ...[...views.nexthops()].filter(({ id }) => id === 5).map((nexthop) => nexthop.lastKnown),
  ];
  expect(known()).toEqual([undefined, undefined]);
  bed.programmer.down('connection refused');
  const since = lastKnown(bed.programmer.connection)!.since.toISOString();
  expect(known()).toEqual([since, since]);
  const context = {
    ...UP,
    afi: 'down',
    afiError: 'connection refused',
    known: lastKnown(bed.programmer.connection),
  } as const;
  const view = why(bed, '10.20.0.0/16', context);
  expect(view.result).toBe(
    `the vASIC is not reachable since ${since}; when it was asked last: the vASIC forwards them by the entry 10.20.0.0/16: ` +
      'via 10.1.1.2, tap1',
  );
  expect(view.stops).toMatchObject({
    at: 'AFI connection',
    why: `the vASIC at 192.0.2.1:50051 is not reachable since ${since} (connection refused): whether it still forwards isn't known`,
  });
  await bed.up();
  expect(known()).toEqual([undefined, undefined]);
  expect(lastKnown(bed.programmer.connection)).toBeUndefined();
});

describe('where it stops', () => {
  test('a TAP that Linux has given away, and one that is set down', async () => {
    const bed = await new Bed().up();
    bed.neighbor(1, '10.1.1.2', M1).via('10.40.0.0/16', '10.1.1.2@1').settle();
    bed.fib.applyKernel({ kind: 'link', ifindex: 90, name: 'br0', present: true, up: true, master: 0 });
    bed.link(1, true, true, { master: 90 }).settle();
    expect(why(bed, '10.40.0.0/16').stops).toEqual({
      at: 'link',
      why: 'it leaves by tap1, which Linux has given to br0: Linux forwards',
      remedy: 'for the vASIC to forward: ip link set tap1 nomaster',
    });
    bed.link(1, true, false, { adminDown: true }).settle();
    expect(why(bed, '10.40.0.0/16').stops).toMatchObject({ remedy: 'tap1 is set down: ip link set tap1 up' });
    bed.link(1, true).settle();
    expect(why(bed, '10.40.0.0/16').stops).toBeUndefined();
  });

  test.each([
    ['failed', 'no ARP answer from 10.1.1.99 on tap1, asked 3 times'],
    ['incomplete', 'ARP for 10.1.1.99 on tap1 is under way, no answer yet, asked 3 times'],
    ['none', "the hardware address of 10.1.1.99 on tap1 isn't known: the kernel was asked 3 times"],
  ] as const)('neighbor %s', async (state, text) => {
    const bed = await new Bed().up();
    if (state !== 'none') bed.neighbor(1, '10.1.1.99', undefined, state);
    bed.via('10.40.0.0/16', '10.1.1.99@1').settle();
    expect(why(bed, '10.40.0.0/16').stops).toMatchObject({ at: 'neighbor', why: text });
  });

  test.each(['permanent', 'noarp', 'stale', 'reachable'] as const)(
    'a neighbor with the MAC of a group, %s: what it has, and no remedy that is refused',
    async (state) => {
      const bed = await new Bed().up();
      bed.neighbor(1, '10.1.1.99', '01:00:5e:00:00:05', state).via('10.40.0.0/16', '10.1.1.99@1').settle();
      const { stops } = why(bed, '10.40.0.0/16', UP, 0);
      expect(stops).toMatchObject({
        at: 'neighbor',
        why: '10.1.1.99 on tap1 has the MAC address of a group, 01:00:5e:00:00:05: only Linux sends there',
      });
      expect(stops?.remedy).toContain('"ip neigh replace 10.1.1.99 lladdr MAC dev tap1"');
      expect(stops?.remedy).not.toContain('neighbors.static');
    },
  );

  test('IPv6 asks by ND, and a neighbor that nobody asked for is told as such', async () => {
    const bed = await new Bed().up();
    bed.via('2001:db8:4::/48', '2001:db8:1::9@1').neighbor(1, '2001:db8:1::9', undefined, 'failed').settle();
    expect(why(bed, '2001:db8:4::1').stops?.why).toBe('no ND answer from 2001:db8:1::9 on tap1, asked 3 times');
    expect(why(bed, '2001:db8:4::1', UP, 1).stops?.why).toContain('asked once');
    expect(why(bed, '2001:db8:4::1').stops?.remedy).toContain('tcpdump -eni tap1 icmp6');
  });

  test('refused: the reason, and the covering route decides', async () => {
    const bed = await new Bed(new Server({ refuse: [parsePrefix('10.66.0.0/16')!] })).up();
    bed.neighbor(1, '10.1.1.2', M1).neighbor(2, '10.1.2.2', M2);
    bed.via('10.66.0.0/16', '10.1.1.2@1').via('0.0.0.0/0', '10.1.2.2@2').settle();
    const view = why(bed, '10.66.1.1');
    expect(view.stops).toMatchObject({ at: 'vASIC', why: expect.stringContaining('told to refuse') as string });
    expect([view.decides, view.routes[0]!.programmed]).toEqual(['0.0.0.0/0', false]);
    expect(view.result).toContain('via 10.1.2.2, tap2');
    expect(bed.packet('10.66.1.1')).toContain('p2');
  });

  test('rules, configuration, links, nexthops that never came', async () => {
    const bed = await new Bed().up();
    bed.via('10.1.1.0/24', '@1').address(1, '10.1.1.1/24').route('10.5.0.0/16', { kind: 'drop', drop: 'prohibit' });
    bed
      .via('10.6.0.0/16', '10.9.9.9@90')
      .viaId('10.7.0.0/16', 70)
      .route('10.8.0.0/16', { kind: 'unsupported', reason: 'type 9' });
    bed.neighbor(3, '10.1.3.2', M1).via('10.10.0.0/16', '10.1.3.2@3').via('10.11.0.0/16', '10.1.1.7@1');
    bed.route('10.12.0.0/16', { kind: 'drop', drop: 'blackhole' }).link(3, true, false).settle();
    const stop = (where: string): string => {
      const { stops } = why(bed, where);
      return stops === undefined ? 'none' : `${stops.at}: ${stops.why}`;
    };
    expect(stop('10.1.1.200')).toMatch(/^rule: glean/);
    expect(stop('10.1.1.1')).toMatch(/^rule: local/);
    expect(stop('224.0.0.5')).toMatch(/^(rule: multicast|zebra: )/);
    expect(stop('10.5.0.0/16')).toMatch(/^rule: zebra says prohibit/);
    expect(stop('10.6.0.0/16')).toMatch(/^configuration: it leaves by \?, which is no port/);
    expect(stop('10.7.0.0/16')).toBe('zebra: zebra named nexthop id 70 and has not sent that');
    expect(stop('10.8.0.0/16')).toMatch(/^rule: nothing in the vASIC/);
    expect(stop('10.10.0.0/16')).toBe('link: the link of tap3 is down');
    expect(stop('10.12.0.0/16')).toBe('none');
    expect(why(bed, '10.12.0.0/16').result).toBe('the vASIC discards them by the entry 10.12.0.0/16');
    expect(stop('10.99.0.0/16')).toBe('zebra: zebra has sent no such route');
  });

  test('another table, no connection, no acknowledgement', async () => {
    const bed = await new Bed().up();
    bed.neighbor(1, '10.1.1.2', M1).settle().via('10.20.0.0/16', '10.1.1.2@1');
    expect(why(bed, '10.20.0.0/16').stops).toMatchObject({
      at: 'AFI connection',
      why: expect.stringMatching(/not acknowledged/) as string,
    });
    const down = { ...UP, afi: 'down' as const, afiError: 'connection refused' };
    expect(why(bed, '10.20.0.0/16', down).stops?.why).toContain('192.0.2.1:50051: connection refused');
    expect(why(bed, '10.77.0.1').result).toContain('default hands such packets to the host');
    expect(why(bed, '10.77.0.1', down).result).toBe('nothing is known to be programmed for it');
  });
});

test('a route that zebra withdrew decides until its removal is acknowledged', async () => {
  const bed = await new Bed().up();
  bed.neighbor(1, '10.1.1.2', M1).neighbor(2, '10.1.2.2', M2);
  bed.via('10.20.0.0/16', '10.1.1.2@1').via('0.0.0.0/0', '10.1.2.2@2').settle().withdraw('10.20.0.0/16');
  const before = why(bed, '10.20.0.1');
  expect(before.routes.map(({ route }) => route.prefix)).toEqual(['0.0.0.0/0']);
  expect([before.decides, before.stops]).toEqual(['10.20.0.0/16', undefined]);
  expect(before.result).toContain('via 10.1.1.2, tap1');
  expect(why(bed, '10.20.0.0/16').stops?.why).toBe('zebra has sent no such route');
  bed.settle();
  const after = why(bed, '10.20.0.1');
  expect([after.decides, after.result]).toEqual(['0.0.0.0/0', expect.stringContaining('via 10.1.2.2, tap2')]);
});

// ---- trace ----

const query = (source: string, destination: string, more: Partial<TraceQuery> = {}): TraceQuery => ({
  source: parseAddress(source)!,
  destination: parseAddress(destination)!,
  ...{ protocol: 'udp', sourcePort: 1000, destinationPort: 2000, ttl: 64, flowLabel: 0, size: 48 },
  ...more,
});

function tracer(bed: Bed): (packet: TraceQuery) => ReturnType<typeof traceView> {
  const ports = [0, 1, 2, 3].map((index) => ({ index, tap: `tap${index}` }));
  return async (packet) => {
    const view = await traceView(
      {
        fib: bed.fib,
        views: new RouteViews(bed.fib, bed.programmer),
        ports,
        inputPorts: () => Promise.resolve(bed.server.sandbox.info().inputPorts),
        test: (port, frame) => Promise.resolve(bed.server.sandbox.test(port, frame)),
        purposes: () => new Map([...bed.programmer.tables.tokens()].map(({ token, name }) => [token, name])),
      },
      packet,
    );
    expect(faultsOf('trace', view)).toEqual([]);
    return view;
  };
}

test('a labelled packet: swapped, popped, its TTL expired', async () => {
  const bed = await new Bed().up();
  bed.fib.setLabelInput(0, true);
  bed.neighbor(1, '10.1.1.2', M1);
  const lsp = (label: number, ...outLabels: number[]): Bed =>
    bed.apply({ kind: 'lspAdd', label, protocol: 193, paths: [{ ...pathOf('10.1.1.2@1'), outLabels }] });
  lsp(100, 200, 300);
  lsp(101).settle();
  const trace = tracer(bed);
  const packet = { port: 0, ttl: 9, labels: [100, 17] };
  const swapped = await trace(query('198.51.100.1', '10.20.0.9', packet));
  expect(swapped.packet).toMatch(/^label 100\/17, 198\.51\.100\.1 > 10\.20\.0\.9, .* TTL 9, 48 bytes$/);
  expect(swapped.outcome).toMatchObject({ kind: 'output', port: 1, labels: [200, 300, 17], ttl: 8 });
  expect(traceText(swapped)).toContain(', label 200/300/17, with TTL 8');
  expect(swapped.steps.map(({ detail }) => detail)).toContain('packet.mpls.label is 100');
  const popped = await trace(query('2001:db8::1', '2001:db8::2', { ...packet, labels: [101] }));
  expect(popped.outcome).toMatchObject({ kind: 'output', port: 1, ttl: 8 });
  expect(popped.outcome).not.toHaveProperty('labels');
  const expired = await trace(query('198.51.100.1', '10.20.0.9', { ...packet, ttl: 1 }));
  expect(expired.outcome).toMatchObject({ kind: 'punt', reasonName: 'LabelTtl' });
});

test('a trace agrees with the packet, flow by flow', async () => {
  const bed = await new Bed().up();
  bed.neighbor(1, '10.1.1.2', M1).neighbor(2, '10.1.2.2', M2).via('10.20.0.0/16', '10.1.1.2@1', '10.1.2.2@2').settle();
  const trace = tracer(bed);
  const paths = new Set<number>();
  for (let sport = 1; sport <= 300; sport++) {
    const { outcome } = await trace(query('198.51.100.1', '10.20.0.9', { port: 0, sourcePort: sport }));
    if (outcome.kind !== 'output') throw new Error(outcome.kind);
    paths.add(outcome.port);
    expect(bed.packet('10.20.0.9', 0, { sport })).toBe(
      `p${outcome.port} ${outcome.destinationMac.replaceAll(':', '')}`,
    );
  }
  expect(paths).toEqual(new Set([1, 2]));
});

test('the input port is the one towards the source; steps are named; what cannot be traced says why', async () => {
  const bed = await new Bed().up();
  bed.neighbor(1, '10.1.1.2', M1).via('10.20.0.0/16', '10.1.1.2@1').via('10.1.3.0/24', '@3').settle();
  const trace = tracer(bed);
  const view = await trace(query('10.1.3.7', '10.20.0.1'));
  expect(view.input).toEqual({ port: 3, tap: 'tap3', table: 254, vrf: 'default' });
  expect(view.steps.map(({ purpose }) => purpose)).toContain('neighbor 10.1.1.2');
  expect(view.outcome).toMatchObject({ kind: 'output', tap: 'tap1', destinationMac: M1, ttl: 63 });
  expect((await trace(query('10.1.3.7', '10.1.3.9'))).outcome).toMatchObject({ kind: 'punt', reasonName: 'Glean' });
  expect((await trace(query('10.1.3.7', '10.20.0.1', { ttl: 1 }))).outcome).toMatchObject({ reasonName: 'TtlExpired' });
  await expect(trace(query('203.0.113.1', '10.20.0.1'))).rejects.toThrow('no port leads to 203.0.113.1: name one');
  expect((await trace(query('10.1.3.7', '10.20.0.1', { port: 'tap0' }))).input.port).toBe(0);
  await expect(trace(query('10.1.3.7', '10.20.0.1', { port: 'tap8' }))).rejects.toThrow('no port tap8, of 0 (tap0)');
  await expect(trace(query('10.1.3.7', '10.20.0.1', { port: 8 }))).rejects.toThrow('no port 8, of 0 (tap0)');
});

test.each([
  ['udp', '10.0.0.1', '10.0.0.2', 28],
  ['tcp', '10.0.0.1', '10.0.0.2', 40],
  ['icmp', '10.0.0.1', '10.0.0.2', 28],
  ['udp', '2001:db8::1', '2001:db8::2', 48],
  ['tcp', '2001:db8::1', '2001:db8::2', 60],
  ['icmp', '2001:db8::1', '2001:db8::2', 48],
] as const)('the %s packet from %s has the right size and checksums', (protocol, source, destination, least) => {
  for (const size of [0, least + 1, 600]) {
    const frame = buildProbe(query(source, destination, { protocol, size, ttl: 9 }), parseMac(M1)!);
    const packet = frame.subarray(14);
    expect(packet.length).toBe(Math.max(least, size));
    const isIp4 = source.includes('.');
    if (isIp4) expect(checksum(packet.subarray(0, 20))).toBe(0);
    const covered = isIp4 && protocol === 'icmp' ? packet.subarray(20) : transportBytes(packet);
    expect(checksum(covered)).toBe(0);
    expect(packet[isIp4 ? 8 : 7]).toBe(9);
  }
});
