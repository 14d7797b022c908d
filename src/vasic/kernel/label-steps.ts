/**
 * What the kernel's program does to labels on a packet's way, said in TypeScript for decide.ts: push(), swap() and pop() of
 * bpf/graph.h.
 */
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_MPLS } from '../../net/ethertypes';
import { BOTTOM, entryLike, trafficClassBits, ttlOf } from '../engine/label-stack';
import type { Headers } from './frame-headers';
import * as layout from './layout';

const MAX_PUSHED = 4;

/** A word of the record at hand. */
export type RecordWords = (offset: number) => number;

/** What has become of a packet on its way so far. */
export interface Way {
  /** A route tree led here. */
  routed: boolean;
  /** Address of the record of its new Ethernet header; 0: it has none. */
  encap: number;
  /** Entries of its new labels, the outermost first. */
  readonly labels: number[];
  /** Labels of its own that it has lost, and the ether type of what it is without these. */
  popped: number;
  proto: number;
  /** TTL or hop limit of the IP packet; whether it is a new one, and whether a label's counts this hop. */
  hops: number;
  changesHops: boolean;
  counted: boolean;
}

/** At its start. */
export function newWay({ type, hops }: Headers): Way {
  return {
    ...{ routed: false, encap: 0, labels: [], popped: 0 },
    ...{ proto: type, hops, changesHops: false, counted: false },
  };
}

/** Whether the packet begins with a label of those that it came with. */
export function hasLabel({ proto, labels, encap, popped }: Way, { stack }: Headers): boolean {
  return proto === ETHERTYPE_MPLS && labels.length === 0 && encap === 0 && popped < stack.length;
}

/** That label, where there is one. */
export function topLabel({ popped }: Way, { stack }: Headers): number {
  return stack[popped]!;
}

/** The TTL that the IP packet will have on the wire. */
export function hopsOnWire({ routed, counted, hops }: Way): number {
  return routed && !counted ? Math.max(0, hops - 1) : hops;
}

/** Puts a label in front of the packet; false: not here. */
export function push(way: Way, h: Headers, word: RecordWords): boolean {
  const { labels } = way;
  if ((!way.routed && way.popped === 0) || way.encap !== 0 || labels.length >= MAX_PUSHED) return false;
  const isOnLabel = labels.length > 0 || way.proto === ETHERTYPE_MPLS;
  const below = isOnLabel ? (labels[0] ?? topLabel(way, h)) : undefined;
  const ttl = word(layout.PUSH_TTL) || (below === undefined ? hopsOnWire(way) : ttlOf(below));
  const tc = below !== undefined && word(layout.PUSH_KEEPS_CLASS) !== 0 ? trafficClassBits(below) : 0;
  labels.unshift((word(layout.PUSH_LABEL) | tc | (below === undefined ? BOTTOM : 0) | ttl) >>> 0);
  return true;
}

/** Another label in place of the top one, which there is. Why not, REASON_NODE: done. */
export function swap(way: Way, h: Headers, word: RecordWords): number {
  const before = topLabel(way, h);
  if (ttlOf(before) <= 1) return layout.REASON_TTL;
  way.labels.unshift(entryLike(before, word(layout.SWAP_LABEL) >>> 12, ttlOf(before) - 1));
  way.popped++;
  way.counted = true;
  return layout.REASON_NODE;
}

/** The top label, which there is, off. Likewise. */
export function pop(way: Way, h: Headers, word: RecordWords): number {
  const entry = topLabel(way, h);
  const payload = word(layout.POP_PAYLOAD);
  const ttl = word(layout.POP_TTL);
  way.popped++;
  if ((entry & BOTTOM) === 0) return way.popped < h.stack.length ? layout.REASON_NODE : layout.REASON_ORDER;
  if (h.unsound !== layout.REASON_NODE) return h.unsound;
  if (payload !== 0 && payload !== h.ip) return layout.REASON_IP_HEADER;
  way.proto = h.ip === ETHERTYPE_IPV4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6;
  if (ttl === layout.POP_TTL_STAYS) return layout.REASON_NODE;
  const hops = ttl === layout.POP_TTL_OF_LABEL ? ttlOf(entry) : h.hops;
  if (hops <= 1) return layout.REASON_TTL;
  way.hops = hops - 1;
  way.changesHops = true;
  way.counted = true;
  return layout.REASON_NODE;
}
