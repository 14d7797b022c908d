/**
 * When statuses go to zebra, and how many. Each costs zebra's main thread about what a route does, and they pass through two
 * threads of it: the one that reads the FPM connection makes a context of some KB for each, the main thread takes it up.
 *
 * While zebra replays its table, the main thread has its hands full with sending it. So the routes go first, into the vASIC, and
 * zebra hears of them once the stream rests for a moment, at the latest after HOLD_MS. Few statuses don't wait.
 *
 * A million statuses at once are read faster than taken up: contexts pile up, their memory is taken from the system and given back
 * all the time, and zebra 10.7 spends ten seconds in page faults. In small bursts, at a pace that the main thread can keep, the
 * same takes it three (docs/performance.md).
 */

/** The stream rests when nothing came for so long. */
const REST_MS = 100;
/** The longest that a status waits for a replay. */
const HOLD_MS = 5000;
/** No more than so many go at once even then. */
const FEW = 1000;
/** Statuses a millisecond, and how many may go at once. */
const PER_MS = 400;
const BURST = 48;

export interface ReplayState {
  readonly replaying: boolean;
  /** Statuses that could go. */
  readonly due: number;
  /** Monotonic times in ms: when the replay began, and of the last bytes received. */
  readonly since: number;
  readonly lastActivity: number;
}

/** How long statuses wait for a replay at least, in ms; 0: they may go. */
export function holdFor({ replaying, due, since, lastActivity }: ReplayState, now: number): number {
  if (!replaying || due <= FEW) return 0;
  return Math.max(0, Math.min(lastActivity + REST_MS, since + HOLD_MS) - now);
}

/** How many statuses may go; times are monotonic, in ms. */
export class StatusPace {
  private saved = BURST;
  private at = -Infinity;

  /** How many may go now. */
  room(now: number): number {
    this.saved = Math.min(BURST, this.saved + (now - this.at) * PER_MS);
    this.at = now;
    return Math.floor(this.saved);
  }

  /** So many went. */
  spend(count: number): void {
    this.saved -= count;
  }
}
