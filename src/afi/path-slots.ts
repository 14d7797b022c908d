/**
 * How a weighted set of paths fills the slots of an AftLoadBalance, so that a change moves as few flows as it can. Pure.
 *
 * A flow's hash names a slot; a slot holds a path. A path that stays keeps its slots as far as its share allows, so removing
 * one of N paths rewrites only that path's slots and adding one takes only its own share. Sizes are powers of two: a table
 * that doubles has each slot twice, next to each other, and with a hash that picks slots by its high bits no flow moves.
 */

/** Slots of a table, at least and at most (softvasic takes 4096). */
export const MIN_SLOTS = 128;
export const MAX_SLOTS = 4096;

/** With so many slots, rounding changes the share of the smallest path by no more than a thirty-second of it. */
const SLOTS_OF_SMALLEST = 32;

/** Shares are computed in floating point. */
const ROUNDING = 1e-9;

/** One path of a table: what its slots hold, and its weight. */
export interface WeightedTarget {
  readonly target: number;
  readonly weight: number;
}

/** Slots that these weights call for. */
export function tableSize(weights: readonly number[]): number {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const least = weights.reduce((min, weight) => Math.min(min, weight), Infinity);
  let size = MIN_SLOTS;
  while (size < MAX_SLOTS && size * least < SLOTS_OF_SMALLEST * sum) size *= 2;
  return size;
}

/** Slots due to each weight, as fractions: in proportion, but one slot for each at least. */
function idealShares(weights: readonly number[], size: number): number[] {
  const raised = new Set<number>();
  for (;;) {
    const rest = weights.reduce((sum, weight, i) => (raised.has(i) ? sum : sum + weight), 0);
    const room = size - raised.size;
    const small = weights.findIndex((weight, i) => !raised.has(i) && weight * room < rest);
    if (small < 0) return weights.map((weight, i) => (raised.has(i) ? 1 : (weight * room) / rest));
    raised.add(small);
  }
}

/** The table with each slot as often as it takes to have `size` slots. */
export function grown(slots: readonly number[], size: number): readonly number[] {
  const factor = size / slots.length;
  return factor === 1 ? slots : Array.from({ length: size }, (_, slot) => slots[Math.floor(slot / factor)]!);
}

/**
 * Fills `size` slots with the targets by largest remainder, starting from the table before (of no more slots, or none).
 * Slots change only where their target has left, or has more than its share. Targets beyond MAX_SLOTS get none.
 */
export function assignSlots(
  before: readonly number[] | undefined,
  targets: readonly WeightedTarget[],
  size: number,
): number[] {
  const used = targets.slice(0, size);
  const ideal = idealShares(
    used.map(({ weight }) => weight),
    size,
  );
  const indexOf = new Map(used.map(({ target }, i) => [target, i]));
  const held = used.map(() => 0);
  const slots = before === undefined ? [] : [...grown(before, size)];
  const free: number[] = [];
  for (let slot = 0; slot < size; slot++) {
    const path = indexOf.get(slots[slot] ?? -1);
    if (path !== undefined && held[path]! < Math.ceil(ideal[path]! - ROUNDING)) held[path]!++;
    else free.push(slot);
  }
  const due = (path: number): number => ideal[path]! - held[path]!;
  const extreme = (better: (a: number, b: number) => boolean): number =>
    held.reduce((best, _, path) => (better(due(path), due(best)) ? path : best), 0);
  for (const slot of free) {
    const path = extreme((a, b) => a > b);
    slots[slot] = used[path]!.target;
    held[path]!++;
  }
  // Where all kept their rounded-up shares, nothing is left for one that is short of a whole slot.
  for (;;) {
    const short = extreme((a, b) => a > b);
    if (due(short) < 1 - ROUNDING) return slots;
    const most = extreme((a, b) => a < b);
    slots[slots.lastIndexOf(used[most]!.target)] = used[short]!.target;
    held[most]!--;
    held[short]!++;
  }
}
