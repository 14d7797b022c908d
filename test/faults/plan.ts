/**
 * Numbers of the campaign's stage. Ports 0 to 2 are those of test/against-linux, whose hosts answer on one wire; everything changes
 * there. Ports 3 and 4 have a host each, west and east, and a stream between them that no change touches: what it loses is a fault's doing.
 */
import { subnet4, subnet6 } from '../against-linux/plan';

export const WEST = 3;
export const EAST = 4;
/** Behind the hosts of ports 3 and 4, reached by static routes: the ends of the stream. */
export const far = (port: number): string => `10.9.${port}.1`;

/** The AFI proxy's network: the bridge's side, and the vASIC's. */
export const AFI_NEAR = { bridge: '10.254.0.1', proxy: '10.254.0.2' } as const;
export const AFI_FAR = { proxy: '10.254.1.1', vasic: '10.254.1.2' } as const;
export const AFI_PROXY_PORT = 50_061;
export const FPM_PROXY_PORT = 2621;

/** Prefixes that static routes have. */
export const STATIC_PREFIXES: readonly string[] = [
  ...Array.from({ length: 12 }, (_, i) => `10.50.${i}.0/24`),
  ...Array.from({ length: 4 }, (_, i) => `10.51.0.${i + 16}/32`),
  '10.48.0.0/14',
  ...Array.from({ length: 8 }, (_, i) => `2001:db8:50:${i}::/64`),
  ...Array.from({ length: 2 }, (_, i) => `2001:db8:51::${i + 16}/128`),
  '2001:db8:50::/48',
];

/** Blocks of many routes, which the kernel has and zebra takes up. */
export const BLOCKS: readonly number[] = [0, 1, 2, 3];
export const BLOCK_ROUTES = 1000;
export const blockPrefix = (block: number, i: number): string => `10.${100 + block}.${i >> 2}.${(i & 3) << 6}/26`;

export const isSix = (text: string): boolean => text.includes(':');
export const hostOf = (port: number, host: number, six: boolean): string =>
  six ? `${subnet6(port)}::${host}` : `${subnet4(port)}.${host}`;
