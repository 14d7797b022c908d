/** Numbers of the stage: ports, subnets, hosts and their MAC addresses. The same for both routers. */
import { portMac, tapName } from '../../lab/plan';

export const PORTS: readonly number[] = [0, 1, 2];
/** Both routers', so that commands are the same. */
export const portName = tapName;
export const routerMac = portMac;
/** At the start. No event raises a port's MTU above it: the other end of the vASIC's port stays as it is. */
export const portMtu = (port: number): number => (port === 2 ? 1400 : 1500);

/** The wire's end of each router's ports. */
export const SIDES = ['linux', 'ours'] as const;
export type Side = (typeof SIDES)[number];
export const wireName = (side: Side, port: number): string => `${side}${port}`;

export const subnet4 = (net: number): string => `10.1.${net}`;
export const subnet6 = (net: number): string => `2001:db8:${net}`;
/** Networks behind a port's first host: most packets come from there, each from an address of its own. */
export const farNet4 = (port: number): string => `10.20${port}`;
export const farNet6 = (port: number): string => `2001:db8:20${port}`;
/** Where load is balanced over two paths. */
export const BALANCED4 = '10.77.0.0/16';
export const BALANCED6 = '2001:db8:77::/48';

/** Hosts answer on any port, with a MAC address that names the port: what goes astray is seen. */
export function hostMac(port: number, address: string, generation = 0): string {
  const last = Number.parseInt(address.split(/[.:]/).at(-1)!, 16) & 0xff;
  const bytes = [0x02, port, address.includes(':') ? 6 : 4, generation, 0, last];
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** Hosts that answer at the start; `.4` of each subnet never does, until an event says so. */
export const HOSTS: readonly string[] = [
  ...[0, 1, 2, 3].flatMap((net) => [2, 3].map((host) => `${subnet4(net)}.${host}`)),
  ...[0, 1, 2, 3].flatMap((net) => [2, 3].map((host) => `${subnet6(net)}::${host}`)),
  'fe80::2',
  'fe80::3',
];

const STATICS: readonly string[] = [
  ...PORTS.map((port) => `ip route ${farNet4(port)}.0.0/16 ${subnet4(port)}.2`),
  'ip route 10.50.0.0/16 10.1.0.3',
  'ip route 10.51.0.0/16 10.1.1.4',
  'ip route 10.52.0.0/16 blackhole',
  'ip route 10.53.0.0/16 reject',
  `ip route ${BALANCED4} 10.1.0.2`,
  `ip route ${BALANCED4} 10.1.1.2`,
  ...PORTS.map((port) => `ipv6 route ${farNet6(port)}::/48 ${subnet6(port)}::2`),
  'ipv6 route 2001:db8:50::/48 2001:db8:0::3',
  'ipv6 route 2001:db8:51::/48 2001:db8:1::4',
  'ipv6 route 2001:db8:52::/48 blackhole',
  'ipv6 route 2001:db8:53::/48 reject',
  'ipv6 route 2001:db8:54::/48 fe80::2 tap1',
  `ipv6 route ${BALANCED6} 2001:db8:0::2`,
  `ipv6 route ${BALANCED6} 2001:db8:1::2`,
];

/** zebra's and staticd's configuration, without what only our router has. */
export const CONFIG: readonly string[] = [
  'interface lo',
  ' ip address 10.0.255.1/32',
  ' ipv6 address 2001:db8:255::1/128',
  ...PORTS.flatMap((port) => [
    `interface ${portName(port)}`,
    ` ip address ${subnet4(port)}.1/24`,
    ` ipv6 address ${subnet6(port)}::1/64`,
  ]),
  ...STATICS,
];
