/** zebra's own routing table, as `show ip route json` and `show ipv6 route json` tell it. */
import type { Frr } from '../../lab/frr';
import { at, entries, items, textAt } from '../../lab/json';

export type Family = 'ipv4' | 'ipv6';

export interface ZebraRoute {
  readonly prefix: string;
  readonly protocol: string;
  readonly kind: 'unicast' | 'blackhole' | 'unreachable' | 'prohibit';
  /** `GATEWAY INTERFACE` of each nexthop in use, sorted; of a recursive one what it resolves to. */
  readonly hops: readonly string[];
  /** Of those, the ones whose interface is down: zebra has handed them on, uses them no more, and says so in its next message only. */
  readonly idle: readonly string[];
  /** What was reported to zebra of it; absent when nothing. */
  readonly offloaded: boolean | undefined;
  readonly trapped: boolean;
}

/** Selected routes by prefix. */
export type ZebraTable = ReadonlyMap<string, ZebraRoute>;

/** The command that shows the table. */
export function tableCommand(family: Family): string {
  return `show ${family === 'ipv4' ? 'ip' : 'ipv6'} route json`;
}

function kindOf(hops: readonly unknown[]): ZebraRoute['kind'] {
  const has = (what: string): boolean => hops.some((hop) => at(hop, what) === true);
  if (has('blackhole')) return 'blackhole';
  if (has('reject')) return 'unreachable';
  if (has('admin-prohibited')) return 'prohibit';
  return has('unreachable') ? 'blackhole' : 'unicast';
}

/** Reads the table of the default VRF. */
export async function zebraTable(frr: Frr, family: Family): Promise<ZebraTable> {
  const table = new Map<string, ZebraRoute>();
  for (const [prefix, list] of entries(await frr.json(tableCommand(family)))) {
    const route = items(list).find((candidate) => at(candidate, 'selected') === true);
    if (route === undefined) continue;
    // A recursive nexthop is followed by those that it resolves to; one that is named twice is marked at the second.
    const used = items(at(route, 'nexthops')).filter(
      (hop) => at(hop, 'fib') === true && at(hop, 'recursive') !== true && at(hop, 'duplicate') !== true,
    );
    const kind = kindOf(used);
    const offloaded = at(route, 'offloaded');
    const names = (hops: readonly unknown[]): readonly string[] =>
      kind === 'unicast' ? hops.map((hop) => `${textAt(hop, 'ip')} ${textAt(hop, 'interfaceName')}`.trim()).sort() : [];
    table.set(prefix, {
      prefix,
      protocol: textAt(route, 'protocol'),
      kind,
      hops: names(used),
      idle: names(used.filter((hop) => at(hop, 'active') !== true)),
      offloaded: typeof offloaded === 'boolean' ? offloaded : undefined,
      trapped: at(route, 'trapped') === true,
    });
  }
  return table;
}
