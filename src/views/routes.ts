/** Routes, nexthops, neighbors and tokens as the control API shows them: read from the FIB and the programmer, nothing kept. */
import type { Programmer } from '../afi/programmer';
import type {
  PathView,
  NeighborView,
  NexthopView,
  RouteFilter,
  RouteRest,
  RouteView,
  TokenView,
} from '../control/types';
import type { Fib } from '../fib/fib';
import type { TrapReason } from '../fib/intents';
import { pathsOf } from '../fib/leaves';
import type { Neighbor } from '../fib/neighbors';
import type { NexthopGroup } from '../fib/nexthops';
import { isPassing } from '../fib/route-status';
import { newKey, setKey } from '../fib/route-key';
import { ROW, type RouteTable } from '../fib/route-table';
import { VRF_TABLES, type NexthopPath } from '../fib/updates';
import { formatAddress, formatMac, formatPrefix } from '../net/address';
import { protocolName } from '../net/protocol';
import { tableAsked, tableView } from './vrfs';
import { lastKnownSince } from './known';
import { pathView, describeUnsupported } from './unsupported';

/** Why packets go to the host, in plain words. */
export const TRAP_TEXT: Readonly<Record<TrapReason, string>> = {
  glean: 'connected subnet: Linux resolves its neighbors',
  local: 'an address of the router itself',
  broadcast: 'broadcast address',
  multicast: 'multicast goes to the host',
  linkLocal: 'link-local goes to the host',
  unresolved: 'no usable neighbor yet: Linux forwards meanwhile',
  notAPort: 'leaves by an interface that is no port of the vASIC',
  unsupported: 'nothing in the vASIC corresponds to it (encapsulation or route type)',
  linkDown: 'the link of its port is down',
  unreachable: 'unreachable: Linux answers with an ICMP error',
  prohibit: 'prohibited: Linux answers with an ICMP error',
  missingNexthop: 'zebra has not sent the nexthop id that it names',
  otherTable: 'no port is bound to its table',
};

/** Whether a row is a route, zebra's or not: one that only waits for the end of its entry, or is a subnet that doesn't count, is none. */
export function isShown({ flags, routeGroup }: RouteTable, row: number): boolean {
  return (flags[row]! & (ROW.zebra | ROW.host | ROW.neighbor)) !== 0 || routeGroup[row] !== 0;
}

export class RouteViews {
  private readonly key = newKey();

  constructor(
    private readonly fib: Fib,
    private readonly programmer: Programmer,
  ) {}

  /** What is looked up rather than listed: `prefix`, `longest` and `covering`, in each table that is asked for. */
  *lookup({ prefix, longest, covering, ...query }: RouteFilter): Generator<RouteView> {
    const { routes } = this.fib.rows;
    const bytes = prefix?.bytes ?? longest ?? covering?.bytes;
    if (bytes === undefined) return;
    const bits = prefix?.length ?? covering?.length ?? 8 * bytes.length;
    const asked = tableAsked(this.fib, query);
    for (const table of asked === undefined ? this.tables() : [asked]) {
      const found: number[] = [];
      for (let length = bits; length >= 0; length--) {
        const row = routes.find(setKey(this.key, table, bytes, length));
        if (row !== 0 && isShown(routes, row)) found.unshift(row);
        if (prefix !== undefined || (longest !== undefined && found.length > 0)) break;
      }
      for (const row of found) yield this.route(row);
    }
  }

  private tables(): Set<number> {
    const tables = new Set(this.fib.vrfs.tables);
    const { routes } = this.fib.rows;
    for (let row = 1; row < routes.end; row++) if (routes.live(row)) tables.add(routes.tableOf(row));
    return tables;
  }

  /** What is shown of one row. */
  route(row: number): RouteView {
    return { prefix: formatPrefix(this.fib.rows.prefixOf(row)), ...this.rest(row) };
  }

  /** The same without the prefix. */
  rest(row: number): RouteRest {
    const { fib } = this;
    const flags = fib.rows.routes.flags[row]!;
    const isZebra = (flags & ROW.zebra) !== 0;
    const group = fib.rows.nexthops.get(fib.rows.routes.wanted[row]!);
    const routeGroup = fib.rows.nexthops.get(fib.rows.routes.routeGroup[row]!);
    const fixed = group?.intent.kind === 'punt' && group.direct ? group.intent.reason : undefined;
    const host = fixed === 'local' ? 'local' : 'system';
    const reason = this.reasonOf(row, group);
    const token = group && this.programmer.tables.tokenOfGroup(group.id);
    const reported = fib.status.reportedOf(row);
    const table = fib.rows.routes.tableOf(row);
    return {
      ...tableView(fib, table),
      protocol: isZebra ? protocolName(fib.rows.routes.protocol[row]!) : 'kernel',
      metric: fib.rows.routes.metric[row]!,
      origin: isZebra ? 'zebra' : (flags & ROW.host) !== 0 ? host : routeGroup === undefined ? 'neighbor' : 'connected',
      type: this.typeOf(routeGroup ?? group),
      nexthops: this.pathsOf(routeGroup ?? group),
      state: fib.status.stateOf(row),
      ...(reason === undefined ? {} : { reason }),
      ...(routeGroup?.zebraId === undefined ? {} : { nexthopId: routeGroup.zebraId }),
      ...(token === undefined ? {} : { token }),
      ...(reported === undefined ? {} : { reported }),
      ...(isZebra && fib.isStale(row) ? { stale: true } : {}),
      ...lastKnownSince(this.programmer.connection),
    };
  }

  private reasonOf(row: number, group: NexthopGroup | undefined): string | undefined {
    const failure = this.fib.status.failureOf(row);
    if (failure !== undefined) return failure;
    if (!this.fib.vrfs.has(this.fib.rows.routes.tableOf(row))) return this.describeOtherTable(row);
    if (group?.intent.kind !== 'punt') return undefined;
    if (group.intent.reason === 'unsupported') return describeUnsupported(group) ?? TRAP_TEXT.unsupported;
    const detail = group.content.kind === 'fixed' ? group.content.detail : undefined;
    return detail === undefined ? TRAP_TEXT[group.intent.reason] : `${TRAP_TEXT[group.intent.reason]}: ${detail}`;
  }

  private describeOtherTable(row: number): string {
    const table = this.fib.rows.routes.tableOf(row);
    return table < VRF_TABLES ? TRAP_TEXT.otherTable : `VRF ${table - VRF_TABLES}: ${TRAP_TEXT.otherTable}`;
  }

  private typeOf(group: NexthopGroup | undefined): RouteView['type'] {
    const intent = group?.content.kind === 'fixed' ? group.content.intent : undefined;
    if (intent === undefined) return 'unicast';
    if (intent.kind === 'drop') return 'blackhole';
    if (intent.kind === 'forward' || intent.kind === 'lookup') return 'unicast';
    if (intent.reason === 'unreachable' || intent.reason === 'prohibit' || intent.reason === 'unsupported') {
      return intent.reason;
    }
    return intent.reason === 'missingNexthop' ? 'unicast' : 'host';
  }

  /** A group's paths, with their share of its weight. */
  pathsOf(group: NexthopGroup | undefined): PathView[] {
    return group === undefined ? [] : pathsOf(group).map(({ path, weight }) => this.path(path, weight));
  }

  /** One path as it is shown. */
  path(path: NexthopPath, weight: number): PathView {
    return pathView(this.fib, path, weight);
  }

  *nexthops(): Generator<NexthopView> {
    const tokens = this.tokensByGroup();
    for (const group of this.fib.rows.nexthops.all()) {
      if (group.zebraId !== undefined || group.inlineKey !== undefined) yield this.nexthop(group, tokens);
    }
  }

  /** The nodes made for each group. */
  tokensByGroup(): ReadonlyMap<number, readonly number[]> {
    return this.programmer.tables.tokensByGroup();
  }

  /** One nexthop as it is shown. */
  nexthop(group: NexthopGroup, tokens: ReadonlyMap<number, readonly number[]>): NexthopView {
    const { content } = group;
    const fixed = content.kind === 'fixed' ? content.intent : undefined;
    const type = this.typeOf(group);
    const acked = group.acked ?? group.intent;
    const used = group.rows > 0 && group.acked === undefined;
    const forwardState = isPassing(acked) ? 'unresolved' : acked.kind === 'punt' ? 'trapped' : 'offloaded';
    const words = group.intent.kind === 'punt' ? TRAP_TEXT[group.intent.reason] : undefined;
    const reason = group.error ?? describeUnsupported(group) ?? words;
    return {
      ...(group.zebraId === undefined ? {} : { id: group.zebraId }),
      kind: group.zebraId === undefined ? 'inline' : 'zebra',
      content:
        content.kind === 'group'
          ? 'group'
          : fixed !== undefined && type !== 'unicast' && type !== 'host'
            ? type
            : 'single',
      ...(content.kind === 'group' ? { members: content.members.map((member) => member.group.zebraId ?? 0) } : {}),
      legs: this.pathsOf(group),
      routes: group.namedBy,
      state: group.error !== undefined ? 'failed' : used ? 'pending' : forwardState,
      ...lastKnownSince(this.programmer.connection),
      ...(reason === undefined ? {} : { reason }),
      tokens: tokens.get(group.id) ?? [],
    };
  }

  *neighbors(): Generator<NeighborView> {
    for (const neighbor of this.fib.neighbors.all()) yield this.neighbor(neighbor);
  }

  /** One neighbor as it is shown. */
  neighbor(neighbor: Neighbor): NeighborView {
    const { fib } = this;
    const token = this.programmer.tables.tokenOfAdjacency(neighbor.id);
    let routes = neighbor.hostRows.size;
    for (const id of neighbor.users) {
      const group = fib.rows.nexthops.get(id)!;
      routes += group.rows;
      for (const parent of group.parents) routes += parent.rows;
    }
    return {
      interface: fib.interfaces.nameOf(neighbor.ifindex),
      ifindex: neighbor.ifindex,
      address: formatAddress(neighbor.address),
      ...(neighbor.mac === undefined ? {} : { mac: formatMac(neighbor.mac) }),
      state: neighbor.state,
      source: neighbor.source ?? 'kernel',
      usedBy: { routes, nexthops: neighbor.users.size },
      ...(token === undefined ? {} : { token }),
    };
  }

  /** `references` come from the AFI server, in portions. */
  async *tokens(
    references: (tokens: readonly number[]) => Promise<ReadonlyMap<number, number>>,
  ): AsyncGenerator<TokenView> {
    const all = [...this.programmer.tables.tokens()];
    for (let at = 0; at < all.length; at += 1000) {
      const portion = all.slice(at, at + 1000);
      const counts = await references(portion.map(({ token }) => token));
      for (const { token, type, name, next } of portion) {
        yield {
          token,
          type,
          purpose: name,
          next,
          references: counts.get(token) ?? 0,
        };
      }
    }
  }
}
