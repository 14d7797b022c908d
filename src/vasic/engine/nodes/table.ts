/** AftTable: an array of `size` entries, indexed by the value of one field; empty places lead to the default. */
import { fieldName } from '../fields';
import { checkNumberField, describeLookup, inheritedStore, NumberLookup } from './switch';
import type { NodeKind } from '../node-kind';

export const table: NodeKind<'table'> = {
  noneAllowed: true,
  targets: (node) => [node.defaultNext],
  check(node, _context, replaced) {
    const field = node.fields[0];
    if (field === undefined || node.fields.length > 1) return 'a table is indexed by exactly one field';
    const problem = checkNumberField(field);
    if (problem !== undefined) return problem;
    if (!Number.isSafeInteger(node.size) || node.size < 1) return 'a table needs a size of at least 1';
    if (replaced === undefined || replaced.entries === 0) return undefined;
    const before = replaced.node.fields[0]!;
    if (before !== field) return `it has entries for ${fieldName(before)}: remove them before it gets another field`;
    return node.size < replaced.node.size ? 'it has entries: remove them before it shrinks' : undefined;
  },
  link(node, context, previous) {
    const store = inheritedStore(previous);
    const container = new NumberLookup(node.fields[0]!, node.size, context.slotOf(node.defaultNext), store);
    const next = context.slotOf(node.next);
    return { container, execute: (walk) => container.lookup(walk, []) || next };
  },
  describe: (node, walk, context) => describeLookup(node.fields[0]!, walk, context),
};
