/**
 * What zebra is told while the vASIC can't be asked. It may forward as before (the connection broke, or the bridge's host is cut off), or
 * be dead; nobody can tell. `keep`: zebra's word stays, as a lost connection is no reason to withdraw what still forwards. `after`:
 * when the vASIC wasn't ready for so long, routes that it has, or should have, are told as failed, so that protocols
 * (bgpd: suppress-fib-pending) stop announcing them; when it is ready again, what it acknowledged is told again.
 */
import type { Config } from '../config/types';
import type { Logger } from '../observe/log';

/** Rows marked in one turn of the event loop. */
const ROWS_PER_TURN = 32_768;

export interface AfiLostParts {
  readonly policy: Config['afi']['lost'];
  readonly ready: () => boolean;
  readonly statuses: {
    /** Whether what needs the vASIC is told as failed. */
    withdrawn: boolean;
    /** Has the statuses of zebra's routes in `count` rows from `from` on told again where they changed; the next row, or undefined at the end. */
    review(from: number, count: number): number | undefined;
  };
  /** Asks for a turn in which statuses are told. */
  readonly soon: () => void;
  /** Monotonic, ms. */
  readonly now: () => number;
  readonly log: Logger;
}

export class AfiLost {
  private lostAt: number | undefined;
  private turn: NodeJS.Immediate | undefined;

  constructor(private readonly parts: AfiLostParts) {}

  /** Call now and then. */
  check(): void {
    const { policy, ready, statuses, now, log } = this.parts;
    if (ready()) {
      this.lostAt = undefined;
      if (!statuses.withdrawn) return;
      log.info('the vASIC is back: zebra is told what it has');
      this.tell(false);
      return;
    }
    this.lostAt ??= now();
    if (policy.kind === 'keep' || statuses.withdrawn || now() - this.lostAt < policy.ms) return;
    log.warn('the vASIC stays away: its routes are told to zebra as failed (afi.lost)', {
      code: 'afi-away',
      seconds: policy.ms / 1000,
    });
    this.tell(true);
  }

  private tell(withdrawn: boolean): void {
    this.parts.statuses.withdrawn = withdrawn;
    clearImmediate(this.turn);
    this.review(1);
  }

  private review(from: number): void {
    const next = this.parts.statuses.review(from, ROWS_PER_TURN);
    this.parts.soon();
    this.turn = next === undefined ? undefined : setImmediate(() => this.review(next));
  }

  /** Ends what is under way. */
  close(): void {
    clearImmediate(this.turn);
  }
}
