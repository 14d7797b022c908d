/**
 * AftDecap: takes a header off the packet. `ethernet`: the Ethernet header and VLAN tags. `label`: the whole MPLS label
 * stack; the Ethernet frame behind it is parsed afresh and can be looked up, or sent out of a port as it is. With label.count
 * one label alone: pop-label.ts.
 */
import { ETHERTYPE_MPLS } from '../../../net/ethertypes';
import { PARAM } from '../../../aft/model';
import { stackEnd } from '../label-stack';
import type { NodeKind, NodeOf } from '../node-kind';
import { intParam } from './params';
import { checkPop, describePop, imageOfPop, linkPop } from './pop-label';

/** Whether it is a decapsulation of one label. */
function takesOne(node: NodeOf<'decap'>): boolean {
  return node.template === 'label' && intParam(node, PARAM.labelCount) !== undefined;
}

export const decap: NodeKind<'decap'> = {
  noneAllowed: false,
  targets(node) {
    const stack = intParam(node, PARAM.labelStack);
    return takesOne(node) && stack !== undefined ? [stack] : [];
  },
  check(node, context) {
    if (takesOne(node)) return checkPop(node, context);
    if (node.template === 'ethernet' || node.template === 'label') return undefined;
    return `there is no decapsulation '${node.template}': ethernet and label are known`;
  },
  link(node, context, previous) {
    if (takesOne(node)) return linkPop(node, context, previous?.counters);
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
        const inner = stackEnd(walk.buffer, walk.l3, walk.end);
        if (inner < 0 || !walk.parseEthernet(inner)) return walk.drop('malformed');
        walk.carry = inner;
        walk.emit = inner;
        return next;
      },
    };
  },
  image: (node, context, { counters }) =>
    takesOne(node) ? imageOfPop(node, context, counters!) : { kind: 'slow', reason: 'node' },
  describe: (node, walk) => (takesOne(node) ? describePop(walk) : () => node.template),
};
