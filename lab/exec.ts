/**
 * Commands that are run to their end. Output is captured whole; a command that outlives its timeout is killed and counts
 * as failed. Arguments are passed as a list, never through a shell.
 */
import { spawn, spawnSync } from 'node:child_process';
import { PATIENCE } from './wait';

export interface ExecResult {
  readonly argv: readonly string[];
  /** Exit status; 128 + signal number when killed, 127 when it could not be started. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

export interface ExecOptions {
  /** Milliseconds; 15,000 when absent. */
  readonly timeoutMs?: number;
  readonly env?: NodeJS.ProcessEnv;
}

/** The command failed although its success was taken for granted. The message holds what it printed. */
export class CommandError extends Error {
  constructor(readonly result: ExecResult) {
    const said = `${result.stdout}\n${result.stderr}`.trim();
    const end = result.timedOut ? 'did not end in time' : `ended with status ${result.status}`;
    super(`${result.argv.join(' ')}: ${end}${said === '' ? '' : `\n${said}`}`);
    this.name = 'CommandError';
  }
}

/** Runs `argv` and waits for its end, whatever its status. */
export function execute(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  return new Promise((resolve) => {
    const [program = '', ...args] = argv;
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: options.env ?? process.env });
    let stdout = '';
    let stderr = '';
    let timedOut = false;
    const timer = setTimeout(
      () => {
        timedOut = true;
        child.kill('SIGKILL');
      },
      (options.timeoutMs ?? 15_000) * PATIENCE,
    );
    const finish = (status: number) => {
      clearTimeout(timer);
      resolve({ argv, status, stdout, stderr, timedOut });
    };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', (error) => {
      stderr += error.message;
      finish(127);
    });
    child.on('close', (code, signal) => finish(code ?? (signal === 'SIGKILL' ? 137 : 143)));
  });
}

/** Runs `argv`; throws CommandError unless it ends with status 0. Returns what it wrote to standard output. */
export async function must(argv: readonly string[], options: ExecOptions = {}): Promise<string> {
  const result = await execute(argv, options);
  if (result.status !== 0) throw new CommandError(result);
  return result.stdout;
}

/** `execute` for the clean-up paths, where the event loop may not run again. */
export function executeSync(argv: readonly string[]): ExecResult {
  const [program = '', ...args] = argv;
  const done = spawnSync(program, args, { encoding: 'utf8', timeout: 15_000 * PATIENCE, killSignal: 'SIGKILL' });
  return {
    argv,
    status: done.status ?? (done.error === undefined ? 137 : 127),
    stdout: done.stdout ?? '',
    stderr: done.stderr ?? '',
    timedOut: done.signal === 'SIGKILL',
  };
}
