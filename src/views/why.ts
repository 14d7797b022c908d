/**
 * The story of one route: what zebra sent and when, what its nexthops resolve to, the nodes made for it, what was
 * acknowledged and reported, and where it stops. Read from the FIB and the programmer when somebody asks; nothing is kept.
 */
import type { TokenUse } from '../afi/graph';
import type { Token } from '../aft/model';
import type { RouteQuery, WhyRoute, WhyView } from '../control/explain-types';
import type { Fib } from '../fib/fib';
import type { NexthopGroup } from '../fib/nexthops';
import { newKey, setKey } from '../fib/route-key';
import { TARGET_UNKNOWN } from '../fib/route-table';
import { decodeTime } from '../fib/times';
import { formatAddress, formatPrefix } from '../net/address';
import { diagnose, neighborText } from './diagnosis';
import { isShown, TRAP_TEXT } from './routes';
import { tableAsked, tableView } from './vrfs';
import { allPaths, chainOf, optional, wayText, whyNexthop, type WhyContext, type WhyOptions } from './why-parts';
import { isoTime } from '../observe/moment';

export type { WhyContext, WhyOptions } from './why-parts';

/** Rows of a table that hold the address, longest prefix first, none longer than `length`. */
export function coveringRows(
  { fib }: { readonly fib: Fib },
  table: number,
  address: Uint8Array,
  length: number,
): number[] {
  const { routes } = fib.rows;
  const key = newKey();
  const rows: number[] = [];
  for (let bits = length; bits >= 0; bits--) {
    const row = routes.find(setKey(key, table, address, bits));
    if (row !== 0 && (isShown(routes, row) || routes.programmed[row] !== 0)) rows.push(row);
  }
  return rows;
}

/** Answers a query. */
export function whyView(options: WhyOptions, query: RouteQuery, context: WhyContext): WhyView {
  const { fib } = options;
  const { routes } = fib.rows;
  const table = tableAsked(fib, query) ?? fib.vrfs.defaultTable;
  const address = 'prefix' in query ? query.prefix.bytes : query.address;
  const length = 'prefix' in query ? query.prefix.length : 8 * address.length;
  const rows = coveringRows(options, table, address, length);
  const deciding = rows.find((row) => routes.programmed[row] !== 0);
  const shown = rows.filter((row) => isShown(routes, row));
  const [first] = shown;
  const exact = first !== undefined && routes.lengthOf(first) === length;
  const asked = 'prefix' in query && !exact ? undefined : first;
  const uses = new Map([...options.programmer.tables.tokens()].map((use) => [use.token, use]));
  const stops = asked === undefined ? noRoute('prefix' in query, first) : stopOf(options, asked, context);
  return {
    ...tableView(fib, table),
    query: 'prefix' in query ? formatPrefix(query.prefix) : formatAddress(address),
    time: isoTime(performance.now()),
    routes: shown.map((row) => whyRoute(options, row, uses, context)),
    ...optional('decides', deciding === undefined ? undefined : formatPrefix(fib.rows.prefixOf(deciding))),
    result: resultOf(options, deciding, context),
    ...optional('stops', stops),
    notes: asked === undefined ? [] : notesOf(options, asked),
  };
}

function noRoute(isPrefix: boolean, covering: number | undefined): WhyView['stops'] {
  if (!isPrefix && covering !== undefined) return undefined;
  const why = isPrefix ? 'zebra has sent no such route' : 'zebra has sent no route for it, not even a default';
  return { at: 'zebra', why, remedy: 'in vtysh: "show ip route" (or ipv6): only routes marked > are sent' };
}

function stopOf(options: WhyOptions, row: number, context: WhyContext): WhyView['stops'] {
  const { fib, programmer, kernelNeighbors } = options;
  const { rows, status } = fib;
  const group = rows.nexthops.get(rows.routes.wanted[row]!);
  const routeGroup = rows.nexthops.get(rows.routes.routeGroup[row]!);
  return diagnose({
    state: status.stateOf(row),
    failure: status.failureOf(row),
    table: rows.routes.tableOf(row),
    isForwarded: fib.vrfs.has(rows.routes.tableOf(row)),
    ...context,
    inFlight: programmer.operationsInFlight,
    trap: group?.intent.kind === 'punt' ? group.intent.reason : undefined,
    detail: group?.content.kind === 'fixed' ? group.content.detail : undefined,
    legs: group === undefined ? [] : allPaths(options, group),
    nexthopId: routeGroup?.zebraId,
    kernelNeighbors,
  });
}

/** Paths that a forwarding route doesn't use. */
function notesOf(options: WhyOptions, row: number): string[] {
  const { fib } = options;
  const group = fib.rows.nexthops.get(fib.rows.routes.wanted[row]!);
  if (group?.intent.kind !== 'forward') return [];
  return unusedPaths(options, group);
}

/** Why paths of a group aren't used. */
export function unusedPaths(options: WhyOptions, group: NexthopGroup): string[] {
  return allPaths(options, group).flatMap((path) => {
    const name = `the path ${path.gateway === undefined ? '' : `via ${path.gateway}, `}${path.interface} isn't used: `;
    if (path.givenTo !== undefined) return [`${name}Linux has given it to ${path.givenTo}`];
    if (path.state === 'host') return [`${name}it is no port of the vASIC`];
    if (path.state === 'glean') return [`${name}it has no gateway`];
    if (!path.linkUp) return [`${name}its link is down`];
    return path.state === 'unresolved' ? [name + neighborText(path)] : [];
  });
}

function resultOf(options: WhyOptions, row: number | undefined, context: WhyContext): string {
  const { fib } = options;
  const { known } = context;
  if (known !== undefined && row !== undefined) {
    const before = `the vASIC ${known.why} since ${known.since.toISOString()}; when it was asked last: `;
    return before + resultOf(options, row, { ...context, known: undefined });
  }
  if (row === undefined) {
    const up = context.afi === 'up' || context.afi === 'reprogramming';
    return up
      ? 'no entry of the vASIC matches: its default hands such packets to the host (noRoute)'
      : 'nothing is known to be programmed for it';
  }
  const by = `by the entry ${formatPrefix(fib.rows.prefixOf(row))}`;
  const id = fib.rows.routes.programmed[row]!;
  const acked = id === TARGET_UNKNOWN ? undefined : fib.rows.nexthops.get(id)?.acked;
  switch (acked?.kind) {
    case 'forward': {
      const ways = acked.paths.map((path) => wayText(fib, path));
      return `the vASIC forwards them ${by}: ${ways.join('; ')}`;
    }
    case 'lookup':
      return `the vASIC looks them up in table ${acked.table} ${by}`;
    case 'drop':
      return `the vASIC discards them ${by}`;
    case 'punt':
      return `the vASIC hands them to the host ${by}: ${TRAP_TEXT[acked.reason]}`;
    case undefined:
      return `the vASIC has ${by.slice(3)}, of an earlier life of this bridge; it is written again`;
  }
}

function whyRoute(options: WhyOptions, row: number, uses: ReadonlyMap<Token, TokenUse>, context: WhyContext): WhyRoute {
  const { fib, views } = options;
  const { routes, nexthops } = fib.rows;
  const at = (column: Uint32Array): string | undefined => {
    const ms = decodeTime(column[row]!);
    return ms === undefined ? undefined : isoTime(ms);
  };
  const group = nexthops.get(routes.routeGroup[row]!) ?? nexthops.get(routes.wanted[row]!);
  const programmed = routes.programmed[row]!;
  const route = views.route(row);
  return {
    route,
    programmed: programmed !== 0,
    ...optional('received', at(routes.receivedAt)),
    ...optional('acknowledged', programmed === 0 ? undefined : at(routes.acknowledgedAt)),
    ...optional('reported', route.reported === undefined ? undefined : at(routes.reportedAt)),
    ...optional('nexthop', group && whyNexthop(options, group)),
    chain:
      programmed === 0 || programmed === TARGET_UNKNOWN
        ? []
        : chainOf(
            options,
            { container: options.programmer.tables.vrfs.tokensOf(routes.tableOf(row)).tree, groupId: programmed },
            uses,
            context,
          ),
  };
}
