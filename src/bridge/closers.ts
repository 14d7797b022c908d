/** Stopping: what was started is closed in the opposite order, each part whatever became of the others. */
import { errorText } from '../net/error-text';
import type { Logger } from '../observe/log';

export type Closer = () => Promise<void> | void;

/** Closes all and empties the list, the one that was started last first. Rejects at the end with the first failure. */
export async function closeAll(closers: Closer[], log: Logger): Promise<void> {
  const failures: unknown[] = [];
  for (const closer of closers.splice(0).reverse()) {
    try {
      await closer();
    } catch (error) {
      failures.push(error);
      log.error('a part could not be stopped; the others are', { code: 'stop-failed', reason: errorText(error) });
    }
  }
  if (failures.length > 0) throw failures[0];
}
