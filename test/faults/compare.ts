/**
 * Whether zebra, the kernel, the bridge and the vASIC mean the same, entry by entry, with nexthop and MAC: each of zebra's routes and
 * its nexthops in the bridge, the kernel's MAC address of each nexthop, where the vASIC's own tables lead, and what zebra was told.
 * Differences come as sentences.
 */
import type { RouteView } from '../../src/control/types';
import { aftAgainstFib, aftMeaning, feedbackDifferences, tableDifferences, zebraRoutes } from '../compat/compare';
import type { VasicEnds } from '../compat/tables';
import type { Family, ZebraTable } from '../compat/zebra-table';

/** A neighbor of the kernel's. */
export interface KernelNeighbor {
  readonly dev: string;
  readonly address: string;
  readonly mac: string | undefined;
  /** As `ip` writes it, e.g. REACHABLE. */
  readonly state: string;
}

export interface Tables {
  readonly zebra: Readonly<Record<Family, ZebraTable>>;
  readonly neighbors: readonly KernelNeighbor[];
  readonly routes: readonly RouteView[];
  readonly ends: VasicEnds;
}

const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];
/** States by which Linux sends (docs/neighbors.md). */
const USABLE: readonly string[] = ['REACHABLE', 'STALE', 'DELAY', 'PROBE', 'NOARP', 'PERMANENT'];
const MODULE = 'dplane_fpm_nl';

/** What the bridge has against zebra and the kernel: the cheap part, which changes until all has settled. */
export function hostDifferences({ zebra, neighbors, routes }: Omit<Tables, 'ends'>): readonly string[] {
  return [
    ...FAMILIES.flatMap((family) => {
      const ours = zebraRoutes(routes, family);
      return [...tableDifferences(zebra[family], ours, MODULE), ...feedbackDifferences(zebra[family], ours)];
    }),
    ...routes.flatMap((route) => pathDifferences(route, neighbors)),
  ];
}

/** What the vASIC has against the bridge. */
export function vasicDifferences({ routes, ends }: Pick<Tables, 'routes' | 'ends'>): readonly string[] {
  const known = routes.filter(({ table }) => table === 254);
  const prefixes = new Set(known.map(({ prefix }) => prefix));
  return [
    ...Object.keys(ends)
      .filter((prefix) => !prefixes.has(prefix))
      .map((prefix) => `${prefix} is in the vASIC and not in the bridge`),
    ...[...prefixes].filter((prefix) => !(prefix in ends)).map((prefix) => `${prefix} is not in the vASIC`),
    ...aftAgainstFib(known, aftMeaning(ends)),
    ...known.flatMap(({ prefix, state }) => {
      const found = ends[prefix] ?? [];
      // The host is at the end of policers, which a switch chooses from.
      const isHosts = found.every((end) => /^(receive|switch)/.test(end));
      return state === 'offloaded' || isHosts ? [] : [`${prefix} is ${state}, and the vASIC has ${found.join(', ')}`];
    }),
  ];
}

/** A route's state and nexthops against the kernel's neighbors. */
function pathDifferences(
  { prefix, origin, type, state, nexthops }: RouteView,
  neighbors: readonly KernelNeighbor[],
): readonly string[] {
  const found: string[] = [];
  if (state === 'failed' || state === 'pending') found.push(`${prefix} is ${state}`);
  if (origin !== 'zebra' || type !== 'unicast') return found;
  for (const path of nexthops) {
    const { gateway, interface: dev } = path;
    if (gateway === undefined || path.state === 'host') continue;
    const known = neighbors.find((one) => one.dev === dev && one.address === gateway);
    const mac = known !== undefined && USABLE.includes(known.state) ? known.mac : undefined;
    if (path.mac !== mac) {
      found.push(`${prefix} by ${gateway} ${dev}: the bridge has ${path.mac ?? 'no MAC'}, the kernel ${mac ?? 'none'}`);
    }
  }
  const isReady = nexthops.some((path) => path.state === 'ready');
  if (isReady && state !== 'offloaded') found.push(`${prefix} is ${state}, and has a nexthop that is ready`);
  return found;
}
