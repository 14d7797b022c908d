/**
 * `fpm2afi stop`: ends the bridge and then the punt process, where they answer. The bridge alone is ended by a signal, or by
 * its supervisor; then the TAPs stay.
 */
import { readFileSync, statSync } from 'node:fs';
import type { Config } from '../config/types';
import { ControlError, requestStatus } from '../control/client';
import { OperatorError } from '../net/error-text';
import { userText, usersOf } from '../net/users';
import { stopPunt } from '../punt/client';

/** How long the bridge may take to end. */
const PATIENCE_MS = 30_000;
const LOOK_MS = 50;

type Kill = (pid: number, signal: 'SIGTERM' | 0) => void;

/** Says what was ended; resolves when nothing of it is left. Rejects when the bridge can't be asked or ended, or doesn't end. */
export async function stopAll(
  { control, punt }: Pick<Config, 'control' | 'punt'>,
  out: NodeJS.WritableStream,
  kill: Kill = process.kill.bind(process),
): Promise<void> {
  const bridge = await requestStatus(control.socket).catch(absent);
  if (bridge !== undefined) {
    end(bridge.pid, kill);
    const deadline = performance.now() + PATIENCE_MS;
    while (alive(bridge.pid, kill)) {
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

/** Nobody there is fine; one that can't be asked may run. */
function absent(error: unknown): undefined {
  if (error instanceof ControlError && error.absent !== undefined) return undefined;
  throw error;
}

/** The control socket's group may ask the bridge, but a signal takes its own user. */
function end(pid: number, kill: Kill): void {
  try {
    kill(pid, 'SIGTERM');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // It ended by itself meanwhile.
    if (code === 'ESRCH') return;
    if (code !== 'EPERM') throw error;
    throw new OperatorError(`the bridge (pid ${pid}) is of ${ownerText(pid)}: run this as root or that user`);
  }
}

function ownerText(pid: number): string {
  try {
    return `user ${userText(statSync(`/proc/${pid}`).uid, usersOf(readFileSync('/etc/passwd', 'utf8')))}`;
  } catch {
    return 'another user';
  }
}

function alive(pid: number, kill: Kill): boolean {
  try {
    kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
