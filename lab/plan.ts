/**
 * The addresses of the demonstration: those of the original one for IPv4, the same numbering for IPv6. Port N's vrouter is
 * behind tapN, N from 0 to 3.
 */

export const PORTS: readonly number[] = [0, 1, 2, 3];
export const ROUTER_MGMT = '128.0.0.1';
export const VASIC_MGMT = '128.0.0.16';
export const ROUTER_MGMT_MAC = '32:26:0a:2e:dd:f0';
export const VASIC_MGMT_MAC = '32:26:0a:2e:dd:f1';
/** Router ids are written like IPv4 addresses in every protocol. */
export const ROUTER_ID = '10.0.255.100';

export const portName = (port: number): string => `p${port}`;
export const tapName = (port: number): string => `tap${port}`;
export const portMac = (port: number): string => `32:26:0a:2e:aa:f${port}`;
export const vrouterMac = (port: number): string => `32:26:0a:2e:cc:f${port}`;

/** One address family's part of the plan. */
export interface Plan {
  readonly family: 4 | 6;
  /** Of an address of its own, as `/32`. */
  readonly host: string;
  /** Of a port's subnet. */
  readonly subnetLength: number;
  readonly routerLoopback: string;
  /** A second loopback of vrouter3, which softvasic is told to refuse. */
  readonly refused: string;
  /** A loopback that vrouter2 and vrouter3 both have. */
  readonly shared: string;
  readonly loopback: (port: number) => string;
  readonly subnet: (port: number) => string;
  readonly routerAddress: (port: number) => string;
  readonly vrouterAddress: (port: number) => string;
  /** By which the router reaches vrouterN's loopbacks: link-local where the protocol of the family says so. */
  readonly gateway: (port: number) => string;
}

export const IP4: Plan = {
  family: 4,
  host: '/32',
  subnetLength: 24,
  routerLoopback: '10.0.255.100',
  refused: '10.0.255.253',
  shared: '10.0.255.200',
  loopback: (port) => `10.0.255.${port}`,
  subnet: (port) => `103.30.${port * 10}.0/24`,
  routerAddress: (port) => `103.30.${port * 10}.1`,
  vrouterAddress: (port) => `103.30.${port * 10}.3`,
  gateway: (port) => `103.30.${port * 10}.3`,
};

export const IP6: Plan = {
  family: 6,
  host: '/128',
  subnetLength: 64,
  routerLoopback: '2001:db8:255::100',
  refused: '2001:db8:255::253',
  shared: '2001:db8:255::200',
  loopback: (port) => `2001:db8:255::${port + 1}`,
  subnet: (port) => `2001:db8:${port + 1}::/64`,
  routerAddress: (port) => `2001:db8:${port + 1}::1`,
  vrouterAddress: (port) => `2001:db8:${port + 1}::3`,
  // What the kernel makes of vrouterMac(port).
  gateway: (port) => `fe80::3026:aff:fe2e:ccf${port}`,
};
