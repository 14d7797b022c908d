/** What the bridge implements, so that the control API has something to show. */
import type { AuditQuery, AuditView } from './audit-types';
import type { TraceQuery, TraceView, WhyQuery, WhyView } from './explain-types';
import type {
  EvpnView,
  Listing,
  LspView,
  NeighborView,
  NexthopView,
  PortView,
  PuntReasonView,
  RouteFilter,
  RouteView,
  SidView,
  StatusView,
  TokenView,
} from './types';

/**
 * What the bridge supplies. Lists are read slowly: the server pauses between portions so that routing goes on, and the
 * tables may change meanwhile, which an iteration has to survive (a route added or removed on the way may be missed or
 * shown). An iteration that isn't wanted any more is ended by `return()`.
 */
export interface ControlBackend {
  status(): StatusView | Promise<StatusView>;
  /** Must honor `prefix` and `longest`; the other filters are hints, as the server applies them again. */
  routes(filter: RouteFilter): Listing<RouteView>;
  nexthops(): Listing<NexthopView>;
  neighbors(): Listing<NeighborView>;
  ports(): Listing<PortView>;
  tokens(): Listing<TokenView>;
  punt(): Listing<PuntReasonView>;
  lsps(): Listing<LspView>;
  evpn(): Listing<EvpnView>;
  sids(): Listing<SidView>;
  why(query: WhyQuery): Promise<WhyView>;
  /** Rejects with a RequestError when the packet can't be traced. */
  trace(query: TraceQuery): Promise<TraceView>;
  /** Compares zebra, kernel and vASIC with the FIB; the only request that may change something. */
  audit(query: AuditQuery): Promise<AuditView>;
}
