/**
 * `make fuzz`: hostile bytes for the FPM codec. Usage: main.js [--frames N] [--seed N] [--report FILE].
 *
 * The run is a thread of its own, so that a frame which makes the codec hang is found by this one, and named.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { errorText } from '../../src/net/error-text';
import { fuzz, type FuzzResult } from './fuzz';

interface Task {
  readonly seed: number;
  readonly frames: number;
  readonly at: SharedArrayBuffer;
}

type FromWorker =
  | { readonly kind: 'progress'; readonly frames: number; readonly findings: number }
  | { readonly kind: 'result'; readonly result: FuzzResult };

/** A frame that takes longer hangs; generous, as the machine may be busy with other things. */
const HANG_MS = 30_000;
const SLOW_MS = 5000;
/** Of memory, from the first half of the run to its end. */
const MAX_GROWTH = 16 * 1024 * 1024;

interface Check {
  readonly name: string;
  readonly command: string;
  readonly observed: string;
  readonly ok: boolean;
}

function work({ seed, frames, at }: Task): void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const place = new Int32Array(at);
  const post = (message: FromWorker): void => parentPort?.postMessage(message);
  const result = fuzz(seed, frames, {
    alive: (frame) => void Atomics.store(place, 0, frame),
    progress: (done, findings) => post({ kind: 'progress', frames: done, findings }),
    memory: () => {
      gc();
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    },
    now: () => performance.now(),
  });
  post({ kind: 'result', result });
}

/** Runs the thread; a frame number where it hung. */
function run(seed: number, frames: number): Promise<FuzzResult | { readonly hungAt: number }> {
  const at = new SharedArrayBuffer(4);
  const place = new Int32Array(at);
  const task: Task = { seed, frames, at };
  const worker = new Worker(__filename, { workerData: task });
  return new Promise((resolve, reject) => {
    let seen = -1;
    let since = performance.now();
    const watchdog = setInterval(() => {
      const now = Atomics.load(place, 0);
      if (now !== seen) [seen, since] = [now, performance.now()];
      else if (performance.now() - since > HANG_MS) {
        clearInterval(watchdog);
        void worker.terminate().then(() => resolve({ hungAt: now }));
      }
    }, 500);
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'progress') {
        const percent = Math.round((100 * message.frames) / frames);
        process.stdout.write(`fuzz: ${message.frames} frames (${percent} %), ${message.findings} findings\n`);
      } else {
        clearInterval(watchdog);
        resolve(message.result);
      }
    });
    worker.on('error', (error) => {
      clearInterval(watchdog);
      reject(error);
    });
  });
}

function checksOf(result: FuzzResult, command: string): Check[] {
  const checks = Object.entries(result.properties).map(([name, count]): Check => {
    const found = result.findings.filter(({ property }) => property === name);
    return { name, command, observed: `${count} checked, ${found.length} findings`, ok: found.length === 0 };
  });
  const { slowestMs, slowestMutation, memory } = result;
  const slowest = `the slowest frame with all its checks took ${slowestMs.toFixed(1)} ms (${slowestMutation})`;
  checks.push({ name: 'no hang', command, observed: slowest, ok: slowestMs < SLOW_MS });
  // The first fifth fills caches and compiles. Of several samples the least: buffers are given back a while after they were
  // collected.
  const least = (from: number, to: number): number =>
    Math.min(...memory.slice(Math.floor(from * memory.length), Math.ceil(to * memory.length)));
  const [early, late] = [least(0.2, 0.5), least(0.7, 1)];
  const mib = (value: number): string => (value / 1024 / 1024).toFixed(1);
  const observed = `${mib(early)} MiB in the first half of the run, ${mib(late)} at its end`;
  checks.push({
    name: 'memory does not grow',
    command,
    observed,
    ok: memory.length >= 10 && late - early < MAX_GROWTH,
  });
  return checks;
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
  const file = option('--report') ?? 'out/fuzz.json';
  const command = `node dist/test/fuzz/main.js --seed ${seed} --frames ${frames}`;
  process.stdout.write(`fuzz: ${frames} mutated frames, seed ${seed}\n`);
  const start = performance.now();
  const result = await run(seed, frames);
  const seconds = Math.round((performance.now() - start) / 100) / 10;
  const hung = 'hungAt' in result;
  const checks = hung
    ? [{ name: 'no hang', command, observed: `no end of frame ${result.hungAt} after ${HANG_MS / 1000} s`, ok: false }]
    : checksOf(result, command);
  const findings = hung ? [{ property: 'no hang', frame: result.hungAt }] : result.findings;
  const ok = checks.every((check) => check.ok) && findings.length === 0;
  const done = hung ? result.hungAt : result.frames;
  const summary = `${done} mutated frames in ${seconds} s, seed ${seed}: ${findings.length} findings`;
  const details = hung ? {} : { mutations: result.mutations, memory: result.memory };
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(
    file,
    `${JSON.stringify({ ok, summary, seed, frames: done, seconds, findings, checks, ...details }, undefined, 2)}\n`,
  );
  for (const check of checks) process.stdout.write(`${check.ok ? 'ok  ' : 'FAIL'} ${check.name}: ${check.observed}\n`);
  for (const finding of findings.slice(0, 5)) process.stdout.write(`${JSON.stringify(finding)}\n`);
  process.stdout.write(`fuzz: ${summary}; ${file}\n`);
  return ok ? 0 : 1;
}

if (isMainThread) {
  main().then(
    (code) => process.exit(code),
    (error: unknown) => {
      process.stderr.write(`fuzz: ${errorText(error)}\n`);
      process.exit(2);
    },
  );
} else work(workerData as Task);
