/**
 * What the control API shows of routes, neighbors, ports …: plain values that survive JSON (addresses as text, times as ISO 8601, durations
 * in the unit that the name says). status-types.ts has the status, answers.ts all answers, backend.ts the `ControlBackend` that supplies
 * them. The server (server.ts) and the CLI (cli.ts) know nothing else of the bridge.
 */
import type { Prefix } from '../net/address';

/** Every state that a route can have. */
export const ROUTE_STATES = ['offloaded', 'trapped', 'failed', 'unresolved', 'pending'] as const;
/**
 * What became of a route: `offloaded` forwards (or drops) in the vASIC; `trapped` goes to the host, as it should;
 * `failed` was refused by the AFI server; `unresolved` waits for a neighbor and goes to the host meanwhile; `pending`
 * is sent and not acknowledged, or waits to be sent.
 */
export type RouteState = (typeof ROUTE_STATES)[number];

/** Routes, or LSPs, by state; they add up to all of them. */
export interface StateCounts {
  /** The vASIC does with their packets what zebra wants. */
  readonly offloaded: number;
  /** Their packets go to Linux, as they should. */
  readonly trapped: number;
  /** The vASIC refused them. */
  readonly failed: number;
  /** A neighbor is not known; their packets go to Linux meanwhile. */
  readonly unresolved: number;
  /** Not acknowledged yet. */
  readonly pending: number;
}

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

/** A route, and what became of it. */
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
  /**
   * Whose route: zebra's, a host entry for a neighbor, an address of the router itself, the subnet of one that zebra has no route for, or one of ours
   * (multicast …).
   */
  readonly origin: 'zebra' | 'neighbor' | 'local' | 'connected' | 'system';
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
export interface RouteSourceView extends StateCounts {
  readonly family: 'ipv4' | 'ipv6';
  readonly table: number;
  readonly vrf?: string;
  readonly vrfId?: number;
  readonly protocol: string;
  readonly routes: number;
}

/** How many routes there are, and in which states. */
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

/** A neighbor: who answers at an address, and what depends on it. */
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

/** Packets and bytes of one direction, and packets dropped there. */
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

/** A port of the vASIC and its TAP. */
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

/** A table that ports are bound to or routes are in; routes of zebra by state. */
export interface VrfView extends StateCounts {
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
  /** Routes of zebra by family; they add up to all of them. */
  readonly ipv4: number;
  readonly ipv6: number;
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
