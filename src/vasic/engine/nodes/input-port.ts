/** AftInputPort: goes where packets received on that port start. What a port is bound to is set by AftInsert.binds. */
import type { NodeKind } from '../node-kind';

export const inputPort: NodeKind<'inputPort'> = {
  noneAllowed: false,
  targets: () => [],
  check(node, context) {
    return context.ports.list[node.index] === undefined ? `there is no input port ${node.index}` : undefined;
  },
  link(node, context) {
    const counters = context.ports.list[node.index]!.input;
    return { counters, execute: () => context.inputStart(node.index) };
  },
  describe: () => () => '',
  image: (node, context) => ({ kind: 'goto', next: context.inputStart(node.index) }),
};
