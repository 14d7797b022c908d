/** The thread of churn.test.ts that asks the program, over and over, until it is told to stop. */
import { parentPort, workerData } from 'node:worker_threads';
import { testRun } from '../../../src/sys/bpf';

/** A frame, and what its Ethernet addresses may be once it was sent: hex, destination and source. */
export interface Probe {
  readonly name: string;
  readonly frame: Uint8Array;
  readonly allowed: readonly string[];
}

export interface ReaderData {
  readonly program: number;
  readonly probes: readonly Probe[];
  /** One word: not 0 ends it. */
  readonly stop: SharedArrayBuffer;
}

export interface ReaderResult {
  readonly runs: number;
  /** Left to the engine, as the tables were changing. */
  readonly left: number;
  /** Probe and addresses → how often. */
  readonly seen: Readonly<Record<string, number>>;
  readonly wrong: readonly { readonly name: string; readonly found: string }[];
}

const MAX_WRONG = 10;

function read({ program, probes, stop }: ReaderData): ReaderResult {
  const told = new Int32Array(stop);
  const seen: Record<string, number> = {};
  const wrong: { name: string; found: string }[] = [];
  let runs = 0;
  let left = 0;
  while (Atomics.load(told, 0) === 0) {
    for (const { name, frame, allowed } of probes) {
      const { frame: out } = testRun(program, frame);
      runs++;
      if (Buffer.compare(out, frame) === 0) {
        left++;
        continue;
      }
      const found = out.toString('hex', 0, 12);
      seen[`${name} ${found}`] = (seen[`${name} ${found}`] ?? 0) + 1;
      if (!allowed.includes(found) && wrong.length < MAX_WRONG) wrong.push({ name, found });
    }
  }
  return { runs, left, seen, wrong };
}

parentPort?.postMessage(read(workerData as ReaderData));
