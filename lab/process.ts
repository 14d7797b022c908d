/**
 * Processes that run until they are told to stop. Output goes to a file from the first byte on, so that nothing is lost when
 * either side dies, and so that a process may outlive the program that started it.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { waitFor } from './wait';

export interface ProcessEnd {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Proc {
  readonly name: string;
  readonly pid: number;
  /** Standard output and standard error, appended. */
  readonly logFile: string;
  /** Undefined while it runs. */
  readonly ended: () => ProcessEnd | undefined;
  /** Resolves when the process is gone. */
  readonly end: Promise<ProcessEnd>;
  /** Writes a line to its standard input, where that was asked for; throws where not. */
  readonly tell: (line: string) => void;
  /** Sends a signal and waits for the end. */
  readonly kill: (signal: NodeJS.Signals) => Promise<ProcessEnd>;
  /** Lets this program end before the process does. */
  readonly release: () => void;
}

export interface ProcessOptions {
  /** Standard input is open for `tell`; it ends with this program. */
  readonly stdin?: boolean;
}

/** Starts `argv` in a session of its own (a Ctrl-C on the terminal reaches only its owner). */
export function startProcess(
  name: string,
  argv: readonly string[],
  logFile: string,
  env: NodeJS.ProcessEnv,
  { stdin = false }: ProcessOptions = {},
): Proc {
  const log = openSync(logFile, 'a');
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { stdio: [stdin ? 'pipe' : 'ignore', log, log], detached: true, env });
  closeSync(log);
  // A process that is gone is noticed by its end.
  child.stdin?.on('error', () => undefined);
  let seen: ProcessEnd | undefined;
  const end = new Promise<ProcessEnd>((resolve) => {
    const finish = (status: number | null, signal: NodeJS.Signals | null) => {
      seen = { status, signal };
      resolve(seen);
    };
    child.once('exit', finish);
    child.once('error', () => finish(127, null));
  });
  if (child.pid === undefined) throw new Error(`${name} could not be started: ${argv.join(' ')}`);
  const pid = child.pid;
  return {
    name,
    pid,
    logFile,
    end,
    ended: () => seen,
    tell: (line) => {
      if (child.stdin === null) throw new Error(`${name} was started without standard input`);
      child.stdin.write(`${line}\n`);
    },
    kill: (signal) => {
      child.kill(signal);
      return end;
    },
    release: () => child.unref(),
  };
}

/** A place in a log file to read on from. */
export function logMark(logFile: string): number {
  try {
    return statSync(logFile).size;
  } catch {
    return 0;
  }
}

/** The lines written to a log file since `mark` (a byte offset). */
export function logLines(logFile: string, mark = 0): readonly string[] {
  try {
    return readFileSync(logFile)
      .subarray(mark)
      .toString('utf8')
      .split('\n')
      .filter((line) => line !== '');
  } catch {
    return [];
  }
}

/** The first line since `mark` that matches, waiting for it up to `timeoutMs`. */
export function waitForLine(logFile: string, pattern: RegExp, mark: number, timeoutMs: number): Promise<string> {
  return waitFor(() => logLines(logFile, mark).find((line) => pattern.test(line)), {
    timeoutMs,
    what: `a line like ${String(pattern)} in ${logFile}`,
  });
}
