/**
 * What the control API shows: plain values that survive JSON (addresses as text, times as ISO 8601, durations in the unit
 * that the name says). backend.ts has the `ControlBackend` that supplies them. The server (server.ts) and the
 * CLI (cli.ts) know nothing else of the bridge.
 */
import type { AuditSummary } from './audit-types';
import type { FeedbackMode } from '../config/types';
import type { LoopView } from '../observe/loop';
import type { Prefix } from '../net/address';
import type { LatencyBucket } from '../net/latency-buckets';

export interface StatusView {
  readonly version: string;
  readonly pid: number;
  /** Now, by the daemon's clock. */
  readonly time: string;
  readonly uptimeSeconds: number;
  readonly fpm: FpmStatus;
  readonly afi: AfiStatus;
  readonly fib: FibStatus;
  /** Changes of routes: from reading zebra's message to the AFI server's acknowledgement. */
  readonly latency: LatencyView;
  /** Routes: from reading zebra's message to the status that goes back to zebra. */
  readonly told: LatencyView;
  readonly punt: PuntStatus;
  readonly loop: LoopView;
  /** Absent: none was made. */
  readonly audit?: AuditSummary;
  /** What an operator should look at, one plain sentence each; empty when all is well. */
  readonly problems: readonly string[];
}

export interface FpmStatus {
  /** `listening`: no zebra is connected. */
  readonly state: 'listening' | 'connected';
  readonly listen: string;
  /** zebra's end, `address:port`. */
  readonly peer?: string;
  /** When the state was entered. */
  readonly since: string;
  /** Counters since the daemon started. */
  readonly frames: number;
  readonly messages: number;
  readonly updates: number;
  /** Messages that weren't what they should be, and such as are of no concern here. */
  readonly malformed: number;
  readonly skipped: number;
  /** As configured, and what `auto` settled on. */
  readonly feedbackMode: FeedbackMode;
  readonly feedback?: Exclude<FeedbackMode, 'auto'>;
  /** Why `auto` settled on it. */
  readonly feedbackReason?: string;
  /** Route statuses sent to zebra. */
  readonly statuses: number;
}

export interface AfiStatus {
  readonly state: 'down' | 'connecting' | 'up' | 'reprogramming';
  readonly server: string;
  readonly engine: string;
  readonly sandbox: string;
  /** Names one life of the server's tables. */
  readonly instance?: string;
  readonly since: string;
  readonly opsInFlight: number;
  readonly opsSent: number;
  readonly opsFailed: number;
  /** Operations that the server refused and that are no failures: sent again in parts, too early, or of what is gone anyway. */
  readonly opsRetried: number;
  /** Entries acknowledged and not removed. */
  readonly entries: number;
  /** Packets dropped so far because nothing is known of their label; absent where the vASIC doesn't tell. */
  readonly unknownLabels?: number;
  /** Why it is down, by the latest attempt, where known. */
  readonly error?: string;
  /** The vASIC can't be asked since then: what is told of routes is what was known last. */
  readonly lastKnown?: string;
}

export interface FibStatus {
  readonly routes: number;
  readonly ipv4: number;
  readonly ipv6: number;
  /** Routes by state; they add up to `routes`. */
  readonly offloaded: number;
  readonly trapped: number;
  readonly failed: number;
  readonly unresolved: number;
  readonly pending: number;
  /** Kept over a reconnect and not yet confirmed by the replay. */
  readonly stale: number;
  readonly nexthops: number;
  readonly neighbors: number;
  /** Waiting to be resolved. */
  readonly dirty: number;
  /** LSPs of zebra by state. */
  readonly lsps: Readonly<Record<RouteState, number>>;
}

/** How long something took since start. Milliseconds are limits of buckets, at most an eighth too high. */
export interface LatencyView {
  readonly count: number;
  /** Absent: nothing counted. */
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  readonly maxMs?: number;
  /** Those that aren't empty: so many changes took longer than the bucket before and at most so long. */
  readonly buckets: readonly LatencyBucket[];
}

export interface PuntStatus {
  readonly mode: 'process' | 'external' | 'worker' | 'off';
  /** The punt process that there is now. */
  readonly process?: { readonly pid: number; readonly since: string; readonly socket: string };
  /** Packets since start. */
  readonly punted: number;
  readonly injected: number;
  readonly drops: number;
}

/** Which component's debug lines are to be written, or not any more. */
export interface DebugQuery {
  readonly component: string;
  readonly on: boolean;
}

/** A component of the daemon's log. */
export interface DebugView {
  readonly component: string;
  /** Whether its debug lines are written. */
  readonly debug: boolean;
}

/** What a reload has changed. */
export interface ReloadView {
  /** Keys of the file. */
  readonly changed: readonly string[];
}

/**
 * What became of a route: `offloaded` forwards (or drops) in the vASIC; `trapped` goes to the host, as it should;
 * `failed` was refused by the AFI server; `unresolved` waits for a neighbor and goes to the host meanwhile; `pending`
 * is sent and not acknowledged, or waits to be sent.
 */
export const ROUTE_STATES = ['offloaded', 'trapped', 'failed', 'unresolved', 'pending'] as const;
export type RouteState = (typeof ROUTE_STATES)[number];

/**
 * `ready`: the neighbor is known, or none needed behind a label; `unresolved`: it isn't; `down`: known or not, the link of its port is down;
 * `glean`: directly connected; `host`: not by the vASIC.
 */
export type PathState = 'ready' | 'unresolved' | 'down' | 'glean' | 'host';

/** One path of a route or nexthop. */
export interface PathView {
  readonly gateway?: string;
  /** Name; `?` when no interface has the index. */
  readonly interface: string;
  readonly ifindex: number;
  readonly mac?: string;
  readonly weight: number;
  readonly state: PathState;
  /** What it puts around packets, in plain words: `label 16/17`, as FRR writes it. */
  readonly encap?: string;
}

export interface RouteView {
  readonly prefix: string;
  /** Kernel table id; of no meaning where there is a `vrfId`. */
  readonly table: number;
  /** Name of the VRF that has the table, where it has a name. */
  readonly vrf?: string;
  /** Id of the VRF, where zebra names VRFs instead of tables (protobuf). */
  readonly vrfId?: number;
  /** As FRR names it (ospf, bgp, isis, static, kernel, …). */
  readonly protocol: string;
  readonly metric: number;
  /** Whose route: zebra's, a host entry for a neighbor, an address of the router itself, or one of ours (multicast …). */
  readonly origin: 'zebra' | 'neighbor' | 'local' | 'system';
  readonly type: 'unicast' | 'blackhole' | 'unreachable' | 'prohibit' | 'host' | 'unsupported';
  readonly nexthops: readonly PathView[];
  readonly state: RouteState;
  /** Why it isn't offloaded, in plain words. */
  readonly reason?: string;
  /** zebra's nexthop id, when the route names one. */
  readonly nexthopId?: number;
  /** The node its entry points at. */
  readonly token?: number;
  /** What zebra was told last. */
  readonly reported?: 'offloaded' | 'trapped' | 'unresolved' | 'failed';
  /** Not yet confirmed by the replay after a reconnect. */
  readonly stale?: boolean;
  /** The vASIC can't be asked since then: the state is what was known last. */
  readonly lastKnown?: string;
}

/** What is shown of a route beside its prefix. Many routes have the same, and may share one object. */
export type RouteRest = Omit<RouteView, 'prefix'>;

/** A route in a listing. */
export interface RouteRow {
  readonly prefix: string;
  readonly rest: RouteRest;
}

/** The routes of one protocol in one table, counted; the states add up to `routes`. */
export interface RouteSourceView extends Readonly<Record<RouteState, number>> {
  readonly family: 'ipv4' | 'ipv6';
  readonly table: number;
  readonly vrf?: string;
  readonly vrfId?: number;
  readonly protocol: string;
  readonly routes: number;
}

export interface RouteSummaryView {
  /** By family, table and protocol. */
  readonly sources: readonly RouteSourceView[];
  /** The router's own entries: addresses, hosts, multicast … */
  readonly own: number;
}

/** One of zebra's nexthop objects, or a set of legs that routes carry inline. */
export interface NexthopView {
  /** zebra's id; absent for an inline one. */
  readonly id?: number;
  readonly kind: 'zebra' | 'inline';
  readonly content: 'single' | 'group' | 'blackhole' | 'unreachable' | 'prohibit' | 'unsupported';
  /** Ids of a group's members. */
  readonly members?: readonly number[];
  /** A group's are its members'. */
  readonly legs: readonly PathView[];
  /** Routes that use it directly. */
  readonly routes: number;
  readonly state: RouteState;
  readonly reason?: string;
  /** As in RouteView. */
  readonly lastKnown?: string;
  /** AFT nodes made for it, the one that routes point at first. */
  readonly tokens: readonly number[];
}

export interface NeighborView {
  readonly interface: string;
  readonly ifindex: number;
  readonly address: string;
  readonly mac?: string;
  /** As the kernel names it, in lower case (reachable, stale, permanent, failed, …). */
  readonly state: string;
  readonly source: 'static' | 'fpm' | 'kernel';
  /** What points at it. */
  readonly usedBy: { readonly routes: number; readonly nexthops: number };
  readonly token?: number;
}

/** What came of packets for the host, by the reason for which they go there. */
export interface PuntReasonView {
  /** As `punt.policers` names it. */
  readonly reason: string;
  /** Packets that passed the vASIC's policer, and that it dropped; absent when the vASIC doesn't tell. */
  readonly passed?: number;
  readonly dropped?: number;
  /** Packets a second that pass at most; 0: all. */
  readonly rate: number;
  /** Of those that passed, frames given to a TAP since start; absent where another process does that. */
  readonly delivered?: number;
}

export interface TrafficView {
  readonly packets: number;
  readonly bytes: number;
  readonly drops: number;
}

/** softvasic's two ways to forward, at a port. */
export interface EngineView {
  /** `kernel`: as far as it can, TypeScript the rest; `engine`: TypeScript alone. */
  readonly name: string;
  /** How packets get there: `tc (tcx)`, `xdp`, `AF_PACKET` …. */
  readonly hook: string;
  /** Packets that the kernel dealt with. */
  readonly fast: number;
  /** Packets that it left to the engine, by reason; those that occurred. */
  readonly slow: Readonly<Record<string, number>>;
}

export interface PortView {
  readonly index: number;
  readonly tap: string;
  /** Of the TAP; absent while there is none. */
  readonly ifindex?: number;
  readonly mac?: string;
  readonly mtu?: number;
  /** `absent`: no such TAP. */
  readonly tapState: 'up' | 'down' | 'absent';
  /** The vASIC's end; `unknown` when the AFI server doesn't tell. */
  readonly vasicState: 'up' | 'down' | 'unknown';
  /** The vASIC's counters; absent when it doesn't tell. */
  readonly input?: TrafficView;
  readonly output?: TrafficView;
  /** What forwards the packets received there; absent when the vASIC doesn't tell. */
  readonly engine?: EngineView;
  /** Packets handed to the TAP and taken from it. */
  readonly punt: { readonly punted: number; readonly injected: number; readonly drops: number };
}

/** A node of the forwarding graph that this bridge made or uses. */
export interface TokenView {
  readonly token: number;
  /** AFT node type (tree, indirect, encap, loadBalance, outputPort, …). */
  readonly type: string;
  readonly name?: string;
  /** Plain words: "neighbor 103.30.0.3 on tap0". */
  readonly purpose: string;
  readonly next: readonly number[];
  /** Nodes and entries that point at it. */
  readonly references: number;
}

/** An LSP of zebra: what becomes of packets with its label. */
export interface LspView {
  readonly label: number;
  readonly protocol: string;
  readonly legs: readonly (PathView & {
    /** `swap 200/300`, `pop`, `pop, table 254`. */
    readonly operation: string;
    /** As FRR's `show mpls table` writes it: `200/300`, `implicit-null`, `IPv4 Explicit Null`; `-` where the packet is looked up. */
    readonly outbound: string;
  })[];
  /** As of routes; zebra reads none for LSPs. */
  readonly state: RouteState;
  /** Why packets don't go to the nexthops, where they don't. */
  readonly reason?: string;
  /**
   * What the nodes counted that do its paths' work on labels: of all LSPs that have the same outgoing labels and neighbors.
   * Absent where the vASIC tells nothing.
   */
  readonly packets?: number;
  readonly bytes?: number;
  /** The nodes that its entry leads to, and those that do its work on labels. */
  readonly tokens?: readonly number[];
  readonly stale?: boolean;
}

/** A MAC address of an EVPN: kept, not programmed. */
export interface EvpnView {
  readonly mac: string;
  /** The tunnel's other end; absent where a nexthop id stands for several. */
  readonly vtep?: string;
  readonly nexthopId?: number;
  readonly vlan?: number;
  readonly vni?: number;
  /** The VXLAN device; `?` when no interface has the index. */
  readonly interface: string;
  readonly ifindex: number;
  /** Index of the bridge or SVI. */
  readonly bridge?: number;
  readonly sticky: boolean;
  readonly stale?: boolean;
}

/** An SRv6 local segment (protobuf): kept, not programmed; its packets go to the host. */
export interface SidView {
  readonly sid: string;
  /** End, End.X, End.DT46, uN … */
  readonly behavior: string;
  /** Bits of block, node, function and argument: `32/16/16/0`. */
  readonly format?: string;
  readonly vrf?: number;
  readonly gateway?: string;
  readonly ifindex?: number;
  readonly stale?: boolean;
}

/** A table that ports are bound to or routes are in. */
export interface VrfView {
  /** As in RouteView. */
  readonly table: number;
  readonly vrf?: string;
  readonly vrfId?: number;
  /** The vASIC forwards by it. */
  readonly forwarded: boolean;
  /** Its route tree in the vASIC; absent: there is none. */
  readonly token?: number;
  /** TAPs of the ports that are bound to it. */
  readonly ports: readonly string[];
  /** Routes of zebra by family, and by state; each adds up to all of them. */
  readonly ipv4: number;
  readonly ipv6: number;
  readonly offloaded: number;
  readonly trapped: number;
  readonly failed: number;
  readonly unresolved: number;
  readonly pending: number;
  /** Entries that the vASIC has, host entries and own addresses among them. */
  readonly entries: number;
  /** Why the vASIC has no tree for it. */
  readonly reason?: string;
}

/** The table that a question is about: by its id, by the name of its VRF; neither: the default VRF's, or all. */
export interface TableQuery {
  readonly table?: number;
  readonly vrf?: string;
}

/** Which routes are asked for. */
export interface RouteFilter extends TableQuery {
  /** Exactly this one, in any table (or in `table`). */
  readonly prefix?: Prefix;
  /** The longest match for this address (4 or 16 bytes), one per table. */
  readonly longest?: Uint8Array;
  /** All that hold this prefix (an address is its longest). */
  readonly covering?: Prefix;
  /** All that lie in this prefix, itself included. */
  readonly within?: Prefix;
  readonly state?: RouteState;
  readonly protocol?: string;
  /** One path leaves by this interface. Asked for may be the number of a port of the vASIC, which the backend turns into its TAP's name. */
  readonly port?: string;
  /** One path has this gateway (as text), or the route names this nexthop id of zebra. */
  readonly nexthop?: string | number;
  /** One path leads to this neighbor: its address or its hardware address, as text. */
  readonly neighbor?: string;
  /** The router's own entries (addresses of its own, hosts, multicast …) as well. What is looked up is always among all. */
  readonly all?: boolean;
  /** At most so many. */
  readonly limit?: number;
}

/** A list as it comes: an array, or what a (possibly asynchronous) generator yields. */
export type Listing<T> = Iterable<T> | AsyncIterable<T>;

/** The lists of the API, `/v1/<name>`. */
export const LISTS = [
  'routes',
  'vrfs',
  'nexthops',
  'neighbors',
  'ports',
  'tokens',
  'lsps',
  'evpn',
  'sids',
  'punt',
] as const;
export type ListName = (typeof LISTS)[number];

/** What a list holds. */
export interface ListViews {
  readonly routes: RouteView;
  readonly vrfs: VrfView;
  readonly nexthops: NexthopView;
  readonly neighbors: NeighborView;
  readonly ports: PortView;
  readonly tokens: TokenView;
  readonly lsps: LspView;
  readonly evpn: EvpnView;
  readonly sids: SidView;
  readonly punt: PuntReasonView;
}
