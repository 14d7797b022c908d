/**
 * The whole of it with real parts: zebra and staticd, fpm2afi, softvasic, hosts behind its ports. What zebra says it
 * has, what the bridge says it has, and what packets do have to agree.
 * The topology is that of lab/hosts-topology.ts.
 */
import type { Frr } from '../../lab/frr';
import { buildHostsTopology, type HostsOptions, type HostsTopology } from '../../lab/hosts-topology';
import { at, entries, items, numberAt, textAt } from '../../lab/json';
import { labId, openLab, stopLab, type Lab } from '../../lab/lab';
import type { Bridge } from '../../lab/programs';
import { logLines, logMark } from '../../lab/process';
import { ping } from '../../lab/traffic';
import { waitFor } from '../../lab/wait';
import type { RouteView } from '../../src/control/types';

const ID = labId('bridgetest');
const PORTS = [0, 1, 2];
const REFUSED = '10.66.0.0/16';
jest.setTimeout(120_000);

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

let lab: Lab | undefined;

async function started(module: HostsOptions['module']): Promise<HostsTopology> {
  lab = await openLab(ID);
  const topology = await buildHostsTopology(lab, {
    ...{ ip6: true, refuse: [REFUSED], config: STATICS, module },
    settings: ['fpm.sweep.idle=500ms', 'fpm.sweep.minimum=1s'],
  });
  await waitFor(async () => (await topology.bridge.routes()).filter(isStatic).length >= STATICS.length - 1, {
    timeoutMs: 30_000,
    what: 'the static routes in fpm2afi',
  });
  return topology;
}

const isStatic = (route: RouteView): boolean => route.protocol === 'static';
const find = (routes: readonly RouteView[], prefix: string): RouteView | undefined =>
  routes.find((route) => route.prefix === prefix && route.table === 254);

/** The state of each static route once nothing is pending and every neighbor that exists is known. */
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
  await lab?.close();
  lab = undefined;
  await stopLab(ID);
});

describe('dplane_fpm_nl', () => {
  test('every route is where it belongs, zebra knows it, and packets agree', async () => {
    const { bridge, frr, hosts } = await started('dplane_fpm_nl');
    expect(Object.fromEntries(await settled(bridge))).toEqual(EXPECTED);

    // zebra's table and the bridge's are the same set of prefixes, with the same paths.
    const routes = (await bridge.routes()).filter(({ origin }) => origin === 'zebra');
    const fib = await zebraFib(frr);
    expect(new Set(routes.map(({ prefix }) => prefix))).toEqual(new Set(fib.keys()));
    for (const { prefix, type, nexthops } of routes) {
      if (type !== 'unicast' || prefix === 'fe80::/64') continue;
      const ours = nexthops.map((leg) => `${leg.gateway ?? ''} ${leg.interface}`.trim()).sort();
      expect([prefix, ours]).toEqual([prefix, fib.get(prefix)]);
    }

    // What was reported to zebra is what it shows.
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

  test('a neighbor that changes its MAC, and a route withdrawn and replaced', async () => {
    const { bridge, frr, hosts } = await started('dplane_fpm_nl');
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
    // Three routes and a host entry lead there: one operation for IPv4's neighbor, at most another for IPv6's.
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
    const { bridge, frr, router } = await started('dplane_fpm_nl');
    await settled(bridge);
    await router.must(['ip', 'neigh', 'flush', 'all']);
    await frr.vtysh('conf t\nip route 10.70.0.0/16 10.1.1.2');
    await waitFor(async () => find(await bridge.routes(), '10.70.0.0/16')?.state === 'offloaded', {
      timeoutMs: 10_000,
      what: 'the route to be offloaded',
    });
  });

  test('the bridge killed and restarted takes over; zebra gone for good is noticed and its routes stay', async () => {
    const { bridge, frr, hosts, softvasic } = await started('dplane_fpm_nl');
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
  const { bridge, frr } = await started('fpm');
  expect(Object.fromEntries(await settled(bridge))).toEqual(EXPECTED);
  expect(numberAt(await frr.json('show ip route summary json'), 'routesTotal')).toBeGreaterThan(5);
});
