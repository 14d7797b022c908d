/**
 * `make fuzz`: hostile bytes for the FPM codec, hostile meanings for what is behind it, and graphs and packets for the two engines.
 * Usage: main.js [--frames N] [--histories N] [--graphs N] [--seed N] [--report FILE].
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
import { checksOfCodec, checksOfFib, checksOfKernel, HANG_MS, type Check } from './checks';
import { fuzzFib, type FibFuzzResult } from './fib/fib-fuzz';
import { fuzz, type FuzzResult } from './fuzz';
import { fuzzKernel, type KernelFuzzResult } from './kernel/kernel-fuzz';

interface Task {
  readonly seed: number;
  readonly frames: number;
  readonly histories: number;
  readonly graphs: number;
  readonly at: SharedArrayBuffer;
}

interface Results {
  readonly codec: FuzzResult;
  readonly fib: FibFuzzResult;
  /** Undefined: no graph was asked for. */
  readonly kernel: KernelFuzzResult | undefined;
}

type FromWorker =
  { readonly kind: 'progress'; readonly text: string } | { readonly kind: 'results'; readonly results: Results };

/** What the worker is at: a counter that stands still when it hangs, what it is, and its number. */
const AT = { ticks: 0, what: 1, number: 2 } as const;
const PARTS = ['frame', 'history', 'graph'] as const;

async function work({ seed, frames, histories, graphs, at }: Task): Promise<void> {
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
    (part: (typeof PARTS)[number]) =>
    (number: number): void => {
      Atomics.store(place, AT.what, PARTS.indexOf(part));
      Atomics.store(place, AT.number, number);
      Atomics.add(place, AT.ticks, 1);
    };
  const memory = (): number => {
    gc();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const codec = fuzz(seed, frames, { alive: alive('frame'), progress: progress(frames, 'frames'), memory, now });
  const fib = await fuzzFib(seed, histories, {
    alive: alive('history'),
    progress: progress(histories, 'histories'),
    now,
  });
  const sides = { alive: alive('graph'), progress: progress(graphs, 'graphs'), now };
  const kernel = graphs === 0 ? undefined : fuzzKernel(seed, graphs, sides);
  post({ kind: 'results', results: { codec, fib, kernel } });
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
        const hungAt = `${PARTS[place[AT.what]!]} ${place[AT.number]}`;
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
  const graphs = numberOption('--graphs', Math.ceil(frames / 100));
  const file = option('--report') ?? 'out/fuzz.json';
  const command = `node dist/test/fuzz/main.js --seed ${seed} --frames ${frames} --histories ${histories} --graphs ${graphs}`;
  process.stdout.write(`fuzz: ${frames} mutated frames, ${histories} histories, ${graphs} graphs, seed ${seed}\n`);
  const start = performance.now();
  const results = await run({ seed, frames, histories, graphs });
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
  const { codec, fib, kernel } = results;
  const { mutations, memory, frames } = codec;
  const { operations, packets, events, histories } = fib;
  return {
    checks: [
      ...checksOfCodec(codec, command),
      ...checksOfFib(fib, command),
      ...(kernel === undefined ? [] : checksOfKernel(kernel, command)),
    ],
    findings: [...codec.findings, ...fib.findings, ...(kernel?.findings ?? [])],
    done: `${frames} mutated frames, ${histories} histories, ${kernel?.graphs ?? 0} graphs with ${kernel?.frames ?? 0} packets`,
    details: { frames, mutations, memory, histories, events, operations, packets, engines: sidesOf(kernel) },
  };
}

function sidesOf(result: KernelFuzzResult | undefined): object | undefined {
  if (result === undefined) return undefined;
  const { graphs, frames, judged, operations, refused, ways, reasons } = result;
  return { graphs, frames, judged, operations, refused, ways, reasons };
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
