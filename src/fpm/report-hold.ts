/**
 * When statuses wait. While zebra replays its table it has its hands full: every status costs its main thread about what the route
 * did, and the same thread sends the routes. So the routes go first, into the vASIC, and zebra hears of them once the
 * stream rests for a moment, at the latest after HOLD_MS. Outside a replay nothing waits.
 */

/** The stream rests when nothing came for so long. */
const REST_MS = 20;
/** The longest that a status waits for a replay. */
const HOLD_MS = 5000;

export interface ReplayState {
  readonly replaying: boolean;
  /** Monotonic times in ms: when the replay began, and of the last bytes received. */
  readonly since: number;
  readonly lastActivity: number;
}

/** How long statuses still wait at least, in ms; 0: they may go. */
export function holdFor({ replaying, since, lastActivity }: ReplayState, now: number): number {
  if (!replaying) return 0;
  return Math.max(0, Math.min(lastActivity + REST_MS, since + HOLD_MS) - now);
}
