/** Moments and ages while the wall clock is set back and forth. */
import { isoTime, Moment } from '../../../src/observe/moment';

const HOUR = 3_600_000;
const START = Date.parse('2026-01-02T12:00:00.000Z');
let monotonic = 5000;
let set = 0;

beforeEach(() => {
  jest.spyOn(performance, 'now').mockImplementation(() => monotonic);
  jest.spyOn(Date, 'now').mockImplementation(() => START + monotonic + set);
});
afterEach(() => jest.restoreAllMocks());

const ageOf = (moment: Moment): number => Date.parse(new Moment().toISOString()) - Date.parse(moment.toISOString());

test.each([
  ['an hour ahead', HOUR],
  ['an hour back', -HOUR],
  ['back to 1970', -START],
])('the clock is set %s: ages stay, and moments are told by the clock as it is now', (_how, by) => {
  set = 0;
  const moment = new Moment();
  const before = moment.toISOString();
  monotonic += 42_000;
  expect(ageOf(moment)).toBe(42_000);
  set = by;
  expect(ageOf(moment)).toBe(42_000);
  expect(Date.parse(moment.toISOString()) - Date.parse(before)).toBe(by);
  expect(new Moment().toISOString()).toBe(new Date(Date.now()).toISOString());
});

test('a moment has the same text while the clock is not set', () => {
  set = 0;
  const first = isoTime(1234);
  // The two clocks are read one after the other, and one is slewed.
  for (const off of [1, -2, 400]) {
    set = off;
    expect(isoTime(1234)).toBe(first);
  }
});

test('a moment that another process told', () => {
  set = 0;
  const moment = Moment.parse(new Date(Date.now() - 10_000).toISOString());
  expect(ageOf(moment)).toBe(10_000);
  set = HOUR;
  expect(ageOf(moment)).toBe(10_000);
});
