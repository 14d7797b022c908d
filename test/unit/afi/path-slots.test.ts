import fc from 'fast-check';
import { assignSlots, grown, MAX_SLOTS, MIN_SLOTS, tableSize, type WeightedTarget } from '../../../src/afi/path-slots';

const targetsOf = (weights: readonly number[], first = 100): WeightedTarget[] =>
  weights.map((weight, i) => ({ target: first + i, weight }));

function fresh(targets: readonly WeightedTarget[]): number[] {
  return assignSlots(undefined, targets, tableSize(targets.map(({ weight }) => weight)));
}

const countOf = (slots: readonly number[], target: number): number => slots.filter((slot) => slot === target).length;
const moved = (before: readonly number[], after: readonly number[]): number =>
  before.filter((target, slot) => after[slot] !== target).length;

describe('table size', () => {
  test.each<[number[], number]>([
    [[1], 128],
    [[1, 1], 128],
    [Array<number>(8).fill(7), 256],
    [Array<number>(128).fill(1), 4096],
    [[1, 1000], MAX_SLOTS],
    [Array<number>(5000).fill(1), MAX_SLOTS],
  ])('%j', (weights, size) => {
    expect(tableSize(weights)).toBe(size);
  });
});

describe('shares', () => {
  test.each([
    [
      [1, 1],
      [64, 64],
    ],
    [
      [1, 3],
      [32, 96],
    ],
    [
      [1, 1, 1],
      [43, 43, 42],
    ],
  ])('%j by largest remainder', (weights, expected) => {
    const targets = targetsOf(weights);
    const slots = fresh(targets);
    expect(slots).toHaveLength(MIN_SLOTS);
    expect(targets.map(({ target }) => countOf(slots, target))).toEqual(expected);
  });

  test('every path within a slot of its share whatever came before, and one slot at least', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 65_536 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(weights, fc.integer({ min: 0, max: 20 })), { minLength: 1, maxLength: 5 }),
        (steps) => {
          let slots: number[] | undefined;
          for (const [list, first] of steps) {
            const targets = targetsOf(list, first);
            const size = Math.max(slots?.length ?? 0, tableSize(list));
            slots = assignSlots(slots, targets, size);
            expect(slots).toHaveLength(size);
            const counts = targets.map(({ target }) => countOf(slots!, target));
            expect(counts.reduce((sum, count) => sum + count, 0)).toBe(size);
            expect(Math.min(...counts)).toBeGreaterThanOrEqual(1);
            const sum = list.reduce((total, weight) => total + weight, 0);
            const room = list.some((weight) => (weight * size) / sum < 1);
            // Where paths were raised to one slot, the others' shares are smaller.
            if (!room)
              counts.forEach((count, i) => expect(Math.abs(count - (list[i]! * size) / sum)).toBeLessThan(1.001));
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('changes', () => {
  test.each([2, 3, 5, 8, 17, 64, 128])(
    'one of %i equal paths removed: its slots alone change; back: its share',
    (n) => {
      const targets = targetsOf(Array<number>(n).fill(1));
      const slots = fresh(targets);
      const gone = targets[n >> 1]!;
      const rest = targets.filter((target) => target !== gone);
      const without = assignSlots(slots, rest, slots.length);
      slots.forEach((target, slot) => target !== gone.target && expect(without[slot]).toBe(target));
      expect(without).not.toContain(gone.target);
      const back = assignSlots(without, targets, slots.length);
      expect(moved(without, back)).toBe(countOf(back, gone.target));
      expect(countOf(back, gone.target)).toBeLessThanOrEqual(Math.ceil(slots.length / n));
    },
  );

  test('the same paths again change nothing, in any order', () => {
    const targets = targetsOf([3, 1, 4, 1, 5]);
    const slots = fresh(targets);
    expect(assignSlots(slots, [...targets].reverse(), slots.length)).toEqual(slots);
  });

  test('a table that grows keeps each flow where it was', () => {
    const slots = fresh(targetsOf([1, 1, 1]));
    const double = grown(slots, 256);
    for (let i = 0; i < 256; i++) expect(double[i]).toBe(slots[i >> 1]);
    expect(moved([...double], assignSlots(slots, targetsOf([1, 1, 1]), 256))).toBeLessThanOrEqual(1);
  });
});
