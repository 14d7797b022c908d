/** A route in zebra's JSON (`show ip route json`), read to what the FIB can be compared with. Pure. */
import type { DropKind, RouteTarget } from '../fib/updates';
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
  /**
   * Those that zebra has handed on and uses no more, without having said so: what FRR does with the paths of an interface that
   * went down, as the kernel does the same.
   */
  readonly idle: readonly string[];
  /** `paths` as they would come over FPM; undefined: with an encapsulation, which the JSON doesn't tell whole. */
  readonly target: Extract<RouteTarget, { readonly kind: 'paths' | 'drop' }> | undefined;
}

interface JsonNexthop {
  readonly ip?: unknown;
  readonly interfaceIndex?: unknown;
  readonly active?: unknown;
  readonly fib?: unknown;
  readonly recursive?: unknown;
  readonly duplicate?: unknown;
  readonly unreachable?: unknown;
  readonly reject?: unknown;
  readonly adminProhibited?: unknown;
  readonly weight?: unknown;
  readonly onLink?: unknown;
  readonly labels?: unknown;
  readonly seg6?: unknown;
  readonly seg6local?: unknown;
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
  const ends = nexthops.filter((hop) => hop.recursive !== true && hop.duplicate !== true);
  const used = ends.filter((hop) => hop.active === true);
  return {
    protocol: String(route.protocol),
    leaving: route.selected !== true,
    offloaded: typeof route.offloaded === 'boolean' ? route.offloaded : undefined,
    paths: used.map(pathText).sort(),
    idle: ends.filter((hop) => hop.active !== true && hop.fib === true).map(pathText),
    target: targetOf(used),
  };
}

function targetOf(hops: readonly JsonNexthop[]): ZebraRoute['target'] {
  const [first] = hops;
  if (first === undefined) return undefined;
  if (first.unreachable === true) return { kind: 'drop', drop: dropOf(first) };
  if (hops.some((hop) => [hop.labels, hop.seg6, hop.seg6local].some((encap) => encap !== undefined))) return undefined;
  return {
    kind: 'paths',
    paths: hops.map((hop) => {
      const gateway = gatewayOf(hop);
      return {
        ...(gateway === undefined ? {} : { gateway }),
        ifindex: Number(hop.interfaceIndex ?? 0),
        weight: Math.max(1, Number(hop.weight ?? 1)),
        ...(hop.onLink === true ? { onlink: true } : {}),
      };
    }),
  };
}

function dropOf(hop: JsonNexthop): DropKind {
  if (hop.reject === true) return 'unreachable';
  return hop.adminProhibited === true ? 'prohibit' : 'blackhole';
}

function gatewayOf({ ip }: JsonNexthop): Uint8Array | undefined {
  return typeof ip === 'string' ? parseAddress(ip) : undefined;
}

function pathText(hop: JsonNexthop): string {
  if (hop.unreachable === true) return dropOf(hop);
  return pathName(gatewayOf(hop), Number(hop.interfaceIndex ?? 0));
}

/** A path as it is compared. */
export function pathName(gateway: Uint8Array | undefined, ifindex: number): string {
  return `${gateway === undefined ? '' : formatAddress(gateway)}@${ifindex}`;
}
