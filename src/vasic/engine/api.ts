/**
 * The seams of softvasic's forwarding engine: port I/O below it, the host above it, and the sandbox itself as the AFI
 * server drives it. The engine does no I/O of its own; who makes a PortIo or a HostSink decides where frames go.
 *
 * Buffers are never handed over: what is passed to receive(), send() and punt() is the caller's again on return.
 */
import type {
  AftEntry,
  AftError,
  AftNode,
  AftNodeType,
  AftOperation,
  AftSandboxInfo,
  NodeInfo,
  Token,
} from '../../aft/model';
import type { TestReply } from '../../aft/wire';
import type { Prefix } from '../../net/address';
import type { Offload } from '../../net/offload';
import type { FastPath } from './fast-path';
import type { Packet } from './packet';

/** A port's I/O, below the engine. */
export interface PortIo {
  readonly name: string;
  /** Six bytes. */
  readonly mac: Uint8Array;
  /** Bytes of the largest L3 packet, without the Ethernet header. */
  readonly mtu: number;
  readonly up: boolean;
  /** Takes the frame for sending before it returns. false: dropped (queue full, port down). */
  send(buffer: Buffer, offset: number, length: number, offload: Offload): boolean;
}

/** Where punted packets go: complete frames, L2 header included, checksums filled, large segments cut to wire size. */
export interface HostSink {
  /** `port` is the input port's index, `reason` a PuntReason. The bytes are valid during the call only. */
  punt(sandboxId: number, port: number, reason: number, frame: Buffer, offset: number, length: number): void;
}

/** What a sandbox is made of. */
export interface SandboxOptions {
  readonly id: number;
  readonly engine: string;
  readonly name: string;
  /** Changes whenever the server starts with empty tables. */
  readonly instance: string;
  /** Input and output ports 0…n-1; the output port `punt` is added as number n. */
  readonly ports: readonly PortIo[];
  readonly host: HostSink;
  /** Most entries in all trees of the sandbox together; one more is refused with `full`. */
  readonly maxEntries?: number;
  /** Tree entries with exactly one of these keys are refused with `refused`. */
  readonly refuse?: readonly Prefix[];
  /** What forwards packets beside the engine. */
  readonly fastPath?: FastPath;
  /** Milliseconds, monotonic; for policers. */
  readonly now?: () => number;
}

/** What find() looks for; absent or empty conditions match everything. Ports are found only by token, name or type. */
export interface FindRequest {
  readonly tokens?: readonly Token[];
  readonly name?: string;
  readonly type?: AftNodeType;
}

/** Why packets were dropped inside a sandbox: reason → packets since it was made. */
export type DropCounters = Readonly<Record<string, number>>;

/**
 * One sandbox (createSandbox in sandbox.ts makes it): its node graph, its ports and their counters. Not re-entrant:
 * send() and punt() must not call receive().
 */
export interface Sandbox {
  /** Ids, port tables with current link state and counters, numbers of (client) nodes and entries. */
  info(): AftSandboxInfo;
  /** All or nothing. Undefined: done. The error's message names the item and the remedy. */
  apply(operation: AftOperation): AftError | undefined;
  /** Nodes that match all conditions. */
  find(request: FindRequest): AftNode[];
  /**
   * The entries of a container; undefined when the token isn't a container's. May be consumed bit by bit between
   * operations: entries that change meanwhile may show their old or new state, all others come exactly once.
   */
  entriesOf(container: Token): Iterable<AftEntry> | undefined;
  /** One answer per token, in order; `found: false` for an unknown one. */
  nodeInfo(tokens: readonly Token[]): NodeInfo[];
  /** Runs the graph for a frame received on an input port; returns when it was sent, punted or dropped. */
  receive(port: number, packet: Packet): void;
  /** The way that a frame received on an input port would take now. Changes, counts and sends nothing. */
  test(port: number, frame: Uint8Array): TestReply;
  /**
   * Sends a complete frame from the host straight out of an output port; counts on it. false: no such port, or not
   * sent.
   */
  inject(port: number, frame: Buffer, offset: number, length: number): boolean;
  /** Why packets were dropped inside it so far. */
  drops(): DropCounters;
  /** Nothing is forwarded for it any more. */
  close(): void;
}
