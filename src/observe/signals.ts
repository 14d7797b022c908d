/** The signals that end a daemon. */
import type { Logger } from './log';

/** Resolves at the first SIGINT or SIGTERM. */
export function stopSignal(log: Logger): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        log.info('stopping', { signal });
        resolve();
      });
    }
  });
}
