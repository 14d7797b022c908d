/**
 * `fpm2afi why` and `fpm2afi trace` over zebra, fpm2afi and softvasic: what they say is what happens. Each trace is compared
 * with where the packet then leaves. The topology is that of lab/hosts-topology.ts.
 */
import { join } from 'node:path';
import { buildHostsTopology } from '../../lab/hosts-topology';
import { labId, openLab, stopLab, type Lab } from '../../lab/lab';
import type { LabNode } from '../../lab/node';
import type { Bridge } from '../../lab/programs';
import { capture, ping } from '../../lab/traffic';
import { waitFor } from '../../lab/wait';
import { requestObject } from '../../src/control/client';
import type { TraceView, WhyView } from '../../src/control/explain-types';

const ID = labId('why');
const PORTS = [0, 1, 2];
const REFUSED = '10.66.0.0/16';
const FLOWS = 300;
jest.setTimeout(180_000);

const STATICS = [
  ...PORTS.map((port) => `ip route 10.9.${port}.1/32 10.1.${port}.2`),
  'ip route 10.20.0.0/16 10.1.1.2',
  'ip route 10.20.0.0/16 10.1.2.2',
  'ip route 10.21.0.0/16 10.1.1.2',
  'ip route 10.21.0.0/16 10.1.2.99',
  'ip route 10.30.0.0/16 blackhole',
  'ip route 0.0.0.0/0 10.1.2.2',
  'ip route 10.40.0.0/16 10.1.1.99',
  `ip route ${REFUSED} 10.1.1.2`,
  'ip route 10.50.0.0/16 mgmt0',
  'ipv6 route 2001:db8:20::/48 2001:db8:1::2',
  'ipv6 route 2001:db8:20::/48 2001:db8:2::2',
];

let lab: Lab;
let router: LabNode;
let bridge: Bridge;
let hosts: readonly LabNode[];

beforeAll(async () => {
  lab = await openLab(ID);
  ({ router, hosts, bridge } = await buildHostsTopology(lab, { ip6: true, refuse: [REFUSED], config: STATICS }));
  // Flow labels of its own would make a flow other than the one traced.
  for (const host of hosts) await host.sysctl({ 'net.ipv6.auto_flowlabels': 0 });
  await waitFor(
    async () => {
      const routes = await bridge.routes();
      const state = (prefix: string): string | undefined => routes.find((route) => route.prefix === prefix)?.state;
      const ready = ['10.9.0.1/32', '10.9.1.1/32', '10.9.2.1/32', '0.0.0.0/0', '10.20.0.0/16', '2001:db8:20::/48'];
      const legs = ['10.20.0.0/16', '2001:db8:20::/48'].flatMap(
        (prefix) => routes.find((route) => route.prefix === prefix)?.nexthops ?? [],
      );
      return (
        ready.every((prefix) => state(prefix) === 'offloaded') &&
        legs.length === 4 &&
        legs.every((leg) => leg.state === 'ready') &&
        state(REFUSED) === 'failed' &&
        routes.every((route) => route.state !== 'pending')
      );
    },
    { timeoutMs: 60_000, what: 'the static routes in the vASIC' },
  );
});

afterAll(async () => {
  await lab.close();
  await stopLab(ID);
});

const socket = (): string => join(router.dir, 'fpm2afi.sock');
const why = async (where: string): Promise<WhyView> =>
  (await requestObject(socket(), `/v1/why?where=${encodeURIComponent(where)}`)) as WhyView;
const trace = async (source: string, destination: string, more = ''): Promise<TraceView> =>
  (await requestObject(socket(), `/v1/trace?src=${source}&dst=${destination}${more}`)) as TraceView;

describe('why', () => {
  test('an offloaded route: its legs, neighbors, nodes from port to port, and the moments in their order', async () => {
    const view = await waitFor(
      async () => {
        const now = await why('10.20.0.0/16');
        const settled = now.routes[0]?.reported !== undefined && now.stops === undefined && now.notes.length === 0;
        return settled ? now : undefined;
      },
      { timeoutMs: 30_000, what: 'the route to be reported, with both legs' },
    );
    expect(view.stops).toBeUndefined();
    expect(view.decides).toBe('10.20.0.0/16');
    // A group's members come in the order of their ids, which zebra gave out as it learned of the nexthops.
    expect(view.result!.match(/via [^;]+, tap\d/g)!.sort()).toEqual(['via 10.1.1.2, tap1', 'via 10.1.2.2, tap2']);
    const story = view.routes[0]!;
    // zebra may send a route again when nothing has to be written, so `received` may follow `acknowledged`.
    const [received, acknowledged, reported] = [story.received, story.acknowledged, story.reported].map((time) =>
      Date.parse(time!),
    );
    expect(received).toBeLessThanOrEqual(reported!);
    expect(acknowledged).toBeLessThanOrEqual(reported!);
    const legs =
      story.nexthop!.members.length === 0 ? story.nexthop!.legs : story.nexthop!.members.flatMap((m) => m.legs);
    expect(legs.map(({ mac, port, neighbor }) => [mac, port, neighbor?.source]).sort()).toEqual([
      ['32:26:0a:2e:cc:f1', 1, 'kernel'],
      ['32:26:0a:2e:cc:f2', 2, 'kernel'],
    ]);
    const types = story.chain.map(({ type }) => type);
    expect(types.slice(0, 4)).toEqual(['match', 'switch', 'tree', 'indirect']);
    expect(types.slice(4)).toEqual(['loadBalance', ...Array(2).fill(['indirect', 'encap', 'outputPort']).flat()]);
    expect(
      story.chain
        .filter(({ type }) => type === 'outputPort')
        .map(({ purpose }) => purpose)
        .sort(),
    ).toEqual(['port 1 (tap1)', 'port 2 (tap2)']);
  });

  test('a nexthop that nobody answers for: which, on which interface, that the kernel was asked', async () => {
    const view = await waitFor(
      async () => {
        const now = await why('10.40.1.2');
        return now.stops?.why.includes('no ARP answer') === true ? now : undefined;
      },
      { timeoutMs: 30_000, what: 'the neighbor to fail' },
    );
    expect(view.stops).toMatchObject({
      at: 'neighbor',
      why: expect.stringMatching(/^no ARP answer from 10\.1\.1\.99 on tap1, asked /),
    });
    expect(view.routes.map(({ route }) => route.prefix)).toEqual(['10.40.0.0/16', '0.0.0.0/0']);
    expect(view.routes[0]!.chain.at(-1)).toMatchObject({ type: 'receive', purpose: 'to the host: Unresolved' });
    const text = await router.must(['fpm2afi', 'why', '10.40.0.0/16']);
    expect(text).toMatch(/^10\.40\.0\.0\/16: unresolved\n/);
    expect(text).toMatch(/stops at +neighbor: no ARP answer from 10\.1\.1\.99 on tap1/);
  });

  test('a refused route: the reason, and the route that then decides', async () => {
    const view = await why('10.66.1.1');
    expect(view.stops).toMatchObject({ at: 'vASIC', why: expect.stringContaining('refused') });
    expect(view.routes[0]).toMatchObject({ programmed: false, chain: [], route: { prefix: REFUSED, state: 'failed' } });
    expect(view.decides).toBe('0.0.0.0/0');
    expect(view.result).toContain('via 10.1.2.2, tap2');
  });

  test('the other fates', async () => {
    expect(await why('10.30.0.0/16')).toMatchObject({ result: 'the vASIC discards them by the entry 10.30.0.0/16' });
    expect((await why('10.50.0.0/16')).stops).toMatchObject({
      at: 'configuration',
      why: expect.stringContaining('mgmt0, which is no port'),
    });
    expect((await why('10.1.1.0/24')).stops).toMatchObject({ at: 'rule', why: expect.stringMatching(/^glean/) });
    expect((await why('10.1.1.1')).stops).toMatchObject({ at: 'rule', why: expect.stringMatching(/^local/) });
    const host = await why('10.1.1.2');
    expect(host.stops).toBeUndefined();
    expect(host.routes[0]!.route).toMatchObject({ prefix: '10.1.1.2/32', origin: 'neighbor' });
    expect((await why('10.77.0.0/16')).stops).toMatchObject({ at: 'zebra', why: 'zebra has sent no such route' });
    const none = await why('3fff::1');
    expect(none).toMatchObject({ routes: [], stops: { at: 'zebra' } });
    expect(none.result).toContain('default hands such packets to the host');
    const partly = await why('10.21.0.0/16');
    expect(partly.stops).toBeUndefined();
    expect(partly.notes).toEqual([expect.stringMatching(/^the path via 10\.1\.2\.99, tap2 isn't used: /)]);
  });
});

/** Sends one UDP packet for each flow from host0: source port 40000 + i, to the address that `to` makes of i. */
async function sendFlows(family: 4 | 6, to: string): Promise<void> {
  const script = `
    const dgram = require('node:dgram');
    const to = (i) => ${to};
    (async () => {
      for (let i = 0; i < ${FLOWS}; i++) {
        const socket = dgram.createSocket('udp${family}');
        await new Promise((done) => socket.bind(40000 + i, done));
        await new Promise((done, fail) => socket.send('hello', 7, to(i), (error) => (error ? fail(error) : done())));
        socket.close();
      }
    })().catch((error) => { console.error(error); process.exit(1); });`;
  await hosts[0]!.must([process.execPath, '-e', script], { timeoutMs: 60_000 });
}

/** tcpdump's buffer holds few frames of the full length, too few for a burst on a busy machine. */
const SHORT = ['-s', '128'];

/** Source ports seen in a capture. */
const flowsIn = (lines: readonly string[]): number[] =>
  lines.flatMap((line) => {
    const found = /^IP6? \S+\.(\d+) > \S+\.7: UDP/.exec(line);
    return found === null ? [] : [Number(found[1]) - 40_000];
  });

describe('trace', () => {
  test.each([
    [
      4,
      'udp and dst net 10.20.0.0/16',
      '10.1.0.2',
      (i: number) => `10.20.${i >> 8}.${i & 255}`,
      '`10.20.${i >> 8}.${i & 255}`',
    ],
    [
      6,
      'udp and dst net 2001:db8:20::/48',
      '2001:db8::2',
      (i: number) => `2001:db8:20::${(i + 1).toString(16)}`,
      '`2001:db8:20::${(i + 1).toString(16)}`',
    ],
  ] as const)('IPv%i: every flow leaves by the leg that was traced', async (family, filter, source, to, text) => {
    const captures = await Promise.all(
      [1, 2].map((port) => capture(hosts[port]!, 'veth', [...SHORT, ...filter.split(' ')])),
    );
    const traced = new Map<number, number>();
    for (let i = 0; i < FLOWS; i++) {
      const { outcome, input } = await trace(source, to(i), `&sport=${40_000 + i}&dport=7`);
      if (outcome.kind !== 'output') throw new Error(`flow ${i} is said to end with ${JSON.stringify(outcome)}`);
      expect(input.port).toBe(0);
      expect(outcome).toMatchObject({ ttl: 63, destinationMac: `32:26:0a:2e:cc:f${outcome.port}` });
      traced.set(i, outcome.port);
    }
    // The sender knows its router by now: what waits for an address may be dropped.
    const peer = family === 4 ? '10.1.1.2' : '2001:db8:1::2';
    const reached = async (): Promise<boolean> => (await ping(hosts[0]!, peer, { count: 1 })).received > 0;
    await waitFor(reached, { timeoutMs: 20_000, what: `${peer} to answer host0` });
    await sendFlows(family, text);
    // Both captures print as they go; what is sent has been forwarded by the time that a ping sent after it is answered.
    expect((await ping(hosts[0]!, '10.9.1.1')).received).toBeGreaterThan(0);
    const seen = new Map<number, number>();
    for (const [index, watched] of captures.entries()) {
      for (const flow of flowsIn(await watched.stop())) seen.set(flow, index + 1);
    }
    const table = (flows: ReadonlyMap<number, number>): string =>
      Array.from({ length: FLOWS }, (_, i) => flows.get(i) ?? '-').join('');
    expect(table(seen)).toBe(table(traced));
    expect(new Set(seen.values())).toEqual(new Set([1, 2]));
  });

  test('expiring TTL: traced to the host, and answered by it', async () => {
    const { outcome } = await trace('10.1.0.2', '10.9.1.1', '&ttl=1&proto=icmp');
    expect(outcome).toMatchObject({ kind: 'punt', reasonName: 'TtlExpired' });
    expect((await ping(hosts[0]!, '10.9.1.1', { ttl: 1, count: 1 })).text).toContain('10.1.0.1');
    expect((await ping(hosts[0]!, '10.9.1.1', { ttl: 2 })).received).toBeGreaterThan(0);
    expect((await trace('10.1.0.2', '10.9.1.1', '&ttl=2&proto=icmp')).outcome).toMatchObject({
      kind: 'output',
      port: 1,
      ttl: 1,
    });
  });

  test('glean: traced to the host, which asks for the neighbor', async () => {
    const { outcome } = await trace('10.1.0.2', '10.1.1.77');
    expect(outcome).toMatchObject({ kind: 'punt', reasonName: 'Glean' });
    const watched = await capture(hosts[1]!, 'veth', ['arp']);
    await ping(hosts[0]!, '10.1.1.77', { count: 2 });
    expect((await watched.stop()).some((line) => line.includes('who-has 10.1.1.77'))).toBe(true);
  });

  test('a refused prefix: traced to, and leaving by, the covering route', async () => {
    const { outcome, steps } = await trace('10.1.0.2', '10.66.1.1', '&proto=icmp');
    expect(outcome).toMatchObject({ kind: 'output', port: 2 });
    expect(steps.find(({ type }) => type === 'tree')?.detail).toBe('0.0.0.0/0');
    const watched = await capture(hosts[2]!, 'veth', ['icmp']);
    await ping(hosts[0]!, '10.66.1.1');
    expect((await watched.stop()).some((line) => line.includes('> 10.66.1.1: ICMP echo request'))).toBe(true);
  });

  test('tracing counts nothing and sends nothing', async () => {
    const output = async (): Promise<number> =>
      (await bridge.ports()).reduce((sum, port) => sum + (port.output?.packets ?? 0), 0);
    const watched = await capture(hosts[1]!, 'veth', ['udp', 'and', 'dst', 'host', '10.9.1.1']);
    const before = await output();
    for (let i = 0; i < 200; i++) await trace('10.1.0.2', '10.9.1.1', `&sport=${i + 1}`);
    // Only what Linux itself says on the wire (ARP) may have been sent meanwhile.
    expect((await output()) - before).toBeLessThan(50);
    expect(await watched.stop()).toEqual([]);
  });

  test('the command: its text, and what it says to a wrong port', async () => {
    const text = await router.must(['fpm2afi', 'trace', '10.1.0.2', '10.9.1.1', '--proto', 'tcp', '--dport', '179']);
    expect(text).toMatch(/^10\.1\.0\.2 > 10\.9\.1\.1, tcp 50000 > 179, TTL 64, 40 bytes, in by port 0 \(tap0\)\n/);
    expect(text).toMatch(/tree +the route tree +10\.9\.1\.1\/32\n/);
    expect(text).toMatch(
      /\nleaves by port 1 \(tap1\), from 32:26:0a:2e:aa:f1 to 32:26:0a:2e:cc:f1, with TTL 63\n(the kernel forwards it\n)?$/,
    );
    const wrong = await router.exec(['fpm2afi', 'trace', '10.1.0.2', '10.9.1.1', '--port', '9']);
    expect([wrong.status, wrong.stderr.trim()]).toEqual([1, 'port: no port 9, of 0 (tap0), 1 (tap1), 2 (tap2)']);
  });
});
