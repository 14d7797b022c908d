/** When statuses wait for zebra's replay. */
import { holdFor, StatusPace } from '../../../src/fpm/status-pace';

const replay = { replaying: true, due: 50_000, since: 1000, lastActivity: 2000 };

test('nothing waits outside a replay', () => {
  expect(holdFor({ ...replay, replaying: false }, 2000)).toBe(0);
});

test('few statuses do not wait', () => {
  expect(holdFor({ ...replay, due: 100 }, 2000)).toBe(0);
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

test('a million statuses go in small bursts, at a pace, and a few at once', () => {
  const pace = new StatusPace();
  const first = pace.room(0);
  expect(first).toBeGreaterThan(10);
  let sent = 0;
  let most = 0;
  for (let now = 0; now < 1000; now += 0.05) {
    const room = pace.room(now);
    most = Math.max(most, room);
    pace.spend(room);
    sent += room;
  }
  expect(most).toBeLessThan(100);
  expect(sent).toBeGreaterThan(300_000);
  expect(sent).toBeLessThan(500_000);
  // What wasn't used isn't saved up.
  expect(pace.room(1_000_000)).toBe(first);
});

test('what did not go is not lost', () => {
  const pace = new StatusPace();
  const first = pace.room(0);
  pace.spend(1);
  expect(pace.room(0)).toBe(first - 1);
  pace.spend(first - 1);
  expect(pace.room(0)).toBe(0);
});
