/** AftCounter: counts packets and bytes (as received, L2 header included), from the values that it was inserted with. */
import type { NodeKind } from '../node-kind';

export const counter: NodeKind<'counter'> = {
  noneAllowed: false,
  targets: () => [],
  check(node) {
    const sound = Number.isSafeInteger(node.packets) && Number.isSafeInteger(node.bytes);
    return sound && node.packets >= 0 && node.bytes >= 0 ? undefined : 'a counter starts at whole numbers from 0';
  },
  link(node, context) {
    const next = context.slotOf(node.next);
    const counters = { packets: node.packets, bytes: node.bytes, drops: 0 };
    return {
      counters,
      execute(walk) {
        walk.count(counters);
        return next;
      },
    };
  },
  describe: () => () => '',
  image: (node, context, { counters }) => ({ kind: 'counter', next: context.slotOf(node.next), counters: counters! }),
};
