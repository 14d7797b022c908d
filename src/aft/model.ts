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
 * Pure data: shared by the bridge (src/afi) and softvasic (src/vasic). The fields of packets are fields.ts's, and what is
 * agreed on beyond nodes and entries (parameters, reasons) is conventions.ts's; this file has them for who wants the whole model.
 */
import type { AftField } from './fields';

export { AftField, FIELD_NAMES, FLOW_FIELDS, LABEL_FLOW_FIELDS } from './fields';
export { PARAM, PuntReason } from './conventions';

/** A node's token. 64 bits on the wire; here a number, as clients allocate upwards from 1024 (2^53 is far away). */
export type Token = number;

/** Token of the built-in discard node. */
export const TOKEN_DISCARD: Token = 0;
/** "No token". 0xFFFFFFFFFFFFFFFF on the wire. */
export const TOKEN_NONE: Token = -1;
/** The first token a client may allocate; the ones below are the server's (ports). */
export const TOKEN_FIRST_CLIENT: Token = 1024;

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
