/**
 * `fpm2afi stop`: ends the bridge and then the punt process, where they answer. The bridge alone is ended by a signal, or by
 * its supervisor; then the TAPs stay.
 */
import type { Config } from '../config/types';
import { requestStatus } from '../control/client';
import { stopPunt } from '../punt/client';

/** How long the bridge may take to end. */
const PATIENCE_MS = 30_000;
const LOOK_MS = 50;

/** Says what was ended; resolves when nothing of it is left. Rejects when the bridge doesn't end. */
export async function stopAll({ control, punt }: Config, out: NodeJS.WritableStream): Promise<void> {
  const bridge = await requestStatus(control.socket).catch(() => undefined);
  if (bridge !== undefined) {
    process.kill(bridge.pid, 'SIGTERM');
    const deadline = performance.now() + PATIENCE_MS;
    while (alive(bridge.pid)) {
      if (performance.now() > deadline) throw new Error(`the bridge (pid ${bridge.pid}) doesn't end`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    out.write(`stopped the bridge (pid ${bridge.pid})\n`);
  }
  const puntProcess = await stopPunt(punt.socket);
  if (puntProcess !== undefined) {
    out.write(`stopped the punt process (pid ${puntProcess.pid}): ${puntProcess.taps.join(', ')}\n`);
  }
  if (bridge === undefined && puntProcess === undefined) out.write('nothing runs\n');
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
