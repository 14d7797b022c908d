/** The word for when a program stops forwarding: compared as the program does, over the ends of its range. */
import { DEADLINE_SHIFT } from '../../../../src/vasic/kernel/layout';
import { deadlineIn, isOver, pastDeadline } from '../../../../src/vasic/kernel/deadline';

const at = (units: number): bigint => BigInt(units) << BigInt(DEADLINE_SHIFT);

test.each([0, 1, 2, 3, 1000, 2 ** 31, 2 ** 32 - 2, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1])(
  'after %d units: what is ahead counts, what is past is over, and neither is the word for none',
  (units) => {
    const now = at(units);
    const ahead = deadlineIn(30, now);
    const past = pastDeadline(now);
    for (const word of [ahead, past]) {
      expect(word).toBeGreaterThan(0);
      expect(word).toBeLessThan(2 ** 32);
    }
    expect([isOver(ahead, now), isOver(ahead, now + at(40)), isOver(past, now + at(1))]).toEqual([false, true, true]);
    if (units > 1) expect(isOver(past, now)).toBe(true);
  },
);

test('none is never over', () => {
  expect(isOver(0, at(5))).toBe(false);
});
