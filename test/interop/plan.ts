/**
 * Who does what to which label, in three layouts beside each other, told apart by their labels and addresses:
 *
 * - `edge`: the machine and our router are the two edges of a VPN, with nothing between them.
 * - `core`: the machine is both edges, its main namespace and `far`; our router is the P between them.
 * - `through`: the machine is the P; our router is the edge at either side of it.
 *
 * Each IPv4 address has a twin in IPv6 (`twin`), whose labels are those of IPv4 and 1000.
 */

import { formatAddress, parseAddress } from '../../src/net/address';

/** 10.A.B.C as IPv6: what stands for the same thing there. */
export function twin(address: string): string {
  const [, a, b, c] = address.split('.');
  return formatAddress(parseAddress(`2001:db8:${a}:${b}::${c}`)!);
}

/** What is added to a label for IPv6. */
export const V6 = 1000;
const both = (address: string): readonly string[] => [`${address}/32`, `${twin(address)}/128`];
/** A stack as zebra and iproute2 write it, for the other family: explicit null has a label for each. */
const stack6 = (stack: string): string =>
  stack
    .split('/')
    .map((label) => (Number(label) === 0 ? '2' : String(Number(label) + V6)))
    .join('/');

/** Loopbacks of the hosts, by port. */
export const HOST_LOOPBACKS: Readonly<Record<number, readonly string[]>> = {
  0: ['10.78.0.1', '10.78.0.2', '10.78.0.3', '10.78.0.4'].flatMap(both),
  3: ['10.78.3.1', '10.78.3.2'].flatMap(both),
};

interface Layout {
  /** Lines of zebra's and staticd's configuration. */
  readonly router: readonly string[];
  /** Commands of the machine, in its main namespace. */
  readonly machine: readonly string[];
  /** Those of its namespace `far`. */
  readonly far: readonly string[];
}

const byName = (label: string): boolean => !/^\d/.test(label);
/** A labelled route of our router by the neighbor at a port. */
const routerPushes = (address: string, port: number, stack: string): string[] => [
  `ip route ${address}/32 10.1.${port}.2 label ${stack}`,
  `ipv6 route ${twin(address)}/128 2001:db8:${port}::2 label ${byName(stack) ? stack : stack6(stack)}`,
];
/** An LSP of our router to the neighbor at a port; `out` a label, or as zebra names it. */
function routerSwitches(label: number, port: number, out: string): string[] {
  const out6 = byName(out) ? out : stack6(out);
  return [`mpls lsp ${label} 10.1.${port}.2 ${out}`, `mpls lsp ${label + V6} 2001:db8:${port}::2 ${out6}`];
}

const via = (port: number, dev: string): readonly [string, string] => [
  `via inet 10.1.${port}.1 dev ${dev}`,
  `via inet6 2001:db8:${port}::1 dev ${dev}`,
];
/** A labelled route of the machine to our router at a port; `table`: in which VRF; `source`: of packets of its own. */
function machinePushes(
  address: string,
  stack: string,
  way: readonly [string, string],
  { vrf, source }: { readonly vrf?: string; readonly source?: string } = {},
): string[] {
  const table = vrf === undefined ? '' : ` vrf ${vrf}`;
  const from = (one: (address: string) => string): string => (source === undefined ? '' : ` src ${one(source)}`);
  return [
    `ip route add ${address}/32${table} encap mpls ${stack} ${way[0]}${from((one) => one)}`,
    `ip -6 route add ${twin(address)}/128${table} encap mpls ${stack6(stack)} ${way[1]}${from(twin)}`,
  ];
}
/** An LSP of the machine; `out` '': the label is taken off. */
function machineSwitches(label: number, out: string, way: readonly [string, string]): string[] {
  const as = (stack: string): string => (stack === '' ? '' : ` as ${stack}`);
  return [
    `ip -f mpls route add ${label}${as(out)} ${way[0]}`,
    `ip -f mpls route add ${label + V6}${as(out === '' ? '' : stack6(out))} ${way[1]}`,
  ];
}
/** The machine takes the label off and looks at the packet as one for device `dev`: a VRF, or itself (`lo`). */
const machineTakes = (label: number, dev: string): string[] =>
  [label, label + V6].map((one) => `ip -f mpls route add ${one} dev ${dev}`);

const addresses = (dev: string, ...all: string[]): string[] =>
  all.flatMap((address) => both(address).map((one) => `ip address add ${one} dev ${dev}`));

const edge: Layout = {
  router: [
    ...routerPushes('10.77.1.1', 1, '300'),
    ...routerPushes('10.77.1.2', 1, '302/300'),
    ...routerPushes('10.77.2.1', 1, '303'),
    ...routerSwitches(400, 0, 'implicit-null'),
    'ip route 10.78.0.1/32 10.1.0.2',
    `ipv6 route ${twin('10.78.0.1')}/128 2001:db8:0::2`,
  ],
  machine: [
    'ip link add red type vrf table 100',
    'ip link set red up',
    'ip link add dummy1 type dummy',
    'ip link set dummy1 master red',
    'ip link set dummy1 up',
    ...addresses('dummy1', '10.77.1.1', '10.77.1.2'),
    ...machineTakes(300, 'red'),
    ...machineTakes(302, 'lo'),
    ...machineTakes(303, 'lo'),
    ...machinePushes('10.78.0.1', '400', via(1, 'eth0'), { vrf: 'red' }),
    ...machinePushes('10.78.0.2', '0/400', via(1, 'eth0'), { vrf: 'red' }),
    ...addresses('lo', '10.77.2.1'),
    ...machinePushes('10.78.0.1', '0', via(1, 'eth0')),
  ],
  far: [],
};

const core: Layout = {
  router: [
    ...routerSwitches(500, 4, '600'),
    ...routerSwitches(501, 1, '601'),
    ...routerSwitches(510, 4, 'implicit-null'),
    ...routerSwitches(511, 1, 'implicit-null'),
    ...routerSwitches(520, 4, 'explicit-null'),
    ...routerSwitches(521, 1, 'explicit-null'),
  ],
  machine: [
    ...addresses('lo', '10.77.5.1', '10.77.5.2', '10.77.5.3'),
    ...machineTakes(601, 'lo'),
    ...machinePushes('10.77.4.1', '500', via(1, 'eth0'), { source: '10.77.5.1' }),
    ...machinePushes('10.77.4.2', '510', via(1, 'eth0'), { source: '10.77.5.2' }),
    ...machinePushes('10.77.4.3', '520', via(1, 'eth0'), { source: '10.77.5.3' }),
  ],
  far: [
    ...addresses('lo', '10.77.4.1', '10.77.4.2', '10.77.4.3'),
    ...machineTakes(600, 'lo'),
    ...machinePushes('10.77.5.1', '501', via(4, 'eth2')),
    ...machinePushes('10.77.5.2', '511', via(4, 'eth2')),
    ...machinePushes('10.77.5.3', '521', via(4, 'eth2')),
  ],
};

const through: Layout = {
  router: [
    ...routerPushes('10.78.3.1', 1, '700'),
    ...routerSwitches(701, 3, 'implicit-null'),
    ...routerPushes('10.78.3.2', 1, '720/721'),
    ...routerSwitches(721, 3, 'implicit-null'),
    ...routerPushes('10.78.0.3', 2, '710'),
    ...routerSwitches(711, 0, 'implicit-null'),
    ...routerPushes('10.78.0.4', 2, '730/731'),
    ...routerSwitches(731, 0, 'implicit-null'),
    // What a host sends with this label gets to the machine's 700.
    ...routerSwitches(540, 1, '700'),
  ],
  machine: [
    ...machineSwitches(700, '701', via(2, 'eth1')),
    ...machineSwitches(710, '711', via(1, 'eth0')),
    ...machineSwitches(720, '', via(2, 'eth1')),
    ...machineSwitches(730, '', via(1, 'eth0')),
  ],
  far: [],
};

const LAYOUTS = [edge, core, through];

const SYSCTLS = [
  'sysctl -w net.mpls.platform_labels=100000',
  'sysctl -w net.mpls.conf.lo.input=1',
  'sysctl -w net.ipv4.ip_forward=1',
  'sysctl -w net.ipv6.conf.all.forwarding=1',
  'sysctl -w net.ipv4.conf.all.rp_filter=0',
];

const interfaceUp = (dev: string, port: number): string[] => [
  `ip address add 10.1.${port}.2/24 dev ${dev}`,
  `ip address add 2001:db8:${port}::2/64 dev ${dev} nodad`,
  `ip link set ${dev} up`,
  `sysctl -w net.mpls.conf.${dev}.input=1`,
];

/** A command of the machine, in its namespace `far`. */
export const inFar = (command: string): string =>
  command.startsWith('ip ') ? `ip -n far${command.slice(2)}` : `ip netns exec far ${command}`;

/** The machine's commands, for both of its namespaces. */
export const MACHINE_SETUP: readonly string[] = [
  'ip netns add far',
  'ip link set eth2 netns far',
  ...SYSCTLS,
  ...interfaceUp('eth0', 1),
  ...interfaceUp('eth1', 2),
  ...LAYOUTS.flatMap(({ machine }) => machine),
  ...['ip link set lo up', ...SYSCTLS, ...interfaceUp('eth2', 4), ...LAYOUTS.flatMap(({ far }) => far)].map(inFar),
];

const ROUTER_LINES = LAYOUTS.flatMap(({ router }) => router);

/** The static LSPs of our router, and its static routes, as configured in FRR. */
export const ROUTER_LSPS: readonly string[] = ROUTER_LINES.filter((line) => line.startsWith('mpls '));
export const ROUTER_ROUTES: readonly string[] = ROUTER_LINES.filter((line) => !line.startsWith('mpls '));

/**
 * Commands of the router's namespace. Its kernel can't hold labelled routes; a plain one stands for them where the vASIC hands it what
 * came in by tap0, with the MTU that Linux would give them. In a table of its own, zebra doesn't see it.
 */
export const ROUTER_STANDS_IN: readonly string[] = [
  'ip rule add iif tap0 to 10.78.3.0/24 lookup 900 priority 10',
  'ip -6 rule add iif tap0 to 2001:db8:78:3::/64 lookup 900 priority 10',
  'ip route add 10.78.3.0/24 via 10.1.1.2 dev tap1 mtu 1496 table 900',
  'ip -6 route add 2001:db8:78:3::/64 via 2001:db8:1::2 dev tap1 mtu 1496 table 900',
];
