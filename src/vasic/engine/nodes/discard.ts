/** AftDiscard: drops the packet, and counts it. */
import { newCounters } from '../ports';
import type { NodeKind } from '../node-kind';

export const discard: NodeKind<'discard'> = {
  noneAllowed: false,
  targets: () => [],
  check: () => undefined,
  link(_node, _context, previous) {
    const counters = previous?.counters ?? newCounters();
    return {
      counters,
      execute(walk) {
        walk.count(counters);
        return walk.drop('discard');
      },
    };
  },
  describe: () => () => '',
  image: (_node, _context, { counters }) => ({ kind: 'discard', counters: counters! }),
};
