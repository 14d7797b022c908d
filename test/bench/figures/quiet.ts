/** Waiting for the vASIC to have everything. */
import type { Bridge } from '../../../lab/programs';
import { waitFor } from '../../../lab/wait';

/** Waits until no operation has been sent for a second, and returns how many there were so far. */
export async function settledOperations(bridge: Bridge): Promise<number> {
  let last = -1;
  return waitFor(
    async () => {
      const { afi, fib } = await bridge.status();
      const quiet = afi.opsSent === last && afi.opsInFlight === 0 && fib.pending === 0;
      last = afi.opsSent;
      return quiet ? afi.opsSent : undefined;
    },
    { timeoutMs: 120_000, everyMs: 1000, what: 'the AFI server to have everything' },
  );
}
