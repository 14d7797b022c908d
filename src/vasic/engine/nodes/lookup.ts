/**
 * AftLookup: looks a packet up in a container by fields of its own choice (the container's, where it names none),
 * e.g. the source address in a route tree. The container's default applies.
 */
import type { NodeKind } from '../node-kind';

export const lookup: NodeKind<'lookup'> = {
  noneAllowed: false,
  targets: (node) => [node.container],
  check(node, context) {
    const container = context.containerAt(context.slotOf(node.container));
    if (container === undefined) return `node ${node.container} has no entries to look up`;
    return container.checkFields(node.fields);
  },
  link(node, context) {
    const slot = context.slotOf(node.container);
    const next = context.slotOf(node.next);
    // The container may be replaced in place, so it is asked for every time.
    return { execute: (walk) => context.containerAt(slot)!.lookup(walk, node.fields) || next };
  },
  describe: (node) => () => `in node ${node.container}`,
};
