/**
 * The AFT (abstract forwarding table) model: the values that a client and an AFI server exchange.
 *
 * A *node* has a token, unique in its sandbox and allocated by the client, so that nodes can name each other before any
 * of them exists at the server. An *entry* lives in a container node (tree, table, switch, load balancer); its identity
 * is (parent, key), and inserting an existing key replaces it. Inserting a node under a token that already holds a node
 * of the same type replaces it in place: everything that points at the token follows, in one operation.
 *
 * The names follow the public AFI headers (AftNode.h, AftEntry.h, AftKey.h, AftData.h). The numbers on the wire are our
 * own, see proto/afi/afi.proto: nothing here claims wire compatibility with Juniper's binary server.
 *
 * Pure data: shared by the bridge (src/afi) and softvasic (src/vasic), imports nothing.
 */

/** A node's token. 64 bits on the wire; here a number, as clients allocate upwards from 1024 (2^53 is far away). */
export type Token = number;

/** Token of the built-in discard node. */
export const TOKEN_DISCARD: Token = 0;
/** "No token". 0xFFFFFFFFFFFFFFFF on the wire. */
export const TOKEN_NONE: Token = -1;
/** The first token a client may allocate; the ones below are the server's (ports). */
export const TOKEN_FIRST_CLIENT: Token = 1024;

/** Packet and metadata fields. Numbers are the wire's (proto/afi/afi.proto, AftField). */
export enum AftField {
  None = 0,
  /** Destination address of whatever network header the packet has: IPv4 or IPv6; none for anything else. */
  PacketLookupKey = 1,
  EtherSaddr = 2,
  EtherDaddr = 3,
  EtherType = 4,
  EtherVlan1 = 5,
  EtherVlan2 = 6,
  Ip4Saddr = 7,
  Ip4Daddr = 8,
  Ip4Ttl = 9,
  Ip4Proto = 10,
  Ip4Tos = 11,
  Ip6Saddr = 12,
  Ip6Daddr = 13,
  Ip6HopLimit = 14,
  Ip6NextHeader = 15,
  Ip6FlowLabel = 16,
  Ip6TrafficClass = 17,
  L4Sport = 18,
  L4Dport = 19,
  MplsLabel = 20,
  MetaIfInput = 21,
  MetaIfOutput = 22,
  MetaNhId = 23,
  /** Ours: 1 when the destination hardware address is a group (multicast or broadcast) address, else 0. */
  EtherGroup = 24,
  /** Ours: a hash of what tells flows of labelled packets apart; absent in packets without a label. */
  MplsFlow = 25,
}

/** Field names as AFI writes them; the CLI and parameters show these. */
export const FIELD_NAMES: Readonly<Record<AftField, string>> = {
  [AftField.None]: 'none',
  [AftField.PacketLookupKey]: 'packet.lookupkey',
  [AftField.EtherSaddr]: 'packet.ether.saddr',
  [AftField.EtherDaddr]: 'packet.ether.daddr',
  [AftField.EtherType]: 'packet.ether.type',
  [AftField.EtherVlan1]: 'packet.ether.vlan1',
  [AftField.EtherVlan2]: 'packet.ether.vlan2',
  [AftField.Ip4Saddr]: 'packet.ip4.saddr',
  [AftField.Ip4Daddr]: 'packet.ip4.daddr',
  [AftField.Ip4Ttl]: 'packet.ip4.ttl',
  [AftField.Ip4Proto]: 'packet.ip4.proto',
  [AftField.Ip4Tos]: 'packet.ip4.tos',
  [AftField.Ip6Saddr]: 'packet.ip6.saddr',
  [AftField.Ip6Daddr]: 'packet.ip6.daddr',
  [AftField.Ip6HopLimit]: 'packet.ip6.hoplimit',
  [AftField.Ip6NextHeader]: 'packet.ip6.nexthdr',
  [AftField.Ip6FlowLabel]: 'packet.ip6.flowlabel',
  [AftField.Ip6TrafficClass]: 'packet.ip6.tclass',
  [AftField.L4Sport]: 'packet.l4.sport',
  [AftField.L4Dport]: 'packet.l4.dport',
  [AftField.MplsLabel]: 'packet.mpls.label',
  [AftField.MetaIfInput]: 'meta.ifinput',
  [AftField.MetaIfOutput]: 'meta.ifoutput',
  [AftField.MetaNhId]: 'meta.nhid',
  [AftField.EtherGroup]: 'packet.ether.group',
  [AftField.MplsFlow]: 'packet.mpls.flow',
};

/** A typed value (AftData.h). Addresses and prefixes are bytes in network order. */
export type AftData =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'string'; readonly value: string }
  /** `bytes` holds the whole address (4 or 16 bytes, host bits zero); `length` is the prefix length in bits. */
  | { readonly kind: 'prefix'; readonly bytes: Uint8Array; readonly length: number }
  | { readonly kind: 'ip4'; readonly bytes: Uint8Array }
  | { readonly kind: 'ip6'; readonly bytes: Uint8Array }
  | { readonly kind: 'ether'; readonly bytes: Uint8Array }
  | { readonly kind: 'label'; readonly value: number };

/** A field and the value it is compared with or set to. */
export interface AftKey {
  readonly field: AftField;
  readonly data: AftData;
}

/** Optional named parameters of a node or entry. A server ignores names it doesn't know. */
export type AftParams = Readonly<Record<string, AftData>>;

/** How a packet's field is compared with a value. */
export type MatchOp = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge';
/** How a value is written to a packet's field. */
export type WriteOp = 'set' | 'or' | 'and' | 'xor';

/** What every node has. */
export interface AftNodeCommon {
  readonly token: Token;
  /** Unique in the sandbox where given; findable by it. */
  readonly name?: string;
  /** Where the packet goes after this node; TOKEN_NONE (or absent) ends a walk or returns to the enclosing list. */
  readonly next?: Token;
  readonly params?: AftParams;
}

/** One node of the forwarding graph. */
export type AftNode = AftNodeCommon &
  (
    | { readonly type: 'discard' }
    /** Runs each token in turn; the walk goes on with the next one when a branch ends without disposing of the packet. */
    | { readonly type: 'list'; readonly tokens: readonly Token[] }
    | { readonly type: 'indexedList'; readonly tokens: readonly Token[] }
    | { readonly type: 'counter'; readonly bytes: number; readonly packets: number }
    | {
        readonly type: 'policer';
        /** Bytes (or packets, in packet mode) per second. */
        readonly rate: number;
        readonly burst: number;
        readonly packetMode: boolean;
      }
    | {
        readonly type: 'match';
        readonly field: AftField;
        readonly op: MatchOp;
        readonly value: AftData;
        readonly trueNext: Token;
        readonly falseNext: Token;
      }
    | { readonly type: 'switch'; readonly field: AftField; readonly defaultNext: Token }
    | { readonly type: 'tree'; readonly fields: readonly AftField[]; readonly defaultNext: Token }
    | {
        readonly type: 'table';
        readonly fields: readonly AftField[];
        readonly size: number;
        readonly defaultNext: Token;
      }
    | { readonly type: 'lookup'; readonly fields: readonly AftField[]; readonly container: Token }
    | { readonly type: 'indirect'; readonly target: Token }
    /** Entries have integer keys 0..max-1, one per path; the fields are hashed to choose among the paths present. */
    | { readonly type: 'loadBalance'; readonly max: number; readonly fields: readonly AftField[] }
    | { readonly type: 'encap'; readonly template: string; readonly keys: readonly AftKey[] }
    | { readonly type: 'decap'; readonly template: string }
    /** Hands the packet to the host with this reason code (hostpath byte 1). */
    | { readonly type: 'receive'; readonly code: number; readonly context: number }
    | { readonly type: 'write'; readonly key: AftKey; readonly op: WriteOp }
    | { readonly type: 'inputPort'; readonly index: number }
    | { readonly type: 'outputPort'; readonly index: number }
    | { readonly type: 'sandboxLink'; readonly sandbox: string; readonly port: number }
  );

/** What a flow is to a load balancer that isn't told otherwise: the 5-tuple, and the flow label for IPv6 (RFC 6438). */
export const FLOW_FIELDS: readonly AftField[] = [
  AftField.Ip4Saddr,
  AftField.Ip4Daddr,
  AftField.Ip4Proto,
  AftField.Ip6Saddr,
  AftField.Ip6Daddr,
  AftField.Ip6NextHeader,
  AftField.Ip6FlowLabel,
  AftField.L4Sport,
  AftField.L4Dport,
];

/** The same for a load balancer that labelled packets come to: their labels, and the IP header behind these. */
export const LABEL_FLOW_FIELDS: readonly AftField[] = [...FLOW_FIELDS, AftField.MplsFlow];

/** The kinds of nodes. */
export type AftNodeType = AftNode['type'];

/** One entry of a container node. Tree entries have prefix keys; switch, table and load balancer entries integers. */
export interface AftEntry {
  readonly parent: Token;
  readonly key: AftKey;
  readonly next: Token;
  readonly params?: AftParams;
}

/**
 * Entries of one tree as columns, without parameters, their keys destination prefixes: what a full table is written with
 * (prefix-batch.ts makes them).
 */
export interface AftPrefixes {
  readonly parent: Token;
  readonly count: number;
  /** In network order, 16 bytes from one to the next. */
  readonly addresses: Uint8Array;
  /** Bytes of each address: 4 or 16. */
  readonly sizes: Uint8Array;
  /** In bits. */
  readonly lengths: Uint8Array;
  /** Where each leads; without meaning in a removal. */
  readonly nexts: Float64Array;
}

/** Inserts nodes, then entries, then binds input ports: all of it or nothing. Nodes come before what points at them. */
export interface AftInsert {
  readonly nodes: readonly AftNode[];
  readonly entries: readonly AftEntry[];
  /** More entries, after those. */
  readonly prefixes?: AftPrefixes;
  /** setInputPortByIndex: where packets received on a port start. */
  readonly binds?: readonly { readonly port: number; readonly next: Token }[];
}

/** Removes entries, then nodes (in the order given): all of it or nothing. */
export interface AftRemove {
  readonly entries: readonly { readonly parent: Token; readonly key: AftKey }[];
  /** More entries, after those. */
  readonly prefixes?: AftPrefixes;
  readonly tokens: readonly Token[];
}

/** What a client asks a server to change. */
export type AftOperation =
  { readonly kind: 'insert'; readonly insert: AftInsert } | { readonly kind: 'remove'; readonly remove: AftRemove };

/** Why a server refused an operation. */
export type AftErrorCode =
  | 'unknownParent'
  | 'unknownToken'
  | 'inUse'
  | 'exists'
  | 'unknownEntry'
  | 'full'
  | 'refused'
  | 'invalid'
  | 'noSandbox'
  | 'internal'
  /** A newer session has taken the sandbox (owner.ts). */
  | 'fenced'
  /** Another client has it. */
  | 'held';

/** Why an operation was refused, and what of it. */
export interface AftError {
  readonly code: AftErrorCode;
  /** For people: what exactly was wrong with which item. */
  readonly message: string;
  /**
   * Which item of the operation is at fault, where the server knows: an index into nodes, entries (those of a batch count
   * on from the others), tokens or binds.
   */
  readonly item?: { readonly list: 'node' | 'entry' | 'token' | 'bind'; readonly index: number };
}

/** A port of a sandbox as its port table shows it. */
export interface AftPort {
  readonly index: number;
  readonly name: string;
  readonly token: Token;
  /** Our extensions, absent where the server doesn't tell: hardware address (6 bytes), link state, MTU in bytes. */
  readonly mac?: Uint8Array;
  readonly up?: boolean;
  readonly mtu?: number;
  /** Counters since the server started, for the direction of the table. Drops: received or due out but not carried. */
  readonly packets?: number;
  readonly bytes?: number;
  readonly drops?: number;
  /** Ours, of an input port: what forwards the packets that are received there. */
  readonly engine?: AftPortEngine;
}

/** Ours: what forwards the packets that are received at a port, where a server has several ways to do it. */
export interface AftPortEngine {
  /** `kernel`: the kernel as far as it can, the engine the rest; `engine`: that alone. */
  readonly name: string;
  /** How packets get there: `tc (tcx)`, `xdp`, `AF_PACKET` …. */
  readonly hook: string;
  /** Packets that the kernel dealt with. */
  readonly packets: number;
  /** Packets that it left to the engine, by reason; those that occurred. */
  readonly slow: readonly { readonly reason: string; readonly packets: number }[];
}

/** What a client learns of a sandbox when it opens it. */
export interface AftSandboxInfo {
  readonly id: number;
  readonly engine: string;
  readonly name: string;
  readonly inputPorts: readonly AftPort[];
  /** The extra last one is named `punt`. */
  readonly outputPorts: readonly AftPort[];
  /** Changes whenever the server starts with empty tables (our extension): tells a reconnect from a restart. */
  readonly instance: string;
  readonly nodes: number;
  readonly entries: number;
}

/** Reasons for handing a packet to the host: AftReceive codes, and byte 1 of the hostpath header. */
export enum PuntReason {
  Unspecified = 0,
  /** No route: the tree's default. */
  NoRoute = 1,
  Glean = 2,
  Local = 3,
  Unresolved = 4,
  Multicast = 5,
  Broadcast = 6,
  LinkLocal = 7,
  TtlExpired = 8,
  NonIp = 9,
  /** The route leads out of an interface that is no port of the vASIC. */
  NotAPort = 10,
  /** A route kind with no AFT mapping (yet). */
  Unsupported = 11,
  Mtu = 12,
  IpOptions = 13,
  Neighbor = 14,
  /** Control protocols, apart from whatever else comes for the same reason. */
  Arp = 15,
  NeighborDiscovery = 16,
  Ospf = 17,
  Isis = 18,
  Bgp = 19,
  Bfd = 20,
  /** Of other protocols: LDP, RIP, EIGRP, PIM, VRRP. */
  Control = 21,
  /** Has a VLAN tag that Linux has a device for. */
  Tagged = 22,
  /** For another hardware address than the port's, which Linux takes nevertheless. */
  OtherAddress = 23,
  /** Linux has the whole port for itself, in a bridge or the like. */
  HostPort = 24,
  /** A labelled packet whose top label's TTL would expire. */
  LabelTtl = 25,
  /** Its top label is the router alert label (RFC 3032). */
  RouterAlert = 26,
}

/** Parameter names that we define or that the original client used. */
export const PARAM = {
  rtApp: 'rt.app',
  rtNhType: 'rt.nhType',
  rtSkipBits: 'rt.skipBits',
  routeString: 'route.string',
  routeHwFlush: 'route.hwFlush',
  metaNhId: 'meta.nhid',
  labelValue: 'label.value',
  /** VLAN ids on an ethernet encapsulation; one alone is the only tag. */
  etherInnerVlan: 'encap.ether.ivlan',
  etherOuterVlan: 'encap.ether.ovlan',
  listAllocDesc: 'list.allocDesc',
  /**
   * Ours, on a tree (int token): packets forwarded by a lookup in it have TTL or hop limit decremented (and the IPv4
   * checksum fixed) when they leave through an output port; those that would expire go to this token instead.
   * Packets that end at the host are left untouched. Without the parameter nothing is decremented, as on vMX.
   */
  rtTtlExpired: 'rt.ttlExpired',
  /**
   * Ours, on a tree (int token): packets forwarded by a lookup in it that are larger than the output port's MTU go to
   * this token (untouched, for the host to fragment or answer). Without the parameter they are dropped and counted.
   */
  rtMtuExceeded: 'rt.mtuExceeded',
  /**
   * Ours, on a tree (int token): packets with IPv4 options or IPv6 hop-by-hop options that are looked up in it go to this
   * token, whatever their address: the host does what the options ask for. Without the parameter options are ignored.
   */
  rtIpOptions: 'rt.ipOptions',
  /**
   * Ours, on a tree with rt.ttlExpired (int token): IPv6 packets with a link-local source that would be forwarded go to this
   * token instead, for the host to answer. Without the parameter they are dropped and counted.
   */
  rtLinkLocalSource: 'rt.linkLocalSource',
  /**
   * Ours, on an ethernet encapsulation (int): what leaves by it may be no larger than this, or than the output port
   * carries. Larger packets fare as those larger than the port's MTU.
   */
  nhMtu: 'nh.mtu',
  /**
   * Ours, on a label encapsulation (bool): the label takes the place of the top one instead of going in front of it; the
   * traffic class stays, the TTL is one less.
   */
  labelSwap: 'label.swap',
  /**
   * On a label encapsulation (bool): the TTL is that of the packet behind the label, as it will be on the wire. Ours, on a
   * label decapsulation that takes one (bool): the IP packet behind the last label gets that label's TTL, less one; or its
   * own, less one.
   */
  labelTtlPropagate: 'label.ttlPropagate',
  /** On a label encapsulation (int): the TTL; 255 where neither this nor the packet's is asked for. */
  labelTtl: 'label.ttl',
  /** Ours, on a label decapsulation (int, 1): takes one label, and goes on with the label or the IP packet behind it. */
  labelCount: 'label.count',
  /** Ours, on a label decapsulation that takes one (int token): where packets go that have labels left. */
  labelStack: 'label.stack',
  /** Ours, on a label decapsulation that takes one (int, 4 or 6): the IP version that has to be behind the last label. */
  labelPayload: 'label.payload',
  /**
   * Ours, on a table by packet.mpls.label (int token): packets whose label has an entry, but a TTL that would expire, go to
   * this token, untouched. Without the parameter the table only looks up.
   */
  mplsTtlExpired: 'mpls.ttlExpired',
} as const;

/** State and counters of one node. */
export interface NodeInfo {
  readonly token: Token;
  readonly found: boolean;
  readonly packets: number;
  readonly bytes: number;
  readonly drops: number;
  /** Entries of a container. */
  readonly entries: number;
  /** Nodes, entries and input ports that point at it. */
  readonly references: number;
  /** Ours: packets, bytes and drops are counted here; else they are 0. */
  readonly counted: boolean;
}
