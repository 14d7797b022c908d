/** The compiled `fpm2afi` as a process: what it prints and its exit code. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** The program that Node runs. */
export const MAIN = join(__dirname, '..', '..', '..', 'src', 'main.js');

export interface Result {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs it with these arguments. */
export function run(...args: readonly string[]): Promise<Result> {
  return runIn({}, ...args);
}

/** The same with more of an environment. */
export function runIn(more: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Result> {
  return new Promise((resolve) => {
    const env = { ...process.env, ...more };
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    child.on('close', (code) => {
      resolve({ code, out, err });
    });
  });
}
