/**
 * MPLS label stacks as bytes (RFC 3032): an entry is 20 bits of label, 3 of traffic class, the bottom-of-stack bit and 8 of
 * TTL, in network order. What the nodes that know labels have in common is here; nothing here changes a byte.
 */
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_MPLS } from '../../net/ethertypes';
import { read32 } from '../../net/checksum';
import { LABEL_BYTES } from './headers';
import { mix } from './mix';

/** Deeper stacks are not to be believed. */
export const MAX_LABELS = 16;

/** What is looked at of a packet: its network header at `l3`, of type `proto`, and where it ends. */
export interface PacketBytes {
  readonly buffer: Uint8Array;
  readonly l3: number;
  readonly proto: number;
  readonly end: number;
}

export const BOTTOM = 0x100;
const TRAFFIC_CLASS = 0xe00;

/** Labels below this are reserved (RFC 7274), and never part of a flow's key (RFC 6790 4.3). */
const FIRST_UNRESERVED = 16;
/** What is behind the entropy label indicator is an entropy label. */
const ENTROPY_INDICATOR = 7;
/** Linux looks at so many labels (MAX_MP_SELECT_LABELS). */
const FLOW_LABELS = 4;

export function labelOf(entry: number): number {
  return entry >>> 12;
}

export function ttlOf(entry: number): number {
  return entry & 0xff;
}

/** An entry of this label with the TTL, and with the traffic class and bottom-of-stack bit of another. */
export function entryLike(other: number, label: number, ttl: number): number {
  return (label * 0x1000 + (other & (TRAFFIC_CLASS | BOTTOM)) + ttl) >>> 0;
}

/** Traffic class of an entry, at its place. */
export function trafficClassBits(entry: number): number {
  return entry & TRAFFIC_CLASS;
}

/** Whether the packet's network header is a label stack, with one label at least. */
export function hasLabel({ proto, l3, end }: PacketBytes): boolean {
  return proto === ETHERTYPE_MPLS && l3 + LABEL_BYTES <= end;
}

/** Offset behind the label stack at `start`, or -1 where it has no end before `end`. */
export function stackEnd(buffer: Uint8Array, start: number, end: number): number {
  let at = start;
  for (let i = 0; i < MAX_LABELS && at + LABEL_BYTES <= end; i++) {
    at += LABEL_BYTES;
    if ((buffer[at - 2]! & 1) !== 0) return at;
  }
  return -1;
}

/**
 * The ether type of what is behind a label stack, by its first four bits: no label says it. 0: neither IPv4 nor IPv6, or cut
 * off within its header.
 */
export function payloadType(buffer: Uint8Array, at: number, end: number): number {
  const version = at < end ? buffer[at]! >> 4 : 0;
  if (version === 4 && end - at >= 20) return ETHERTYPE_IPV4;
  return version === 6 && end - at >= 40 ? ETHERTYPE_IPV6 : 0;
}

/**
 * What a labelled packet's flow is, as a hash of 32 bits: its first labels, reserved ones left out, up to an entropy label, and
 * where the bottom is reached before that, the addresses and the protocol of the IP packet behind it. The keys are those of
 * Linux (mpls_multipath_hash), which looks at no ports.
 */
export function labelFlow({ buffer, l3, end }: PacketBytes): number {
  let hash = 0x2c1b3c6d;
  let at = l3;
  let indicated = false;
  for (let i = 0; i < FLOW_LABELS && at + LABEL_BYTES <= end; i++) {
    const entry = read32(buffer, at);
    at += LABEL_BYTES;
    const label = labelOf(entry);
    if (label >= FIRST_UNRESERVED) {
      hash = mix(hash, label);
      if (indicated) break;
    } else if (label === ENTROPY_INDICATOR) indicated = true;
    if ((entry & BOTTOM) === 0) continue;
    const type = payloadType(buffer, at, end);
    if (type === ETHERTYPE_IPV4) hash = mixWords(hash, buffer, at + 12, 8, buffer[at + 9]!);
    else if (type === ETHERTYPE_IPV6) hash = mixWords(hash, buffer, at + 8, 32, buffer[at + 6]!);
    break;
  }
  return hash >>> 0;
}

function mixWords(hash: number, buffer: Uint8Array, at: number, bytes: number, proto: number): number {
  let mixed = hash;
  for (let i = 0; i < bytes; i += 4) mixed = mix(mixed, read32(buffer, at + i));
  return mix(mixed, proto);
}
