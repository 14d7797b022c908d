/**
 * `make fuzz`: hostile bytes for the FPM codec, and hostile meanings for what is behind it.
 * Usage: main.js [--frames N] [--histories N] [--seed N] [--report FILE].
 *
 * The run is a thread of its own, so that a frame or a history which makes it hang is found by this one, and named.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { errorText } from '../../src/net/error-text';
import { checksOfCodec, checksOfFib, HANG_MS, type Check } from './checks';
import { fuzzFib, type FibFuzzResult } from './fib/fib-fuzz';
import { fuzz, type FuzzResult } from './fuzz';

interface Task {
  readonly seed: number;
  readonly frames: number;
  readonly histories: number;
  readonly at: SharedArrayBuffer;
}

interface Results {
  readonly codec: FuzzResult;
  readonly fib: FibFuzzResult;
}

type FromWorker =
  { readonly kind: 'progress'; readonly text: string } | { readonly kind: 'results'; readonly results: Results };

/** What the worker is at: a counter that stands still when it hangs, what it is, and its number. */
const AT = { ticks: 0, isHistory: 1, number: 2 } as const;

async function work({ seed, frames, histories, at }: Task): Promise<void> {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const place = new Int32Array(at);
  const post = (message: FromWorker): void => parentPort?.postMessage(message);
  const now = (): number => performance.now();
  const progress =
    (of: number, what: string) =>
    (done: number, findings: number): void =>
      post({ kind: 'progress', text: `${done} of ${of} ${what}, ${findings} findings` });
  const alive =
    (isHistory: 0 | 1) =>
    (number: number): void => {
      Atomics.store(place, AT.isHistory, isHistory);
      Atomics.store(place, AT.number, number);
      Atomics.add(place, AT.ticks, 1);
    };
  const memory = (): number => {
    gc();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const codec = fuzz(seed, frames, { alive: alive(0), progress: progress(frames, 'frames'), memory, now });
  const fib = await fuzzFib(seed, histories, { alive: alive(1), progress: progress(histories, 'histories'), now });
  post({ kind: 'results', results: { codec, fib } });
}

/** Runs the thread; what it was at when it hung. */
function run(task: Omit<Task, 'at'>): Promise<Results | { readonly hungAt: string }> {
  const at = new SharedArrayBuffer(12);
  const place = new Int32Array(at);
  const worker = new Worker(__filename, { workerData: { ...task, at } satisfies Task });
  return new Promise((resolve, reject) => {
    let seen = -1;
    let since = performance.now();
    const watchdog = setInterval(() => {
      const ticks = Atomics.load(place, AT.ticks);
      if (ticks !== seen) [seen, since] = [ticks, performance.now()];
      else if (performance.now() - since > HANG_MS) {
        clearInterval(watchdog);
        const hungAt = `${place[AT.isHistory] === 1 ? 'history' : 'frame'} ${place[AT.number]}`;
        void worker.terminate().then(() => resolve({ hungAt }));
      }
    }, 500);
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'progress') process.stdout.write(`fuzz: ${message.text}\n`);
      else {
        clearInterval(watchdog);
        resolve(message.results);
      }
    });
    worker.on('error', (error) => {
      clearInterval(watchdog);
      reject(error);
    });
  });
}

function option(name: string): string | undefined {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
}

function numberOption(name: string, absent: number): number {
  const text = option(name);
  if (text === undefined) return absent;
  if (!/^\d{1,9}$/.test(text)) throw new Error(`${name}: expected a number`);
  return Number(text);
}

async function main(): Promise<number> {
  const seed = numberOption('--seed', Date.now() % 1_000_000_000);
  const frames = numberOption('--frames', 1_000_000);
  const histories = numberOption('--histories', Math.ceil(frames / 100));
  const file = option('--report') ?? 'out/fuzz.json';
  const command = `node dist/test/fuzz/main.js --seed ${seed} --frames ${frames} --histories ${histories}`;
  process.stdout.write(`fuzz: ${frames} mutated frames, then ${histories} histories, seed ${seed}\n`);
  const start = performance.now();
  const results = await run({ seed, frames, histories });
  const seconds = Math.round((performance.now() - start) / 100) / 10;
  const report = reportOf(results, command);
  const ok = report.checks.every((check) => check.ok) && report.findings.length === 0;
  const summary = `${report.done} in ${seconds} s, seed ${seed}: ${report.findings.length} findings`;
  mkdirSync(dirname(file), { recursive: true });
  const { checks, findings, details } = report;
  writeFileSync(
    file,
    `${JSON.stringify({ ok, summary, seed, seconds, findings, checks, ...details }, undefined, 2)}\n`,
  );
  for (const check of checks) process.stdout.write(`${check.ok ? 'ok  ' : 'FAIL'} ${check.name}: ${check.observed}\n`);
  for (const finding of findings.slice(0, 5)) process.stdout.write(`${JSON.stringify(finding, undefined, 2)}\n`);
  process.stdout.write(`fuzz: ${summary}; ${file}\n`);
  return ok ? 0 : 1;
}

interface Report {
  readonly checks: readonly Check[];
  readonly findings: readonly object[];
  /** What was done. */
  readonly done: string;
  readonly details: object;
}

function reportOf(results: Results | { readonly hungAt: string }, command: string): Report {
  if ('hungAt' in results) {
    const observed = `no end of ${results.hungAt} after ${HANG_MS / 1000} s`;
    const findings = [{ property: 'no hang', at: results.hungAt }];
    return { checks: [{ name: 'no hang', command, observed, ok: false }], findings, done: 'hung', details: {} };
  }
  const { codec, fib } = results;
  const { mutations, memory, frames } = codec;
  const { operations, packets, events, histories } = fib;
  return {
    checks: [...checksOfCodec(codec, command), ...checksOfFib(fib, command)],
    findings: [...codec.findings, ...fib.findings],
    done: `${frames} mutated frames, ${histories} histories`,
    details: { frames, mutations, memory, histories, events, operations, packets },
  };
}

if (isMainThread) {
  main().then(
    (code) => process.exit(code),
    (error: unknown) => {
      process.stderr.write(`fuzz: ${errorText(error)}\n`);
      process.exit(2);
    },
  );
} else void work(workerData as Task);
