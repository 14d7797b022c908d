/** A route in zebra's JSON (`show ip route json`), read to what the FIB can be compared with. Pure. */
import { parseAddress, formatAddress } from '../net/address';

/** The selected route of a prefix. */
export interface ZebraRoute {
  readonly protocol: string;
  /** zebra has chosen another, and is about to use that. */
  readonly leaving: boolean;
  /** What zebra was told of it: true, false (failed), or nothing. */
  readonly offloaded: boolean | undefined;
  /** `GATEWAY@IFINDEX` of each path that is in use, in order; of a drop: its kind. */
  readonly paths: readonly string[];
}

interface JsonNexthop {
  readonly ip?: unknown;
  readonly interfaceIndex?: unknown;
  readonly active?: unknown;
  readonly recursive?: unknown;
  readonly duplicate?: unknown;
  readonly unreachable?: unknown;
  readonly reject?: unknown;
  readonly adminProhibited?: unknown;
}

interface JsonRoute {
  readonly protocol?: unknown;
  readonly selected?: unknown;
  readonly destSelected?: unknown;
  readonly offloaded?: unknown;
  readonly nexthops?: unknown;
}

/** The route that zebra uses, of those that it has for a prefix; undefined: it uses none. */
export function zebraRoute(routes: unknown): ZebraRoute | undefined {
  if (!Array.isArray(routes)) return undefined;
  const all = routes as readonly JsonRoute[];
  const route = all.find(({ destSelected }) => destSelected === true);
  if (route === undefined) return undefined;
  const nexthops = Array.isArray(route.nexthops) ? (route.nexthops as readonly JsonNexthop[]) : [];
  return {
    protocol: String(route.protocol),
    leaving: route.selected !== true,
    offloaded: typeof route.offloaded === 'boolean' ? route.offloaded : undefined,
    paths: nexthops
      .filter((hop) => hop.active === true && hop.recursive !== true && hop.duplicate !== true)
      .map(pathText)
      .sort(),
  };
}

function pathText(hop: JsonNexthop): string {
  if (hop.unreachable === true) {
    if (hop.reject === true) return 'unreachable';
    return hop.adminProhibited === true ? 'prohibit' : 'blackhole';
  }
  const gateway = typeof hop.ip === 'string' ? parseAddress(hop.ip) : undefined;
  return pathName(gateway, Number(hop.interfaceIndex ?? 0));
}

/** A path as it is compared. */
export function pathName(gateway: Uint8Array | undefined, ifindex: number): string {
  return `${gateway === undefined ? '' : formatAddress(gateway)}@${ifindex}`;
}
