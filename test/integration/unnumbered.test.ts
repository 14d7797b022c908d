/**
 * BGP unnumbered: sessions over link-local addresses, which bgpd finds by router advertisements, and IPv4 and IPv6 routes by link-local
 * nexthops. host1 and host2 announce the same prefixes. The topology is that of lab/hosts-topology.ts.
 */
import { startFrr } from '../../lab/frr';
import { buildHostsTopology, type HostsTopology } from '../../lab/hosts-topology';
import { labId, openLab, stopLab, type Lab } from '../../lab/lab';
import { forwardedPackets } from '../../lab/node';
import { tapName, vrouterMac } from '../../lab/plan';
import { ping } from '../../lab/traffic';
import { waitFor } from '../../lab/wait';
import type { RouteView } from '../../src/control/types';

const ID = labId('unnumbered');
const LEGS = [1, 2];
const PREFIXES = [
  ['IPv4', 4, '10.55.0.0/16', '10.55.0.1'],
  ['IPv6', 6, '2001:db8:55::/48', '2001:db8:55::1'],
] as const;
jest.setTimeout(120_000);

let lab: Lab | undefined;
let topology: HostsTopology;

/** `router bgp` with unnumbered neighbors on these interfaces, announcing both prefixes if told to. */
function bgp(as: number, ifnames: readonly string[], announce: boolean): readonly string[] {
  const networks = (family: 4 | 6): readonly string[] =>
    announce ? PREFIXES.filter((one) => one[1] === family).map((one) => `  network ${one[2]}`) : [];
  return [
    `router bgp ${as}`,
    ` bgp router-id 10.0.255.${as % 100}`,
    ' no bgp ebgp-requires-policy',
    ' no bgp network import-check',
    ' bgp bestpath as-path multipath-relax',
    ...ifnames.map((ifname) => ` neighbor ${ifname} interface remote-as external`),
    ' address-family ipv4 unicast',
    ...networks(4),
    ' exit-address-family',
    ' address-family ipv6 unicast',
    ...ifnames.map((ifname) => `  neighbor ${ifname} activate`),
    ...networks(6),
    ' exit-address-family',
  ];
}

beforeAll(async () => {
  lab = await openLab(ID);
  topology = await buildHostsTopology(lab, {
    ...{ ip6: true, daemons: ['bgpd'] },
    config: bgp(65_000, LEGS.map(tapName), false),
  });
  for (const leg of LEGS) {
    const host = topology.hosts[leg]!;
    for (const [, , , address] of PREFIXES) await host.must(['ip', 'address', 'add', address, 'dev', 'lo']);
    await startFrr(lab, host, { config: [...bgp(65_000 + leg, ['veth'], true), ''].join('\n'), daemons: ['bgpd'] });
  }
});

afterAll(async () => {
  await lab?.close();
  await stopLab(ID);
});

const routeTo = async (prefix: string): Promise<RouteView | undefined> =>
  (await topology.bridge.routes()).find((route) => route.prefix === prefix);

test.each(PREFIXES)('%s: offloaded over both link-local nexthops, and forwarded by the vASIC', async (...one) => {
  const [, family, prefix, address] = one;
  const route = await waitFor(
    async () => {
      const found = await routeTo(prefix);
      const ready = found?.nexthops.filter(({ state }) => state === 'ready').length;
      return found?.state === 'offloaded' && found.reported === 'offloaded' && ready === LEGS.length
        ? found
        : undefined;
    },
    { timeoutMs: 60_000, what: `${prefix} offloaded over both legs` },
  );
  expect(route.protocol).toBe('bgp');
  expect(route.nexthops.map((leg) => [leg.gateway?.slice(0, 6), leg.interface, leg.mac])).toEqual(
    expect.arrayContaining(LEGS.map((leg) => ['fe80::', tapName(leg), vrouterMac(leg)])),
  );
  // The host knows its router only after a first packet; that one is for Linux.
  await ping(topology.hosts[0]!, address, { count: 1 });
  const before = await forwardedPackets(topology.router, family);
  expect(await ping(topology.hosts[0]!, address)).toMatchObject({ sent: 3, received: 3 });
  expect(await forwardedPackets(topology.router, family)).toBe(before);
});

test.each(PREFIXES)('%s: a leg whose link goes down is left, and used again when it is back', async (...one) => {
  const [, , prefix, address] = one;
  const legs = async (): Promise<readonly (string | undefined)[]> =>
    (await routeTo(prefix))?.nexthops.filter(({ state }) => state === 'ready').map((leg) => leg.interface) ?? [];
  const until = (what: string, wanted: readonly string[]): Promise<boolean> =>
    waitFor(async () => JSON.stringify([...(await legs())].sort()) === JSON.stringify(wanted), {
      timeoutMs: 60_000,
      what,
    });
  await topology.hosts[2]!.must(['ip', 'link', 'set', 'veth', 'down']);
  await until('one leg', [tapName(1)]);
  expect(await ping(topology.hosts[0]!, address)).toMatchObject({ received: 3 });
  await topology.hosts[2]!.must(['ip', 'link', 'set', 'veth', 'up']);
  await until('both legs', LEGS.map(tapName));
});
