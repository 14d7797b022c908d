/**
 * The seams of softvasic's forwarding engine: port I/O below it, the host above it, and the sandbox itself as the AFI
 * server drives it. The engine does no I/O of its own; who makes a PortIo or a HostSink decides where frames go.
 *
 * Buffers are never handed over: what is passed to receive(), send() and punt() is the caller's again on return.
 */
import type { AftEntry, AftError, AftNode, AftNodeType, AftOperation, AftSandboxInfo, Token } from '../../aft/model';
import type { TestReply } from '../../aft/wire';
import type { Prefix } from '../../net/address';

/** `Offload.flags`: the checksum at csumStart + csumOffset is a partial sum that somebody still has to complete. */
export const OFFLOAD_NEEDS_CSUM = 1;

/** `Offload.gsoType` values (linux/virtio_net.h); ECN is a flag beside TCPV4 or TCPV6. */
export const GSO = { none: 0, tcpv4: 1, udp: 3, tcpv6: 4, udpL4: 5, ecn: 0x80 } as const;

/** Bytes that a PortIo leaves free before a received frame, so that headers can be put in front without a copy. */
export const HEADROOM = 64;

/**
 * Offload metadata of a struct virtio_net_hdr, kept beside a frame so that checksums and segmentation left to the
 * receiver survive. All zero: a complete frame. csumStart counts from the frame's first byte, hdrLen includes L2.
 */
export interface Offload {
  flags: number;
  gsoType: number;
  hdrLen: number;
  gsoSize: number;
  csumStart: number;
  csumOffset: number;
}

/** Offload metadata of a complete frame, as a fresh mutable object. */
export function noOffload(): Offload {
  return { flags: 0, gsoType: GSO.none, hdrLen: 0, gsoSize: 0, csumStart: 0, csumOffset: 0 };
}

/**
 * A frame in a buffer that the port owns; valid only during receive(). At least HEADROOM bytes before `offset` are free
 * to overwrite, and the engine may overwrite the frame's own bytes and its offload metadata.
 */
export interface Packet {
  readonly buffer: Buffer;
  readonly offset: number;
  readonly length: number;
  readonly offload: Offload;
}

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
  /** Milliseconds, monotonic; for policers. */
  readonly now?: () => number;
}

/** What find() looks for; absent or empty conditions match everything. Ports are found only by token, name or type. */
export interface FindRequest {
  readonly tokens?: readonly Token[];
  readonly name?: string;
  readonly type?: AftNodeType;
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
  drops(): DropCounters;
}
