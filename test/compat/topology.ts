/**
 * The matrix's network: a router whose two ports lead to one FRR peer each. Both peers run OSPFv2, OSPFv3 and BGP; peer0's BGP
 * session is unnumbered, so its IPv4 routes have IPv6 nexthops.
 *
 *   peer0 ── p0 ┐                       ┌ tap0  10.1.0.1/24  2001:db8:0::1/64
 *               ├ vasic ── mgmt ── router
 *   peer1 ── p1 ┘                       └ tap1  10.1.1.1/24  2001:db8:1::1/64
 *
 * All MAC addresses are fixed, so that the same routes give the same tables in every run.
 */
import { join } from 'node:path';
import { requestStatus } from '../../src/control/client';
import { startFrr, type Frr } from '../../lab/frr';
import type { Lab } from '../../lab/lab';
import { link, type LabNode } from '../../lab/node';
import { portMac, portName, tapName, vrouterMac } from '../../lab/plan';
import { startBridge, startSoftvasic, type Bridge } from '../../lab/programs';
import { buildRouter, forward } from '../../lab/router';
import { allRoutes } from './tables';

export const PEERS: readonly number[] = [0, 1];
/** The gateways that answer, of both families; link-local ones are the peers' too. */
export const PEER_ADDRESSES: readonly string[] = PEERS.flatMap((port) => [`10.1.${port}.2`, `2001:db8:${port}::2`]);

export type Module = 'fpm' | 'dplane_fpm_nl';

/** An FRR under test. */
export interface Suite {
  readonly name: string;
  readonly frrRoot: string;
  readonly version: string;
}

export interface Stage {
  readonly lab: Lab;
  readonly suite: Suite;
  readonly module: Module;
  readonly router: LabNode;
  readonly vasic: LabNode;
  readonly frr: Frr;
  readonly peers: readonly Frr[];
  readonly bridge: Bridge;
  /** zebra waits for status, because this version with this module understands it. */
  readonly hears: boolean;
}

const TIMERS4 = [' ip ospf hello-interval 1', ' ip ospf dead-interval 8', ' ip ospf network point-to-point'];
const TIMERS6 = [
  ' ipv6 ospf6 hello-interval 1',
  ' ipv6 ospf6 dead-interval 8',
  ' ipv6 ospf6 network point-to-point',
  ' ipv6 ospf6 area 0',
];
const OSPF = (id: string): readonly string[] => [
  'router ospf',
  ` ospf router-id ${id}`,
  ' timers throttle spf 0 50 200',
  ' network 10.0.255.0/24 area 0',
  ' network 10.1.0.0/16 area 0',
  'router ospf6',
  ` ospf6 router-id ${id}`,
  ' timers throttle spf 0 50 200',
];
const BGP = (as: number, id: string): readonly string[] => [
  `router bgp ${as}`,
  ` bgp router-id ${id}`,
  ' no bgp ebgp-requires-policy',
  ' no bgp default ipv4-unicast',
  ' no bgp network import-check',
  ' timers bgp 3 9',
];
const SESSION = (who: string, as: number, kind = ''): readonly string[] => [
  ` neighbor ${who} ${kind}remote-as ${as}`,
  ` neighbor ${who} advertisement-interval 0`,
  ` neighbor ${who} timers connect 1`,
];
const FAMILY = (family: string, lines: readonly string[]): readonly string[] => [
  ` address-family ${family} unicast`,
  ...lines.map((line) => `  ${line}`),
  ' exit-address-family',
];

const STATICS: readonly string[] = [
  'ip route 0.0.0.0/0 10.1.1.2',
  'ip route 10.20.0.0/16 10.1.0.2',
  'ip route 10.20.0.0/16 10.1.1.2',
  'ip route 10.30.0.0/16 blackhole',
  'ip route 10.31.0.0/16 reject',
  'ip route 10.40.0.0/16 10.1.1.99',
  'ip route 10.50.0.0/16 mgmt0',
  'ip route 10.60.0.0/16 10.0.255.1',
  'ip route 10.70.0.0/16 10.1.0.2',
  'ip route 10.71.0.0/16 10.1.0.2',
  'ipv6 route ::/0 2001:db8:1::2',
  'ipv6 route 2001:db8:20::/48 2001:db8:0::2',
  'ipv6 route 2001:db8:20::/48 2001:db8:1::2',
  'ipv6 route 2001:db8:30::/48 blackhole',
  'ipv6 route 2001:db8:31::/48 reject',
  'ipv6 route 2001:db8:40::/48 2001:db8:1::99',
  'ipv6 route 2001:db8:50::/48 mgmt0',
  'ipv6 route 2001:db8:60::/48 2001:db8:ff::1',
  'ipv6 route 2001:db8:70::/48 2001:db8:0::2',
  'ipv6 route 2001:db8:71::/48 2001:db8:0::2',
];

function routerConfig(module: Module): string {
  return [
    ...(module === 'fpm' ? [] : ['fpm address 127.0.0.1 port 2620']),
    ...PEERS.flatMap((port) => [
      `interface ${tapName(port)}`,
      ` ip address 10.1.${port}.1/24`,
      ` ipv6 address 2001:db8:${port}::1/64`,
      ...TIMERS4,
      ...TIMERS6,
    ]),
    ...STATICS,
    ...OSPF('10.0.255.100'),
    ...BGP(65000, '10.0.255.100'),
    ...SESSION('tap0', 65001, 'interface '),
    ...SESSION('10.1.1.2', 65001),
    ...SESSION('2001:db8:1::2', 65001),
    ...FAMILY('ipv4', ['neighbor tap0 activate', 'neighbor 10.1.1.2 activate', 'maximum-paths 4']),
    ...FAMILY('ipv6', ['neighbor tap0 activate', 'neighbor 2001:db8:1::2 activate', 'maximum-paths 4']),
    '',
  ].join('\n');
}

function peerConfig(port: number): string {
  const numbered = [...SESSION('10.1.1.1', 65000), ...SESSION('2001:db8:1::1', 65000)];
  const [session4, session6] = port === 0 ? ['veth', 'veth'] : ['10.1.1.1', '2001:db8:1::1'];
  return [
    'interface lo',
    ` ip address 10.0.255.${port}/32`,
    ` ip address 10.0.255.1${port}/32`,
    ` ipv6 address 2001:db8:ff::${port}/128`,
    ` ipv6 address 2001:db8:ff::1${port}/128`,
    ' ipv6 ospf6 area 0',
    'interface veth',
    ` ip address 10.1.${port}.2/24`,
    ` ipv6 address 2001:db8:${port}::2/64`,
    ...TIMERS4,
    ...TIMERS6,
    ...OSPF(`10.0.255.${port}`),
    ...BGP(65001, `10.0.255.${port}`),
    ...(port === 0 ? SESSION('veth', 65000, 'interface ') : numbered),
    ...FAMILY('ipv4', [`neighbor ${session4} activate`, 'network 10.100.0.0/16', `network 10.10${port + 1}.0.0/16`]),
    ...FAMILY('ipv6', [
      `neighbor ${session6} activate`,
      'network 2001:db8:100::/48',
      `network 2001:db8:10${port + 1}::/48`,
    ]),
    '',
  ].join('\n');
}

/** The arguments that make zebra load the module; with `--asic-offload` it waits for statuses. */
export function zebraArgs(module: Module, waits: boolean): readonly string[] {
  return ['-M', module, ...(waits ? ['--asic-offload=notify_on_offload'] : [])];
}

/** Builds it all and returns when every program runs; the protocols converge afterwards. */
export async function buildStage(lab: Lab, suite: Suite, module: Module, hears: boolean): Promise<Stage> {
  const { router, vasic } = await buildRouter(lab, true);
  const nodes: LabNode[] = [];
  for (const port of PEERS) nodes.push(await lab.node(`peer${port}`));
  for (const node of nodes) await forward(node, true);
  for (const port of PEERS) {
    await link(
      { node: vasic, ifname: portName(port), mac: portMac(port) },
      { node: nodes[port]!, ifname: 'veth', mac: vrouterMac(port) },
    );
  }
  await startSoftvasic(vasic, { ports: PEERS });
  const bridge = await startMatrixBridge(router, suite, []);
  const daemons = ['staticd', 'ospfd', 'ospf6d', 'bgpd'] as const;
  const [frr, ...peers] = await Promise.all([
    startFrr(lab, router, { config: routerConfig(module), daemons, zebraArgs: zebraArgs(module, hears) }),
    ...PEERS.map((port) => startFrr(lab, nodes[port]!, { config: peerConfig(port), daemons: daemons.slice(1) })),
  ]);
  return { lab, suite, module, router, vasic, frr, peers, bridge, hears };
}

/** fpm2afi with a short sweep, so that a reconnect is soon over. It is asked over its socket: no program is started for each look. */
export async function startMatrixBridge(router: LabNode, suite: Suite, settings: readonly string[]): Promise<Bridge> {
  const bridge = await startBridge(router, {
    ports: PEERS,
    settings: ['fpm.sweep.idle=500ms', 'fpm.sweep.minimum=1s', ...settings],
    frrRoot: suite.frrRoot,
  });
  const socket = join(router.dir, 'fpm2afi.sock');
  return {
    ...bridge,
    status: () => requestStatus(socket),
    routes: () => allRoutes(socket),
  };
}
