/** AftIndirect: goes to its target. Replacing it in place moves everything that points at it, in one operation. */
import type { NodeKind } from '../node-kind';

export const indirect: NodeKind<'indirect'> = {
  noneAllowed: false,
  targets: (node) => [node.target],
  check: () => undefined,
  link(node, context) {
    const target = context.slotOf(node.target);
    return { execute: () => target };
  },
  describe: () => () => '',
  image: (node, context) => ({ kind: 'goto', next: context.slotOf(node.target) }),
};
