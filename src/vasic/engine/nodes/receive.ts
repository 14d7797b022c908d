/** AftReceive: hands the packet to the host as it was received, with the node's code as the reason. */
import { PuntReason } from '../../../aft/model';
import { newCounters } from '../ports';
import type { NodeKind } from '../node-kind';

export const receive: NodeKind<'receive'> = {
  noneAllowed: false,
  targets: () => [],
  check(node) {
    const sound = Number.isInteger(node.code) && node.code >= 0 && node.code <= 255;
    return sound ? undefined : 'a receive node needs a code from 0 to 255';
  },
  link(node, _context, previous) {
    const counters = previous?.counters ?? newCounters();
    return {
      counters,
      execute(walk) {
        walk.count(counters);
        return walk.punt(node.code);
      },
    };
  },
  image: () => ({ kind: 'slow', reason: 'host' }),
  describe: (node) => () => `to the host: ${PuntReason[node.code] ?? `reason ${node.code}`}`,
};
