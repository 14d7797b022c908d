/**
 * What the FIB wants of the forwarding plane, as values, and the interface by which a programmer fetches it and tells
 * what came of it. The FIB knows no tokens and no operations; the programmer knows no zebra.
 *
 * Three layers, so that one change is one operation however many routes hang below it: an *adjacency* is a neighbor on
 * a port, a *nexthop group* is what one zebra nexthop id (or one inline group of nexthops) resolves to, a *route* is a
 * prefix and the group it wants.
 */
import { sameBytes } from '../net/address';
import { labelActionsEqual, type LabelAction } from './label-actions';

export { FIRST_UNRESERVED_LABEL, labelActionKey, type LabelAction } from './label-actions';

/** Why packets of a route go to the host. */
export type TrapReason =
  | 'glean'
  | 'local'
  | 'broadcast'
  | 'multicast'
  | 'linkLocal'
  /** No usable neighbor yet. */
  | 'unresolved'
  /** The route leads out of an interface that is no port of the vASIC. */
  | 'notAPort'
  /** Decoded, but nothing in the vASIC corresponds to it. */
  | 'unsupported'
  /** The port's link is down. */
  | 'linkDown'
  /** Linux answers with an ICMP error. */
  | 'unreachable'
  | 'prohibit'
  /** zebra named a nexthop id that it has not sent. */
  | 'missingNexthop'
  /** A table that no port is bound to. */
  | 'otherTable';

export interface AdjacencyIntent {
  readonly id: number;
  /** Index of the vASIC port. */
  readonly port: number;
  readonly ifindex: number;
  readonly address: Uint8Array;
  /** Absent: not usable now; packets go to the host. */
  readonly mac: Uint8Array | undefined;
}

/** To a neighbor, with what is done to the packet's labels before. */
export interface ForwardPath {
  readonly adjacency: number;
  readonly weight: number;
  readonly labels?: LabelAction;
}

export type NexthopIntent =
  | { readonly kind: 'drop' }
  | { readonly kind: 'punt'; readonly reason: TrapReason }
  | { readonly kind: 'forward'; readonly paths: readonly ForwardPath[] }
  /** Of an LSP: its label is taken off, and the packet behind it looked up in this kernel table. */
  | { readonly kind: 'lookup'; readonly table: number };

/** Whether packets fare the same by both. */
export function intentsEqual(a: NexthopIntent, b: NexthopIntent | undefined): boolean {
  if (b === undefined || a.kind !== b.kind) return false;
  switch (a.kind) {
    case 'drop':
      return true;
    case 'punt':
      return b.kind === 'punt' && a.reason === b.reason;
    case 'forward':
      return (
        b.kind === 'forward' &&
        a.paths.length === b.paths.length &&
        a.paths.every((path, i) => samePath(path, b.paths[i]!))
      );
    case 'lookup':
      return b.kind === 'lookup' && a.table === b.table;
  }
}

function samePath(a: ForwardPath, b: ForwardPath): boolean {
  return a.adjacency === b.adjacency && a.weight === b.weight && labelActionsEqual(a.labels, b.labels);
}

/** Linux's word on a port: what it would do with a frame that comes in at the TAP, and how it would send. */
export interface PortRules {
  /**
   * `forward`: the vASIC forwards. `host`: everything is for Linux, which has given the port to a bridge or a bond. `discard`: Linux would not receive, the interface is group down.
   */
  readonly input: 'forward' | 'host' | 'discard';
  /** The kernel table that its packets are looked up in. */
  readonly table: number;
  /** The interface's hardware address; undefined: not known, or not ours yet. */
  readonly mac: Uint8Array | undefined;
  /** The interface's MTU where it is below the vASIC port's own, or that isn't known. */
  readonly mtu: number | undefined;
  /** Linux takes frames for other hardware addresses too. */
  readonly promiscuous: boolean;
  /** It takes packets with MPLS labels. */
  readonly labels: boolean;
  /** Group addresses that Linux takes; undefined: all. */
  readonly groups: readonly Uint8Array[] | undefined;
  /** VLANs that Linux takes; undefined: all. */
  readonly vlans: readonly number[] | undefined;
}

/** Whether frames fare the same by both. */
export function sameRules(a: PortRules, b: PortRules): boolean {
  return (
    a.input === b.input &&
    a.table === b.table &&
    a.promiscuous === b.promiscuous &&
    a.labels === b.labels &&
    sameSending(a, b) &&
    sameFilter(a, b)
  );
}

/** Whether what is sent out of the port is the same by both. */
export function sameSending(a: PortRules, b: PortRules): boolean {
  return a.mtu === b.mtu && sameBytes(a.mac, b.mac);
}

function sameFilter(a: PortRules, b: PortRules): boolean {
  const { groups, vlans } = b;
  if ((a.groups === undefined) !== (groups === undefined) || (a.vlans === undefined) !== (vlans === undefined))
    return false;
  return (
    a.groups?.length === groups?.length &&
    a.vlans?.length === vlans?.length &&
    (a.groups ?? []).every((group, i) => sameBytes(group, groups![i])) &&
    (a.vlans === vlans || (a.vlans ?? []).every((id, i) => id === vlans![i]))
  );
}

/** A nexthop group as the programmer sees it. */
export interface NexthopGroupIntent {
  readonly id: number;
  /** For people: where it comes from. */
  readonly name: string;
  /** Entries point straight at the adjacency, receive or discard node: the group has no node of its own. */
  readonly direct: boolean;
  readonly intent: NexthopIntent;
}

/** What became of a nexthop group in the vASIC. */
export interface NexthopVerdict {
  /** What its packets meet from now on; undefined: what they met before. */
  readonly acked: NexthopIntent | undefined;
  /** Why it isn't as wanted. */
  readonly error: string | undefined;
  /** What was refused stays in force, and its nodes can't end that: no entry may point at it. */
  readonly stuck: boolean;
}

/** Why the vASIC doesn't have a route as wanted. */
export interface RouteRefusal {
  readonly reason: string;
  /** There was no room for it: it may go in when others go. */
  readonly noRoom: boolean;
}

/** One route as the programmer sees it. */
export interface RouteIntent {
  readonly bytes: Uint8Array;
  readonly length: number;
  /** Wanted nexthop group; 0: no entry. */
  readonly group: number;
}

/** The LSPs, seen by the programmer: labels and the nexthop groups that they are to lead to. */
export interface LspSource {
  /** Labels that wait to be looked at. */
  readonly pending: number;
  /** All labels that zebra has an LSP for, or the vASIC an entry. */
  labels(): Iterable<number>;
  /** Have it written (or removed) again, whatever the vASIC holds. */
  rewrite(label: number): void;
  /** The next label whose entry must be written or removed. Each is given once until that changes again. */
  take(): number | undefined;
  /** The group that the label's entry is to lead to; 0: none. */
  wanted(label: number): number;
  /** The group that the vASIC's entry leads to; 0: it has none. */
  programmed(label: number): number;
  /** An operation for the label is under way: its verdict brings it back where that is needed. */
  isBusy(label: number): boolean;
  /** An operation that sets the label's entry to `group` (0: removes it) was sent. */
  sent(label: number, group: number): void;
  /** What was sent was acknowledged, or refused. */
  done(label: number, refusal: RouteRefusal | undefined): void;
  /** It was refused together with others and will be sent again: nothing changed. */
  returned(label: number): void;
  /** What became of an operation in flight is not known (connection lost). */
  uncertain(label: number): void;
  /** The vASIC holds an entry for this label from an earlier life of the bridge, and `token` is where it leads. */
  adopt(label: number, token?: number): void;
  /** Where an entry leads that was found, and not written since; undefined: not known. */
  adoptedTarget(label: number): number | undefined;
  /** The entry that was found leads to the group that is wanted: it is as acknowledged. */
  confirmed(label: number, group: number): void;
}

/** The FIB, seen by the programmer. */
export interface ForwardingSource {
  readonly lsps: LspSource;
  /** Lets go of the nexthop groups that nothing wants any more. Call before taking work: it makes some. */
  retireUnwanted(): void;
  /** The default VRF's table; the tables that are forwarded by, it first. */
  readonly defaultTable: number;
  readonly tables: ReadonlySet<number>;
  /** The next table that is forwarded by, or isn't any more. Each is given once until that changes again. */
  takeTable(): number | undefined;
  /** The vASIC has a tree for the table, or refused one. */
  tableDone(table: number, error: string | undefined): void;
  /** Whether the vASIC may have entries of the table. */
  tableHasEntries(table: number): boolean;
  /** The next port that Linux says something else of. Each is given once until that changes again. */
  takePort(): number | undefined;
  /** Linux's word on a port; undefined: none of ours. */
  portRules(port: number): PortRules | undefined;
  /** The next adjacency whose intent changed, or undefined. Each is given once until it changes again. */
  takeAdjacency(): number | undefined;
  /** Undefined: not wanted any more. */
  adjacency(id: number): AdjacencyIntent | undefined;

  /** The same for nexthop groups. */
  takeNexthop(): number | undefined;
  /** Undefined: not wanted any more; its nodes may go once no entry uses them (`entriesUsing`). */
  nexthop(id: number): NexthopGroupIntent | undefined;
  /** Entries acknowledged or in flight that point at the group. */
  entriesUsing(id: number): number;
  /** The other group whose entry a route of this group has until now, if there is one: its flows are this group's flows. */
  predecessor(id: number): number | undefined;
  /** The vASIC has (or refused) what was wanted of the group. */
  nexthopDone(id: number, verdict: NexthopVerdict): void;
  /** The group's nodes are gone (or it never had any): its number may be used again. */
  nexthopGone(id: number): void;

  /** Rows waiting to be programmed. */
  readonly dirtyRoutes: number;
  /** The next row whose entry must be written or removed; 0: none. */
  takeRoute(): number;
  routeWanted(row: number): number;
  routePrefix(row: number): { readonly bytes: Uint8Array; readonly length: number };
  /** The same without objects: writes the address into `bytes` from `at` and returns its length in bytes; */
  copyAddress(row: number, bytes: Uint8Array, at: number): number;
  /** and the prefix length in bits. */
  routeLength(row: number): number;
  /** An operation that sets the row's entry to `group` (0: removes it) was sent. */
  routeSent(row: number, group: number): void;
  /** What was sent of it (`group`) was acknowledged, or refused. */
  routeDone(row: number, group: number, refusal: RouteRefusal | undefined): void;
  /** Whether the vASIC has an entry for the row, as far as is known: replacing one needs no room. */
  routeHasEntry(row: number): boolean;
  routeFamily(row: number): 4 | 6;
  /** The kernel table that the row belongs to. */
  routeTable(row: number): number;
  /** It was refused together with others and will be sent again: nothing changed. */
  routeReturned(row: number, group: number): void;
  /** It can't be sent because the group it needs isn't there; it comes back when that changes. */
  routeParked(row: number): void;
  /** What became of an operation in flight is not known (connection lost). */
  routeUncertain(row: number, group: number): void;

  /** The vASIC holds this entry from an earlier life of the bridge, and `token` is where it leads. */
  adoptRoute(table: number, bytes: Uint8Array, length: number, token?: number): void;
  /** Where the row's entry leads that was found, and not written since; undefined: not known. */
  adoptedTarget(row: number): number | undefined;
  /** The entry that was found leads to the group that is wanted: it is as acknowledged. */
  routeConfirmed(row: number, group: number): void;
  /** Where entries lead that were found, of routes and LSPs that want the group, as far as a look at a few of them tells; undefined: not known. */
  adoptedTargetOf(group: number): number | undefined;
  /** The vASIC started with empty tables: everything must be programmed again. */
  forgetProgrammed(): void;
  /** Room may have come free: refused things are worth another try. */
  retryFailed(): void;
  /** The same for so many rows, of those only that found no room. */
  retryWithoutRoom(most: number): void;
  /** The same for nexthop groups. */
  retryNexthops(): void;
}
