/** zebra's FPM connection broken from outside, the same way for both modules, and awaited again until its replay is over. */
import { logLines, logMark } from '../lab/process';
import { waitFor } from '../lab/wait';
import type { Stage } from './topology';

/** A line of fpm2afi's log that comes when everything was compared with what zebra sent again. */
const OVER = 'the replay is over';

/**
 * Takes zebra's place at fpm2afi for a second, which closes zebra's connection; `meanwhile` runs while zebra is away. Returns when
 * zebra is back and its replay was swept.
 */
export async function connectedAgain(stage: Stage, meanwhile: () => Promise<void>): Promise<void> {
  const { bridge, router } = stage;
  const before = (await bridge.status()).fpm.peer;
  const mark = logMark(bridge.logFile);
  const other = router.exec(['bash', '-c', 'exec 3<>/dev/tcp/127.0.0.1/2620 && sleep 1']);
  await waitFor(async () => (await bridge.status()).fpm.peer !== before, {
    timeoutMs: 10_000,
    everyMs: 20,
    what: "zebra's FPM connection to be replaced",
  });
  await meanwhile();
  await other;
  await replayOver(stage, mark);
}

/** Waits until a replay that began behind `mark` in fpm2afi's log is over. */
export async function replayOver({ bridge }: Stage, mark: number): Promise<void> {
  await waitFor(
    async () => {
      const { state } = (await bridge.status()).fpm;
      return state === 'connected' && logLines(bridge.logFile, mark).some((line) => line.includes(OVER));
    },
    { timeoutMs: 30_000, what: 'zebra back, and its replay over' },
  );
}
