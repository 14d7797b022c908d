/**
 * Whether zebra, the bridge and the vASIC mean the same, entry by entry: each prefix's gateways as zebra has them, the same in the bridge,
 * and the port and MAC at which the vASIC's own tables end. Differences come as sentences; none means that the three agree.
 */
import { aftAgainstFib, aftMeaning, zebraRoutes } from '../compat/compare';
import { allRoutes, vasicEnds, type VasicEnds } from '../compat/tables';
import { zebraTable, type ZebraRoute, type ZebraTable } from '../compat/zebra-table';
import type { RouteView } from '../../src/control/types';
import { neighborMacs, type BenchTopology } from './topology';

export interface Agreement {
  /** Prefixes of zebra's table that were compared, BGP's among them, and entries of the vASIC. */
  readonly compared: number;
  readonly bgp: number;
  readonly entries: number;
  readonly differences: readonly string[];
}

const TABLE_TIMEOUT_MS = 120_000;

/** Reads the three tables (IPv4) and compares them. Nothing may be changing meanwhile. */
export async function agreement(topology: BenchTopology, control: string): Promise<Agreement> {
  const { router, frr } = topology;
  const patient = {
    ...frr,
    json: async (command: string) =>
      JSON.parse(await router.must(['vtysh', '-c', command], { timeoutMs: TABLE_TIMEOUT_MS })) as unknown,
  };
  const zebra = await zebraTable(patient, 'ipv4');
  const routes = await allRoutes(control);
  const ends = await vasicEnds(router, TABLE_TIMEOUT_MS);
  return {
    compared: zebra.size,
    bgp: [...zebra.values()].filter(({ protocol }) => protocol === 'bgp').length,
    entries: Object.keys(ends).length,
    differences: differences(zebra, routes, ends, neighborMacs(topology)),
  };
}

/**
 * Where the three differ.
 *
 * @param macs the MAC behind each gateway, by the topology's word and not the bridge's
 */
export function differences(
  zebra: ZebraTable,
  routes: readonly RouteView[],
  ends: VasicEnds,
  macs: ReadonlyMap<string, string>,
): readonly string[] {
  const ours = new Map(zebraRoutes(routes, 'ipv4').map((route) => [route.prefix, route]));
  const known = new Set(routes.map(({ prefix }) => prefix));
  return [
    ...[...ours.keys()].filter((prefix) => !zebra.has(prefix)).map((prefix) => `${prefix} is not in zebra's table`),
    ...[...zebra.values()].flatMap((route) => bridgeDifferences(route, ours.get(route.prefix), macs)),
    ...Object.keys(ends)
      .filter((prefix) => !known.has(prefix))
      .map((prefix) => `${prefix} is in the vASIC and not in the bridge`),
    ...[...known].filter((prefix) => !(prefix in ends)).map((prefix) => `${prefix} is not in the vASIC`),
    ...aftAgainstFib(routes, aftMeaning(ends)),
  ];
}

function bridgeDifferences(
  route: ZebraRoute,
  ours: RouteView | undefined,
  macs: ReadonlyMap<string, string>,
): string[] {
  const { prefix, protocol, hops, offloaded } = route;
  if (ours === undefined) return [`${prefix} (${protocol}) is missing in the bridge`];
  if (protocol !== 'bgp') return [];
  const found: string[] = [];
  const paths = ours.nexthops.map((path) => `${path.gateway ?? ''} ${path.interface}`.trim()).sort();
  if (paths.join(', ') !== hops.join(', ')) {
    found.push(`${prefix} leaves by ${paths.join(', ')}, in zebra by ${hops.join(', ')}`);
  }
  for (const { gateway, mac } of ours.nexthops) {
    if (macs.get(gateway ?? '') !== mac) found.push(`${prefix}: ${gateway ?? 'no gateway'} has MAC ${mac ?? 'none'}`);
  }
  if (ours.state !== 'offloaded') found.push(`${prefix} is ${ours.state}`);
  if (offloaded !== true) found.push(`zebra does not know that ${prefix} is offloaded`);
  return found;
}
