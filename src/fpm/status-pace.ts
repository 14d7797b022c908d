/**
 * When statuses go to zebra, and how many. Each costs zebra's main thread about what a route does, and they pass through two
 * threads of it: the one that reads the FPM connection makes a context of some KB for each, the main thread takes it up.
 *
 * While zebra sends a table, routes go first, into the vASIC: zebra hears of them at a slow pace, which rises with what waits, so that
 * none waits much longer than LAG_MS. Once the stream rests, zebra has its hands free, and hears of the others. A few never wait.
 *
 * Statuses that come faster than the main thread takes them up pile up as contexts. Their memory is taken from the system and given back
 * again and again: at a million at once zebra 10.7 spends ten seconds in page faults (docs/performance.md). So they go in small bursts. While
 * zebra replays its table, none do, for HOLD_MS at most.
 */

/**
 * The stream rests when nothing came for such a share of the time that zebra has been sending, within limits: a zebra that learns a table
 * pauses for a second now and then, and would be held up by a flood of statuses just then.
 */
const REST_SHARE = 0.1;
const SHORTEST_REST_MS = 100;
const LONGEST_REST_MS = 1500;
/** So many don't wait. */
const FEW = 1000;
/** How many more go together. */
const BURST = 48;
/** Statuses a millisecond, while zebra sends and when it rests. */
const BUSY_PER_MS = 20;
const RESTING_PER_MS = 400;
/** All that wait would be gone in so long at the pace that they are given. */
const LAG_MS = 30_000;
/** The longest that all wait for a replay. */
const HOLD_MS = 5000;

export interface PaceState {
  /** When zebra began to replay its table, monotonic, in ms; undefined: it doesn't. */
  readonly replayFrom: number | undefined;
  /** Statuses that could go. */
  readonly due: number;
  /** Monotonic time of the last bytes from zebra, in ms. */
  readonly lastActivity: number;
}

/** Says how many statuses may go; times are monotonic, in ms. */
export class StatusPace {
  private saved = FEW;
  private at = -Infinity;
  /** When zebra began to send without longer pauses, and when it sent last. */
  private began = -Infinity;
  private active = -Infinity;

  /** How long they wait yet, in ms; 0: `room` of them may go. */
  wait({ due, lastActivity, replayFrom }: PaceState, now: number): number {
    const restsFrom = this.restsFrom(lastActivity);
    if (now < restsFrom && due > FEW && replayFrom !== undefined && now < replayFrom + HOLD_MS) {
      return Math.min(restsFrom, replayFrom + HOLD_MS) - now;
    }
    const perMs = Math.max(now < restsFrom ? BUSY_PER_MS : RESTING_PER_MS, due / LAG_MS);
    this.saved = Math.min(due > FEW ? BURST : FEW, this.saved + (now - this.at) * perMs);
    this.at = now;
    return Math.max(0, Math.min(due, BURST) - this.saved) / perMs;
  }

  /** When the stream counts as resting if nothing more comes. */
  private restsFrom(lastActivity: number): number {
    if (lastActivity - this.active > LONGEST_REST_MS) this.began = lastActivity;
    this.active = lastActivity;
    const rest = (lastActivity - this.began) * REST_SHARE;
    return lastActivity + Math.max(SHORTEST_REST_MS, Math.min(LONGEST_REST_MS, rest));
  }

  /** As of the last `wait`, less what went since. */
  get room(): number {
    return Math.floor(this.saved);
  }

  /** So many went. */
  spend(count: number): void {
    this.saved -= count;
  }
}
