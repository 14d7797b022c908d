/**
 * The routes of a whole table for the control API: in order (src/fib/ordered-rows.ts), filtered, in portions. Of the rows of a table
 * most differ by their prefix only; what else is shown of them is made once for all that look the same within a portion, which
 * makes a listing several times faster than one object for each row would be.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PortConfig } from '../config/types';
import { RequestError, routeMatches } from '../control/filter';
import type { RouteFilter, RouteRest, RouteRow } from '../control/types';
import type { Fib } from '../fib/fib';
import { orderedRows } from '../fib/ordered-rows';
import { ROW } from '../fib/route-table';
import { keyAddress, keyWithin, newKey, setKey, type RouteKey } from '../fib/route-key';
import { formatAddress } from '../net/address';
import { isShown, type RouteViews } from './routes';
import { tableAsked } from './vrfs';

const PARTS = ROW.zebra | ROW.host | ROW.neighbor | ROW.subnet;
/** Places of the cache; two kinds of rows that want the same one take it from each other. */
const PLACES = 4096;

/** What rows look like whose columns are these; undefined where the filter doesn't want them. */
interface Look {
  readonly flags: number;
  readonly table: number;
  readonly protocol: number;
  readonly metric: number;
  readonly routeGroup: number;
  readonly wanted: number;
  readonly programmed: number;
  readonly reported: number;
  readonly generation: number;
  readonly rest: RouteRest | undefined;
}

/** The filter with the name of the TAP where it has the number of a port. Throws a RequestError where there is no such port. */
export function withTapOf(ports: readonly PortConfig[], filter: RouteFilter): RouteFilter {
  if (filter.port === undefined || !/^\d+$/.test(filter.port)) return filter;
  const port = ports.find(({ index }) => index === Number(filter.port));
  if (port !== undefined) return { ...filter, port: port.tap };
  const known = ports.map(({ index, tap }) => `${index} (${tap})`).join(', ');
  throw new RequestError(400, `port: there is no port ${filter.port}, but ${known}`);
}

/** What the filter asks for. */
export async function* listRoutes(
  fib: Fib,
  views: RouteViews,
  asked: RouteFilter,
): AsyncGenerator<readonly RouteRow[]> {
  const table = tableAsked(fib, asked);
  const filter: RouteFilter = table === undefined ? asked : { ...asked, table };
  const { prefix, longest, covering } = filter;
  if (prefix === undefined && longest === undefined && covering === undefined) {
    yield* routeRows(fib, views, filter);
    return;
  }
  const found: RouteRow[] = [];
  for (const { prefix: text, ...rest } of views.lookup(filter)) {
    if (routeMatches(rest, filter)) found.push({ prefix: text, rest });
  }
  yield await Promise.resolve(found);
}

/** Yields what the filter wants, in order, a portion a turn of the event loop. */
async function* routeRows(fib: Fib, views: RouteViews, filter: RouteFilter): AsyncGenerator<readonly RouteRow[]> {
  const { routes } = fib.rows;
  const key = newKey();
  const all = filter.all === true;
  const { within, table } = filter;
  const outer = newKey();
  if (within !== undefined) setKey(outer, 0, within.bytes, within.length);
  const wanted = (row: number): boolean =>
    (all ? isShown(routes, row) : (routes.flags[row]! & ROW.zebra) !== 0) &&
    (table === undefined || routes.tableOf(row) === table) &&
    (within === undefined || keyWithin(routes.readKey(row, key), outer));
  let looks: (Look | undefined)[] = [];
  for (const rows of orderedRows(routes, wanted)) {
    const portion: RouteRow[] = [];
    for (const row of rows) {
      const rest = restOf(row);
      if (rest !== undefined) portion.push({ prefix: prefixText(routes.readKey(row, key)), rest });
    }
    if (portion.length > 0) yield portion;
    await nextTurn();
    // Nexthops, neighbors and acknowledgements are others now.
    looks = [];
  }

  function restOf(row: number): RouteRest | undefined {
    const flags = routes.flags[row]! & (PARTS | ROW.failed | ROW.ip6);
    // Why it was refused is each row's own.
    if ((flags & ROW.failed) !== 0 || fib.rows.failed.has(row)) return filtered(row);
    const protocol = routes.protocol[row]!;
    const metric = routes.metric[row]!;
    const routeGroup = routes.routeGroup[row]!;
    const wantedGroup = routes.wanted[row]!;
    const programmed = routes.programmed[row]!;
    const reported = routes.reported[row]!;
    const generation = routes.generation[row]!;
    const rowTable = routes.tableOf(row);
    const place = (Math.imul(wantedGroup ^ (metric << 12) ^ (flags << 4), 0x9e3779b1) >>> 20) ^ (protocol & 15);
    const look = looks[place % PLACES];
    if (
      look?.flags === flags &&
      look.table === rowTable &&
      look.protocol === protocol &&
      look.metric === metric &&
      look.routeGroup === routeGroup &&
      look.wanted === wantedGroup &&
      look.programmed === programmed &&
      look.reported === reported &&
      look.generation === generation
    ) {
      return look.rest;
    }
    const rest = filtered(row);
    const columns = { flags, table: rowTable, protocol, metric, routeGroup, programmed, reported, generation };
    looks[place % PLACES] = { ...columns, wanted: wantedGroup, rest };
    return rest;
  }

  function filtered(row: number): RouteRest | undefined {
    const rest = views.rest(row);
    return routeMatches(rest, filter) ? rest : undefined;
  }
}

/** A key's prefix as text; of IPv4 without anything in between, as there may be a million. */
function prefixText(key: RouteKey): string {
  const { a0, length } = key;
  if (!key.ip6) return `${a0 >>> 24}.${(a0 >>> 16) & 255}.${(a0 >>> 8) & 255}.${a0 & 255}/${length}`;
  return `${formatAddress(keyAddress(key))}/${length}`;
}
