/**
 * Who owns a lab, and what must be removed when it ends. Two pieces:
 *
 * - a lock: an abstract Unix socket named after the lab, which the kernel frees when its owner dies, however it dies;
 * - a state file, /run/fpm2afi-lab/ID.json: every namespace is written there before it is made, so that the leftovers of a
 *   killed run are known to the next one. Only what a state file names is ever removed.
 *
 * A lab that was left running on purpose (KEEP=1) has a state file with `kept` and no lock.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';

export const STATE_DIR = '/run/fpm2afi-lab';

export interface LabState {
  readonly id: string;
  readonly pid: number;
  readonly kept: boolean;
  /** The root folder that FRR's daemons of this lab run in. */
  readonly frrRoot: string;
  /** Full namespace names. */
  readonly namespaces: readonly string[];
}

/** A lab of that id is alive already. The message says what to do. */
export class LabBusyError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'LabBusyError';
  }
}

function statePath(id: string): string {
  return join(STATE_DIR, `${id}.json`);
}

/** The folder of a lab's sockets and wrappers; gone with the lab. */
export function runDir(id: string): string {
  return join(STATE_DIR, id);
}

/** The state a lab of that id left behind, if any. A file that can't be read is an error: what it named would be lost. */
export function readState(id: string): LabState | undefined {
  if (!existsSync(statePath(id))) return undefined;
  return JSON.parse(readFileSync(statePath(id), 'utf8')) as LabState;
}

/** Replaces the state file as a whole. */
export function writeState(state: LabState): void {
  mkdirSync(STATE_DIR, { recursive: true, mode: 0o755 });
  const temporary = `${statePath(state.id)}.new`;
  writeFileSync(temporary, `${JSON.stringify(state, null, 2)}\n`);
  renameSync(temporary, statePath(state.id));
}

export function removeState(id: string): void {
  rmSync(statePath(id), { force: true });
}

/** Takes the lab's lock until the returned server is closed or this process ends; LabBusyError if another process has it. */
export function lockLab(id: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') return reject(error);
      const owner = readState(id);
      const who = owner === undefined ? '' : ` (process ${owner.pid})`;
      reject(new LabBusyError(`A lab "${id}" is already running${who}: wait for its end, or stop it first.`));
    });
    server.listen(`\0fpm2afi-lab/${id}`, () => resolve(server));
  });
}
