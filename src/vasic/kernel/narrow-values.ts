/** Values in 16 bits, as what looks ahead has them where they fit (layout.ts: AHEAD_NARROW_DEEPER). */
import { AHEAD_DEEPER, AHEAD_NARROW_DEEPER } from './layout';

/** Whether a value, or AHEAD_DEEPER, can be told in 16 bits; its low 16 bits tell it then. */
export function isNarrow(value: number): boolean {
  return value < AHEAD_NARROW_DEEPER || value === AHEAD_DEEPER;
}

/** What 16 bits tell. */
export function widen(narrow: number): number {
  return narrow === AHEAD_NARROW_DEEPER ? AHEAD_DEEPER : narrow;
}
