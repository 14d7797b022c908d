/** When statuses go to zebra, and how many. */
import { StatusPace, type PaceState } from '../../../src/fpm/status-pace';

interface Stream {
  /** Due at once, and more each millisecond until `active`. */
  readonly first?: number;
  readonly perMs?: number;
  /** zebra sends until then, in ms. */
  readonly active: number;
  readonly replayFrom?: number;
}

interface Sent {
  readonly at: number;
  readonly count: number;
}

/** What goes in so many ms, looking ten times a millisecond. */
function play({ first = 0, perMs = 0, active, replayFrom }: Stream, ms: number): { sent: Sent[]; left: number } {
  const pace = new StatusPace();
  const sent: Sent[] = [];
  let due = first;
  for (let tick = 0; tick < ms * 10; tick++) {
    const now = tick / 10;
    if (now <= active) due += perMs / 10;
    const whole = Math.floor(due);
    if (whole === 0 || pace.wait({ due: whole, lastActivity: Math.min(now, active), replayFrom }, now) > 0) continue;
    const count = Math.min(whole, pace.room);
    pace.spend(count);
    due -= count;
    sent.push({ at: now, count });
  }
  return { sent, left: Math.floor(due) };
}

const total = (sent: readonly Sent[]): number => sent.reduce((sum, { count }) => sum + count, 0);

test('a few go at once, also while zebra sends, and while it replays', () => {
  for (const stream of [{ active: -1000 }, { active: 0 }, { active: 0, replayFrom: 0 }]) {
    expect(play({ first: 900, ...stream }, 1).sent).toEqual([{ at: 0, count: 900 }]);
  }
});

test('ten thousand changes a second do not wait', () => {
  expect(play({ perMs: 10, active: Infinity }, 20_000).left).toBeLessThan(20);
});

test('while zebra replays, a thousand go and no more, until the stream rests', () => {
  const { sent } = play({ perMs: 300, active: 2000, replayFrom: 0 }, 3000);
  expect(total(sent.filter(({ at }) => at < 2190))).toBeLessThan(1100);
  expect(sent.filter(({ at }) => at > 2190)[0]!.at).toBeLessThan(2210);
});

test('a replay without a rest holds them for five seconds at most', () => {
  const { sent } = play({ perMs: 300, active: Infinity, replayFrom: 0 }, 6000);
  const later = sent.filter(({ at }) => at > 100);
  expect(later[0]!.at).toBeGreaterThan(4900);
  expect(later[0]!.at).toBeLessThan(5100);
});

test('a pause of a second is no rest to a zebra that has been sending for long', () => {
  const pace = new StatusPace();
  const due = 500_000;
  for (let now = 0; now < 15_000; now += 5) pace.wait({ due: 1, lastActivity: now, replayFrom: undefined }, now);
  let sent = 0;
  for (let now = 15_000; now < 17_500; now++) {
    if (pace.wait({ due, lastActivity: 15_000, replayFrom: undefined }, now) > 0) continue;
    sent += pace.room;
    pace.spend(pace.room);
    if (now <= 16_400) expect(sent).toBeLessThan(30_000);
  }
  expect(sent).toBeGreaterThan(40_000);
});

test('while zebra sends a table otherwise, it hears of some of the routes', () => {
  const { sent } = play({ perMs: 60, active: Infinity }, 3000);
  expect(total(sent)).toBeGreaterThan(50_000);
  expect(total(sent)).toBeLessThan(100_000);
});

test('a million go in small bursts, at a pace, once the stream rests', () => {
  const { sent, left } = play({ first: 1_000_000, active: -1000 }, 5000);
  expect(left).toBe(0);
  expect(Math.max(...sent.slice(0, -40).map(({ count }) => count))).toBeLessThan(100);
  expect(sent.at(-1)!.at).toBeGreaterThan(2000);
  expect(sent.at(-1)!.at).toBeLessThan(4500);
});

test('a stream without a rest does not keep them for ever', () => {
  const { left } = play({ perMs: 60, active: Infinity }, 120_000);
  // By what comes in a millisecond: how many milliseconds the last waits.
  expect(left / 60).toBeLessThan(31_000);
});

test('it says how long to wait, and then they go', () => {
  const pace = new StatusPace();
  const state: PaceState = { due: 5000, lastActivity: 0, replayFrom: undefined };
  expect(pace.wait(state, 0)).toBe(0);
  pace.spend(pace.room);
  const wait = pace.wait(state, 0);
  expect(wait).toBeGreaterThan(1);
  expect(pace.wait(state, wait - 0.5)).toBeGreaterThan(0);
  expect(pace.wait(state, Math.ceil(wait))).toBe(0);
});

test('what did not go is not lost', () => {
  const pace = new StatusPace();
  const state: PaceState = { due: 10, lastActivity: 0, replayFrom: undefined };
  expect(pace.wait(state, 0)).toBe(0);
  const first = pace.room;
  pace.spend(1);
  expect(pace.wait(state, 0)).toBe(0);
  expect(pace.room).toBe(first - 1);
  pace.spend(first - 1);
  expect(pace.room).toBe(0);
  expect(pace.wait(state, 0)).toBeGreaterThan(0);
});
