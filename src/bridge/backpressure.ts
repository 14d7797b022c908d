/**
 * Back-pressure: a slow AFI server makes zebra wait. What waits is bounded by what zebra may still send, and no queue grows:
 * zebra's own socket fills up.
 */
import type { Logger } from '../observe/log';

/** zebra is paused while more routes than this wait for a slow AFI server, and goes on below the second number. */
export const PAUSE_ABOVE = 300_000;
export const RESUME_BELOW = 100_000;

/** What can be paused: the FPM server. */
export interface Pausable {
  pause(): void;
  resume(): void;
}

export class Backpressure {
  private paused = false;

  constructor(
    private readonly stream: Pausable,
    private readonly log: Logger,
  ) {}

  /** To be told in each turn how many routes wait for the AFI server; 0 while none is ready, as a replay must come in then. */
  update(waiting: number): void {
    if (!this.paused && waiting > PAUSE_ABOVE) {
      this.paused = true;
      this.log.info('the AFI server is slower than zebra: zebra waits', { routes: waiting });
      this.stream.pause();
    } else if (this.paused && waiting < RESUME_BELOW) {
      this.paused = false;
      this.stream.resume();
    }
  }
}
