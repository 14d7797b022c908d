/**
 * Comparing what zebra has with what fpm2afi has, and one run's tables with another's. Differences come as sentences; none
 * means that the two agree.
 */
import type { RouteState, RouteView } from '../../src/control/types';
import { PEER_ADDRESSES, type Module } from './topology';
import type { Family, ZebraRoute, ZebraTable } from './zebra-table';

/** In zebra's module fpm this gateway stands for the IPv6 link-local one of an IPv4 route. zebra gives it the MAC in Linux. */
const STAND_IN = '169.254.0.1';
/** Several connected routes share this prefix, one per interface; whichever was sent last is the one kept. */
const SHARED = 'fe80::/64';
/** Not compared between zebras: the former, and a route of 10.x alone (`local`), which its subnet's route covers alike. */
const SKIPPED: readonly string[] = [SHARED, '128.0.0.1/32'];
/** zebra takes these for offloaded by itself. */
const OWN: readonly string[] = ['connected', 'local', 'kernel'];

const isFamily = (prefix: string, family: Family): boolean => prefix.includes(':') === (family === 'ipv6');

/** zebra's routes of one family in fpm2afi. */
export function zebraRoutes(routes: readonly RouteView[], family: Family): readonly RouteView[] {
  return routes.filter(({ origin, prefix, table }) => origin === 'zebra' && table === 254 && isFamily(prefix, family));
}

function expectedHops(route: ZebraRoute, module: Module): readonly string[] {
  if (module !== 'fpm' || route.prefix.includes(':')) return route.hops;
  return route.hops.map((hop) => hop.replace(/^fe80:\S+/, STAND_IN)).sort();
}

/** The state that follows from zebra's nexthops in this topology, where the peers answer and nobody else does. */
function expectedState(route: ZebraRoute): RouteState {
  if (route.kind === 'blackhole') return 'offloaded';
  if (route.kind !== 'unicast') return 'trapped';
  const gateways = route.hops.map((hop) => (hop.includes(' ') ? hop.split(' ')[0]! : undefined));
  if (gateways.some((gateway) => gateway === undefined)) return 'trapped';
  const answers = (gateway: string): boolean =>
    gateway.startsWith('fe80:') || PEER_ADDRESSES.includes(canonical(gateway));
  return gateways.every((gateway) => answers(gateway ?? '')) ? 'offloaded' : 'unresolved';
}

/** `2001:db8:0::2` and `2001:db8::2` are the same; only the topology writes the former. */
function canonical(address: string): string {
  return address === '2001:db8::2' ? '2001:db8:0::2' : address;
}

/** fpm2afi's routes against zebra's table: the same prefixes, each of the same kind, with the same paths, in the right state. */
export function fibDifferences(table: ZebraTable, fib: readonly RouteView[], module: Module): readonly string[] {
  const seen = new Map(fib.map((route) => [route.prefix, route]));
  const wrongState = [...table.values()].flatMap((route) => {
    const state = seen.get(route.prefix)?.state;
    const expected = expectedState(route);
    return state === undefined || state === expected ? [] : [`${route.prefix} is ${state}, should be ${expected}`];
  });
  return [...tableDifferences(table, fib, module), ...wrongState];
}

/** The same without the states, which depend on neighbors. */
export function tableDifferences(table: ZebraTable, fib: readonly RouteView[], module: Module): readonly string[] {
  const found: string[] = [];
  const seen = new Map(fib.map((route) => [route.prefix, route]));
  for (const [prefix, { protocol, state }] of seen) {
    // The kernel keeps and uses its routes over a link without carrier; zebra passes over them.
    const isLinkDown = protocol === 'kernel' && state === 'unresolved';
    if (!table.has(prefix) && !isLinkDown) found.push(`${prefix} is not in zebra's table`);
  }
  for (const route of table.values()) {
    const { prefix } = route;
    const ours = seen.get(prefix);
    if (ours === undefined) {
      found.push(`${prefix} (${route.protocol}) is missing`);
      continue;
    }
    if (ours.type !== route.kind) found.push(`${prefix} is ${ours.type}, in zebra ${route.kind}`);
    if (ours.stale === true) found.push(`${prefix} is stale`);
    if (prefix !== SHARED && route.kind === 'unicast') {
      const hops = ours.nexthops.map((path) => `${path.gateway ?? ''} ${path.interface}`.trim()).sort();
      const expected = expectedHops(route, module);
      const withoutIdle = expected.filter((hop) => hops.includes(hop) || !route.idle.includes(hop));
      if (hops.join(', ') !== withoutIdle.join(', '))
        found.push(`${prefix} leaves by ${hops.join(', ')}, in zebra by ${expected.join(', ')}`);
    }
  }
  return found;
}

/** What zebra shows of statuses: those routes that can have one, against fpm2afi's states. */
export function feedbackDifferences(table: ZebraTable, fib: readonly RouteView[]): readonly string[] {
  const found: string[] = [];
  for (const { prefix, state } of fib) {
    const route = table.get(prefix);
    if (route === undefined || OWN.includes(route.protocol)) continue;
    const isRight = state === 'offloaded' ? route.offloaded === true : route.trapped;
    if (!isRight) found.push(`zebra has not taken the status of ${prefix} (${state})`);
  }
  return found;
}

/** How many routes zebra marks as reported, without those it marks by itself. */
export function toldCount(table: ZebraTable): number {
  return [...table.values()].filter(
    ({ protocol, offloaded, trapped }) => !OWN.includes(protocol) && (offloaded !== undefined || trapped),
  ).length;
}

/** A table's meaning, by prefix. */
export type Meaning = Readonly<Record<string, string>>;

/**
 * The FIB's meaning: each route's state, and for forwarded ones the interfaces and MACs. Whose route it is and which address of
 * a neighbor it names differ between zebras; where packets go must not.
 */
export function fibMeaning(routes: readonly RouteView[]): Meaning {
  const lines = routes
    .filter(({ table, prefix }) => table === 254 && !SKIPPED.includes(prefix))
    .map(({ prefix, state, type, nexthops }): [string, string] => {
      const paths = nexthops.map((path) => `${path.interface} ${path.mac ?? '-'} weight ${path.weight}`).sort();
      const text = type === 'blackhole' ? 'blackhole' : paths.join(', ');
      return [prefix, state === 'offloaded' ? `offloaded by ${text}` : state];
    });
  return Object.fromEntries(lines);
}

/** What the vASIC's tables mean, read from the AFI server, without the same prefixes. */
export function aftMeaning(entries: Readonly<Record<string, readonly string[]>>): Meaning {
  const lines = Object.entries(entries).filter(([prefix]) => !SKIPPED.includes(prefix));
  return Object.fromEntries(lines.map(([prefix, ends]) => [prefix, ends.join(', ')]));
}

/** Each forwarded or dropped route of the FIB against where the AFI server's tables really send its packets. */
export function aftAgainstFib(routes: readonly RouteView[], aft: Meaning): readonly string[] {
  return routes
    .filter(({ table, state }) => table === 254 && state === 'offloaded')
    .flatMap(({ prefix, type, nexthops }) => {
      // A path that isn't ready carries nothing, where another one is.
      const ready = nexthops.filter((path) => path.state === 'ready');
      const paths = ready.map((path) => `port ${path.interface.replace('tap', '')} to ${path.mac ?? '-'}`);
      const expected = type === 'blackhole' ? 'discard' : [...new Set(paths)].sort().join(', ');
      const found = (aft[prefix] ?? 'none').replace(/ \(\d+%\)/g, '');
      return found === expected ? [] : [`${prefix}: the FIB means ${expected}, the vASIC has ${found}`];
    });
}

/** Where two meanings differ. */
export function meaningDifferences(a: Meaning, b: Meaning): readonly string[] {
  const prefixes = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
  return prefixes
    .filter((prefix) => a[prefix] !== b[prefix])
    .map((prefix) => `${prefix}: ${a[prefix] ?? 'none'} / ${b[prefix] ?? 'none'}`);
}
