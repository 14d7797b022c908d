/**
 * AftTable: an array of `size` entries, indexed by the value of one field; empty places lead to the default.
 *
 * With `mpls.ttlExpired` a table by packet.mpls.label is a router's: a packet whose label has an entry, but a TTL that would
 * expire, goes to that token as it was received.
 */
import { AftField, PARAM, PuntReason } from '../../../aft/model';
import { read32 } from '../../../net/checksum';
import { fieldName } from '../fields';
import { hasLabel, ttlOf } from '../label-stack';
import { END } from '../walk';
import type { Walk } from '../walk';
import { checkNumberField, describeLookup, inheritedStore, NumberLookup } from './switch';
import type { NodeKind } from '../node-kind';
import { intParam } from './params';

/** Whether the top label's TTL doesn't last for another hop. */
function expires(walk: Walk): boolean {
  return hasLabel(walk) && ttlOf(read32(walk.buffer, walk.l3)) <= 1;
}

export const table: NodeKind<'table'> = {
  noneAllowed: true,
  targets(node) {
    return [node.defaultNext, intParam(node, PARAM.mplsTtlExpired)].filter((token) => token !== undefined);
  },
  check(node, context, replaced) {
    const field = node.fields[0];
    if (field === undefined || node.fields.length > 1) return 'a table is indexed by exactly one field';
    const problem = checkNumberField(field);
    if (problem !== undefined) return problem;
    if (!Number.isSafeInteger(node.size) || node.size < 1) return 'a table needs a size of at least 1';
    const expired = intParam(node, PARAM.mplsTtlExpired);
    if (expired !== undefined && field !== AftField.MplsLabel)
      return `${PARAM.mplsTtlExpired} is for tables by ${fieldName(AftField.MplsLabel)}`;
    if (expired !== undefined && context.slotOf(expired) === END) return `${PARAM.mplsTtlExpired} names no node`;
    if (replaced === undefined || replaced.entries === 0) return undefined;
    const before = replaced.node.fields[0]!;
    if (before !== field) return `it has entries for ${fieldName(before)}: remove them before it gets another field`;
    return node.size < replaced.node.size ? 'it has entries: remove them before it shrinks' : undefined;
  },
  link(node, context, previous) {
    const store = inheritedStore(previous);
    const missing = context.slotOf(node.defaultNext);
    const container = new NumberLookup(node.fields[0]!, node.size, missing, store);
    const next = context.slotOf(node.next);
    const token = intParam(node, PARAM.mplsTtlExpired);
    if (token === undefined) return { container, execute: (walk) => container.lookup(walk, []) || next };
    const expired = context.slotOf(token);
    return {
      container,
      execute(walk) {
        const slot = container.find(walk);
        if (slot === END) return missing || next;
        if (expires(walk)) return walk.redirect(expired, PuntReason.LabelTtl);
        walk.labelExpired = expired;
        return slot;
      },
    };
  },
  image(node, context, { container }) {
    if (node.fields[0] !== AftField.MplsLabel) return { kind: 'slow', reason: 'node' };
    const otherwise = context.slotOf(node.defaultNext) || context.slotOf(node.next);
    const expires = intParam(node, PARAM.mplsTtlExpired) !== undefined;
    const { store } = container as NumberLookup;
    const to = (label: number): number => store.find(label);
    return { kind: 'labelTable', otherwise, expires, to, changed: (all) => store.changed(all) };
  },
  describe(node, walk, context) {
    const lookup = describeLookup(node.fields[0]!, walk, context);
    const expiring = node.params?.[PARAM.mplsTtlExpired] !== undefined && expires(walk);
    return (next) => `${lookup(next)}${expiring ? ', its TTL expires' : ''}`;
  },
};
