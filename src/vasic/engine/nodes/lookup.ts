/**
 * AftLookup: looks a packet up in a container by fields of its own choice (the container's, where it names none),
 * e.g. the source address in a route tree. The container's default applies.
 */
import { fieldName, isAddressField } from '../fields';
import { checkNumberField } from './switch';
import type { NodeKind } from './node';

export const lookup: NodeKind<'lookup'> = {
  noneAllowed: false,
  targets: (node) => [node.container],
  check(node, context) {
    const container = context.containerAt(context.slotOf(node.container));
    if (container === undefined) return `node ${node.container} has no entries to look up`;
    switch (container.keys) {
      case 'prefix': {
        const wrong = node.fields.find((field) => !isAddressField(field));
        return wrong === undefined ? undefined : `${fieldName(wrong)} cannot be looked up in a tree`;
      }
      case 'number':
        if (node.fields.length > 1) return 'a switch or table is looked up by one field';
        return node.fields.length === 0 ? undefined : checkNumberField(node.fields[0]!);
      case 'path':
        return 'a load balancer cannot be looked up';
    }
  },
  link(node, context) {
    const slot = context.slotOf(node.container);
    const next = context.slotOf(node.next);
    // The container may be replaced in place, so it is asked for every time.
    return { execute: (walk) => context.containerAt(slot)!.lookup(walk, node.fields) || next };
  },
};
