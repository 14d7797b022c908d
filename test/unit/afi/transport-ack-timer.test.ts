/** The timer of operations in flight, with Jest's clock. */
import { AckTimer } from '../../../src/afi/ack-timer';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const make = (): { timer: AckTimer; expired: number[] } => {
  const expired: number[] = [];
  return { timer: new AckTimer(1000, (id) => expired.push(id)), expired };
};

test('the oldest expires when it is not answered in time', () => {
  const { timer, expired } = make();
  timer.add(1);
  jest.advanceTimersByTime(500);
  timer.add(2);
  jest.advanceTimersByTime(499);
  expect(expired).toEqual([]);
  jest.advanceTimersByTime(2);
  expect(expired).toEqual([1]);
});

test('an operation waits for its turn before its time starts', () => {
  const { timer, expired } = make();
  timer.add(1);
  timer.add(2);
  jest.advanceTimersByTime(900);
  expect(timer.take(1)).toBe(true);
  jest.advanceTimersByTime(900);
  expect(expired).toEqual([]);
  jest.advanceTimersByTime(101);
  expect(expired).toEqual([2]);
});

test('an answer out of turn does not keep the oldest alive', () => {
  const { timer, expired } = make();
  timer.add(1);
  timer.add(2);
  jest.advanceTimersByTime(900);
  timer.take(2);
  jest.advanceTimersByTime(101);
  expect(expired).toEqual([1]);
});

test('nothing expires when all is answered or after close; an unknown id is no answer', () => {
  const { timer, expired } = make();
  timer.add(1);
  expect(timer.take(7)).toBe(false);
  timer.take(1);
  expect(timer.take(1)).toBe(false);
  timer.add(2);
  timer.close();
  jest.advanceTimersByTime(10_000);
  expect(expired).toEqual([]);
});
