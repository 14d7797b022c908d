/** One fuzzing run: so many mutated frames from one seed, every property on each, and what was found. */
import { corpus, frameOf, framesOf, recordedStreams } from './corpus';
import { MUTATIONS } from './mutations';
import { checkCuts, checkFrame, checkInspector, checkResync, checkSurroundings, sessionOf } from './properties';
import { Random } from './random';

export interface Finding {
  readonly property: string;
  readonly mutation: string;
  /** Number of the frame in the run. */
  readonly frame: number;
  readonly what: string;
  /** The bytes, in hex; shortened when long. The seed and the number make them again. */
  readonly hex: string;
}

export interface FuzzResult {
  readonly seed: number;
  readonly frames: number;
  readonly bytes: number;
  readonly mutations: Readonly<Record<string, number>>;
  /** How often each property was checked. */
  readonly properties: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
  /** Of one frame with all its checks. */
  readonly slowestMs: number;
  readonly slowestMutation: string;
  /** Bytes of the heap and of buffers after a collection, over the run. */
  readonly memory: readonly number[];
}

export interface FuzzHooks {
  /** Before each frame, for a watchdog. */
  alive?(frame: number): void;
  /** Now and then. */
  progress?(frames: number, findings: number): void;
  /** Collects garbage and returns what is held; absent: memory isn't looked at. */
  memory?(): number;
  /** Milliseconds, monotonic. */
  now(): number;
}

const MAX_FINDINGS = 100;
/** These are checked on every so many frames only. */
const EVERY = { cuts: 16, surroundings: 2, inspector: 32, resync: 512 } as const;
const SAMPLES = 20;

/** Runs `frames` mutated frames. */
export function fuzz(seed: number, frames: number, hooks: FuzzHooks): FuzzResult {
  const random = new Random(seed);
  const seeds = corpus();
  const streams = recordedStreams();
  const parts = streams.map(framesOf);
  const names = Object.keys(MUTATIONS);
  const sentinel = frameOf(seeds[0]!.subarray(4));
  const expected = sessionOf([sentinel]).events;
  const mutations: Record<string, number> = Object.fromEntries(names.map((name) => [name, 0]));
  const properties: Record<string, number> = {};
  const findings: Finding[] = [];
  const memory: number[] = [];
  let bytes = 0;
  let slowestMs = 0;
  let slowestMutation = '';

  function check(
    property: string,
    mutation: string,
    number: number,
    frame: Buffer,
    run: () => string | undefined,
  ): void {
    properties[property] = (properties[property] ?? 0) + 1;
    let what: string | undefined;
    try {
      what = run();
    } catch (error) {
      what = `thrown: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
    }
    if (what === undefined || findings.length >= MAX_FINDINGS) return;
    findings.push({ property, mutation, frame: number, what, hex: frame.subarray(0, 2000).toString('hex') });
  }

  for (let i = 0; i < frames; i++) {
    hooks.alive?.(i);
    const name = names[i % names.length]!;
    const frame = MUTATIONS[name]!(random.pick(seeds), random, seeds);
    mutations[name]!++;
    bytes += frame.length;
    const start = hooks.now();
    check('nothing thrown, well-formed, next frame kept', name, i, frame, () => checkFrame(frame, sentinel, expected));
    if (random.below(EVERY.cuts) === 0) {
      check('any cut gives the same', name, i, frame, () => checkCuts(Buffer.concat([frame, sentinel]), random));
      check('any cut of a valid stream gives the same', name, i, frame, () => checkCuts(random.pick(streams), random));
    }
    if (random.below(EVERY.surroundings) === 0 && frame.length >= 4) {
      check('bytes around do not matter', name, i, frame, () => checkSurroundings(frame));
    }
    if (random.below(EVERY.inspector) === 0) {
      check('decode prints anything', name, i, frame, () => checkInspector(frame, sentinel));
    }
    if (random.below(EVERY.resync) === 0) {
      check('frames behind a wrong header are found', name, i, frame, () => checkResync(random.pick(parts), random));
    }
    const took = hooks.now() - start;
    if (took > slowestMs) [slowestMs, slowestMutation] = [took, name];
    if ((i + 1) % Math.ceil(frames / SAMPLES) === 0) {
      if (hooks.memory !== undefined) memory.push(hooks.memory());
      hooks.progress?.(i + 1, findings.length);
    }
  }
  return { seed, frames, bytes, mutations, properties, findings, slowestMs, slowestMutation, memory };
}
