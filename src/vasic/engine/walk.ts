/**
 * One packet's way through the graph: the frame, what is known of its headers, and the loop that runs node after node.
 *
 * The frame is changed where it lies, in the port's buffer. Whatever a node overwrites of the received bytes is kept in
 * a small undo log, so that a packet which ends at the host is punted exactly as it was received; headers put into the
 * free space before the frame need no log. There is one Walk per sandbox, reused for every packet.
 *
 * Three offsets describe the packet as it is now: `l3` is where its network header (or label stack) starts, `carry` what a
 * label is pushed in front of, `emit` what an output port would send from. Upon reception `emit` is `l3` and `carry` the
 * Ethernet header: a vMX sends a frame it didn't encapsulate without its Ethernet header, and labels the whole frame.
 */
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_MPLS } from '../../net/ethertypes';
import { PuntReason } from '../../aft/conventions';
import { read16 } from '../../net/checksum';
import { ETHER_HEADER, findTransport4, findTransport6, isVlanType } from './headers';
import type { Transport } from './headers';
import { noOffload } from '../../net/offload';
import { stackEnd } from './label-stack';
import { HEADROOM } from './packet';
import type { HostSink } from './api';
import type { Offload } from '../../net/offload';
import type { Packet } from './packet';
import type { Drops, DropReason } from './drops';
import type { Counters, Ports, PortState } from './ports';
import { completeFrames } from './segment';

/** Slots are positions of nodes in the graph, from 1. execute() returns the next one, or one of these. */
export const END = 0;
export const DONE = -1;

/** Nodes executed for one packet before it counts as going round in circles. */
export const MAX_STEPS = 64;

/** What a node does with a packet. */
export interface Executable {
  /** The slot of the next node; END: the branch ends here; DONE: the packet is sent, punted or dropped. */
  execute(walk: Walk): number;
}

/** How a tree wants the packets forwarded by it treated when they leave. Slots, END where the tree has no such parameter. */
export interface RoutePolicy {
  readonly ttlExpired: number;
  readonly mtuExceeded: number;
  readonly ipOptions: number;
  readonly linkLocalSource: number;
}

/**
 * Looks on while a packet only tries its way (trace.ts): it gets what would have been sent, punted or dropped, and nothing
 * is counted. Everything that outlives a packet is done through the walk, so that nodes needn't know of it.
 */
export interface Trial {
  /** Runs the node in this slot; returns what its execute() returns. */
  step(slot: number, walk: Walk): number;
  /** The bytes are valid during the call. */
  sent(port: number, frame: Uint8Array): void;
  punted(reason: number, frame: Uint8Array): void;
  dropped(reason: DropReason): void;
}

export interface WalkEnvironment {
  readonly sandboxId: number;
  /** Slot → node. */
  readonly nodes: readonly (Executable | undefined)[];
  readonly ports: Ports;
  readonly host: HostSink;
  readonly drops: Drops;
  readonly trial?: Trial;
}

/** Each step logs an Ethernet header with two tags at most, or what a write node changes. */
const LOG_BYTES = MAX_STEPS * 48;

export class Walk {
  buffer: Buffer = Buffer.alloc(0);
  /** The received frame: [frame, frameEnd). */
  frame = 0;
  frameEnd = 0;
  /** The received offload metadata; csumStart counts from `frame`. */
  offload = noOffload();
  port!: PortState;

  /** Ethernet header of the packet as it is now, -1: none. */
  l2 = -1;
  l3 = 0;
  /** The frame's network header as received, and the IP header: behind the label stack, where there is one. */
  receivedL3 = 0;
  receivedIp = 0;
  /** End of the packet: padding behind an IP packet doesn't count. */
  end = 0;
  /** Ethertype of what is at l3. */
  proto = 0;
  vlan1 = -1;
  vlan2 = -1;
  carry = 0;
  emit = 0;

  /** Set by a lookup in a route tree: what to do upon leaving, and where the routed IP header is. */
  policy: RoutePolicy | undefined;
  routedIp = 0;
  /** A label's TTL stands for this hop: the TTL of an IP packet is what it has to be on the wire. */
  hopCounted = false;
  /** Where the last table of labels has packets go whose TTL would expire; END: it says nothing. */
  labelExpired = END;
  /** meta.nhid of the last encapsulation that had one. */
  nhId = -1;
  /** nh.mtu of the last ethernet encapsulation. */
  mtu = Infinity;
  /** Why the packet would be punted if it reached the punt port now. */
  reason: PuntReason = PuntReason.Unspecified;

  private readonly trial: Trial | undefined;
  private steps = 0;
  private transportFor = -1;
  private readonly transportFound: Transport = { at: -1, proto: 0, fragment: false };
  private readonly log = new Uint8Array(LOG_BYTES);
  private readonly logAt = new Uint32Array(MAX_STEPS * 4);
  private readonly logLength = new Uint8Array(MAX_STEPS * 4);
  private logBytes = 0;
  private logEntries = 0;

  constructor(readonly env: WalkEnvironment) {
    this.trial = env.trial;
  }

  /** Takes a received frame; false when it is too short to be one (and counted as dropped). */
  begin(port: PortState, packet: Packet): boolean {
    this.buffer = packet.buffer;
    this.frame = packet.offset;
    this.frameEnd = packet.offset + packet.length;
    this.offload = packet.offload;
    this.port = port;
    this.steps = 0;
    this.logBytes = 0;
    this.logEntries = 0;
    return this.parseReceived();
  }

  /** Runs from `slot` until the packet is disposed of (DONE) or the branch ends (END). */
  run(slot: number): number {
    const nodes = this.env.nodes;
    while (slot > END) {
      if (++this.steps > MAX_STEPS) return this.drop('loop');
      slot = this.trial === undefined ? nodes[slot]!.execute(this) : this.trial.step(slot, this);
    }
    return slot;
  }

  /** Bytes received, L2 header included. */
  get receivedBytes(): number {
    return this.frameEnd - this.frame;
  }

  /** Whether nothing may be changed that outlives the packet. */
  get isTrial(): boolean {
    return this.trial !== undefined;
  }

  /** Counts the packet where it passes. */
  count(counters: Counters): void {
    if (this.trial !== undefined) return;
    counters.packets++;
    counters.bytes += this.receivedBytes;
  }

  /** Drops the packet; `at` is who counts it, beside the reason's own counter. */
  drop(reason: DropReason, at: Counters = this.port.input): number {
    if (this.trial === undefined) {
      this.env.drops.count(reason);
      at.drops++;
    } else this.trial.dropped(reason);
    return DONE;
  }

  /** Sends a frame out of a port; false: the port didn't take it. */
  send(port: PortState, buffer: Buffer, offset: number, length: number, offload: Offload): boolean {
    if (this.trial !== undefined) {
      this.trial.sent(port.index, buffer.subarray(offset, offset + length));
      return true;
    }
    if (!port.io.send(buffer, offset, length, offload)) return false;
    port.output.packets++;
    port.output.bytes += length;
    return true;
  }

  /** Hands the packet to the host as it was received. */
  punt(reason: PuntReason): number {
    this.restore();
    const { ports, host, sandboxId } = this.env;
    const sent = completeFrames(this, this.frame, (buffer, at, end) => {
      if (this.trial !== undefined) {
        this.trial.punted(reason, buffer.subarray(at, end));
        return;
      }
      ports.punt.packets++;
      ports.punt.bytes += end - at;
      host.punt(sandboxId, this.port.index, reason, buffer, at, end - at);
    });
    return sent ? DONE : this.drop('badOffload');
  }

  /** Starts over at another node with the packet as it was received. */
  redirect(slot: number, reason: PuntReason): number {
    this.restore();
    this.reason = reason;
    return slot;
  }

  /** Parses the Ethernet header at `at`, with up to two VLAN tags; false when the frame is too short for it. */
  parseEthernet(at: number): boolean {
    this.l2 = at;
    this.vlan1 = -1;
    this.vlan2 = -1;
    this.transportFor = -1;
    let l3 = at + ETHER_HEADER;
    if (l3 > this.end) return false;
    let proto = read16(this.buffer, l3 - 2);
    for (let tags = 0; tags < 2 && isVlanType(proto); tags++) {
      if (l3 + 4 > this.end) return false;
      const id = read16(this.buffer, l3) & 0x0fff;
      if (tags === 0) this.vlan1 = id;
      else this.vlan2 = id;
      proto = read16(this.buffer, l3 + 2);
      l3 += 4;
    }
    this.l3 = l3;
    this.proto = proto;
    return true;
  }

  /** The packet is from now on the one that starts at its network header: a lookup routed by that. */
  dropEthernet(): void {
    this.carry = this.l3;
    this.emit = this.l3;
  }

  stripEthernet(): void {
    this.dropEthernet();
    this.l2 = -1;
  }

  /** An Ethernet header was put in front of l3, at `l2`, with these VLAN ids, outermost first; -1: no tag. */
  setEthernet(l2: number, vlan1: number, vlan2: number): void {
    this.l2 = l2;
    this.vlan1 = vlan1;
    this.vlan2 = vlan2;
    this.carry = l2;
    this.emit = l2;
  }

  /** A new network header was put in front of the packet, at `l3`. */
  setNetwork(l3: number, proto: number): void {
    this.l3 = l3;
    this.proto = proto;
    this.stripEthernet();
  }

  /** To be called after header fields were overwritten: what is known of them may be wrong now. */
  reread(): void {
    this.transportFor = -1;
    if (this.l2 < 0) return;
    this.proto = read16(this.buffer, this.l3 - 2);
    if (this.vlan1 >= 0) this.vlan1 = read16(this.buffer, this.l2 + 14) & 0x0fff;
    if (this.vlan2 >= 0) this.vlan2 = read16(this.buffer, this.l2 + 18) & 0x0fff;
  }

  /** A lookup in a route tree was made by the header at l3. */
  routeBy(policy: RoutePolicy): void {
    this.policy = policy;
    this.routedIp = this.l3;
  }

  /** Puts `bytes` of new header in front of `at`; where it starts, or -1 when there is no room. */
  open(at: number, bytes: number): number {
    const start = at - bytes;
    if (start < this.frame - HEADROOM || start < 0) return -1;
    this.keep(start, bytes);
    return start;
  }

  /** To be called before received bytes are overwritten; at most 48 a step, four times. */
  keep(at: number, length: number): void {
    if (at + length <= this.frame) return;
    const entry = this.logEntries++;
    this.logAt[entry] = at;
    this.logLength[entry] = length;
    for (let i = 0; i < length; i++) this.log[this.logBytes + i] = this.buffer[at + i]!;
    this.logBytes += length;
  }

  get isIp4(): boolean {
    return this.proto === ETHERTYPE_IPV4 && this.end - this.l3 >= 20;
  }

  get isIp6(): boolean {
    return this.proto === ETHERTYPE_IPV6 && this.end - this.l3 >= 40;
  }

  /** The transport header of the packet as it is now. The answer is valid until the next call. */
  transport(): Transport {
    const found = this.transportFound;
    if (this.transportFor !== this.l3) {
      this.transportFor = this.l3;
      if (this.isIp4) findTransport4(this.buffer, this.l3, this.end, found);
      else if (this.isIp6) findTransport6(this.buffer, this.l3, this.end, found);
      else found.at = -1;
    }
    return found;
  }

  private parseReceived(): boolean {
    this.end = this.frameEnd;
    this.policy = undefined;
    this.hopCounted = false;
    this.labelExpired = END;
    this.nhId = -1;
    this.mtu = Infinity;
    this.reason = PuntReason.Unspecified;
    if (!this.parseEthernet(this.frame)) return false;
    this.receivedL3 = this.l3;
    this.receivedIp = this.proto === ETHERTYPE_MPLS ? stackEnd(this.buffer, this.l3, this.end) : this.l3;
    this.carry = this.frame;
    this.emit = this.l3;
    return true;
  }

  private restore(): void {
    while (this.logEntries > 0) {
      const entry = --this.logEntries;
      const length = this.logLength[entry]!;
      this.logBytes -= length;
      const at = this.logAt[entry]!;
      for (let i = 0; i < length; i++) this.buffer[at + i] = this.log[this.logBytes + i]!;
    }
    this.parseReceived();
  }
}
