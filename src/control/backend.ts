/** What the bridge implements, so that the control API has something to show. */
import type { AuditQuery, AuditView } from './audit-types';
import type { TraceQuery, TraceView, WhyAnswer, WhyQuery } from './explain-types';
import type { GraphQuery, GraphView } from './graph-types';
import type { MonitorEvent, MonitorQuery } from './monitor-types';
import type {
  EvpnView,
  Listing,
  LspView,
  NeighborView,
  NexthopView,
  PortView,
  PuntReasonView,
  RouteFilter,
  RouteRow,
  RouteSummaryView,
  SidView,
  TokenView,
  VrfView,
} from './types';
import type { DebugQuery, DebugView } from './status-types';
import type { StatusView, ReloadView } from './status-types';

/**
 * What the bridge supplies. Lists are read slowly: the server pauses between portions so that routing goes on, and the
 * tables may change meanwhile, which an iteration has to survive (a route added or removed on the way may be missed or
 * shown). An iteration that isn't wanted any more is ended by `return()`.
 */
export interface ControlBackend {
  status(): StatusView | Promise<StatusView>;
  /** What the filter wants but for its limit, in portions, each in a turn of the event loop of its own, in FRR's order. */
  routes(filter: RouteFilter): AsyncIterable<readonly RouteRow[]>;
  vrfs(): Promise<readonly VrfView[]>;
  routeSummary(): Promise<RouteSummaryView>;
  nexthops(): Listing<NexthopView>;
  neighbors(): Listing<NeighborView>;
  ports(): Listing<PortView>;
  tokens(): Listing<TokenView>;
  punt(): Listing<PuntReasonView>;
  lsps(): Listing<LspView>;
  evpn(): Listing<EvpnView>;
  sids(): Listing<SidView>;
  /** What changes, as it comes, until `signal` is aborted. */
  monitor(query: MonitorQuery, signal: AbortSignal): AsyncIterable<readonly MonitorEvent[]>;
  why(query: WhyQuery): Promise<WhyAnswer>;
  /** Rejects with a RequestError when the packet can't be traced. */
  trace(query: TraceQuery): Promise<TraceView>;
  /** A part of the vASIC's graph. Rejects with a RequestError when it can't be read, or has none of the prefixes. */
  graph(query: GraphQuery): Promise<GraphView>;
  /** Compares zebra, kernel and vASIC with the FIB, and may repair. */
  audit(query: AuditQuery): Promise<AuditView>;
  /** The next FPM connection takes zebra's place. */
  displace(): void | Promise<void>;
  /** Reads the configuration file again. Rejects with a RequestError, and nothing is changed, when something in it can't be had. */
  reload(): Promise<ReloadView>;
  /** The components of the log; with a query one of them is changed before. Throws a RequestError where there is none of that name. */
  debug(query?: DebugQuery): readonly DebugView[];
}
