/**
 * Reports to zebra what became of its routes. Statuses are a dirty set of the FIB, not a queue; here it is decided when some
 * of them go (fpm/status-pace.ts says how many and how long they wait), and by which timer or turn the rest follows.
 */
import type { StatusReport } from '../fib/updates';
import { StatusPace } from '../fpm/status-pace';

export interface StatusReporterParts {
  readonly statuses: {
    /** How many are due at most. */
    readonly reportsDue: number;
    /** The next one, which counts as reported then; undefined: none. */
    takeReport(): StatusReport | undefined;
  };
  readonly fpm: {
    peer(): string | undefined;
    /** Monotonic, ms. */
    lastActivity(): number;
    /** Takes as many as the socket has room for; returns how many. */
    report(reports: Iterable<StatusReport>): number;
  };
  /** When the replay that is under way began (monotonic, ms); undefined: none is. */
  readonly replayFrom: () => number | undefined;
  /** Asks for another `report()` in the next turn of the event loop. */
  readonly soon: () => void;
  /** Monotonic, ms. */
  readonly now: () => number;
}

export class StatusReporter {
  private readonly pace = new StatusPace();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly parts: StatusReporterParts) {}

  /** Sends what is due, as far as zebra should have it now; comes back for the rest. */
  report(): void {
    const { statuses, fpm, replayFrom, soon, now } = this.parts;
    if (fpm.peer() === undefined) return;
    const due = statuses.reportsDue;
    if (due === 0) return;
    const wait = this.pace.wait({ due, lastActivity: fpm.lastActivity(), replayFrom: replayFrom() }, now());
    if (wait >= 1) return this.reportIn(wait);
    // Too short for a timer, so it spins. Sleeping instead leaves a core to zebra's FPM thread, which then outruns zebra's main thread.
    if (wait > 0) return soon();
    const { room } = this.pace;
    const taken = fpm.report(this.next(room));
    this.pace.spend(taken);
    if (taken === room) soon();
  }

  /** Ends the timer. */
  close(): void {
    clearTimeout(this.timer);
  }

  private *next(most: number): Generator<StatusReport> {
    for (let i = 0; i < most; i++) {
      const next = this.parts.statuses.takeReport();
      if (next === undefined) return;
      yield next;
    }
  }

  private reportIn(ms: number): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.parts.soon();
    }, Math.ceil(ms));
  }
}
