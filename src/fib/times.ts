/**
 * Moments in four bytes, for columns of the route table: milliseconds since the process started, up to 24 days; after that
 * whole seconds, for another 68 years. 0 is "never".
 */
const COARSE = 0x8000_0000;

/** @param ms milliseconds since start, as performance.now() gives them */
export function encodeTime(ms: number): number {
  const whole = Math.max(1, Math.floor(ms));
  return whole < COARSE ? whole : COARSE + Math.min(COARSE - 1, Math.floor(whole / 1000));
}

/** Milliseconds since start; undefined: never. */
export function decodeTime(code: number): number | undefined {
  if (code === 0) return undefined;
  return code < COARSE ? code : (code - COARSE) * 1000;
}
