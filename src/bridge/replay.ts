/**
 * zebra's replay, from beginning to end. When zebra connects it sends its whole table, and what is programmed stays meanwhile.
 * The replay counts as over when the stream was idle for long enough, not before a minimum time, and not before the protocols
 * have their tables together (convergence.ts), for a maximum time; then what it did not
 * confirm is removed: stale routes and nexthops of the FIB, adopted entries, and the nodes that an earlier bridge left. All
 * these sweeps start here and nowhere else.
 */
import type { Logger } from '../observe/log';

/** What a sweep removed, for the log. */
type Swept = ReturnType<ReplayParts['fib']['endReplay']>;

export interface ReplayParts {
  readonly fib: {
    beginReplay(): void;
    /** Removes what wasn't confirmed; says how much. */
    endReplay(): {
      readonly routes: number;
      readonly nexthops: number;
      readonly adopted: number;
      readonly kept: number;
    };
    /** Removes entries that an earlier bridge left and nothing here asked for; says how many. */
    dropAdopted(): number;
    /** Routes that are there when the replay begins. */
    readonly routes: number;
  };
  readonly programmer: {
    readonly ready: boolean;
    /** Nodes of an earlier run wait for `releaseAdopted`. */
    readonly holdsAdopted: boolean;
    /** Lets nodes of an earlier run go once no entry uses them. */
    releaseAdopted(): void;
  };
  readonly fpm: {
    peer(): string | undefined;
    /** Monotonic, ms. */
    lastActivity(): number;
  };
  /** The protocols that fill zebra's table. */
  readonly convergence: {
    /** A replay begins. */
    begin(): void;
    /** What they wait for, in words; undefined: they have their tables. */
    waitingFor(elapsedMs: number): string | undefined;
  };
  /** In ms: how long the stream must have been idle, how long a replay lasts at least, and how long it waits for convergence. */
  readonly sweep: { readonly idleMs: number; readonly minimumMs: number; readonly maximumMs: number };
  /** Monotonic, ms. */
  readonly now: () => number;
  readonly log: Logger;
}

export class Replay {
  private began: number | undefined;
  /** zebra's table was seen whole once: what we have is what zebra wants, whoever connects. */
  private seen = false;

  constructor(private readonly parts: ReplayParts) {}

  /** When the replay that is under way began (monotonic, ms); undefined: none is. */
  get startedAt(): number | undefined {
    return this.began;
  }

  /** Whether something may yet be swept. */
  get active(): boolean {
    return this.began !== undefined;
  }

  /** zebra connected and sends everything again. */
  begin(peer: string): void {
    const { convergence, fib, log, now } = this.parts;
    this.began = now();
    fib.beginReplay();
    convergence.begin();
    log.info('what zebra replays is compared with what is programmed', { peer, routes: fib.routes });
  }

  /** Ends the replay and sweeps when it is time. Call now and then. Returns what was swept. */
  check(): Swept | undefined {
    const { convergence, fib, fpm, programmer, sweep, now, log } = this.parts;
    if (this.began === undefined) this.sweepAdopted();
    if (this.began === undefined || fpm.peer() === undefined || !programmer.ready) return undefined;
    const time = now();
    if (time - this.began < sweep.minimumMs || time - fpm.lastActivity() < sweep.idleMs) return undefined;
    const waiting = convergence.waitingFor(time - this.began);
    if (waiting !== undefined) {
      if (time - this.began < sweep.maximumMs) return undefined;
      log.warn('the sweep waits no longer', { for: waiting });
    }
    this.began = undefined;
    this.seen = true;
    const swept = fib.endReplay();
    log.info('the replay is over: what it did not confirm is removed', swept);
    programmer.releaseAdopted();
    return swept;
  }

  /** A server that was adopted after the replay holds what zebra took back while it was away, or never wanted. */
  private sweepAdopted(): void {
    const { fib, programmer, log } = this.parts;
    if (!this.seen || !programmer.ready) return;
    const adopted = fib.dropAdopted();
    if (adopted === 0 && !programmer.holdsAdopted) return;
    log.info('what an earlier bridge left in the vASIC and zebra does not want is removed', { adopted });
    programmer.releaseAdopted();
  }
}
