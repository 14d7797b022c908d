/**
 * Moments that are told to people. They are kept by the monotonic clock, so that "for 3 s" is so whatever becomes of the wall clock, and told
 * by the wall clock of the time of telling: a machine that begins in 1970 and hears of the time later tells all of them right then.
 */

/** The wall clock was set when it is off by more than this; less is what reading two clocks one after the other makes. */
const SET_MS = 1000;

/** What to add to a time of `performance.now()` for wall time. The same from call to call, as texts are compared, unless the clock was set. */
let offset = performance.timeOrigin;

/** A time of `performance.now()` as ISO 8601. */
export function isoTime(ms: number): string {
  const present = Date.now() - performance.now();
  if (Math.abs(present - offset) > SET_MS) offset = present;
  return new Date(offset + ms).toISOString();
}

/** When something happened: now, unless another time of `performance.now()` is given. */
export class Moment {
  constructor(private readonly ms = performance.now()) {}

  /** Of another process' text of a moment ago. */
  static parse(iso: string): Moment {
    return new Moment(performance.now() - (Date.now() - Date.parse(iso)));
  }

  toISOString(): string {
    return isoTime(this.ms);
  }
}
