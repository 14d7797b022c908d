import fc from 'fast-check';
import { MAX_SLOTS, slotsOf } from '../../../src/afi/legs';

const counts = (weights: number[]): number[] => {
  const slots = slotsOf(weights);
  return weights.map((_, leg) => slots.filter((slot) => slot === leg).length);
};

describe('slotsOf', () => {
  test.each([
    [
      [1, 1],
      [1, 1],
    ],
    [
      [5, 5, 5],
      [1, 1, 1],
    ],
    [
      [1, 3],
      [1, 3],
    ],
    [
      [2, 4, 6],
      [1, 2, 3],
    ],
    [[7], [1]],
  ])('%j is exact', (weights, expected) => {
    expect(counts(weights)).toEqual(expected);
  });

  test('large weights keep their proportion within a slot', () => {
    const [a, b] = counts([30_000, 10_001]);
    expect(a! + b!).toBe(MAX_SLOTS);
    expect(a).toBe(96);
  });

  test('every leg gets a slot, never more than there are, in proportion', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 65_536 }), { minLength: 1, maxLength: 128 }), (weights) => {
        const got = counts(weights);
        expect(got.every((count) => count >= 1)).toBe(true);
        expect(got.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(MAX_SLOTS);
      }),
    );
  });
});
