/** Until when a program forwards (layout.ts: GLOBAL_DEADLINE): the word for a moment, and whether that is over. */
import { DEADLINE_SHIFT } from './layout';

const NS_PER_S = 1_000_000_000n;
/** 0 is no deadline. */
const NEVER = 0;

function units(ns: bigint): number {
  return Number((ns >> BigInt(DEADLINE_SHIFT)) & 0xffffffffn);
}

/** The deadline that is so many seconds ahead, or a unit more. `now`: nanoseconds of CLOCK_MONOTONIC. */
export function deadlineIn(seconds: number, now = process.hrtime.bigint()): number {
  return orNext(units(now + BigInt(seconds) * NS_PER_S) + 1);
}

/** A deadline that is over. */
export function pastDeadline(now = process.hrtime.bigint()): number {
  // Two units: a word that must not be 0 becomes one later.
  return orNext(units(now) - 2);
}

function orNext(deadline: number): number {
  const word = deadline >>> 0;
  return word === NEVER ? 1 : word;
}

/** As the program has it. */
export function isOver(deadline: number, now = process.hrtime.bigint()): boolean {
  return deadline !== NEVER && ((units(now) - deadline) | 0) > 0;
}
