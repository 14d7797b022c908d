/**
 * What the kernel's program would do with a packet, decided from the same words: bpf/forward.bpf.c's decide() said in TypeScript, so that
 * a trace can tell who takes a packet, and why the engine does where it does. It reads, and changes nothing. The differential test
 * (test/fuzz/kernel) holds it against the program, reasons included.
 *
 * A complete frame is meant, received without a tag that a card took out; offload metadata and the ways between hooks (native XDP
 * to a card that doesn't send for it) are not looked at.
 */
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_MPLS } from '../../net/ethertypes';
import { read16, read32, sumBytes } from '../../net/checksum';
import { pick } from '../engine/flow-hash';
import { ETHER_HEADER, isVlanType, LABEL_BYTES } from '../engine/headers';
import { BOTTOM, trafficClassBits, ttlOf } from '../engine/label-stack';
import { avalanche, mix } from '../engine/mix';
import { INDEX_BITS } from '../engine/short-prefixes';
import { ADDRESS_WORDS, chunkAt, COVERING, rank, STRIDE } from '../engine/trie-bits';
import { CHILD_BLOCK, CHILDREN, NODE_WORDS, VALUE_BLOCK } from '../engine/trie-nodes';
import * as layout from './layout';

/** The words that the program reads. */
export interface KernelWords {
  readonly heap: Uint32Array;
  readonly globals: Uint32Array;
}

export type Decision =
  | {
      readonly verdict: 'sent';
      readonly port: number;
      readonly macs: Uint8Array;
      /** Entries of its new labels, the outermost first. */
      readonly labels: readonly number[];
      readonly length: number;
    }
  | { readonly verdict: 'discarded' }
  /** One of layout.REASON_NAMES. */
  | { readonly verdict: 'slow'; readonly reason: string };

/** What the program reads of the headers. Addresses are four words, IPv4's in the first. */
interface Headers {
  readonly frame: Uint8Array;
  readonly type: number;
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
const EXTENSIONS: readonly number[] = [0, 43, 44, 51, 60];
const IP = ETHER_HEADER;
const IP4_BYTES = 20;
const IP6_BYTES = 40;
const MAX_COUNTS = 8;
const MAX_PUSHED = 4;

function slow(reason: number): Decision {
  return { verdict: 'slow', reason: layout.REASON_NAMES[reason]! };
}

export function decide(words: KernelWords, port: number, frame: Uint8Array): Decision {
  if (frame.length < ETHER_HEADER) return slow(layout.REASON_SHORT);
  const type = read16(frame, 12);
  if (isVlanType(type)) return slow(layout.REASON_TAGGED);
  const headers = parse(frame, type);
  if ((words.globals[layout.GLOBAL_GRAPH_VERSION]! & 1) !== 0) return slow(layout.REASON_BUSY);
  return walk(words, port, headers);
}

function parse(frame: Uint8Array, type: number): Headers {
  const rest = { packet: 0, hops: 0, proto: 0, flowLabel: 0, ports: undefined, unsound: layout.REASON_ETHER_TYPE };
  const headers: Headers = { frame, type, ...rest };
  if (type === ETHERTYPE_IPV4) headers.unsound = parse4(headers);
  else if (type === ETHERTYPE_IPV6) headers.unsound = parse6(headers);
  return headers;
}

function parse4(h: Headers): number {
  const { frame } = h;
  if (IP + IP4_BYTES > frame.length) return layout.REASON_IP_HEADER;
  if (frame[IP] !== 0x45) return frame[IP]! >> 4 === 4 ? layout.REASON_OPTIONS : layout.REASON_IP_HEADER;
  h.packet = read16(frame, IP + 2);
  const fits = h.packet >= IP4_BYTES && h.packet + ETHER_HEADER <= frame.length;
  if (!fits || sumBytes(frame, IP, IP + IP4_BYTES) !== 0xffff) return layout.REASON_IP_HEADER;
  h.hops = frame[IP + 8]!;
  h.proto = frame[IP + 9]!;
  const isFragment = (read16(frame, IP + 6) & 0x3fff) !== 0;
  if (!isFragment) readPorts(h, IP4_BYTES);
  return layout.REASON_NODE;
}

function parse6(h: Headers): number {
  const { frame } = h;
  if (IP + IP6_BYTES > frame.length || frame[IP]! >> 4 !== 6) return layout.REASON_IP_HEADER;
  h.packet = IP6_BYTES + read16(frame, IP + 4);
  if (h.packet + ETHER_HEADER > frame.length) return layout.REASON_IP_HEADER;
  h.flowLabel = read32(frame, IP) & 0xfffff;
  h.proto = frame[IP + 6]!;
  h.hops = frame[IP + 7]!;
  if (h.proto === 0) return layout.REASON_OPTIONS;
  readPorts(h, IP6_BYTES);
  return layout.REASON_NODE;
}

function readPorts(h: Headers, header: number): void {
  if (!PROTOS_WITH_PORTS.includes(h.proto) || h.packet < header + 4) return;
  h.ports = [read16(h.frame, IP + header), read16(h.frame, IP + header + 2)];
}

function walk({ heap, globals }: KernelWords, port: number, h: Headers): Decision {
  const slots = globals[layout.GLOBAL_SLOTS]!;
  const { frame, type } = h;
  let slot = globals[portAt(port) + layout.PORT_START]!;
  let counts = 0;
  let routed = false;
  let encapsulated = 0;
  const labels: number[] = [];
  if (slot === 0) return slow(layout.REASON_UNBOUND);
  for (let step = 0; step < layout.MAX_KERNEL_STEPS; step++) {
    if (slot === 0) return slow(layout.REASON_NO_PATH);
    const at = heap[slots + slot] ?? 0;
    if (at === 0) return slow(layout.REASON_NODE);
    const word = (offset: number): number => heap[at + offset]!;
    switch (word(0)) {
      case layout.KIND_GOTO:
        slot = word(layout.GOTO_NEXT);
        break;
      case layout.KIND_MATCH_MAC: {
        if (encapsulated !== 0 || labels.length > 0) return slow(layout.REASON_ORDER);
        const same =
          word(layout.MATCH_MAC_HIGH) === read16(frame, 0) && word(layout.MATCH_MAC_LOW) === read32(frame, 2);
        slot = word(same ? layout.MATCH_MAC_TRUE : layout.MATCH_MAC_FALSE);
        break;
      }
      case layout.KIND_ETHER_SWITCH:
        if (labels.length > 0) return slow(layout.REASON_ORDER);
        if (type === ETHERTYPE_IPV4) slot = word(layout.ETHER_SWITCH_IP4);
        else if (type === ETHERTYPE_IPV6) slot = word(layout.ETHER_SWITCH_IP6);
        else if (type === ETHERTYPE_MPLS) slot = word(layout.ETHER_SWITCH_MPLS);
        else return slow(layout.REASON_ETHER_TYPE);
        break;
      case layout.KIND_TREE: {
        if (encapsulated !== 0 || labels.length > 0) return slow(layout.REASON_ORDER);
        if (h.unsound !== layout.REASON_NODE) return slow(h.unsound);
        const root = word(type === ETHERTYPE_IPV4 ? layout.TREE_ROOT4 : layout.TREE_ROOT6);
        slot = lookUp(heap, root, addressOf(h, 'destination')) || word(layout.TREE_DEFAULT);
        routed = true;
        break;
      }
      case layout.KIND_BALANCE:
        if (!routed || labels.length > 0) return slow(layout.REASON_ORDER);
        if (type === ETHERTYPE_IPV6 && EXTENSIONS.includes(h.proto)) return slow(layout.REASON_FLOW);
        slot = balance(heap, at, h);
        break;
      case layout.KIND_ENCAP:
        if (!routed || ++counts > MAX_COUNTS) return slow(layout.REASON_ORDER);
        encapsulated = at;
        slot = word(layout.ENCAP_NEXT);
        break;
      case layout.KIND_PUSH:
        if (!routed || encapsulated !== 0 || labels.length >= MAX_PUSHED || ++counts > MAX_COUNTS)
          return slow(layout.REASON_ORDER);
        labels.unshift(pushed(word, labels[0], h));
        slot = word(layout.PUSH_NEXT);
        break;
      case layout.KIND_COUNTER:
        if (++counts > MAX_COUNTS) return slow(layout.REASON_ORDER);
        slot = word(layout.COUNTER_NEXT);
        break;
      case layout.KIND_OUTPUT:
        if (!routed || encapsulated === 0) return slow(layout.REASON_ORDER);
        return leave({ heap, globals }, encapsulated, word(layout.OUTPUT_PORT), h, labels);
      case layout.KIND_DISCARD:
        return counts >= MAX_COUNTS ? slow(layout.REASON_ORDER) : { verdict: 'discarded' };
      default:
        return slow(word(layout.SLOW_REASON));
    }
  }
  return slow(layout.REASON_STEPS);
}

/** The entry of a label in front of `below`, or of the IP packet. */
function pushed(word: (offset: number) => number, below: number | undefined, h: Headers): number {
  const own = word(layout.PUSH_TTL);
  const ttl = own || (below === undefined ? Math.max(0, h.hops - 1) : ttlOf(below));
  const tc = below !== undefined && word(layout.PUSH_KEEPS_CLASS) !== 0 ? trafficClassBits(below) : 0;
  return (word(layout.PUSH_LABEL) | tc | (below === undefined ? BOTTOM : 0) | ttl) >>> 0;
}

function leave(
  { heap, globals }: KernelWords,
  encap: number,
  port: number,
  h: Headers,
  labels: readonly number[],
): Decision {
  const to = portAt(port);
  const mtu = heap[encap + layout.ENCAP_MTU]!;
  if (isMartian(h)) return slow(layout.REASON_MARTIAN);
  if (h.hops <= 1) return slow(layout.REASON_TTL);
  if ((globals[to + layout.PORT_FLAGS]! & layout.PORT_UP) === 0) return slow(layout.REASON_PORT);
  const size = h.packet + labels.length * LABEL_BYTES;
  if (size > globals[to + layout.PORT_MTU]! || (mtu !== 0 && size > mtu)) return slow(layout.REASON_MTU);
  const macs = new Uint8Array(heap.slice(encap + layout.ENCAP_MACS, encap + layout.ENCAP_MACS + 3).buffer);
  return { verdict: 'sent', port, macs, labels, length: ETHER_HEADER + size };
}

function portAt(port: number): number {
  return layout.GLOBAL_PORTS + port * layout.PORT_WORDS;
}

function addressOf({ frame, type }: Headers, which: 'source' | 'destination'): Uint32Array {
  const isDestination = which === 'destination';
  const address = new Uint32Array(ADDRESS_WORDS);
  if (type === ETHERTYPE_IPV4) address[0] = read32(frame, IP + (isDestination ? 16 : 12));
  else for (let i = 0; i < 4; i++) address[i] = read32(frame, IP + (isDestination ? 24 : 8) + 4 * i);
  return address;
}

/** The value of the longest prefix in the trie at `root`; 0: none. */
function lookUp(heap: Uint32Array, root: number, address: Uint32Array): number {
  if (root === 0) return 0;
  const first = address[0]! >>> INDEX_BITS;
  const index = heap[root + layout.ROOT_INDEX]!;
  let node = index === 0 ? heap[root + layout.ROOT_NODE]! : heap[index + first]!;
  let at = 0;
  for (let depth = index === 0 ? 0 : INDEX_BITS; node !== 0; depth += STRIDE) {
    const chunk = chunkAt(address, depth);
    const covering = heap[node]! & COVERING[chunk]!;
    if (covering !== 0) at = heap[node + VALUE_BLOCK]! + rank(heap[node]!, 31 - Math.clz32(covering));
    const children = heap[node + CHILDREN]!;
    if (((children >>> chunk) & 1) === 0) break;
    node = heap[node + CHILD_BLOCK]! + rank(children, chunk) * NODE_WORDS;
  }
  if (at !== 0) return heap[at]!;
  if (index === 0) return 0;
  const cover = heap[heap[root + layout.ROOT_COVER]! + (first >>> 1)]! >>> ((first & 1) << 4);
  return heap[heap[root + layout.ROOT_SHORTS]! + (cover & 0xffff)]!;
}

function balance(heap: Uint32Array, record: number, h: Headers): number {
  const hash = hashOf(h);
  const own = heap[heap[record + layout.BALANCE_SLOTS]! + pick(hash, heap[record + layout.BALANCE_MAX]!)]!;
  const present = heap[record + layout.BALANCE_PRESENT_COUNT]!;
  if (own !== 0 || present === 0) return own;
  return heap[heap[record + layout.BALANCE_PRESENT]! + pick(avalanche(hash ^ 0x9e3779b9), present)]!;
}

function hashOf(h: Headers): number {
  const is4 = h.type === ETHERTYPE_IPV4;
  let hash = 0x5bd1e995;
  for (const which of ['source', 'destination'] as const) {
    for (const word of addressOf(h, which).subarray(0, is4 ? 1 : 4)) hash = mix(hash, word);
  }
  hash = mix(hash, h.proto);
  if (!is4) hash = mix(hash, h.flowLabel);
  for (const port of h.ports ?? []) hash = mix(hash, port);
  return avalanche(hash);
}

/** All that engine/martians.ts doesn't forward, or in some cases only. */
function isMartian(h: Headers): boolean {
  const [source, destination] = [addressOf(h, 'source'), addressOf(h, 'destination')];
  if (h.type === ETHERTYPE_IPV4) return isMartian4(source[0]!) || isMartian4(destination[0]!);
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
