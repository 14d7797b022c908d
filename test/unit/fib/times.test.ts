/** Moments in four bytes. */
import { decodeTime, encodeTime } from '../../../src/fib/times';

const DAY = 86_400_000;

test('milliseconds for the first weeks, seconds for decades, 0 for never', () => {
  expect(decodeTime(0)).toBeUndefined();
  expect(decodeTime(encodeTime(0))).toBe(1);
  for (const ms of [1, 2, 999, 12_345_678, 24 * DAY]) expect(decodeTime(encodeTime(ms + 0.7))).toBe(ms);
  for (const ms of [25 * DAY + 1, 400 * DAY + 1234, 20_000 * DAY + 999]) {
    const code = encodeTime(ms);
    expect(new Uint32Array([code])[0]).toBe(code);
    expect(ms - decodeTime(code)!).toBeGreaterThanOrEqual(0);
    expect(ms - decodeTime(code)!).toBeLessThan(1000);
  }
  expect(decodeTime(encodeTime(1e15))).toBeGreaterThan(20_000 * DAY);
});
