/**
 * The `label` template of AftEncap: an MPLS label (parameter label.value; RFC 3032) in front of the whole packet: the L2 frame
 * as received, unless a lookup routed it or its header was stripped. The innermost label has the bottom-of-stack bit. Without
 * further parameters its TTL is 255 and its traffic class 0, as a vMX was captured.
 *
 * `label.ttl`: another TTL. `label.ttlPropagate`: the TTL of the packet behind it, as that will be on the wire. With either of
 * them a label in front of another has that one's traffic class. `label.swap`: the label takes the place of the top one, whose
 * traffic class it keeps; its TTL is one less (RFC 3443).
 */
import { PARAM } from '../../../aft/model';
import { ETHERTYPE_MPLS } from '../../../net/ethertypes';
import { read32, write32 } from '../../../net/checksum';
import { LABEL_BYTES } from '../headers';
import { BOTTOM, entryLike, hasLabel, labelOf, trafficClassBits, ttlOf } from '../label-stack';
import type { Counters } from '../ports';
import { hopsOnWire } from '../ttl-and-mtu';
import { DONE } from '../walk';
import type { Walk } from '../walk';
import type { NodeImage } from '../node-image';
import type { Compiled, Description, NodeOf } from '../node-kind';
import { boolParam, intParam } from './params';

const MAX_LABEL = 0xfffff;
const MAX_TTL = 255;

/** What is wrong with a label encapsulation; undefined: nothing. */
export function checkLabel(node: NodeOf<'encap'>): string | undefined {
  const label = intParam(node, PARAM.labelValue);
  if (label === undefined || !Number.isInteger(label) || label < 0 || label > MAX_LABEL)
    return `a label encapsulation needs ${PARAM.labelValue}, an int from 0 to ${MAX_LABEL}`;
  for (const name of [PARAM.labelSwap, PARAM.labelTtlPropagate])
    if (node.params?.[name] !== undefined && boolParam(node, name) === undefined) return `${name} has to be a bool`;
  const ttl = intParam(node, PARAM.labelTtl);
  if (ttl !== undefined && !(Number.isInteger(ttl) && ttl >= 1 && ttl <= MAX_TTL))
    return `${PARAM.labelTtl} has to be an int from 1 to ${MAX_TTL}`;
  const swaps = boolParam(node, PARAM.labelSwap) === true;
  const hasTtl = ttl !== undefined || boolParam(node, PARAM.labelTtlPropagate) !== undefined;
  return swaps && hasTtl ? `a label that takes another's place has its TTL: no ${PARAM.labelTtl} beside it` : undefined;
}

/** A label encapsulation ready to run; `nhId` -1: it has none. */
export function linkLabel(node: NodeOf<'encap'>, next: number, nhId: number, counters: Counters): Compiled {
  const label = intParam(node, PARAM.labelValue)!;
  const put = boolParam(node, PARAM.labelSwap) === true ? swapLabel : pusher(node);
  return {
    counters,
    execute(walk) {
      if (!put(walk, label)) return DONE;
      walk.count(counters);
      if (nhId >= 0) walk.nhId = nhId;
      return next;
    },
  };
}

function swapLabel(walk: Walk, label: number): boolean {
  if (!hasLabel(walk)) return walk.drop('notMpls') !== DONE;
  const { buffer, l3 } = walk;
  const before = read32(buffer, l3);
  walk.keep(l3, LABEL_BYTES);
  write32(buffer, l3, entryLike(before, label, Math.max(0, ttlOf(before) - 1)));
  walk.setNetwork(l3, ETHERTYPE_MPLS);
  walk.hopCounted = true;
  return true;
}

/** How its label gets TTL and class. */
function pushing(node: NodeOf<'encap'>): { propagates: boolean; ttl: number | undefined; keepsClass: boolean } {
  const propagates = boolParam(node, PARAM.labelTtlPropagate) === true;
  const ttl = intParam(node, PARAM.labelTtl);
  return { propagates, ttl, keepsClass: propagates || ttl !== undefined };
}

function pusher(node: NodeOf<'encap'>): (walk: Walk, label: number) => boolean {
  const { propagates, ttl, keepsClass } = pushing(node);
  return (walk, label) => {
    // In front of an L2 frame no label is above another.
    const isPacket = walk.carry === walk.l3;
    const onLabel = isPacket && walk.proto === ETHERTYPE_MPLS;
    const below = onLabel && hasLabel(walk) ? read32(walk.buffer, walk.l3) : 0;
    const trafficClass = keepsClass ? trafficClassBits(below) : 0;
    const hops = propagates && isPacket ? packetHops(walk, onLabel, below) : (ttl ?? MAX_TTL);
    const start = walk.open(walk.carry, LABEL_BYTES);
    if (start < 0) return walk.drop('noHeadroom') !== DONE;
    write32(walk.buffer, start, (label * 0x1000 + trafficClass + (onLabel ? 0 : BOTTOM) + hops) >>> 0);
    walk.setNetwork(start, ETHERTYPE_MPLS);
    return true;
  };
}

function packetHops(walk: Walk, onLabel: boolean, below: number): number {
  if (onLabel) return ttlOf(below);
  return walk.isIp4 || walk.isIp6 ? hopsOnWire(walk, walk.l3) : MAX_TTL;
}

/** What the kernel may do of it. */
export function imageOfLabel(node: NodeOf<'encap'>, next: number, counters: Counters): NodeImage {
  const label = intParam(node, PARAM.labelValue)!;
  if (boolParam(node, PARAM.labelSwap) === true) return { kind: 'swap', next, label, counters };
  const { propagates, ttl, keepsClass } = pushing(node);
  return { kind: 'push', next, label, ttl: propagates ? undefined : (ttl ?? MAX_TTL), keepsClass, counters };
}

/** What a trace says of a label encapsulation; of one without parameters of ours, that it is one. */
export function describeLabel(node: NodeOf<'encap'>, walk: Walk): Description {
  const label = intParam(node, PARAM.labelValue)!;
  if (boolParam(node, PARAM.labelSwap) === true) {
    const before = hasLabel(walk) ? labelOf(read32(walk.buffer, walk.l3)) : undefined;
    return (next) => {
      if (next === DONE || before === undefined) return 'no label to swap';
      return `label ${before} becomes ${label}, TTL ${ttlOf(read32(walk.buffer, walk.l3))}`;
    };
  }
  const plain = node.params?.[PARAM.labelTtl] === undefined && node.params?.[PARAM.labelTtlPropagate] === undefined;
  if (plain) return () => 'label';
  return (next) =>
    next === DONE ? 'no room for another label' : `label ${label}, TTL ${ttlOf(read32(walk.buffer, walk.l3))}`;
}
