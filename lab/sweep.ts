/**
 * Removing everything a lab made. The only clean-up there is: the ordinary end, signals, exceptions and the leftovers of a
 * killed run all come here. Synchronous, so that it also works in a signal handler and on process exit.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { executeSync } from './exec';
import { removeState, runDir, type LabState } from './state';

/** Where, inside the FRR root folder, each router has a folder named like its namespace. */
export const FRR_DIRS: readonly string[] = ['etc/frr', 'run/frr', 'var/lib/frr'];

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function pidsIn(namespace: string): readonly number[] {
  return executeSync(['ip', 'netns', 'pids', namespace])
    .stdout.split('\n')
    .filter((line) => /^\d+$/.test(line.trim()))
    .map(Number)
    .filter((pid) => pid !== process.pid);
}

/** The variable that every process of a lab has in its environment: its value is the lab's id. */
export const LAB_VARIABLE = 'FPM2AFI_LAB';

/** Processes that carry the lab's mark, also those that have not reached their namespace yet. */
function pidsMarked(id: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const mark = `${LAB_VARIABLE}=${id}`;
        return pid !== process.pid && readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(mark);
      } catch {
        return false;
      }
    });
}

/** The namespaces that `ip netns` knows. */
export function namespaces(): readonly string[] {
  try {
    return readdirSync('/run/netns');
  } catch {
    return [];
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself meanwhile.
  }
}

function endProcesses(id: string, names: readonly string[]): void {
  // A killed process may leave children that start meanwhile: look again until none is left.
  for (let round = 0; round < 100; round++) {
    const pids = [...names.flatMap(pidsIn), ...pidsMarked(id)];
    if (pids.length === 0) return;
    pids.forEach(kill);
    pause(20);
  }
}

/** Removes the lab that `state` describes. Returns what could not be removed, in words; empty when all is gone. */
export function sweep(state: LabState): readonly string[] {
  const existing = new Set(namespaces());
  const names = state.namespaces.filter((name) => existing.has(name));
  endProcesses(state.id, names);
  const problems: string[] = [];
  for (const name of names) {
    const deleted = executeSync(['ip', 'netns', 'del', name]);
    if (deleted.status !== 0) problems.push(`namespace ${name}: ${deleted.stderr.trim()}`);
  }
  for (const name of state.namespaces) {
    for (const dir of FRR_DIRS) rmSync(join(state.frrRoot, dir, name), { recursive: true, force: true });
  }
  rmSync(runDir(state.id), { recursive: true, force: true });
  if (problems.length === 0) removeState(state.id);
  return problems;
}

/** What of a lab still exists, in words: for tests, and for the operator after a failed clean-up. */
export function remains(id: string, frrRoot: string): readonly string[] {
  const prefix = `f2a-${id}-`;
  const found: string[] = namespaces()
    .filter((name) => name.startsWith(prefix))
    .map((name) => `namespace ${name}`);
  for (const dir of FRR_DIRS) {
    try {
      for (const name of readdirSync(join(frrRoot, dir)))
        if (name.startsWith(prefix)) found.push(`folder ${dir}/${name}`);
    } catch {
      // FRR never ran in this root folder.
    }
  }
  for (const line of readFileSync('/proc/self/mounts', 'utf8').split('\n')) {
    if (line.includes(prefix) || line.includes(` ${frrRoot}/`)) found.push(`mount ${line}`);
  }
  for (const pid of pidsMarked(id)) {
    found.push(`process ${pid} ${executeSync(['cat', `/proc/${pid}/cmdline`]).stdout.replaceAll('\0', ' ')}`);
  }
  try {
    for (const name of readdirSync(join(runDir(id), '..'))) {
      if (name === id || name === `${id}.json`) found.push(`file ${join(runDir(id), '..', name)}`);
    }
  } catch {
    // No lab ever ran here.
  }
  return found;
}
