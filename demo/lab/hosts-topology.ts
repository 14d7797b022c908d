/**
 * A router by itself, without a routing protocol on its ports:
 *
 *   hostN ── pN ┐                              ┌ tapN  10.1.N.1/24      (N from 0 to 2)
 *   …           ┴ vasic ── mgmt0 ── router ────┼ feed0 10.200.0.1/24 ── feeder  10.200.0.2, AS 65001
 *                                              └ peer0 10.201.0.1/24 ── peer    10.201.0.2, AS 65002
 *
 * feeder and peer are BGP neighbours past the vASIC, so that they notice nothing when it stands still.
 */
import { startFrr, type Frr } from './frr';
import type { Lab } from './lab';
import { link, type LabNode } from './node';
import { portMac, ROUTER_MGMT, tapName, VASIC_MGMT, vrouterMac } from './plan';
import { startBridge, startSoftvasic, type Bridge, type Program } from './programs';
import { bgpSection } from './protocols/bgp';

const HOSTS: readonly number[] = [0, 1, 2];
const ROUTER_AS = 65000;
const FEEDER_AS = 65001;
const PEER_AS = 65002;

export const hostAddress = (port: number, host = 2): string => `10.1.${port}.${host}`;

export interface HostsOptions {
  readonly refuse?: readonly string[];
  /** With `router bgp` on router, feeder and peer, and `bgp suppress-fib-pending` on the router. */
  readonly bgp?: boolean;
}

export interface HostsTopology {
  readonly router: LabNode;
  readonly hosts: readonly LabNode[];
  readonly frr: Frr;
  readonly bridge: Bridge;
  readonly softvasic: Program;
  /** Present with `bgp`. */
  readonly feeder?: Frr;
  readonly peer?: Frr;
}

/** Builds it; returns when every program runs. */
export async function buildHostsTopology(lab: Lab, options: HostsOptions = {}): Promise<HostsTopology> {
  const router = await lab.node('router');
  const vasic = await lab.node('vasic');
  await router.sysctl({ 'net.ipv4.ip_forward': 1 });
  await link(
    { node: router, ifname: 'mgmt0', addresses: [`${ROUTER_MGMT}/24`] },
    { node: vasic, ifname: 'mgmt0', addresses: [`${VASIC_MGMT}/24`] },
  );
  const hosts: LabNode[] = [];
  for (const port of HOSTS) {
    const host = await lab.node(`host${port}`);
    hosts.push(host);
    await link(
      { node: vasic, ifname: `p${port}`, mac: portMac(port) },
      { node: host, ifname: 'veth', mac: vrouterMac(port), addresses: [`${hostAddress(port)}/24`] },
    );
  }
  const softvasic = await startSoftvasic(vasic, {
    address: VASIC_MGMT,
    client: ROUTER_MGMT,
    ports: HOSTS.map((port) => `p${port}`),
    refuse: options.refuse ?? [],
  });
  const bridge = await startBridge(router, {
    vasic: VASIC_MGMT,
    address: ROUTER_MGMT,
    taps: HOSTS.map(tapName),
  });
  const withBgp = options.bgp === true;
  const [feeder, peer] = withBgp
    ? [await neighbor(lab, router, 'feeder', 'feed0'), await neighbor(lab, router, 'peer', 'peer0')]
    : [];
  const bgp = [
    ...bgpSection(
      ROUTER_AS,
      '10.201.0.1',
      [
        ['10.200.0.2', FEEDER_AS],
        ['10.201.0.2', PEER_AS],
      ],
      [],
    ),
    ...['router bgp 65000', ' bgp suppress-fib-pending', ' no bgp network import-check'],
  ];
  const config = [
    'fpm address 127.0.0.1 port 2620',
    ...HOSTS.flatMap((port) => [`interface ${tapName(port)}`, ` ip address 10.1.${port}.1/24`]),
    ...(withBgp ? bgp : []),
    '',
  ].join('\n');
  const frr = await startFrr(lab, router, {
    config,
    daemons: ['staticd', ...(withBgp ? (['bgpd'] as const) : [])],
    zebraArgs: ['-M', 'dplane_fpm_nl', '--asic-offload=notify_on_offload'],
  });
  return {
    ...{ router, hosts, frr, bridge, softvasic },
    ...(feeder === undefined ? {} : { feeder }),
    ...(peer === undefined ? {} : { peer }),
  };
}

/** A BGP neighbour of the router on a link of its own. What the feeder announces has host0 as its nexthop. */
async function neighbor(lab: Lab, router: LabNode, name: 'feeder' | 'peer', ifname: string): Promise<Frr> {
  const [as, net] = name === 'feeder' ? [FEEDER_AS, '10.200.0'] : [PEER_AS, '10.201.0'];
  const node = await lab.node(name);
  await link(
    { node: router, ifname, addresses: [`${net}.1/24`] },
    { node, ifname: 'veth', addresses: [`${net}.2/24`] },
  );
  const config = [
    ...bgpSection(as, `${net}.2`, [[`${net}.1`, ROUTER_AS]], []),
    ...[`router bgp ${as}`, ' no bgp network import-check'],
    ...(name === 'feeder'
      ? [' address-family ipv4 unicast', `  neighbor ${net}.1 route-map HOST0 out`, ' exit-address-family']
      : []),
    ...['route-map HOST0 permit 10', ` set ip next-hop ${hostAddress(0)}`, ''],
  ].join('\n');
  return startFrr(lab, node, { config, daemons: ['bgpd'] });
}
