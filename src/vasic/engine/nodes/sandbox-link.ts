/** AftSandboxLink: leads to an input port of another sandbox. Accepted, so that graphs with it load, but packets are dropped. */
import { newCounters } from '../ports';
import type { NodeKind } from '../node-kind';

export const sandboxLink: NodeKind<'sandboxLink'> = {
  noneAllowed: false,
  targets: () => [],
  check(node) {
    if (node.sandbox === '') return 'a sandbox link needs the name of a sandbox';
    return Number.isInteger(node.port) && node.port >= 0 ? undefined : 'a sandbox link needs a port from 0';
  },
  link(_node, _context, previous) {
    const counters = previous?.counters ?? newCounters();
    return {
      counters,
      execute(walk) {
        if (!walk.isTrial) counters.drops++;
        return walk.drop('sandboxLink');
      },
    };
  },
  describe: (node) => () => `sandbox ${node.sandbox}`,
};
