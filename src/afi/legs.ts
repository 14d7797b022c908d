/** How a weighted set of legs becomes the entries of an AftLoadBalance. Pure. */

/** Entries of a load balancer at most. */
export const MAX_SLOTS = 128;

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/**
 * Distributes slots over legs in proportion to their weights: `result[slot]` is the leg's index. Exact where the weights
 * (divided by their common divisor) fit into MAX_SLOTS, else by largest remainder, with at least one slot for each leg
 * up to MAX_SLOTS legs. Legs beyond MAX_SLOTS get none.
 */
export function slotsOf(weights: readonly number[]): number[] {
  const legs = weights.slice(0, MAX_SLOTS);
  const divisor = legs.reduce(gcd, 0) || 1;
  const sum = legs.reduce((total, weight) => total + weight, 0);
  let counts: number[];
  if (sum / divisor <= MAX_SLOTS) counts = legs.map((weight) => weight / divisor);
  else {
    const shares = legs.map((weight) => Math.max(1, (weight * MAX_SLOTS) / sum));
    counts = shares.map(Math.floor);
    let left = MAX_SLOTS - counts.reduce((total, count) => total + count, 0);
    const byRemainder = shares.map((share, leg) => ({ leg, rest: share - Math.floor(share) }));
    byRemainder.sort((a, b) => b.rest - a.rest || a.leg - b.leg);
    for (let i = 0; left > 0; i = (i + 1) % byRemainder.length, left--) counts[byRemainder[i]!.leg]!++;
    // Small weights rounded up to one slot may have taken too many: the largest give way.
    for (; left < 0; left++) counts[counts.indexOf(Math.max(...counts))]!--;
  }
  return counts.flatMap((count, leg) => Array<number>(count).fill(leg));
}
