/**
 * The `label` template of AftDecap with `label.count` 1: takes one label off the packet and goes on with what is behind it, as
 * it is: the next label (to the token label.stack, where there is one), or after the last one the IP packet, whose version is
 * that of its first four bits.
 *
 * The label's TTL counts the hop. `label.ttlPropagate` true: the IP packet gets the label's TTL, less one (RFC 3443's uniform
 * model); false: its own is one less (the pipe model), and one that would expire goes where the table of labels says; absent:
 * it stays as it is. Counts the packets that had a label. A label behind the one that is taken keeps its TTL, as in Linux. `label.payload`: only this IP version may follow.
 */
import { PARAM, PuntReason } from '../../../aft/model';
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_MPLS } from '../../../net/ethertypes';
import { read32 } from '../../../net/checksum';
import { LABEL_BYTES } from '../headers';
import { BOTTOM, hasLabel, labelOf, payloadType, ttlOf } from '../label-stack';
import { newCounters, type Counters } from '../ports';
import { hopsOf, setHops } from '../ttl-and-mtu';
import { DONE, END } from '../walk';
import type { Walk } from '../walk';
import type { NodeImage } from '../node-image';
import type { Compiled, Description, LinkContext, NodeOf } from '../node-kind';
import { boolParam, intParam } from './params';

/** What is wrong with a decapsulation of one label; undefined: nothing. */
export function checkPop(node: NodeOf<'decap'>, context: LinkContext): string | undefined {
  if (intParam(node, PARAM.labelCount) !== 1) return `${PARAM.labelCount} has to be the int 1`;
  if (node.params?.[PARAM.labelTtlPropagate] !== undefined && boolParam(node, PARAM.labelTtlPropagate) === undefined)
    return `${PARAM.labelTtlPropagate} has to be a bool`;
  const payload = intParam(node, PARAM.labelPayload);
  if (payload !== undefined && payload !== 4 && payload !== 6) return `${PARAM.labelPayload} has to be 4 or 6`;
  const stack = intParam(node, PARAM.labelStack);
  return stack === undefined || context.slotOf(stack) !== END ? undefined : `${PARAM.labelStack} names no node`;
}

/** What is read of the node. */
function popping(node: NodeOf<'decap'>, context: LinkContext) {
  const next = context.slotOf(node.next);
  const version = intParam(node, PARAM.labelPayload);
  return {
    next,
    stack: context.slotOf(intParam(node, PARAM.labelStack)) || next,
    propagates: boolParam(node, PARAM.labelTtlPropagate),
    payload: version === undefined ? undefined : version === 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6,
  };
}

/** What the kernel may do of it. */
export function imageOfPop(node: NodeOf<'decap'>, context: LinkContext, counters: Counters): NodeImage {
  const { propagates, ...rest } = popping(node, context);
  const ttl = propagates === undefined ? 'stays' : propagates ? 'ofLabel' : 'ofPacket';
  return { kind: 'pop', ...rest, ttl, counters };
}

/** A decapsulation of one label, ready to run. */
export function linkPop(node: NodeOf<'decap'>, context: LinkContext, counters: Counters = newCounters()): Compiled {
  const { next, stack, propagates, payload } = popping(node, context);
  return {
    counters,
    execute(walk) {
      if (!hasLabel(walk)) return walk.drop('notMpls');
      const entry = read32(walk.buffer, walk.l3);
      const inner = walk.l3 + LABEL_BYTES;
      if ((entry & BOTTOM) === 0) {
        if (inner + LABEL_BYTES > walk.end) return walk.drop('malformed');
        walk.count(counters);
        walk.setNetwork(inner, ETHERTYPE_MPLS);
        return stack;
      }
      const type = payloadType(walk.buffer, inner, walk.end);
      if (type === 0 || (payload !== undefined && type !== payload)) return walk.drop('malformed');
      walk.count(counters);
      walk.setNetwork(inner, type);
      if (propagates === undefined) return next;
      if (!propagates && hopsOf(walk.buffer, inner) <= 1) return expired(walk);
      const hops = propagates ? ttlOf(entry) : hopsOf(walk.buffer, inner);
      setHops(walk, inner, Math.max(0, hops - 1));
      walk.hopCounted = true;
      return next;
    },
  };
}

function expired(walk: Walk): number {
  const to = walk.labelExpired;
  return to === END ? walk.drop('ttlExpired') : walk.redirect(to, PuntReason.LabelTtl);
}

/** What a trace says of it. */
export function describePop(walk: Walk): Description {
  const label = hasLabel(walk) ? labelOf(read32(walk.buffer, walk.l3)) : undefined;
  return (next) => {
    if (label === undefined) return 'no label to take';
    if (next === DONE) return `label ${label}: what is behind it is neither a label nor IP`;
    if (hasLabel(walk)) return `label ${label}, label ${labelOf(read32(walk.buffer, walk.l3))} follows`;
    const { buffer, l3 } = walk;
    return `label ${label}, IPv${buffer[l3]! >> 4} follows, TTL ${hopsOf(buffer, l3)}`;
  };
}
