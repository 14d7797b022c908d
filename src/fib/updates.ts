/**
 * What the FIB is told: the updates that the FPM server decodes from zebra's stream and the neighbor monitor from the
 * kernel. They are plain values. The FIB copies what it keeps, so a decoder may reuse an update and its arrays after the
 * call that delivered it.
 */
import type { Family, Prefix } from '../net/address';

/** Encapsulation that a nexthop adds (lwtunnel). Kept and shown; an AFT mapping exists only where `fib` says so. */
export type Encap =
  | { readonly kind: 'mpls'; /** Outermost first. */ readonly labels: readonly number[] }
  | { readonly kind: 'seg6'; readonly mode: number; readonly segments: readonly Uint8Array[] }
  | {
      readonly kind: 'seg6local';
      readonly action: number;
      /** All that zebra sent with it, and what of that is understood. */
      readonly attributes: Uint8Array;
      readonly endpoint: SegmentEndpoint;
    }
  | { readonly kind: 'vxlan'; readonly vni: number }
  | { readonly kind: 'unknown'; readonly type: number; readonly bytes: Uint8Array };

/** What an SRv6 local segment does besides its action (linux/seg6_local.h); each where its action has it. */
export interface SegmentEndpoint {
  /** Kernel table of the inner lookup. */
  readonly table?: number;
  /** The same, as the table of a VRF device. */
  readonly vrfTable?: number;
  /** 4 or 16 bytes. */
  readonly nexthop?: Uint8Array;
  readonly ifindex?: number;
  /** Segments that are pushed, in the order of travel. */
  readonly segments?: readonly Uint8Array[];
  /** Bit n: flavour n of linux/seg6_local.h (1 PSP, 2 USP, 3 USD, 4 NEXT-CSID). */
  readonly flavors?: number;
}

/** A path: to a gateway, or directly onto an interface when there is no gateway. */
export interface NexthopPath {
  /** 4 or 16 bytes (an IPv4 route may have an IPv6 gateway, RFC 8950); IPv4-mapped IPv6 is given as IPv4. */
  readonly gateway?: Uint8Array;
  /** Kernel interface index; 0 when zebra gave none. */
  readonly ifindex: number;
  /** 1 … 65536; 1 where zebra gave none. */
  readonly weight: number;
  readonly onlink?: boolean;
  readonly encap?: Encap;
  /** Of an LSP's path: labels put in place of the incoming one, outermost first; empty: pop. */
  readonly outLabels?: readonly number[];
}

/** How packets are dropped: without a word, or with an ICMP error. */
export type DropKind = 'blackhole' | 'unreachable' | 'prohibit';

/** Where a route leads. */
export type RouteTarget =
  | { readonly kind: 'nexthopId'; readonly id: number }
  | { readonly kind: 'paths'; readonly paths: readonly NexthopPath[] }
  | { readonly kind: 'drop'; readonly drop: DropKind }
  /** A type of route that is for the host itself (local, broadcast, anycast, multicast). */
  | { readonly kind: 'host' }
  /** Decoded, but of a kind that can't be forwarded by us: punted, and `reason` shown. */
  | { readonly kind: 'unsupported'; readonly reason: string };

/**
 * The reason `unsupported` of what zebra sent and could not be read, but for what it is about: Linux has it, and to go on by what
 * zebra sent before would be wrong.
 */
export const MALFORMED = 'zebra sent it in a message that could not be read';

/**
 * FPM's protobuf names VRFs, not tables, and nothing tells the table of a VRF: its routes are kept under a table number that
 * no zebra gives, this one plus the VRF id.
 */
export const VRF_TABLES = 0x8000_0000;

/** No kernel table (RT_TABLE_UNSPEC): of a withdrawal that doesn't say which. */
export const NO_TABLE = 0;

/** A route, new or changed. */
export interface RouteAdd {
  readonly kind: 'routeAdd';
  /** Kernel table id; 254 is main; from VRF_TABLES on it stands for a VRF. */
  readonly table: number;
  readonly prefix: Prefix;
  /** rtm_protocol as zebra sent it (186 bgp, 188 ospf, …); feedback must repeat it. */
  readonly protocol: number;
  readonly metric: number;
  readonly target: RouteTarget;
  /** Source address that the host's own packets get: 4 or 16 bytes. Concerns the host only. */
  readonly prefsrc?: Uint8Array | undefined;
  /** RTA_METRICS: type (RTAX_MTU is 2) and value; those that are numbers of 32 bits. */
  readonly metrics?: readonly (readonly [type: number, value: number])[] | undefined;
}

/** A route of which there is none any more. */
export interface RouteDelete {
  readonly kind: 'routeDelete';
  /** As in RouteAdd; NO_TABLE: zebra's module `fpm` doesn't say, and the prefix may be in several. */
  readonly table: number;
  readonly prefix: Prefix;
}

/** What a nexthop object is: one path, a group of others with weights, or an end. */
export type NexthopContent =
  | { readonly kind: 'path'; readonly path: NexthopPath }
  | { readonly kind: 'group'; readonly members: readonly { readonly id: number; readonly weight: number }[] }
  | { readonly kind: 'drop'; readonly drop: DropKind }
  | { readonly kind: 'unsupported'; readonly reason: string };

/** A nexthop object of zebra, new or changed; routes name it by its id. */
export interface NexthopAdd {
  readonly kind: 'nexthopAdd';
  readonly id: number;
  /** Address family of the object (AF_INET …, 0 for groups); shown only. */
  readonly family: number;
  readonly protocol: number;
  readonly content: NexthopContent;
}

/** A nexthop object that is gone. */
export interface NexthopDelete {
  readonly kind: 'nexthopDelete';
  readonly id: number;
}

/** What is known of a neighbor, as the kernel names its states (NUD). */
export type NeighborState =
  'reachable' | 'stale' | 'delay' | 'probe' | 'permanent' | 'noarp' | 'incomplete' | 'failed' | 'none';

/** Who told of a neighbor; a later one in this list gives way to an earlier one. */
export type NeighborSource = 'static' | 'fpm' | 'kernel';

/** A neighbor, new or changed. */
export interface NeighborAdd {
  readonly kind: 'neighborAdd';
  readonly source: NeighborSource;
  readonly ifindex: number;
  readonly address: Uint8Array;
  /** Absent while unresolved. */
  readonly mac?: Uint8Array;
  readonly state: NeighborState;
}

/** A neighbor that this source knows no more. */
export interface NeighborDelete {
  readonly kind: 'neighborDelete';
  readonly source: NeighborSource;
  readonly ifindex: number;
  readonly address: Uint8Array;
}

/** An address of the router itself on a port: packets to it go to the host. */
export interface AddressAdd {
  readonly kind: 'addressAdd';
  readonly ifindex: number;
  readonly address: Uint8Array;
  readonly length: number;
  /** The other end's, of an IPv4 address that has one: the address may be there several times, once for each. */
  readonly peer?: Uint8Array;
  /** IPv4 subnet broadcast address, where the kernel has one. */
  readonly broadcast?: Uint8Array;
  /** The subnet that the kernel has a route for because of the address; absent: none. */
  readonly subnet?: Prefix;
}

/** An address that the router has no more. */
export interface AddressDelete {
  readonly kind: 'addressDelete';
  readonly ifindex: number;
  readonly address: Uint8Array;
  readonly length: number;
  readonly peer?: Uint8Array;
}

/** A Linux interface came, changed or went. */
export interface LinkChange {
  readonly kind: 'link';
  readonly ifindex: number;
  readonly name: string;
  readonly present: boolean;
  /** Administratively up and with carrier. */
  readonly up: boolean;
  readonly mac?: Uint8Array;
  readonly mtu?: number;
  /** Index of the VRF device (or bridge) it belongs to; 0 for none. */
  readonly master: number;
  /** Set down by an operator, whatever its carrier. */
  readonly adminDown?: boolean;
  /** Takes frames for any address; frames for any group. */
  readonly promiscuous?: boolean;
  readonly allMulticast?: boolean;
  /** It is a VLAN device: the interface below it and the tag. */
  readonly vlan?: VlanRole;
  /** It is a VRF device: its table. */
  readonly vrfTable?: number;
}

/** A VLAN device's place. */
export interface VlanRole {
  readonly parent: number;
  readonly id: number;
}

/** The group (multicast) hardware addresses that Linux takes on an interface, all of them; the broadcast one is left out. */
export interface GroupsChange {
  readonly kind: 'groups';
  readonly ifindex: number;
  readonly groups: readonly Uint8Array[];
}

/** MPLS LSP (AF_MPLS route): what becomes of packets whose top label is this. */
export interface LspAdd {
  readonly kind: 'lspAdd';
  readonly label: number;
  readonly protocol: number;
  /** Each with its `outLabels`; none where a path had neither gateway nor interface. */
  readonly paths: readonly LspPath[];
  /** The message could not be read but for its label: packets go to the host. */
  readonly unreadable?: true;
}

/** A path of an LSP. */
export type LspPath = NexthopPath & { readonly outLabels: readonly number[] };

/** A label that zebra has no LSP for any more. */
export interface LspDelete {
  readonly kind: 'lspDelete';
  readonly label: number;
}

/** Where a MAC address of an EVPN lies: behind a tunnel's other end (VTEP). Decoded and shown, not forwarded. */
export interface MacName {
  /** Of the VXLAN device. */
  readonly ifindex: number;
  readonly mac: Uint8Array;
  /** 0 where zebra gave none. */
  readonly vlan: number;
  readonly vni: number;
}

/** A MAC address of an EVPN, new or moved. */
export interface MacAdd extends MacName {
  readonly kind: 'macAdd';
  /** 4 or 16 bytes; absent where a nexthop id stands for several VTEPs. */
  readonly vtep?: Uint8Array;
  readonly nexthopId?: number;
  /** Interface index of the bridge or SVI; 0 where zebra gave none. */
  readonly bridge: number;
  /** A gateway's, or configured: it doesn't move. */
  readonly sticky: boolean;
}

/** A MAC address of an EVPN that is gone. */
export interface MacDelete extends MacName {
  readonly kind: 'macDelete';
}

/** SRv6 local segment as FPM's protobuf names it: decoded and shown, not forwarded. */
export interface SidAdd {
  readonly kind: 'sidAdd';
  readonly sid: Uint8Array;
  /** Lengths in bits. */
  readonly format?: {
    readonly block: number;
    readonly node: number;
    readonly function: number;
    readonly argument: number;
  };
  /** As RFC 8986 and RFC 9800 name it: End, End.X, End.DT46, uN …; `unknown` where zebra named none. */
  readonly behavior: string;
  /** Of the behaviors that cross-connect. */
  readonly nexthop?: { readonly gateway?: Uint8Array; readonly ifindex: number };
  /** Of the behaviors that look up. */
  readonly vrf?: number;
}

/** An SRv6 local segment that is gone. */
export interface SidDelete {
  readonly kind: 'sidDelete';
  readonly sid: Uint8Array;
}

/** Of routes. */
export type RouteUpdate = RouteAdd | RouteDelete;
/** Of nexthop objects. */
export type NexthopUpdate = NexthopAdd | NexthopDelete;
/** Of neighbors. */
export type NeighborUpdate = NeighborAdd | NeighborDelete;
/** Of the router's own addresses. */
export type AddressUpdate = AddressAdd | AddressDelete;
/** Of LSPs. */
export type LspUpdate = LspAdd | LspDelete;
/** Of MAC addresses of EVPNs. */
export type MacUpdate = MacAdd | MacDelete;
/** Of SRv6 local segments. */
export type SidUpdate = SidAdd | SidDelete;

/** What comes from zebra. */
export type FpmUpdate = RouteUpdate | NexthopUpdate | NeighborUpdate | LspUpdate | MacUpdate | SidUpdate;
/** What comes from the kernel. */
export type KernelUpdate = NeighborUpdate | AddressUpdate | LinkChange | GroupsChange;

/**
 * What zebra is told of a route: `trapped` means for Linux, which forwards or answers; `unresolved` for Linux as well, until the
 * nexthop is known.
 */
export type RouteStatus = 'offloaded' | 'trapped' | 'unresolved' | 'failed';

/** One route's status to be told to zebra. */
export interface StatusReport {
  /** These as in the RouteAdd: zebra finds its route by them. `bytes` and `length` (in bits) are the prefix. */
  readonly table: number;
  readonly family: Family;
  readonly bytes: Uint8Array;
  readonly length: number;
  readonly protocol: number;
  readonly status: RouteStatus;
}
