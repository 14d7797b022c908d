/**
 * The story of one route: what zebra sent and when, what its nexthops resolve to, the nodes made for it, what was
 * acknowledged and reported, and where it stops. Read from the FIB and the programmer when somebody asks; nothing is kept.
 */
import { performance } from 'node:perf_hooks';
import { ROUTE_TREE } from '../afi/base-graph';
import type { TokenUse } from '../afi/graph';
import { TOKEN_DISCARD, TOKEN_FIRST_CLIENT, type Token } from '../aft/model';
import type { Programmer } from '../afi/programmer';
import type { WhyPath, WhyNexthop, WhyNode, WhyQuery, WhyRoute, WhyView } from '../control/explain-types';
import type { AfiStatus } from '../control/types';
import type { Fib } from '../fib/fib';
import { pathsOf } from '../fib/leaves';
import type { NexthopGroup } from '../fib/nexthops';
import { newKey, setKey } from '../fib/route-key';
import { TARGET_UNKNOWN } from '../fib/route-table';
import { decodeTime } from '../fib/times';
import type { NexthopPath } from '../fib/updates';
import { formatAddress, formatMac, formatPrefix } from '../net/address';
import { diagnose, neighborText } from './diagnosis';
import { TRAP_TEXT, type RouteViews } from './routes';

/** What is told of the connection and of the server's ports. */
export interface WhyContext {
  readonly afi: AfiStatus['state'];
  readonly afiError: string | undefined;
  readonly afiServer: string;
  /** Names of the server's own tokens: output ports. */
  readonly portNames: ReadonlyMap<Token, string>;
}

export interface WhyOptions {
  readonly fib: Fib;
  readonly programmer: Programmer;
  readonly views: RouteViews;
  readonly kernelNeighbors: boolean;
  /** What was done to resolve a neighbor; undefined: it isn't needed. */
  readonly progress: (
    ifindex: number,
    address: Uint8Array,
  ) => { readonly asked: number; readonly nextInMs?: number } | undefined;
}

/** Nodes shown below a route's entry at most. */
const MAX_NODES = 300;

/** Milliseconds since start as ISO 8601. */
function iso(ms: number): string {
  return new Date(performance.timeOrigin + ms).toISOString();
}

function optional<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: V };
}

/** Rows of the table in use that hold the address, longest prefix first, none longer than `length`. */
export function coveringRows(fib: Fib, views: RouteViews, address: Uint8Array, length: number): number[] {
  const { routes, table } = fib.rows;
  const key = newKey();
  const rows: number[] = [];
  for (let bits = length; bits >= 0; bits--) {
    const row = routes.find(setKey(key, table, address, bits));
    if (row !== 0 && (views.shown(row) || routes.programmed[row] !== 0)) rows.push(row);
  }
  return rows;
}

/** Answers a query. */
export function whyView(options: WhyOptions, query: WhyQuery, context: WhyContext): WhyView {
  const { fib, views } = options;
  const { routes } = fib.rows;
  const address = 'prefix' in query ? query.prefix.bytes : query.address;
  const length = 'prefix' in query ? query.prefix.length : 8 * address.length;
  const rows = coveringRows(fib, views, address, length);
  const deciding = rows.find((row) => routes.programmed[row] !== 0);
  const shown = rows.filter((row) => views.shown(row));
  const [first] = shown;
  const exact = first !== undefined && routes.lengthOf(first) === length;
  const asked = 'prefix' in query && !exact ? undefined : first;
  const uses = new Map([...options.programmer.tables.tokens()].map((use) => [use.token, use]));
  const stops = asked === undefined ? noRoute('prefix' in query, first) : stopOf(options, asked, context);
  return {
    query: 'prefix' in query ? formatPrefix(query.prefix) : formatAddress(address),
    time: new Date().toISOString(),
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
  const zebraGroup = rows.nexthops.get(rows.routes.zebraGroup[row]!);
  return diagnose({
    state: status.stateOf(row),
    failure: status.failureOf(row),
    table: rows.routes.tableOf(row),
    usedTable: rows.table,
    ...context,
    inFlight: programmer.operationsInFlight,
    trap: group?.intent.kind === 'punt' ? group.intent.reason : undefined,
    detail: group?.content.kind === 'fixed' ? group.content.detail : undefined,
    legs: group === undefined ? [] : allPaths(options, group),
    nexthopId: zebraGroup?.zebraId,
    kernelNeighbors,
  });
}

/** Paths that a forwarding route doesn't use. */
function notesOf(options: WhyOptions, row: number): string[] {
  const { fib } = options;
  const group = fib.rows.nexthops.get(fib.rows.routes.wanted[row]!);
  if (group?.intent.kind !== 'forward') return [];
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
      const ways = acked.paths.map(({ adjacency }) => {
        const neighbor = fib.neighbors.byIdOf(adjacency);
        if (neighbor === undefined) return 'a neighbor that is gone';
        return `via ${formatAddress(neighbor.address)}, ${fib.interfaces.nameOf(neighbor.ifindex)}`;
      });
      return `the vASIC forwards them ${by}: ${ways.join('; ')}`;
    }
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
    return ms === undefined ? undefined : iso(ms);
  };
  const group = nexthops.get(routes.zebraGroup[row]!) ?? nexthops.get(routes.wanted[row]!);
  const programmed = routes.programmed[row]!;
  const route = views.route(row);
  return {
    route,
    programmed: programmed !== 0,
    ...optional('received', at(routes.receivedAt)),
    ...optional('acknowledged', programmed === 0 ? undefined : at(routes.acknowledgedAt)),
    ...optional('reported', route.reported === undefined ? undefined : at(routes.reportedAt)),
    ...optional('nexthop', group && whyNexthop(options, group)),
    chain: programmed === 0 || programmed === TARGET_UNKNOWN ? [] : chainOf(options, programmed, uses, context),
  };
}

function whyNexthop(options: WhyOptions, group: NexthopGroup): WhyNexthop {
  const { content } = group;
  return content.kind === 'group'
    ? { ...whyGroup(group), legs: [], members: content.members.map(({ group }) => whyMember(options, group)) }
    : whyMember(options, group);
}

/** A member that is a group itself isn't looked into: nothing is resolved by it. */
function whyMember(options: WhyOptions, group: NexthopGroup): WhyNexthop {
  return { ...whyGroup(group), legs: group.content.kind === 'group' ? [] : allPaths(options, group), members: [] };
}

function whyGroup(group: NexthopGroup): Omit<WhyNexthop, 'legs' | 'members'> {
  return {
    name: group.content.kind === 'paths' && group.zebraId === undefined ? 'inline' : group.name,
    ...optional('received', group.receivedAt === undefined ? undefined : iso(group.receivedAt)),
    ...optional('acknowledged', group.ackedAt === undefined ? undefined : iso(group.ackedAt)),
    ...optional('error', group.error),
  };
}

/** The paths of a group, those of its members included, with their share of its weight. */
function allPaths(options: WhyOptions, group: NexthopGroup): WhyPath[] {
  return pathsOf(group).map(({ path, weight }) => whyPath(options, path, weight));
}

function whyPath(options: WhyOptions, path: NexthopPath, weight: number): WhyPath {
  const { fib, views, programmer, progress } = options;
  const port = fib.interfaces.portOf(path.ifindex);
  const view = views.path(path, weight);
  const shown = {
    ...view,
    ...optional('port', port),
    linkUp: fib.interfaces.isUp(path.ifindex),
    ...optional('setDown', fib.interfaces.get(path.ifindex)?.adminDown),
    ...optional('givenTo', fib.interfaces.givenTo(path.ifindex)),
  };
  if (path.gateway === undefined || port === undefined) return shown;
  const neighbor = fib.neighbors.find(path.ifindex, path.gateway);
  const asking = progress(path.ifindex, path.gateway);
  return {
    ...shown,
    neighbor: {
      state: neighbor?.state ?? 'none',
      ...optional('source', neighbor?.source),
      told: [...(neighbor?.told ?? [])].map(([source, { state, mac }]) => ({
        source,
        state,
        ...optional('mac', mac && formatMac(mac)),
      })),
      ...optional('asked', asking?.asked),
      ...optional('nextRequestMs', asking?.nextInMs === undefined ? undefined : Math.round(asking.nextInMs)),
      ...optional('token', neighbor && programmer.tables.tokenOfAdjacency(neighbor.id)),
    },
  };
}

/** From the input ports by way of the route tree to where the packets of this group end. */
function chainOf(
  options: WhyOptions,
  groupId: number,
  uses: ReadonlyMap<Token, TokenUse>,
  context: WhyContext,
): WhyNode[] {
  const nodes: WhyNode[] = [];
  const show = (token: Token, depth: number, others: readonly Token[] = []): void => {
    const use = uses.get(token);
    const own = token === TOKEN_DISCARD ? 'discard' : 'outputPort';
    const purpose = use?.name ?? (token === TOKEN_DISCARD ? 'discarded' : (context.portNames.get(token) ?? 'a port'));
    const type = use?.type ?? (token < TOKEN_FIRST_CLIENT ? own : '?');
    nodes.push({ token, type, purpose, depth, ...(others.length === 0 ? {} : { others }) });
  };
  // What stands before the tree: whatever leads there, level by level.
  const levels: Token[][] = [];
  const seen = new Set<Token>();
  for (let level = [ROUTE_TREE]; level.length > 0 && levels.length < 8;) {
    levels.unshift(level);
    level.forEach((token) => seen.add(token));
    const below = new Set(level);
    level = [...uses.values()]
      .filter(({ token, next }) => !seen.has(token) && next.some((target) => below.has(target)))
      .map(({ token }) => token);
  }
  levels.forEach(([token, ...others], depth) => show(token!, depth, others));

  const entry = options.programmer.tables.tokenOfGroup(groupId);
  const visit = (token: Token, depth: number): void => {
    if (nodes.length >= MAX_NODES || depth > 24) return;
    show(token, depth);
    // A load balancer lists a path once for each of its places.
    for (const next of new Set(uses.get(token)?.next ?? [])) visit(next, depth + 1);
  };
  if (entry !== undefined) visit(entry, levels.length);
  return nodes;
}
