/** What `fpm2afi monitor` is told: plain values, one JSON object a line. */
import type { NeighborView, NexthopView, PortView, RouteFilter, RouteView } from './types';
import type { AfiStatus, FpmStatus } from './status-types';

/** What can be watched. */
export const MONITOR_KINDS = ['routes', 'nexthops', 'neighbors', 'ports', 'sessions', 'problems'] as const;
export type MonitorKind = (typeof MONITOR_KINDS)[number];

export interface MonitorQuery {
  readonly kinds: ReadonlySet<MonitorKind>;
  /** Of routes. */
  readonly filter: RouteFilter;
}

/** A port without its counters. */
export type PortStateView = Pick<PortView, 'index' | 'tap' | 'ifindex' | 'mac' | 'mtu' | 'tapState' | 'vasicState'>;

/** What changed, as it is now; changes that follow each other within a tenth of a second are one. */
export type MonitorChange =
  | { readonly kind: 'route'; readonly change: 'set'; readonly route: RouteView }
  | {
      readonly kind: 'route';
      readonly change: 'gone';
      readonly route: Pick<RouteView, 'prefix' | 'table' | 'vrf' | 'vrfId' | 'protocol'>;
    }
  | { readonly kind: 'nexthop'; readonly change: 'set' | 'gone'; readonly nexthop: NexthopView }
  | { readonly kind: 'neighbor'; readonly change: 'set' | 'gone'; readonly neighbor: NeighborView }
  | { readonly kind: 'port'; readonly change: 'set'; readonly port: PortStateView }
  | { readonly kind: 'session'; readonly session: 'fpm'; readonly state: FpmStatus['state']; readonly peer?: string }
  | {
      readonly kind: 'session';
      readonly session: 'afi';
      readonly state: AfiStatus['state'];
      readonly server: string;
      readonly error?: string;
    }
  | { readonly kind: 'problem'; readonly change: 'new' | 'over'; readonly text: string }
  /** So many changes were left out, as they came faster than this reader takes them. */
  | { readonly kind: 'skipped'; readonly count: number };

/** When it was told, and what. */
export type MonitorEvent = { readonly time: string } & MonitorChange;
