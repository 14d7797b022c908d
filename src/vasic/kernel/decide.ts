/**
 * What the kernel's program would do with a packet, decided from the same words: bpf/graph.h's decide() said in TypeScript, so that
 * a trace can tell who takes a packet, and why the engine does where it does. It reads, and changes nothing. The differential test
 * (test/fuzz/kernel) holds it against the program, reasons included.
 *
 * A complete frame is meant, received without a tag that a card took out; offload metadata is not looked at.
 */
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_MPLS } from '../../net/ethertypes';
import { read16, read32 } from '../../net/checksum';
import { pick } from '../engine/flow-hash';
import { ETHER_HEADER, isVlanType, LABEL_BYTES } from '../engine/headers';
import { labelOf, ttlOf } from '../engine/label-stack';
import { avalanche } from '../engine/mix';
import { addressOf, hashOf, hashOfLabels, isMartian, parse, type Headers } from './frame-headers';
import { hasLabel, hopsOnWire, newWay, pop, push, swap, topLabel, type RecordWords, type Way } from './label-steps';
import * as layout from './layout';
import { lookUp } from './lookup';
import { portAt } from './port-table';

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
      /** Ether type of what leaves. */
      readonly type: number;
      /** How many labels it loses, and the entries of its new ones, the outermost first. */
      readonly popped: number;
      readonly labels: readonly number[];
      /** The TTL or hop limit that its IP packet gets; undefined: it keeps its own. */
      readonly hops: number | undefined;
      readonly length: number;
    }
  | { readonly verdict: 'discarded' }
  /** One of layout.REASON_NAMES. */
  | { readonly verdict: 'slow'; readonly reason: string };

const EXTENSIONS: readonly number[] = [0, 43, 44, 51, 60];
const MAX_COUNTS = 8;

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

function walk(words: KernelWords, port: number, h: Headers): Decision {
  const { heap, globals } = words;
  const records = globals[layout.GLOBAL_RECORDS]!;
  const { frame, type } = h;
  const way = newWay(h);
  let slot = globals[portAt(port) + layout.PORT_START]!;
  let counts = 0;
  if (slot === 0) return slow(layout.REASON_UNBOUND);
  for (let step = 0; step < layout.MAX_KERNEL_STEPS; step++) {
    if (slot === 0) return slow(layout.REASON_NO_PATH);
    const at = records + slot * layout.RECORD_WORDS;
    const word: RecordWords = (offset) => heap[at + offset]!;
    const isRelabelled = way.labels.length > 0 || way.popped > 0;
    switch (word(0)) {
      case layout.KIND_GOTO:
        slot = word(layout.GOTO_NEXT);
        break;
      case layout.KIND_MATCH_MAC: {
        if (way.encap !== 0 || isRelabelled) return slow(layout.REASON_ORDER);
        slot = word(hasMac(frame, word) ? layout.MATCH_MAC_TRUE : layout.MATCH_MAC_FALSE);
        break;
      }
      case layout.KIND_FRONT:
      case layout.KIND_ETHER_SWITCH: {
        const isFront = word(0) === layout.KIND_FRONT;
        if (isRelabelled || (isFront && way.encap !== 0)) return slow(layout.REASON_ORDER);
        const types = layout.SWITCHED_TYPES.indexOf(type);
        if (isFront && !hasMac(frame, word)) slot = word(layout.FRONT_FALSE);
        else if (types < 0) return slow(layout.REASON_ETHER_TYPE);
        else slot = word((isFront ? layout.FRONT_IP4 : layout.ETHER_SWITCH_IP4) + types);
        break;
      }
      case layout.KIND_TREE: {
        if (way.encap !== 0 || way.labels.length > 0) return slow(layout.REASON_ORDER);
        if (way.proto === ETHERTYPE_MPLS) return slow(layout.REASON_ETHER_TYPE);
        if (h.unsound !== layout.REASON_NODE) return slow(h.unsound);
        const root = word(h.ip === ETHERTYPE_IPV4 ? layout.TREE_ROOT4 : layout.TREE_ROOT6);
        slot = lookUp(heap, root, addressOf(h, 'destination')) || word(layout.TREE_DEFAULT);
        way.routed = true;
        break;
      }
      case layout.KIND_BALANCE: {
        const hash = flowOf(way, h, word(layout.BALANCE_LABELS) !== 0);
        if (typeof hash !== 'number') return hash;
        slot = balance(heap, at, hash);
        break;
      }
      case layout.KIND_ADJACENCY:
      case layout.KIND_ENCAP:
        if ((!way.routed && way.popped === 0) || ++counts > MAX_COUNTS) return slow(layout.REASON_ORDER);
        way.encap = at;
        if (word(0) === layout.KIND_ADJACENCY) return leave(words, way, port, word(layout.ADJACENCY_PORT), h);
        slot = word(layout.ENCAP_NEXT);
        break;
      case layout.KIND_PUSH:
        if (!push(way, h, word) || ++counts > MAX_COUNTS) return slow(layout.REASON_ORDER);
        slot = word(layout.PUSH_NEXT);
        break;
      case layout.KIND_SWAP:
      case layout.KIND_POP: {
        const isSwap = word(0) === layout.KIND_SWAP;
        if (!hasLabel(way, h) || ++counts > MAX_COUNTS) return slow(layout.REASON_ORDER);
        const reason = (isSwap ? swap : pop)(way, h, word);
        if (reason !== layout.REASON_NODE) return slow(reason);
        if (isSwap) slot = word(layout.SWAP_NEXT);
        else slot = word(way.proto === ETHERTYPE_MPLS ? layout.POP_STACK : layout.POP_NEXT);
        break;
      }
      case layout.KIND_LABEL_TABLE:
        if (!hasLabel(way, h)) return slow(layout.REASON_ORDER);
        slot = findLabel(heap, word(layout.LABEL_TABLE_PAGES), labelOf(topLabel(way, h)));
        if (slot === 0) slot = word(layout.LABEL_TABLE_DEFAULT);
        else if (word(layout.LABEL_TABLE_EXPIRES) !== 0 && ttlOf(topLabel(way, h)) <= 1) return slow(layout.REASON_TTL);
        break;
      case layout.KIND_PORT_SWITCH:
        if (port >= word(layout.PORT_SWITCH_COUNT)) return slow(layout.REASON_ORDER);
        slot = heap[word(layout.PORT_SWITCH_SLOTS) + port]!;
        break;
      case layout.KIND_COUNTER:
        if (++counts > MAX_COUNTS) return slow(layout.REASON_ORDER);
        slot = word(layout.COUNTER_NEXT);
        break;
      case layout.KIND_OUTPUT:
        if ((!way.routed && way.popped === 0) || way.encap === 0) return slow(layout.REASON_ORDER);
        return leave(words, way, port, word(layout.OUTPUT_PORT), h);
      case layout.KIND_DISCARD:
        return counts >= MAX_COUNTS ? slow(layout.REASON_ORDER) : { verdict: 'discarded' };
      default:
        return slow(word(layout.SLOW_REASON));
    }
  }
  return slow(layout.REASON_STEPS);
}

function hasMac(frame: Uint8Array, word: RecordWords): boolean {
  return word(layout.MATCH_MAC_HIGH) === read16(frame, 0) && word(layout.MATCH_MAC_LOW) === read32(frame, 2);
}

/** Hash of the packet's flow; or why there is none. */
function flowOf(way: Way, h: Headers, byLabels: boolean): number | Decision {
  if (way.proto === ETHERTYPE_MPLS) {
    if (!hasLabel(way, h)) return slow(layout.REASON_ORDER);
    return hashOfLabels(h, way.popped, byLabels) ?? slow(layout.REASON_FLOW);
  }
  if (!way.routed || way.labels.length > 0) return slow(layout.REASON_ORDER);
  if (h.ip === ETHERTYPE_IPV6 && EXTENSIONS.includes(h.proto)) return slow(layout.REASON_FLOW);
  return hashOf(h);
}

/** Whether a packet can leave by a port: it is up, and sends what came in through native XDP, if that is how. */
function mayLeave(globals: Uint32Array, from: number, port: number): boolean {
  const flags = globals[portAt(port) + layout.PORT_FLAGS]!;
  const isNative = (globals[portAt(from) + layout.PORT_FLAGS]! & layout.PORT_XDP_TARGET) !== 0;
  return (flags & layout.PORT_UP) !== 0 && (!isNative || (flags & layout.PORT_XDP_TARGET) !== 0);
}

function leave({ heap, globals }: KernelWords, way: Way, from: number, port: number, h: Headers): Decision {
  const to = portAt(port);
  const { labels, popped, routed } = way;
  const mtu = heap[way.encap + layout.ENCAP_MTU]!;
  if (routed && isMartian(h)) return slow(layout.REASON_MARTIAN);
  if (routed && !way.counted && way.hops <= 1) return slow(layout.REASON_TTL);
  if (!mayLeave(globals, from, port)) return slow(layout.REASON_PORT);
  // Padding is taken off where the packet was routed.
  const rest = routed ? h.packet : h.frame.length - ETHER_HEADER - popped * LABEL_BYTES;
  const size = rest + labels.length * LABEL_BYTES;
  if (size > globals[to + layout.PORT_MTU]! || (mtu !== 0 && size > mtu)) return slow(layout.REASON_MTU);
  const macs = new Uint8Array(heap.slice(way.encap + layout.ENCAP_MACS, way.encap + layout.ENCAP_MACS + 3).buffer);
  const type = labels.length > 0 ? ETHERTYPE_MPLS : way.proto;
  const hops = way.changesHops || (routed && !way.counted) ? hopsOnWire(way) : undefined;
  return { verdict: 'sent', port, macs, type, popped, labels, hops, length: ETHER_HEADER + size };
}

/** Where the table of labels leads from this one; 0: it isn't there. */
function findLabel(heap: Uint32Array, pages: number, label: number): number {
  const page = heap[pages + (label >>> layout.LABEL_PAGE_BITS)]!;
  return page === 0 ? 0 : heap[page + (label & (layout.LABEL_PAGE_WORDS - 1))]!;
}

function balance(heap: Uint32Array, record: number, hash: number): number {
  const own = heap[heap[record + layout.BALANCE_SLOTS]! + pick(hash, heap[record + layout.BALANCE_MAX]!)]!;
  const present = heap[record + layout.BALANCE_PRESENT_COUNT]!;
  if (own !== 0 || present === 0) return own;
  return heap[heap[record + layout.BALANCE_PRESENT]! + pick(avalanche(hash ^ 0x9e3779b9), present)]!;
}
