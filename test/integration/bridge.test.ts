/**
 * The whole of it with real parts: zebra and staticd, fpm2afi, softvasic, hosts behind its ports. What zebra says it
 * has, what the bridge says it has, and what packets do have to agree.
 *
 *   host0 ── p0 ┐                      ┌ tap0  10.1.0.1/24  2001:db8:0::1/64
 *   host1 ── p1 ┼ vasic ── mgmt ── router ┤ tap1  10.1.1.1/24  2001:db8:1::1/64
 *   host2 ── p2 ┘                      └ tap2  10.1.2.1/24  2001:db8:2::1/64
 */
import { startFrr, type Frr } from '../../demo/lab/frr';
import { at, entries, items, numberAt, textAt } from '../../demo/lab/json';
import { labId, openLab, stopLab, type Lab } from '../../demo/lab/lab';
import { link, type LabNode } from '../../demo/lab/node';
import { startBridge, startSoftvasic, type Bridge, type Program } from '../../demo/lab/programs';
import { logLines, logMark } from '../../demo/lab/process';
import { ping } from '../../demo/lab/traffic';
import { waitFor } from '../../demo/lab/wait';
import type { RouteView } from '../../src/control/types';

const ID = labId('bridgetest');
const PORTS = [0, 1, 2];
const REFUSED = '10.66.0.0/16';
jest.setTimeout(120_000);

interface Stage {
  readonly lab: Lab;
  readonly router: LabNode;
  readonly hosts: readonly LabNode[];
  readonly frr: Frr;
  readonly softvasic: Program;
  readonly bridge: Bridge;
}

async function build(zebraArgs: readonly string[], fpmConfig: readonly string[]): Promise<Stage> {
  const lab = await openLab(ID);
  const router = await lab.node('router');
  const vasic = await lab.node('vasic');
  const hosts: LabNode[] = [];
  for (const port of PORTS) hosts.push(await lab.node(`host${port}`));
  await router.sysctl({
    'net.ipv4.ip_forward': 1,
    'net.ipv6.conf.all.forwarding': 1,
    'net.ipv4.conf.all.rp_filter': 0,
    'net.ipv4.conf.default.rp_filter': 0,
    'net.ipv6.conf.default.accept_dad': 0,
  });
  await link(
    { node: router, ifname: 'mgmt0', addresses: ['128.0.0.1/24'] },
    { node: vasic, ifname: 'mgmt0', addresses: ['128.0.0.16/24'] },
  );
  for (const port of PORTS) {
    const host = hosts[port]!;
    await host.sysctl({ 'net.ipv6.conf.default.accept_dad': 0 });
    await link(
      { node: vasic, ifname: `p${port}`, mac: `32:26:0a:2e:aa:f${port}` },
      { node: host, ifname: 'veth', mac: `32:26:0a:2e:cc:f${port}`, addresses: [`10.1.${port}.2/24`] },
    );
    await host.must(['ip', '-6', 'address', 'add', `2001:db8:${port}::2/64`, 'dev', 'veth', 'nodad']);
    await host.must(['ip', 'address', 'add', `10.9.${port}.1/32`, 'dev', 'lo']);
    await host.must(['ip', 'route', 'add', 'default', 'via', `10.1.${port}.1`]);
    await host.must(['ip', '-6', 'route', 'add', 'default', 'via', `2001:db8:${port}::1`]);
  }
  const softvasic = await startSoftvasic(vasic, {
    address: '128.0.0.16',
    client: '128.0.0.1',
    ports: PORTS.map((port) => `p${port}`),
    refuse: [REFUSED],
  });
  const bridge = await startBridge(router, {
    vasic: '128.0.0.16',
    address: '128.0.0.1',
    taps: PORTS.map((port) => `tap${port}`),
    settings: ['fpm.sweep.idle=500ms', 'fpm.sweep.minimum=1s'],
  });
  const config = [
    ...fpmConfig,
    ...PORTS.flatMap((port) => [
      `interface tap${port}`,
      ` ip address 10.1.${port}.1/24`,
      ` ipv6 address 2001:db8:${port}::1/64`,
    ]),
    ...STATICS,
    '',
  ].join('\n');
  const frr = await startFrr(lab, router, { config, daemons: ['staticd'], zebraArgs });
  return { lab, router, hosts, frr, softvasic, bridge };
}

const STATICS = [
  ...PORTS.map((port) => `ip route 10.9.${port}.1/32 10.1.${port}.2`),
  'ip route 10.20.0.0/16 10.1.1.2',
  'ip route 10.20.0.0/16 10.1.2.2',
  'ip route 10.30.0.0/16 blackhole',
  'ip route 10.31.0.0/16 reject',
  'ip route 0.0.0.0/0 10.1.2.2',
  'ip route 10.40.0.0/16 10.1.1.99',
  `ip route ${REFUSED} 10.1.1.2`,
  'ip route 10.50.0.0/16 mgmt0',
  'ipv6 route 2001:db8:9::/48 2001:db8:1::2',
  'ipv6 route ::/0 2001:db8:2::2',
  'ipv6 route 2001:db8:30::/48 blackhole',
];

let stage: Stage | undefined;

async function started(zebraArgs: readonly string[], fpmConfig: readonly string[] = []): Promise<Stage> {
  stage = await build(zebraArgs, fpmConfig);
  await waitFor(async () => (await stage!.bridge.routes()).filter(isStatic).length >= STATICS.length - 1, {
    timeoutMs: 30_000,
    what: 'the static routes in fpm2afi',
  });
  return stage;
}

const isStatic = (route: RouteView): boolean => route.protocol === 'static';
const find = (routes: readonly RouteView[], prefix: string): RouteView | undefined =>
  routes.find((route) => route.prefix === prefix && route.table === 254);

/** The state of each static route once nothing is pending and every neighbour that exists is known. */
async function settled(bridge: Bridge): Promise<Map<string, string>> {
  const routes = await waitFor(
    async () => {
      const list = await bridge.routes();
      const known =
        find(list, '10.9.0.1/32')?.state === 'offloaded' && find(list, '2001:db8:9::/48')?.state === 'offloaded';
      return known && list.every(({ state }) => state !== 'pending') ? list : undefined;
    },
    { timeoutMs: 30_000, what: 'all routes acknowledged' },
  );
  return new Map(routes.filter(isStatic).map(({ prefix, state }) => [prefix, state]));
}

const EXPECTED: Readonly<Record<string, string>> = {
  '10.9.0.1/32': 'offloaded',
  '10.9.1.1/32': 'offloaded',
  '10.9.2.1/32': 'offloaded',
  '10.20.0.0/16': 'offloaded',
  '10.30.0.0/16': 'offloaded',
  '10.31.0.0/16': 'trapped',
  '0.0.0.0/0': 'offloaded',
  '10.40.0.0/16': 'unresolved',
  [REFUSED]: 'failed',
  '10.50.0.0/16': 'trapped',
  '2001:db8:9::/48': 'offloaded',
  '::/0': 'offloaded',
  '2001:db8:30::/48': 'offloaded',
};

/** What zebra holds as selected: prefix → sorted `via GATEWAY IFNAME`. */
async function zebraFib(frr: Frr): Promise<Map<string, string[]>> {
  const fib = new Map<string, string[]>();
  for (const family of ['ip', 'ipv6']) {
    for (const [prefix, list] of entries(await frr.json(`show ${family} route json`))) {
      const route = items(list).find((candidate) => at(candidate, 'selected') === true);
      if (route === undefined) continue;
      const hops = items(at(route, 'nexthops')).filter((hop) => at(hop, 'fib') === true);
      fib.set(prefix, hops.map((hop) => `${textAt(hop, 'ip')} ${textAt(hop, 'interfaceName')}`.trim()).sort());
    }
  }
  return fib;
}

afterEach(async () => {
  await stage?.lab.close();
  stage = undefined;
  await stopLab(ID);
});

describe('dplane_fpm_nl', () => {
  const args = ['-M', 'dplane_fpm_nl', '--asic-offload=notify_on_offload'];
  const config = ['fpm address 127.0.0.1 port 2620'];

  test('every route is where it belongs, zebra knows it, and packets agree', async () => {
    const { bridge, frr, hosts } = await started(args, config);
    expect(Object.fromEntries(await settled(bridge))).toEqual(EXPECTED);

    // zebra's table and the bridge's are the same set of prefixes, with the same ways out.
    const routes = (await bridge.routes()).filter(({ origin }) => origin === 'zebra');
    const fib = await zebraFib(frr);
    expect(new Set(routes.map(({ prefix }) => prefix))).toEqual(new Set(fib.keys()));
    for (const { prefix, type, nexthops } of routes) {
      if (type !== 'unicast' || prefix === 'fe80::/64') continue;
      const ours = nexthops.map((leg) => `${leg.gateway ?? ''} ${leg.interface}`.trim()).sort();
      expect([prefix, ours]).toEqual([prefix, fib.get(prefix)]);
    }

    // What zebra was told is what it shows.
    const status = async (prefix: string): Promise<string> => {
      const family = prefix.includes(':') ? 'ipv6' : 'ip';
      const route = at(await frr.json(`show ${family} route ${prefix} json`), prefix, 0);
      if (at(route, 'trapped') === true) return 'trapped';
      const offloaded = at(route, 'offloaded');
      return offloaded === true ? 'offloaded' : offloaded === false ? 'failed' : 'nothing';
    };
    for (const [prefix, state] of Object.entries(EXPECTED)) {
      const told = state === 'unresolved' ? 'trapped' : state;
      await waitFor(async () => (await status(prefix)) === told, {
        timeoutMs: 10_000,
        what: `zebra to call ${prefix} ${told}`,
      });
    }
    expect(await frr.vtysh('show ip route')).toMatch(/^S>o 10\.66\.0\.0\/16/m);

    // Packets: IPv4 and IPv6 through the vASIC, and the refused route through Linux.
    expect(await ping(hosts[0]!, '10.9.1.1')).toMatchObject({ received: 3 });
    expect(await ping(hosts[0]!, '2001:db8:1::2')).toMatchObject({ received: 3 });
    const before = await bridge.ports();
    expect(await ping(hosts[0]!, '10.9.2.1')).toMatchObject({ received: 3 });
    const after = await bridge.ports();
    expect(after[2]!.output!.packets - before[2]!.output!.packets).toBeGreaterThanOrEqual(3);
  });

  test('a neighbour that changes its MAC, and a route withdrawn and replaced', async () => {
    const { bridge, frr, hosts } = await started(args, config);
    await settled(bridge);
    const opsBefore = (await bridge.status()).afi.opsSent;
    await hosts[1]!.must(['ip', 'link', 'set', 'veth', 'address', '32:26:0a:2e:cc:99']);
    // Linux lets go of routes through an interface whose address changes only on a link flap; make it speak up.
    await hosts[1]!.must(['ping', '-c', '1', '-W', '2', '10.1.1.1']);
    await waitFor(async () => find(await bridge.routes(), '10.9.1.1/32')?.nexthops[0]?.mac === '32:26:0a:2e:cc:99', {
      timeoutMs: 20_000,
      what: 'the new MAC in fpm2afi',
    });
    expect(await ping(hosts[0]!, '10.9.1.1')).toMatchObject({ received: 3 });
    // Three routes and a host entry lead there: one operation for IPv4's neighbour, at most another for IPv6's.
    expect((await bridge.status()).afi.opsSent - opsBefore).toBeLessThanOrEqual(4);

    await frr.vtysh('conf t\nno ip route 10.9.2.1/32 10.1.2.2');
    await waitFor(async () => find(await bridge.routes(), '10.9.2.1/32') === undefined, {
      timeoutMs: 10_000,
      what: 'the withdrawn route to go',
    });
    await frr.vtysh('conf t\nip route 10.9.2.1/32 10.1.1.2');
    await waitFor(async () => find(await bridge.routes(), '10.9.2.1/32')?.nexthops[0]?.gateway === '10.1.1.2', {
      timeoutMs: 10_000,
      what: 'the route by its new nexthop',
    });
  });

  test('nexthops are resolved without traffic', async () => {
    const { bridge, frr, router } = await started(args, config);
    await settled(bridge);
    await router.must(['ip', 'neigh', 'flush', 'all']);
    await frr.vtysh('conf t\nip route 10.70.0.0/16 10.1.1.2');
    await waitFor(async () => find(await bridge.routes(), '10.70.0.0/16')?.state === 'offloaded', {
      timeoutMs: 10_000,
      what: 'the route to be offloaded',
    });
  });

  test('the bridge killed and restarted takes over; zebra gone for good is noticed and its routes stay', async () => {
    const { bridge, frr, hosts, softvasic } = await started(args, config);
    await settled(bridge);
    await bridge.process().kill('SIGKILL');
    const mark = logMark(bridge.logFile);
    await bridge.restart();
    await settled(bridge);
    await waitFor(async () => logLines(bridge.logFile, mark).some((line) => line.includes('the replay is over')), {
      timeoutMs: 20_000,
      what: 'the sweep',
    });
    expect(logLines(bridge.logFile, mark).join('\n')).toMatch(/found the tables of an earlier run/);
    expect(Object.fromEntries(await settled(bridge))).toEqual(EXPECTED);
    expect(await ping(hosts[0]!, '10.9.1.1')).toMatchObject({ received: 3 });

    await frr.process('zebra').kill('SIGKILL');
    await waitFor(async () => (await bridge.status()).fpm.state === 'listening', {
      timeoutMs: 5000,
      what: 'zebra gone',
    });
    expect(await ping(hosts[0]!, '10.9.1.1')).toMatchObject({ received: 3 });

    await softvasic.process().kill('SIGKILL');
    await waitFor(async () => (await bridge.status()).afi.state !== 'up', {
      timeoutMs: 10_000,
      what: 'the vASIC gone',
    });
    await softvasic.restart();
    // The vASIC is new: nothing it forwards was programmed before.
    await waitFor(async () => (await bridge.status()).afi.state === 'up', {
      timeoutMs: 20_000,
      what: 'everything programmed again',
    });
    expect(find(await bridge.routes(), '10.9.1.1/32')?.state).toBe('offloaded');
    expect(await ping(hosts[0]!, '10.9.1.1')).toMatchObject({ received: 3 });
  });
});

test('-M fpm: the same routes end in the same places', async () => {
  const { bridge, frr } = await started(['-M', 'fpm']);
  expect(Object.fromEntries(await settled(bridge))).toEqual(EXPECTED);
  expect(numberAt(await frr.json('show ip route summary json'), 'routesTotal')).toBeGreaterThan(5);
});
