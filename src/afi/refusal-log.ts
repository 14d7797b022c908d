/** The telling of refused routes: a full table refuses thousands, so a few are logged and the rest is counted. */
import type { Logger } from '../observe/log';

const WINDOW_MS = 10_000;
const LOGGED = 10;

export class RefusalLog {
  private since = 0;
  private logged = 0;
  private suppressed = 0;

  constructor(private readonly log: Logger) {}

  add(prefix: string, operation: 'insert' | 'remove', reason: string): void {
    const now = performance.now();
    if (now - this.since > WINDOW_MS) {
      if (this.suppressed > 0)
        this.log.warn('further routes were refused by the vASIC', {
          code: 'afi-route-refused',
          routes: this.suppressed,
        });
      this.since = now;
      this.logged = 0;
      this.suppressed = 0;
    }
    if (this.logged++ < LOGGED)
      this.log.warn('the vASIC refused a route', { code: 'afi-route-refused', prefix, operation, reason });
    else this.suppressed++;
  }
}
