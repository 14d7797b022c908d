/**
 * What the kernel's program reads of a frame (bpf/headers.h's parse()), and what it takes a flow for: for decide.ts.
 */
import { read16, read32, sumBytes } from '../../net/checksum';
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_MPLS } from '../../net/ethertypes';
import { ETHER_HEADER, LABEL_BYTES } from '../engine/headers';
import { BOTTOM, labelFlow, payloadType } from '../engine/label-stack';
import { avalanche, mix } from '../engine/mix';
import { ADDRESS_WORDS } from '../engine/trie-bits';
import * as layout from './layout';

/** What the program reads of the headers. */
export interface Headers {
  readonly frame: Uint8Array;
  readonly type: number;
  /** Its labels as far as they are looked at, the outermost first, as entries; whether the last is at the bottom. */
  readonly stack: readonly number[];
  readonly bottom: boolean;
  /** Ether type and offset of the IP packet, which may be behind labels; type 0: there is none. */
  readonly ip: number;
  readonly at: number;
  /** Bytes of the IP packet. */
  packet: number;
  hops: number;
  proto: number;
  flowLabel: number;
  /** Source and destination port; undefined: the flow has none to count. */
  ports: readonly [number, number] | undefined;
  /** Why it is nothing to route by, REASON_NODE: it is sound. */
  unsound: number;
}

const PROTOS_WITH_PORTS: readonly number[] = [6, 17, 33, 132, 136];
const IP4_BYTES = 20;
const IP6_BYTES = 40;
const MAX_STACK = 4;
const SEED = 0x5bd1e995;

/** Reads the headers of a frame that is long enough for an Ethernet header, of this type. */
export function parse(frame: Uint8Array, type: number): Headers {
  const { stack, bottom } = readLabels(frame, type);
  const at = ETHER_HEADER + LABEL_BYTES * stack.length;
  const ip = type !== ETHERTYPE_MPLS ? type : bottom ? payloadType(frame, at, frame.length) : 0;
  const rest = { packet: 0, hops: 0, proto: 0, flowLabel: 0, ports: undefined, unsound: layout.REASON_ETHER_TYPE };
  const headers: Headers = { frame, type, stack, bottom, ip, at, ...rest };
  if (ip === ETHERTYPE_IPV4) headers.unsound = parse4(headers);
  else if (ip === ETHERTYPE_IPV6) headers.unsound = parse6(headers);
  return headers;
}

function readLabels(frame: Uint8Array, type: number): Pick<Headers, 'stack' | 'bottom'> {
  const stack: number[] = [];
  for (let at = ETHER_HEADER; type === ETHERTYPE_MPLS && stack.length < MAX_STACK; at += LABEL_BYTES) {
    if (at + LABEL_BYTES > frame.length) break;
    const entry = read32(frame, at);
    stack.push(entry);
    if ((entry & BOTTOM) !== 0) return { stack, bottom: true };
  }
  return { stack, bottom: false };
}

function parse4(h: Headers): number {
  const { frame, at } = h;
  if (at + IP4_BYTES > frame.length) return layout.REASON_IP_HEADER;
  if (frame[at] !== 0x45) return frame[at]! >> 4 === 4 ? layout.REASON_OPTIONS : layout.REASON_IP_HEADER;
  h.packet = read16(frame, at + 2);
  const fits = h.packet >= IP4_BYTES && at + h.packet <= frame.length;
  if (!fits || sumBytes(frame, at, at + IP4_BYTES) !== 0xffff) return layout.REASON_IP_HEADER;
  h.hops = frame[at + 8]!;
  h.proto = frame[at + 9]!;
  const isFragment = (read16(frame, at + 6) & 0x3fff) !== 0;
  if (!isFragment) readPorts(h, IP4_BYTES);
  return layout.REASON_NODE;
}

function parse6(h: Headers): number {
  const { frame, at } = h;
  if (at + IP6_BYTES > frame.length || frame[at]! >> 4 !== 6) return layout.REASON_IP_HEADER;
  h.packet = IP6_BYTES + read16(frame, at + 4);
  if (at + h.packet > frame.length) return layout.REASON_IP_HEADER;
  h.flowLabel = read32(frame, at) & 0xfffff;
  h.proto = frame[at + 6]!;
  h.hops = frame[at + 7]!;
  if (h.proto === 0) return layout.REASON_OPTIONS;
  readPorts(h, IP6_BYTES);
  return layout.REASON_NODE;
}

function readPorts(h: Headers, header: number): void {
  if (!PROTOS_WITH_PORTS.includes(h.proto) || h.packet < header + 4) return;
  h.ports = [read16(h.frame, h.at + header), read16(h.frame, h.at + header + 2)];
}

/** The address as four words, IPv4's in the first. */
export function addressOf({ frame, ip, at }: Headers, which: 'source' | 'destination'): Uint32Array {
  const isDestination = which === 'destination';
  const address = new Uint32Array(ADDRESS_WORDS);
  if (ip === ETHERTYPE_IPV4) address[0] = read32(frame, at + (isDestination ? 16 : 12));
  else for (let i = 0; i < 4; i++) address[i] = read32(frame, at + (isDestination ? 24 : 8) + 4 * i);
  return address;
}

/** Of a packet that is routed. */
export function hashOf(h: Headers): number {
  const is4 = h.ip === ETHERTYPE_IPV4;
  let hash = SEED;
  for (const which of ['source', 'destination'] as const) {
    for (const word of addressOf(h, which).subarray(0, is4 ? 1 : 4)) hash = mix(hash, word);
  }
  hash = mix(hash, h.proto);
  if (!is4) hash = mix(hash, h.flowLabel);
  for (const port of h.ports ?? []) hash = mix(hash, port);
  return avalanche(hash);
}

/**
 * Of a packet whose first label is the one behind `popped` others; by its labels, where the load balancer is told so. undefined: the program
 * doesn't see enough of it.
 */
export function hashOfLabels(h: Headers, popped: number, byLabels: boolean): number | undefined {
  if (!byLabels) return avalanche(SEED);
  const all = h.bottom || (popped === 0 && h.stack.length === MAX_STACK) || isIndicated(h, popped);
  const readsIp = h.bottom && !isIndicated(h, popped);
  if (!all || (readsIp && h.unsound !== layout.REASON_NODE && h.unsound !== layout.REASON_ETHER_TYPE)) return undefined;
  const l3 = ETHER_HEADER + LABEL_BYTES * popped;
  return avalanche(mix(SEED, labelFlow({ buffer: h.frame, l3, proto: ETHERTYPE_MPLS, end: h.frame.length }) | 0));
}

/** Whether an entropy label says what the flow is, before anything behind it would. */
function isIndicated({ stack }: Headers, popped: number): boolean {
  const from = stack.slice(popped).findIndex((entry) => entry >>> 12 === 7);
  return from >= 0 && stack.slice(popped + from + 1).some((entry) => entry >>> 12 >= 16);
}

/** All that engine/martians.ts doesn't forward, or in some cases only. */
export function isMartian(h: Headers): boolean {
  const [source, destination] = [addressOf(h, 'source'), addressOf(h, 'destination')];
  if (h.ip === ETHERTYPE_IPV4) return isMartian4(source[0]!) || isMartian4(destination[0]!);
  const isLow = (address: Uint32Array, from: number): boolean =>
    address[0] === 0 && address[1] === 0 && address[2] === 0 && address[3]! >= from && address[3]! <= 1;
  const isGroup = (address: Uint32Array): boolean => address[0]! >>> 24 === 0xff;
  const isLinkLocal = (address: Uint32Array): boolean => address[0]! >>> 22 === 0x3fa;
  if (isGroup(source) || isGroup(destination) || isLow(source, 0) || isLow(destination, 1)) return true;
  return isLinkLocal(source) || isLinkLocal(destination);
}

function isMartian4(address: number): boolean {
  const first = address >>> 24;
  return first === 127 || address === 0 || (first >= 224 && first < 240) || address === 0xffffffff;
}
