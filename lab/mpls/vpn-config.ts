/** FRR's configuration of the L3VPN topology: OSPF and LDP in the core, BGP for VPNv4 and VPNv6 between the edge routers. */
import { tapName } from '../plan';
import {
  AS,
  CORE_LINKS,
  coreAddress,
  coreSubnet,
  CUSTOMERS,
  customerPort,
  EDGES,
  LINK,
  loopback6Of,
  loopbackOf,
  ONLY_BLUE,
  P_LOOPBACK,
  portOfP,
  siteGateway,
  siteNetwork,
  type Customer,
  type Edge,
} from './vpn-plan';

interface CoreLink {
  readonly tap: string;
  readonly address: string;
  readonly subnet: string;
}

const edgeLinks = (edge: Edge): CoreLink[] =>
  CORE_LINKS.map((link) => ({
    ...{ tap: tapName(link), address: coreAddress(edge, link, 'edge'), subnet: coreSubnet(edge, link) },
  }));
const pLinks = (): CoreLink[] =>
  EDGES.flatMap((edge) =>
    CORE_LINKS.map((link) => ({
      ...{ tap: tapName(portOfP(edge, link)), address: coreAddress(edge, link, 'p'), subnet: coreSubnet(edge, link) },
    })),
  );

/** What every core router has: its addresses, OSPF with quick hellos, LDP on the same links. */
function core(name: string, loopback: string, links: readonly CoreLink[]): string[] {
  return [
    `hostname ${name}`,
    'fpm address 127.0.0.1 port 2620',
    ...['interface lo', ` ip address ${loopback}/32`, 'exit'],
    ...links.flatMap(({ tap, address }) => [
      ...[`interface ${tap}`, ` ip address ${address}/24`, ' ip ospf network point-to-point'],
      ...[' ip ospf hello-interval 1', ' ip ospf dead-interval 4', 'exit'],
    ]),
    'router ospf',
    ` ospf router-id ${loopback}`,
    ' timers throttle spf 0 50 200',
    ...[`${loopback}/32`, ...links.map(({ subnet }) => subnet)].map((prefix) => ` network ${prefix} area 0`),
    'exit',
    'mpls ldp',
    ` router-id ${loopback}`,
    ' discovery hello interval 1',
    ' discovery hello holdtime 5',
    ' address-family ipv4',
    `  discovery transport-address ${loopback}`,
    '  label local allocate host-routes',
    ...links.flatMap(({ tap }) => [`  interface ${tap}`, '  exit']),
    ' exit-address-family',
    'exit',
  ];
}

/** The core router between the two. */
export function pConfig(): string {
  return [...core('p', P_LOOPBACK, pLinks()), ''].join('\n');
}

const statics = (edge: Edge, customer: Customer): string[] => [
  `vrf ${customer}`,
  ` ip route ${siteNetwork(edge, 4)} ${siteGateway(edge, 4)}`,
  ` ipv6 route ${siteNetwork(edge, 6)} ${siteGateway(edge, 6)}`,
  ...(customer === 'blue' && edge === 2 ? [` ip route ${ONLY_BLUE}/32 ${siteGateway(edge, 4)}`] : []),
  'exit-vrf',
];

/** A customer's VRF at an edge router: what is there goes to the other edge routers, and what they say comes in. */
function vrfOf(edge: Edge, customer: Customer): string[] {
  const target = `${AS}:${CUSTOMERS.indexOf(customer) + 1}`;
  const family = (name: string): string[] => [
    ...[` address-family ${name} unicast`, '  redistribute connected', '  redistribute static'],
    ...['  label vpn export auto', `  rd vpn export ${target}${edge}`, `  rt vpn both ${target}`],
    ...['  export vpn', '  import vpn', ' exit-address-family'],
  ];
  return [
    ...[`router bgp ${AS} vrf ${customer}`, ` bgp router-id ${loopbackOf(edge)}`],
    ...[...family('ipv4'), ...family('ipv6'), 'exit'],
  ];
}

/** An edge router. */
export function edgeConfig(edge: Edge): string {
  const peer = loopbackOf(edge === 1 ? 2 : 1);
  const links = CUSTOMERS.flatMap((customer) => [
    `interface ${tapName(customerPort(customer))}`,
    ` ip address ${LINK[4].router(edge)}/24`,
    ` ipv6 address ${LINK[6].router(edge)}/64`,
    'exit',
  ]);
  // bgpd wants an IPv6 address to speak of IPv6 at all; what it is to say is the IPv4 one, which LDP has a label for (RFC 4659).
  const sixVpe = ['route-map MAPPED permit 10', ` set ipv6 next-hop global ::ffff:${loopbackOf(edge)}`, 'exit'];
  return [
    ...core(`pe${edge}`, loopbackOf(edge), edgeLinks(edge)),
    ...links,
    ...['interface lo', ` ipv6 address ${loopback6Of(edge)}/128`, 'exit', ...sixVpe],
    ...CUSTOMERS.flatMap((customer) => statics(edge, customer)),
    ...[`router bgp ${AS}`, ` bgp router-id ${loopbackOf(edge)}`, ' no bgp default ipv4-unicast', ' timers bgp 3 9'],
    ...[
      ` neighbor ${peer} remote-as ${AS}`,
      ` neighbor ${peer} update-source lo`,
      ` neighbor ${peer} timers connect 1`,
    ],
    ...[' address-family ipv4 vpn', `  neighbor ${peer} activate`, ' exit-address-family'],
    ...[' address-family ipv6 vpn', `  neighbor ${peer} activate`, `  neighbor ${peer} route-map MAPPED out`],
    ...[' exit-address-family', 'exit'],
    ...CUSTOMERS.flatMap((customer) => vrfOf(edge, customer)),
    '',
  ].join('\n');
}
