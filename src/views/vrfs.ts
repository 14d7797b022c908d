/** VRFs as the control API shows them, and the table that a question is about. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Programmer } from '../afi/programmer';
import { RequestError } from '../control/filter';
import type { TableQuery, VrfView } from '../control/types';
import type { Fib } from '../fib/fib';
import { ROW } from '../fib/route-table';
import { VRF_TABLES } from '../fib/updates';

/** Rows looked at in one turn: a millisecond or so. */
const ROWS_PER_SLICE = 32_768;

/** The table that is asked for; undefined: none is. @throws RequestError for a VRF that there is none of */
export function tableAsked(fib: Fib, { table, vrf }: TableQuery): number | undefined {
  if (vrf === undefined) return table;
  const named = fib.vrfs.tableNamed(vrf);
  if (named === undefined) {
    const known = Array.from(fib.vrfs.all(), ({ name, table: id }) => name ?? `table ${id}`).join(', ');
    throw new RequestError(404, `vrf: there is no VRF ${vrf}, but ${known}`);
  }
  if (table !== undefined && table !== named) {
    throw new RequestError(400, `table and vrf: VRF ${vrf} has table ${named}, not ${table}`);
  }
  return named;
}

/** A table as answers name it. */
export function tableView(
  fib: Fib,
  table: number,
): { readonly table: number; readonly vrf?: string; readonly vrfId?: number } {
  const vrf = fib.vrfs.nameOf(table);
  return {
    table,
    ...(vrf === undefined ? {} : { vrf }),
    ...(table < VRF_TABLES ? {} : { vrfId: table - VRF_TABLES }),
  };
}

interface Counts {
  ipv4: number;
  ipv6: number;
  readonly states: { offloaded: number; trapped: number; failed: number; unresolved: number; pending: number };
}

/** Each table that routes are in or ports are bound to. The rows are looked at in slices: a large table must not hold up others. */
export async function vrfViews(fib: Fib, programmer: Programmer, tapOf: (port: number) => string): Promise<VrfView[]> {
  const { routes } = fib.rows;
  const counts = new Map<number, Counts>();
  const countsOf = (table: number): Counts => {
    let found = counts.get(table);
    if (found === undefined) {
      const states = { offloaded: 0, trapped: 0, failed: 0, unresolved: 0, pending: 0 };
      counts.set(table, (found = { ipv4: 0, ipv6: 0, states }));
    }
    return found;
  };
  for (const table of fib.vrfs.tables) countsOf(table);
  for (let row = 1; row < routes.end; row++) {
    if (row % ROWS_PER_SLICE === 0) await nextTurn();
    if (!routes.live(row) || (routes.flags[row]! & ROW.zebra) === 0) continue;
    const of = countsOf(routes.tableOf(row));
    if (routes.isIp6(row)) of.ipv6++;
    else of.ipv4++;
    of.states[fib.status.stateOf(row)]++;
  }
  return Array.from(counts, ([table, { ipv4, ipv6, states }]) => {
    const vrf = fib.vrfs.find(table);
    const token = programmer.tables.vrfs.isPlaced(table) ? programmer.tables.vrfs.tokensOf(table).tree : undefined;
    return {
      ...tableView(fib, table),
      forwarded: vrf !== undefined,
      ...(token === undefined ? {} : { token }),
      ports: Array.from(vrf?.ports ?? [], tapOf),
      ipv4,
      ipv6,
      ...states,
      entries: fib.forwarding.entriesIn(table),
      ...(vrf?.error === undefined ? {} : { reason: vrf.error }),
    };
  });
}
