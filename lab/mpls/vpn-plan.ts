/**
 * The addresses of the L3VPN topology. Everything that is a customer's is the same for both customers: their links, their networks,
 * and what is behind them, IPv4 and IPv6. One network more, which only blue has, shows what red must not reach.
 */
import type { LinuxVrf } from './linux-vrfs';

/** Provider edge routers by number. */
export const EDGES = [1, 2] as const;
export type Edge = (typeof EDGES)[number];
/** The two links from each edge router to P, which are ports 0 and 1 of the edge router. */
export const CORE_LINKS = [0, 1] as const;
export const CORE_MTU = 1600;
export const AS = 65000;

export type Customer = 'red' | 'blue';
export const CUSTOMERS: readonly Customer[] = ['red', 'blue'];
/** Port of the edge routers that a customer is behind. */
export const customerPort = (customer: Customer): number => 2 + CUSTOMERS.indexOf(customer);
export const tableOf = (customer: Customer): number => 1001 + CUSTOMERS.indexOf(customer);
export const VRFS: readonly LinuxVrf[] = CUSTOMERS.map((name) => ({
  ...{ name, table: tableOf(name), taps: [`tap${customerPort(name)}`] },
}));

export const P_LOOPBACK = '10.0.255.10';
export const loopbackOf = (edge: Edge): string => `10.0.255.${edge}`;
export const loopback6Of = (edge: Edge): string => `2001:db8:255::${edge}`;
export const coreSubnet = (edge: Edge, link: number): string => `10.${edge}.${link}.0/24`;
export const coreAddress = (edge: Edge, link: number, end: 'edge' | 'p'): string =>
  `10.${edge}.${link}.${end === 'edge' ? 1 : 2}`;
/** P's port that such a link ends at. */
export const portOfP = (edge: Edge, link: number): number => 2 * (edge - 1) + link;

/** What the customer's link to an edge router has, by family; its router is .1, the customer .2. */
export const LINK = {
  4: { subnet: (edge: Edge) => `192.168.${edge}.0/24`, router: (edge: Edge) => `192.168.${edge}.1` },
  6: { subnet: (edge: Edge) => `2001:db8:${edge}::/64`, router: (edge: Edge) => `2001:db8:${edge}::1` },
} as const;
export const siteGateway = (edge: Edge, family: 4 | 6): string =>
  family === 4 ? `192.168.${edge}.2` : `2001:db8:${edge}::2`;
/** The customer's network there, and its address in it. */
export const siteNetwork = (edge: Edge, family: 4 | 6): string =>
  family === 4 ? `10.77.${edge}.0/24` : `2001:db8:77:${edge}::/64`;
export const siteAddress = (edge: Edge, family: 4 | 6): string =>
  family === 4 ? `10.77.${edge}.1` : `2001:db8:77:${edge}::1`;
/** Behind blue at edge 2 only. */
export const ONLY_BLUE = '10.78.2.1';

const mac = (a: number, b: number): string => `32:26:0a:2e:${a.toString(16).padStart(2, '0')}:f${b}`;
/** MAC addresses of an edge router's ports, P's ports and the customers. */
export const edgeMac = (edge: Edge, port: number): string => mac(edge, port);
export const pMac = (port: number): string => mac(0x10, port);
export const siteMac = (edge: Edge, customer: Customer): string => mac(0x20 + edge, customerPort(customer));
