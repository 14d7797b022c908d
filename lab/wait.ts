/** Waiting for a condition instead of for a time: nothing in the lab or the demo sleeps and hopes. */
import { errorText } from '../src/net/error-text';

/** By how much longer everything may take than its timeout says: FPM2AFI_LAB_PATIENCE, for a machine that is emulated. */
export const PATIENCE = Number(process.env.FPM2AFI_LAB_PATIENCE ?? 1);

/** Milliseconds. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export interface WaitOptions {
  readonly timeoutMs: number;
  /** What is waited for, as the end of "timed out after N s waiting for …". */
  readonly what: string;
  /** Milliseconds between two looks; 100 when absent. */
  readonly everyMs?: number;
}

/**
 * Calls `look` until it returns something other than undefined and false, and returns that. A look that throws counts as
 * "not yet". Throws after the timeout, naming what was waited for and the last error.
 */
export async function waitFor<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
  options: WaitOptions,
): Promise<T> {
  const timeoutMs = options.timeoutMs * PATIENCE;
  const deadline = performance.now() + timeoutMs;
  let last: string;
  for (;;) {
    try {
      const seen = await look();
      if (seen !== undefined && seen !== false) return seen;
      last = '';
    } catch (error) {
      last = errorText(error);
    }
    if (performance.now() > deadline) {
      const seconds = Math.round(timeoutMs / 100) / 10;
      throw new Error(`timed out after ${seconds} s waiting for ${options.what}${last === '' ? '' : ` (${last})`}`);
    }
    await sleep(options.everyMs ?? 100);
  }
}
