/** zebra's FPM connection broken from outside, the same way for both modules, and awaited again until its replay is over. */
import { join } from 'node:path';
import { requestObject } from '../../src/control/client';
import { logLines, logMark } from '../../lab/process';
import { waitFor } from '../../lab/wait';
import type { Stage } from './topology';

/** A line of fpm2afi's log that comes when everything was compared with what zebra sent again. */
const OVER = 'the replay is over';

/** Where nobody listens. Module fpm comes back at once when it can; dplane_fpm_nl waits three seconds. */
const NOWHERE = 'fpm connection ip 127.0.0.1 port 2699';
const HERE = 'fpm connection ip 127.0.0.1 port 2620';

/**
 * Takes zebra's place at fpm2afi for a second, which closes zebra's connection; `meanwhile` runs while zebra is away, and removes
 * routes. Returns when zebra is back and its replay was swept; throws when nothing was, as then zebra wasn't away.
 */
export async function connectedAgain(stage: Stage, meanwhile: () => Promise<void>): Promise<void> {
  const { bridge, router, frr, module } = stage;
  const aim = (line: string) => (module === 'fpm' ? frr.vtysh(`configure terminal\n${line}`) : Promise.resolve(''));
  await aim(NOWHERE);
  const before = (await bridge.status()).fpm.peer;
  const mark = logMark(bridge.logFile);
  await requestObject(join(router.dir, 'fpm2afi.sock'), '/v1/displace', { method: 'POST' });
  const other = router.exec(['bash', '-c', 'exec 3<>/dev/tcp/127.0.0.1/2620 && sleep 1']);
  await waitFor(async () => (await bridge.status()).fpm.peer !== before, {
    timeoutMs: 10_000,
    everyMs: 20,
    what: "zebra's FPM connection to be replaced",
  });
  await meanwhile();
  await other;
  await aim(HERE);
  const said = await replayOver(stage, mark);
  if (!/routes=[1-9]/.test(said)) throw new Error(`routes were removed while zebra was away, but "${said}"`);
}

/** Waits until a replay that began behind `mark` in fpm2afi's log is over; returns the last line that says so. */
export function replayOver({ bridge }: Stage, mark: number): Promise<string> {
  return waitFor(
    async () => {
      const { state } = (await bridge.status()).fpm;
      const lines = logLines(bridge.logFile, mark).filter((line) => line.includes(OVER));
      return state === 'connected' ? lines.at(-1) : undefined;
    },
    { timeoutMs: 30_000, what: 'zebra back, and its replay over' },
  );
}
