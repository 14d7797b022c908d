/**
 * A lab: nodes (network namespaces), links and processes under one id, made to be removed as a whole. However the program
 * that opened it ends (return, exception, signal, exit), everything is removed on the way out; after kill -9 the next
 * openLab with the same id removes it first. See state.ts for how ownership is known and sweep.ts for the removal.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createNode, netnsName, type LabNode } from './node';
import type { Proc } from './process';
import { LabBusyError, lockLab, readState, runDir, writeState, type LabState } from './state';
import { sweep } from './sweep';

export interface LabOptions {
  /** Where processes write their logs, emptied first; absent: a folder that goes away with the lab. */
  readonly logDir?: string;
  /** FRR's root folder; absent: where `make setup` puts it. */
  readonly frrRoot?: string;
  /** Told what the lab does, one line at a time. */
  readonly say?: (line: string) => void;
}

export interface Lab {
  readonly id: string;
  readonly frrRoot: string;
  readonly logDir: string;
  /** Makes a node, and its namespace `f2a-ID-NAME`. */
  readonly node: (name: string) => Promise<LabNode>;
  /** Removes everything; harmless when called again. Throws when something could not be removed. */
  readonly close: () => Promise<void>;
  /** Leaves everything running after this program's end; `stopLab` removes it. */
  readonly keep: () => Promise<void>;
}

/** The root folder with a current FRR that `make setup` made (FPM2AFI_CACHE and FPM2AFI_SUITE as there). */
export function defaultFrrRoot(): string {
  return join(process.env.FPM2AFI_CACHE ?? '/var/cache/fpm2afi', 'frr', process.env.FPM2AFI_SUITE ?? 'forky');
}

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const SIGNAL_STATUS: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

/** A program's lab id, with FPM2AFI_LAB_SUFFIX behind it: lets two checkouts use one machine at the same time. */
export function labId(name: string): string {
  return `${name}${process.env.FPM2AFI_LAB_SUFFIX ?? ''}`;
}

function checkId(id: string): void {
  // No dash: else the names of lab "a" and of lab "a-b" could not be told apart.
  if (!/^[a-z0-9]{1,16}$/.test(id)) throw new Error(`lab id "${id}": 1 to 16 lower-case letters and digits`);
}

function checkMachine(frrRoot: string): void {
  if (process.getuid?.() !== 0) throw new Error('A lab needs root (network namespaces): run as root.');
  if (!existsSync(join(frrRoot, 'usr/lib/frr/zebra'))) throw new Error(`No FRR in ${frrRoot}: run "make setup".`);
}

/**
 * Opens the lab `id`, after removing what a killed run of the same id left behind. Throws LabBusyError if it is alive or was
 * kept running.
 */
export async function openLab(id: string, options: LabOptions = {}): Promise<Lab> {
  checkId(id);
  const frrRoot = options.frrRoot ?? defaultFrrRoot();
  checkMachine(frrRoot);
  const lock = await lockLab(id);
  try {
    removeLeftovers(id, options);
  } catch (error) {
    lock.close();
    throw error;
  }
  let state: LabState = { id, pid: process.pid, kept: false, frrRoot, namespaces: [] };
  writeState(state);
  const logDir = resolve(options.logDir ?? join(runDir(id), 'logs'));
  rmSync(logDir, { recursive: true, force: true });
  mkdirSync(logDir, { recursive: true });

  const processes: Proc[] = [];
  let open = true;
  const sweepNow = (): readonly string[] => {
    if (!open) return [];
    open = false;
    return sweep(state);
  };
  const onExit = () => void sweepNow();
  const onSignal = (signal: NodeJS.Signals) => {
    options.say?.(`${signal}: removing the lab`);
    sweepNow();
    process.exit(SIGNAL_STATUS[signal] ?? 1);
  };
  const unhook = () => {
    process.off('exit', onExit);
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
  process.on('exit', onExit);
  for (const signal of SIGNALS) process.on(signal, onSignal);

  const unlock = () => new Promise<void>((done) => lock.close(() => done()));
  return {
    id,
    frrRoot,
    logDir,
    node: async (name) => {
      state = { ...state, namespaces: [...state.namespaces, netnsName(id, name)] };
      writeState(state);
      return createNode(name, { labId: id, logDir, onStart: (started) => processes.push(started) });
    },
    close: async () => {
      const problems = sweepNow();
      unhook();
      await Promise.all(processes.map((started) => started.end));
      await unlock();
      failOn(problems);
    },
    keep: async () => {
      open = false;
      state = { ...state, kept: true };
      writeState(state);
      unhook();
      for (const started of processes) started.release();
      await unlock();
    },
  };
}

/** Removes a lab that was kept running or left by a killed run. False if there was none. */
export async function stopLab(id: string): Promise<boolean> {
  checkId(id);
  const lock = await lockLab(id);
  try {
    const state = readState(id);
    if (state === undefined) return false;
    failOn(sweep(state));
    return true;
  } finally {
    lock.close();
  }
}

function removeLeftovers(id: string, options: LabOptions): void {
  const left = readState(id);
  if (left === undefined) return;
  if (left.kept) throw new LabBusyError(`A lab "${id}" was left running (KEEP=1): stop it with "make ${id}-stop".`);
  options.say?.(`removing what process ${left.pid} left behind (it did not end by itself)`);
  failOn(sweep(left));
}

function failOn(problems: readonly string[]): void {
  if (problems.length > 0) throw new Error(`The lab could not be removed completely: ${problems.join('; ')}`);
}
