/** What `fpm2afi why` and `fpm2afi trace` ask the daemon, and its answers: plain values that survive JSON (see types.ts). */
import type { Prefix } from '../net/address';
import type { Probe } from '../net/probe';
import type { LspView, PathView, RouteView, TableQuery } from './types';

/** One of the two: a route by its prefix, or whatever an address matches; in the default VRF where no table is named. */
export type RouteQuery = TableQuery & ({ readonly prefix: Prefix } | { readonly address: Uint8Array });

/** About a route, or an LSP by its incoming label. */
export type WhyQuery = RouteQuery | { readonly label: number };

/** The story of a route, or of a label. */
export type WhyAnswer = WhyView | WhyLabelView;

/** The story of a label. */
export interface WhyLabelView {
  readonly label: number;
  readonly time: string;
  /** zebra's LSP; absent: it has sent none. */
  readonly lsp?: LspView;
  /** What a reserved label means everywhere (RFC 3032, RFC 7274). */
  readonly reserved?: string;
  /** The vASIC has an entry for it. */
  readonly programmed: boolean;
  /** When zebra sent it, and the vASIC acknowledged its entry; ISO 8601. */
  readonly received?: string;
  readonly acknowledged?: string;
  readonly nexthop?: WhyNexthop;
  /** These as in WhyRoute and WhyView. */
  readonly chain: readonly WhyNode[];
  readonly result: string;
  readonly stops?: Stop;
  readonly notes: readonly string[];
}

/** The story of the routes for a prefix or address, and where it stops. */
export interface WhyView {
  readonly query: string;
  /** As in RouteView. */
  readonly table: number;
  readonly vrf?: string;
  readonly time: string;
  /** The routes and entries that hold the prefix or address, longest first, of the table. */
  readonly routes: readonly WhyRoute[];
  /** The prefix of the entry that decides in the vASIC; absent: none does. */
  readonly decides?: string;
  /** What the vASIC does with such packets now, in a sentence. */
  readonly result: string;
  /** Why the first of the routes isn't forwarded by the vASIC; absent when it is, or when there is none. */
  readonly stops?: Stop;
  /** What else is worth knowing: legs that aren't used. */
  readonly notes: readonly string[];
}

/** Where a route's way into the vASIC ends, why, and what to do about it (nothing, where it is as it should be). */
export interface Stop {
  readonly at: 'zebra' | 'nexthop' | 'neighbor' | 'link' | 'vASIC' | 'AFI connection' | 'configuration' | 'rule';
  readonly why: string;
  readonly remedy?: string;
}

/** One of the routes, from zebra to the vASIC. */
export interface WhyRoute {
  readonly route: RouteView;
  /** The vASIC has an entry for it. */
  readonly programmed: boolean;
  /** When zebra sent it, the vASIC acknowledged its entry, zebra was told; ISO 8601. */
  readonly received?: string;
  readonly acknowledged?: string;
  readonly reported?: string;
  readonly nexthop?: WhyNexthop;
  /** Nodes from the input ports to where packets end, as a tree by depth. */
  readonly chain: readonly WhyNode[];
}

/** A nexthop object, or the inline nexthops of a route. */
export interface WhyNexthop {
  /** `id 17`, `inline via …`. */
  readonly name: string;
  readonly received?: string;
  readonly acknowledged?: string;
  readonly error?: string;
  readonly legs: readonly WhyPath[];
  /** Of a group. */
  readonly members: readonly WhyNexthop[];
}

/** A path with what is known of its port, link and neighbor. */
export interface WhyPath extends PathView {
  /** Index of the vASIC port; absent: the interface is none. */
  readonly port?: number;
  readonly linkUp: boolean;
  /** The interface is set down. */
  readonly setDown?: boolean;
  /** The TAP of a port, which Linux has given to this device. */
  readonly givenTo?: string;
  readonly neighbor?: WhyNeighbor;
}

/** What is known of a neighbor, and by whom. */
export interface WhyNeighbor {
  readonly state: string;
  /** Whose word is believed. */
  readonly source?: string;
  /** Everybody's word. */
  readonly told: readonly { readonly source: string; readonly state: string; readonly mac?: string }[];
  /** Requests to the kernel since it was known last; absent: it isn't needed, so the kernel isn't asked. */
  readonly asked?: number;
  readonly nextRequestMs?: number;
  readonly token?: number;
}

/** A node on the way through the vASIC. */
export interface WhyNode {
  readonly token: number;
  readonly type: string;
  readonly purpose: string;
  readonly depth: number;
  /** Other nodes in the same place: the ones of the other input ports. */
  readonly others?: readonly number[];
}

/** A packet to be traced. */
export interface TraceQuery extends TableQuery, Probe {
  /** vASIC port that it comes in by, or the name of its TAP; absent: the one that leads back to the source. */
  readonly port?: number | string;
}

/** The way of one packet through the vASIC. */
export interface TraceView {
  /** The packet in a line. */
  readonly packet: string;
  /** The port decides on the table. */
  readonly input: { readonly port: number; readonly tap: string; readonly table: number; readonly vrf?: string };
  readonly steps: readonly TraceStep[];
  readonly outcome: TraceOutcome;
  /** Which of softvasic's engines would take it, and why not the kernel, or why by other tables; absent where the vASIC has one way only. */
  readonly engine?: { readonly name: string; readonly reason?: string };
}

/** One node that the packet met. */
export interface TraceStep {
  readonly token: number;
  readonly type: string;
  /** What the node stands for, where the bridge made it. */
  readonly purpose: string;
  /** What the vASIC says that it did with the packet. */
  readonly detail: string;
}

/** Frames are in hexadecimal. */
export type TraceOutcome =
  | {
      readonly kind: 'output';
      readonly port: number;
      readonly tap: string;
      readonly sourceMac: string;
      readonly destinationMac: string;
      /** Of the outermost label, where there are labels. */
      readonly ttl?: number;
      /** With which labels, outermost first; absent: without. */
      readonly labels?: readonly number[];
      readonly frame: string;
    }
  | { readonly kind: 'punt'; readonly reason: number; readonly reasonName: string; readonly frame: string }
  | { readonly kind: 'discard'; readonly reason: string };
