/** Moments in four bytes. */
import { decodeTime, encodeTime } from '../../../src/fib/times';

const DAY = 86_400_000;

test('milliseconds for the first days, coarser from range to range, 0 for never', () => {
  expect(decodeTime(0)).toBeUndefined();
  expect(decodeTime(encodeTime(0))).toBe(1);
  for (const ms of [1, 2, 999, 12_345_678, 12 * DAY]) expect(decodeTime(encodeTime(ms + 0.7))).toBe(ms);
  for (const [ms, step] of [
    [2 ** 30 - 1, 1],
    [2 ** 30, 16],
    [25 * DAY + 1, 16],
    [198 * DAY + 7, 16],
    [199 * DAY + 7, 256],
    [3000 * DAY + 1234, 256],
    [20_000 * DAY + 999, 4096],
  ] as const) {
    const code = encodeTime(ms);
    expect(new Uint32Array([code])[0]).toBe(code);
    expect(ms - decodeTime(code)!).toBeGreaterThanOrEqual(0);
    expect(ms - decodeTime(code)!).toBeLessThan(step);
  }
  expect(decodeTime(encodeTime(1e15))).toBeGreaterThan(20_000 * DAY);
});

test('a later moment never has a smaller code', () => {
  let last = 0;
  for (let ms = 1; ms < 1e12; ms = Math.ceil(ms * 1.01)) {
    const code = encodeTime(ms);
    expect(code).toBeGreaterThanOrEqual(last);
    last = code;
  }
});
