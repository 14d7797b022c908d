/**
 * AftDecap: takes a header off the packet. `ethernet`: the Ethernet header and VLAN tags. `label`: the whole MPLS label
 * stack; the Ethernet frame behind it is parsed afresh and can be looked up, or sent out of a port as it is.
 */
import { ETHERTYPE_MPLS } from '../../../net/ethertypes';
import { LABEL_BYTES } from '../headers';
import type { Walk } from '../walk';
import type { NodeKind } from '../node-kind';

/** Deeper stacks are not to be believed. */
const MAX_LABELS = 16;

/** Offset behind the label stack at l3, or -1 where it has no end within the packet. */
function stackEnd(walk: Walk): number {
  let at = walk.l3;
  for (let i = 0; i < MAX_LABELS && at + LABEL_BYTES <= walk.end; i++) {
    at += LABEL_BYTES;
    if ((walk.buffer[at - 2]! & 1) !== 0) return at;
  }
  return -1;
}

export const decap: NodeKind<'decap'> = {
  noneAllowed: false,
  targets: () => [],
  check(node) {
    if (node.template === 'ethernet' || node.template === 'label') return undefined;
    return `there is no decapsulation '${node.template}': ethernet and label are known`;
  },
  link(node, context) {
    const next = context.slotOf(node.next);
    if (node.template === 'ethernet') {
      return {
        execute(walk) {
          walk.stripEthernet();
          return next;
        },
      };
    }
    return {
      execute(walk) {
        if (walk.proto !== ETHERTYPE_MPLS) return walk.drop('notMpls');
        const inner = stackEnd(walk);
        if (inner < 0 || !walk.parseEthernet(inner)) return walk.drop('malformed');
        walk.carry = inner;
        walk.emit = inner;
        return next;
      },
    };
  },
  describe: (node) => () => node.template,
};
