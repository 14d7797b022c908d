/**
 * Moments in four bytes, for columns of the route table: milliseconds since the process started, exact for 12 days; then in
 * steps of 16 ms up to 198 days, of 256 ms up to 8 years, of 4 s from there on. 0 is "never".
 */
const RANGE = 2 ** 30;
const RANGES = 4;
/** One range's step to the next one's. */
const STEP = 16;

/** @param ms milliseconds since start, as performance.now() gives them */
export function encodeTime(ms: number): number {
  if (ms < RANGE) return Math.max(1, Math.floor(ms));
  let value = Math.floor(ms);
  let range = 0;
  for (; value >= RANGE && range < RANGES - 1; range++) value = Math.floor(value / STEP);
  return range * RANGE + Math.min(RANGE - 1, value);
}

/** Milliseconds since start; undefined: never. */
export function decodeTime(code: number): number | undefined {
  if (code === 0) return undefined;
  if (code < RANGE) return code;
  return (code % RANGE) * STEP ** Math.floor(code / RANGE);
}
