/** When statuses wait for zebra's replay. */
import { holdFor } from '../../../src/fpm/report-hold';

const replay = { replaying: true, since: 1000, lastActivity: 2000 };

test('nothing waits outside a replay', () => {
  expect(holdFor({ ...replay, replaying: false }, 2000)).toBe(0);
});

test('while a replay comes in, statuses wait for a rest in it', () => {
  expect(holdFor(replay, 2000)).toBeGreaterThan(0);
  expect(holdFor(replay, 2000 + holdFor(replay, 2000) - 1)).toBeGreaterThan(0);
  expect(holdFor(replay, 2000 + holdFor(replay, 2000))).toBe(0);
  expect(holdFor({ ...replay, lastActivity: 2015 }, 2020)).toBeGreaterThan(0);
});

test('a replay without a rest holds them for five seconds at most', () => {
  for (const now of [1000, 3000, 5990]) {
    const wait = holdFor({ ...replay, lastActivity: now }, now);
    expect(wait).toBeGreaterThan(0);
    expect(now + wait).toBeLessThanOrEqual(6000);
  }
  expect(holdFor({ ...replay, lastActivity: 6000 }, 6000)).toBe(0);
});
