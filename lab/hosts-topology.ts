/**
 * A router by itself, without a routing protocol on its ports:
 *
 *   hostN ── pN ┐                              ┌ tapN  10.1.N.1/24, 2001:db8:N::1/64
 *   …           ┴ vasic ── mgmt0 ── router ────┼ feed0 10.200.0.1/24 ── feeder  10.200.0.2, AS 65001
 *                                              └ peer0 10.201.0.1/24 ── peer    10.201.0.2, AS 65002
 *
 * Each host has 10.1.N.2, 2001:db8:N::2, the loopbacks 10.9.N.1 and 2001:db8:9:N::1, and the router as its gateway. feeder and
 * peer are BGP neighbors past the vASIC, so that they notice nothing when it stands still; they come with `bgp` only, as
 * IPv6 with `ip6` only.
 */
import { startFrr, type Frr, type FrrDaemon } from './frr';
import type { Lab } from './lab';
import { makeVrfs, type LinuxVrf } from './mpls/linux-vrfs';
import { link, type LabNode } from './node';
import { portMac, portName, tapName, vrouterMac } from './plan';
import type { Bridge, Program, StaticNeighbor } from './programs';
import { bgpSection } from './bgp-section';
import { buildRouter, startPrograms } from './router';

const ROUTER_AS = 65000;
const FEEDER_AS = 65001;
const PEER_AS = 65002;
/** Announced by the feeder with itself as the nexthop, which is behind no port. */
export const PAST_VASIC = '10.88.0.0/16';

export const hostAddress = (port: number, host = 2): string => `10.1.${port}.${host}`;
export const hostAddress6 = (port: number, host = '2'): string => `2001:db8:${port}::${host}`;

export interface HostsOptions {
  /** How many; absent: 3, the fewest for two paths and a sender. */
  readonly hosts?: number;
  readonly ip6?: boolean;
  /** MTU of a port and its host, by port; the others have 1500. */
  readonly mtu?: Readonly<Record<number, number>>;
  /** What softvasic refuses to take. */
  readonly refuse?: readonly string[];
  /** How many tree entries softvasic takes. */
  readonly maxEntries?: number;
  /** More flags of softvasic. */
  readonly flags?: readonly string[];
  /** Settings of fpm2afi, as `fpm2afi run --set` takes them (KEY=VALUE). */
  readonly settings?: readonly string[];
  /** Neighbors in fpm2afi's configuration. */
  readonly neighbors?: readonly StaticNeighbor[];
  /** Kernel tables that fpm2afi's configuration binds ports to, by port. */
  readonly portTables?: Readonly<Record<number, number>>;
  /** zebra is shown a kernel with MPLS (mpls/zebra-view.ts), and Linux made to have these VRFs (mpls/linux-vrfs.ts). */
  readonly mpls?: { readonly vrfs: readonly LinuxVrf[] };
  /** Lines for the end of the router's configuration, e.g. static routes. */
  readonly config?: readonly string[];
  /** Protocol daemons of the router beside staticd (and bgpd with `bgp`). */
  readonly daemons?: readonly FrrDaemon[];
  /** zebra's FPM module; absent: dplane_fpm_nl, which waits for what the vASIC says. */
  readonly module?: 'dplane_fpm_nl' | 'fpm';
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

const ZEBRA_ARGS = {
  dplane_fpm_nl: ['-M', 'dplane_fpm_nl', '--asic-offload=notify_on_offload'],
  fpm: ['-M', 'fpm'],
};

/** Builds it; returns when every program runs. */
export async function buildHostsTopology(lab: Lab, options: HostsOptions = {}): Promise<HostsTopology> {
  const ports = Array.from({ length: options.hosts ?? 3 }, (_, port) => port);
  const ip6 = options.ip6 === true;
  const { router, vasic } = await buildRouter(lab, ip6);
  const hosts: LabNode[] = [];
  for (const port of ports) hosts.push(await host(lab, vasic, port, options));
  const { mpls } = options;
  if (mpls !== undefined) await makeVrfs(router, mpls.vrfs);
  const { softvasic, bridge } = await startPrograms(
    { router, vasic },
    {
      ports,
      refuse: options.refuse ?? [],
      ...(options.maxEntries === undefined ? {} : { maxEntries: options.maxEntries }),
      flags: options.flags ?? [],
      settings: options.settings ?? [],
      neighbors: options.neighbors ?? [],
      ...(options.portTables === undefined ? {} : { portTables: options.portTables }),
      ...(mpls === undefined ? {} : { vrfs: mpls.vrfs }),
    },
  );
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
  const module = options.module ?? 'dplane_fpm_nl';
  const config = [
    // The module fpm connects there by itself.
    ...(module === 'fpm' ? [] : ['fpm address 127.0.0.1 port 2620']),
    ...ports.flatMap((port) => [
      `interface ${tapName(port)}`,
      ` ip address ${hostAddress(port, 1)}/24`,
      ...(ip6 ? [` ipv6 address ${hostAddress6(port, '1')}/64`] : []),
    ]),
    ...(withBgp ? bgp : []),
    ...(options.config ?? []),
    '',
  ].join('\n');
  const frr = await startFrr(lab, router, {
    config,
    daemons: ['staticd', ...(withBgp ? (['bgpd'] as const) : []), ...(options.daemons ?? [])],
    zebraArgs: ZEBRA_ARGS[module],
    ...(mpls === undefined ? {} : { pretendMpls: true, pretendVrfs: mpls.vrfs }),
  });
  return {
    ...{ router, hosts, frr, bridge, softvasic },
    ...(feeder === undefined ? {} : { feeder }),
    ...(peer === undefined ? {} : { peer }),
  };
}

async function host(lab: Lab, vasic: LabNode, port: number, { ip6, mtu }: HostsOptions): Promise<LabNode> {
  const node = await lab.node(`host${port}`);
  const bytes = mtu?.[port];
  if (ip6 === true) await node.sysctl({ 'net.ipv6.conf.default.accept_dad': 0 });
  await link(
    { node: vasic, ifname: portName(port), mac: portMac(port), ...(bytes === undefined ? {} : { mtu: bytes }) },
    {
      ...{ node, ifname: 'veth', mac: vrouterMac(port), addresses: [`${hostAddress(port)}/24`] },
      ...(bytes === undefined ? {} : { mtu: bytes }),
    },
  );
  await node.must(['ip', 'address', 'add', `10.9.${port}.1/32`, 'dev', 'lo']);
  await node.must(['ip', 'route', 'add', 'default', 'via', hostAddress(port, 1)]);
  if (ip6 === true) {
    await node.must(['ip', '-6', 'address', 'add', `${hostAddress6(port)}/64`, 'dev', 'veth', 'nodad']);
    await node.must(['ip', '-6', 'address', 'add', `2001:db8:9:${port}::1/128`, 'dev', 'lo']);
    await node.must(['ip', '-6', 'route', 'add', 'default', 'via', hostAddress6(port, '1')]);
  }
  return node;
}

/** A BGP neighbor of the router on a link of its own. What the feeder announces has host0 as its nexthop, but for PAST_VASIC. */
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
    ...[`ip prefix-list PAST permit ${PAST_VASIC}`, 'route-map HOST0 permit 5', ' match ip address prefix-list PAST'],
    ...['route-map HOST0 permit 10', ` set ip next-hop ${hostAddress(0)}`, ''],
  ].join('\n');
  return startFrr(lab, node, { config, daemons: ['bgpd'] });
}
