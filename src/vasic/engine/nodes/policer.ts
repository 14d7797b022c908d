/**
 * AftPolicer: a token bucket that is filled with `rate` bytes (packets, in packet mode) a second up to `burst`, starts
 * full, and drops what it has no tokens for. Bytes are those received, L2 header included.
 */
import { newCounters } from '../ports';
import { DONE } from '../walk';
import type { NodeKind } from '../node-kind';

export const policer: NodeKind<'policer'> = {
  noneAllowed: false,
  targets: () => [],
  check(node) {
    if (!Number.isFinite(node.rate) || node.rate < 0) return 'a policer needs a rate of 0 or more';
    return Number.isFinite(node.burst) && node.burst > 0 ? undefined : 'a policer needs a burst above 0';
  },
  link(node, context, previous) {
    const next = context.slotOf(node.next);
    const counters = previous?.counters ?? newCounters();
    let tokens = node.burst;
    let filledAt = context.now();
    return {
      counters,
      execute(walk) {
        const now = context.now();
        tokens = Math.min(node.burst, tokens + ((now - filledAt) / 1000) * node.rate);
        filledAt = now;
        const cost = node.packetMode ? 1 : walk.receivedBytes;
        if (cost > tokens) {
          if (!walk.isTrial) counters.drops++;
          return walk.drop('policed');
        }
        if (!walk.isTrial) tokens -= cost;
        walk.count(counters);
        return next;
      },
    };
  },
  image: () => ({ kind: 'slow', reason: 'policer' }),
  describe: () => (next) => (next === DONE ? 'above its rate' : 'within its rate'),
};
