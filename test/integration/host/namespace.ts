/**
 * Network namespaces for the tests of punt and neighbors, and a child process in one of them that runs the code under
 * test (child.ts) and is talked to in JSON lines. Everything made is removed by `close`, whatever happened.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { waitFor } from '../../../lab/wait';

/** One namespace of a random name. */
export interface Namespace {
  readonly name: string;
  /** `ip` with these words, in the namespace; its output. Throws with what it said when it fails. */
  ip(words: string): string;
  /** `ip -json`. */
  ipJson(words: string): Record<string, unknown>[];
  exec(program: string, args: readonly string[], input?: string): string;
  close(): void;
}

export function openNamespace(): Namespace {
  if (process.getuid?.() !== 0)
    throw new Error('these tests make network namespaces and TAP devices: run them as root');
  const name = `f2a-host-${randomBytes(4).toString('hex')}`;
  execFileSync('ip', ['netns', 'add', name]);
  const exec = (program: string, args: readonly string[], input?: string): string =>
    execFileSync('ip', ['netns', 'exec', name, program, ...args], {
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(input !== undefined && { input }),
    });
  const ip = (words: string): string => execFileSync('ip', ['-n', name, ...words.split(' ')], { encoding: 'utf8' });
  ip('link set lo up');
  return {
    name,
    ip,
    ipJson: (words) => JSON.parse(ip(`-json ${words}`) || '[]') as Record<string, unknown>[],
    exec,
    close: () => void spawnSync('ip', ['netns', 'del', name]),
  };
}

type Json = Record<string, unknown>;

/** A running child.ts. */
export interface Child {
  readonly pid: number;
  /** Calls a function of child.ts; rejects with the message of what it threw. */
  call<T = unknown>(name: string, ...args: unknown[]): Promise<T>;
  /** What the child told by itself, in order: updates, log lines, datagrams. */
  readonly events: Json[];
  /** Resolves once `find` gives something but undefined or false; fails with the events when it takes too long. */
  until<T>(find: (events: readonly Json[]) => T | undefined | false): Promise<T>;
  kill(): Promise<void>;
}

const DEADLINE_MS = 20_000;
const CALL_DEADLINE_MS = 20_000;

/** `program`: what runs there, child.ts or another that speaks as it does; `through`: a command that starts it. */
export function startChild(
  namespace: Namespace,
  program = join(__dirname, 'child.js'),
  through: readonly string[] = [],
): Child {
  const child = spawn('ip', ['netns', 'exec', namespace.name, ...through, process.execPath, program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const events: Json[] = [];
  const calls = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  const watchers = new Set<() => void>();
  let last = 0;
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  child.stdin.on('error', () => undefined);
  createInterface(child.stdout).on('line', (line) => {
    const message = JSON.parse(line) as Json;
    const call = calls.get(Number(message['call']));
    if (call === undefined) events.push(message);
    else if (typeof message['error'] === 'string') call.reject(new Error(message['error']));
    else call.resolve(message['result']);
    watchers.forEach((watch) => watch());
  });
  void ended.then(() => calls.forEach(({ reject }) => reject(new Error('the child has ended'))));

  return {
    pid: child.pid!,
    events,
    call<T>(name: string, ...args: unknown[]): Promise<T> {
      const id = ++last;
      child.stdin.write(`${JSON.stringify({ call: id, name, args })}\n`);
      return new Promise<T>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`no answer to ${name}`)), CALL_DEADLINE_MS);
        const done = (): void => {
          clearTimeout(timer);
          calls.delete(id);
        };
        calls.set(id, {
          resolve: (value) => (done(), resolve(value as T)),
          reject: (error) => (done(), reject(error)),
        });
      });
    },
    until(find) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          watchers.delete(watch);
          const seen = events.slice(-30).map((event) => JSON.stringify(event));
          reject(new Error(`not seen: ${find.toString()}\nlast events:\n${seen.join('\n')}`));
        }, DEADLINE_MS);
        const watch = (): void => {
          const found = find(events);
          if (found === undefined || found === false) return;
          clearTimeout(timer);
          watchers.delete(watch);
          resolve(found);
        };
        watchers.add(watch);
        watch();
      });
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Polls the outside world (what `ip` shows) until it is as wanted. */
export async function eventually(check: () => boolean | Promise<boolean>, what: string): Promise<void> {
  await waitFor(check, { timeoutMs: DEADLINE_MS, what, everyMs: 20 });
}
