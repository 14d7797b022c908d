/**
 * Waiting in a test within one process for what happens by itself: jest's own timeout ends it where it doesn't. What happens
 * outside of the process is waited for by lab/wait.ts.
 */
import { sleep } from '../../lab/wait';

/** Looks every 2 ms; resolves when the condition holds. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(2);
}
