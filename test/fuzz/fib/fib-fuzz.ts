/** One run of the FIB's fuzzing: so many histories from one seed, half of them made of mutated frames, and what was found. */
import type { FpmUpdate } from '../../../src/fib/updates';
import { FPM_TYPE_NETLINK, FPM_TYPE_PROTOBUF, FpmFramingError, FrameReader } from '../../../src/fpm/framing';
import { decodeNetlink, type DecoderSink } from '../../../src/fpm/netlink/decoder';
import { decodeProtobuf } from '../../../src/fpm/protobuf/decoder';
import { corpus } from '../corpus';
import { MUTATIONS } from '../mutations';
import { Random } from '../random';
import { describeEvent, type History } from './events';
import { historyOf } from './generator';
import { play, type Effort } from './player';
import { reduce } from './reduce';

export interface FibFinding {
  /** The history's own seed: `historyFrom` makes it again. */
  readonly seed: number;
  readonly what: string;
  /** The shortest history that fails, an event a line. */
  readonly events: readonly string[];
}

export interface FibFuzzResult extends Effort {
  readonly seed: number;
  readonly histories: number;
  readonly events: number;
  readonly findings: readonly FibFinding[];
  /** Of one history with all its checks. */
  readonly slowestMs: number;
  readonly slowestSeed: number;
}

export interface FibFuzzHooks {
  /** Before each play of a history, for a watchdog. */
  alive?(history: number): void;
  progress?(histories: number, findings: number): void;
  /** Milliseconds, monotonic. */
  now(): number;
}

const MAX_FINDINGS = 5;
const SHORTEST = 5;
const LONGEST = 120;
const PROGRESS = 10;

/** What is decoded from a frame, whatever is wrong with it. */
function updatesOf(frame: Buffer): FpmUpdate[] {
  const updates: FpmUpdate[] = [];
  const nothing = (): void => undefined;
  const sink: DecoderSink = {
    update: (update) => void updates.push(structuredClone(update)),
    message: nothing,
    skipped: nothing,
    malformed: nothing,
  };
  const reader = new FrameReader((type, buffer, start, end) => {
    if (type === FPM_TYPE_NETLINK) decodeNetlink(buffer, start, end, sink);
    else if (type === FPM_TYPE_PROTOBUF) decodeProtobuf(buffer, start, end, sink);
  });
  try {
    reader.push(frame);
  } catch (error) {
    if (!(error instanceof FpmFramingError)) throw error;
  }
  return updates;
}

/** Updates from mutated frames; the frames themselves among them, as most mutations end in nothing. */
function mutatedUpdates(random: Random, seeds: readonly Buffer[], length: number): FpmUpdate[] {
  const names = Object.values(MUTATIONS);
  const updates: FpmUpdate[] = [];
  while (updates.length < length) {
    const frame = random.pick(seeds);
    updates.push(...updatesOf(random.below(3) === 0 ? frame : random.pick(names)(frame, random, seeds)));
  }
  return updates.slice(0, length);
}

/** The history of a seed: every other one is made of mutated frames. */
export function historyFrom(seed: number, seeds: readonly Buffer[]): History {
  const random = new Random(seed);
  const length = SHORTEST + random.below(LONGEST - SHORTEST);
  const updates = seed % 2 === 0 ? undefined : mutatedUpdates(random, seeds, length);
  return historyOf(seed, random, length, updates);
}

/** Runs so many histories. */
export async function fuzzFib(seed: number, histories: number, hooks: FibFuzzHooks): Promise<FibFuzzResult> {
  const seeds = corpus();
  const effort: Effort = { operations: 0, packets: 0, checks: 0 };
  const findings: FibFinding[] = [];
  let events = 0;
  let slowestMs = 0;
  let slowestSeed = 0;
  let done = 0;
  for (; done < histories && findings.length < MAX_FINDINGS; done++) {
    hooks.alive?.(done);
    const history = historyFrom(seed + done, seeds);
    events += history.events.length;
    const start = hooks.now();
    const fault = await play(history, effort);
    const took = hooks.now() - start;
    if (took > slowestMs) [slowestMs, slowestSeed] = [took, history.seed];
    if (fault !== undefined) {
      const shortest = await reduce({ ...history, events: history.events.slice(0, fault.at + 1) }, () =>
        hooks.alive?.(done),
      );
      const again = await play(shortest, { operations: 0, packets: 0, checks: 0 });
      findings.push({
        seed: history.seed,
        what: again?.what ?? fault.what,
        events: [...shortest.events.map(describeEvent), `withdrawn: ${shortest.ending} first`],
      });
    }
    if ((done + 1) % Math.ceil(histories / PROGRESS) === 0) hooks.progress?.(done + 1, findings.length);
  }
  return { seed, histories: done, events, findings, slowestMs, slowestSeed, ...effort };
}
