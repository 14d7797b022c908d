/** How many routes zebra sent, by family, table, protocol and state: one pass over the table, in slices. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RouteState, RouteSummaryView } from '../control/types';
import type { Fib } from '../fib/fib';
import { ROW } from '../fib/route-table';
import { protocolName } from '../net/protocol';
import { isShown } from './routes';
import { tableView } from './vrfs';

/** Rows that are looked at in one turn: a millisecond or so. */
const ROWS_PER_SLICE = 32_768;

type Counts = Record<RouteState, number>;

/** Counts them. What changes meanwhile may be counted as it was or as it is. */
export async function summaryView(fib: Fib): Promise<RouteSummaryView> {
  const { routes } = fib.rows;
  const sources = new Map<string, { ip6: boolean; table: number; protocol: number; counts: Counts }>();
  let own = 0;
  for (let row = 1; row < routes.end; row++) {
    if (row % ROWS_PER_SLICE === 0) await nextTurn();
    if (!routes.live(row)) continue;
    const flags = routes.flags[row]!;
    if ((flags & ROW.zebra) === 0) {
      if (isShown(routes, row)) own++;
      continue;
    }
    const ip6 = routes.isIp6(row);
    const table = routes.tableOf(row);
    const protocol = routes.protocol[row]!;
    const key = `${ip6 ? 6 : 4} ${table} ${protocol}`;
    let source = sources.get(key);
    if (source === undefined) {
      const counts = { offloaded: 0, trapped: 0, failed: 0, unresolved: 0, pending: 0 };
      sources.set(key, (source = { ip6, table, protocol, counts }));
    }
    source.counts[fib.status.stateOf(row)]++;
  }
  const sorted = [...sources.values()].sort(
    (a, b) => Number(a.ip6) - Number(b.ip6) || a.table - b.table || a.protocol - b.protocol,
  );
  return {
    sources: sorted.map(({ ip6, table, protocol, counts }) => ({
      family: ip6 ? 'ipv6' : 'ipv4',
      ...tableView(fib, table),
      protocol: protocolName(protocol),
      routes: Object.values(counts).reduce((sum, count) => sum + count, 0),
      ...counts,
    })),
    own,
  };
}
