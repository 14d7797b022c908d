/**
 * The run: episodes of events and frames, each on a new stage. A step is one event and a batch of frames behind it. Where the routers
 * differ for the first time in an episode, the step's frames are made a case (cases.ts), and the next episode begins, as what comes
 * after a fault tells nothing new. Faults that need no event are noted, and the episode goes on.
 */
import { Random } from '../fuzz/random';
import { errorText } from '../../src/net/error-text';
import { Cases } from './cases';
import type { Difference } from './compare';
import { EVENT_KINDS, nextEvent, type Event } from './events';
import { FRAME_KINDS, nextFrame } from './generate';
import { LEFT_BY_ZEBRA } from './intended';
import { Player } from './play';
import { withScene } from './stage';
import { initialWorld } from './world';

export interface RunOptions {
  readonly seed: number;
  readonly steps: number;
  readonly frames: number;
  readonly say: (line: string) => void;
}

/** Counts of one kind of frames. */
export interface KindCount {
  frames: number;
  differ: number;
}

export interface RunResult {
  steps: number;
  frames: number;
  episodes: number;
  again: number;
  readonly events: Map<string, number>;
  readonly kinds: Map<string, KindCount>;
  /** What Linux did with frames, in words → how often. */
  readonly outcomes: Map<string, number>;
  readonly explained: Map<string, number>;
  readonly cases: Cases;
}

/** Steps on one stage, at most. */
const EPISODE = 40;
/** Frames before the first event of the first stages: faults that need no event come first. */
const FIRST_BATCH = 800;

const add = (counts: Map<string, number>, key: string, n = 1): void => void counts.set(key, (counts.get(key) ?? 0) + n);

function count(result: RunResult, first: readonly Difference[]): void {
  result.frames += first.length;
  for (const { spec, both, onlyLinux } of first) {
    result.kinds.get(spec.kind)!.frames++;
    const words = [...new Set([...both, ...onlyLinux].map((seen) => seen.words))].sort().join(' + ');
    add(result.outcomes, words === '' ? 'nothing' : words);
  }
}

export async function run(options: RunOptions): Promise<RunResult> {
  const { seed, steps, frames, say } = options;
  const result: RunResult = {
    ...{ steps: 0, frames: 0, episodes: 0, again: 0 },
    events: new Map(EVENT_KINDS.map((kind) => [kind, 0])),
    kinds: new Map(FRAME_KINDS.map((kind) => [kind, { frames: 0, differ: 0 }])),
    outcomes: new Map(),
    explained: new Map(),
    cases: new Cases(say),
  };
  const batch = Math.ceil(frames / steps);
  while (result.steps < steps || result.frames < frames) {
    await episode(result, seed * 1000 + result.episodes++, batch, options);
    const { cases } = result;
    say(
      `episode ${result.episodes}: ${result.steps} of ${steps} steps, ${result.frames} of ${frames} frames, ${cases.found.length} faults`,
    );
  }
  return result;
}

/** Returns at the first fault that needs events, or at the end of the episode. */
async function episode(result: RunResult, seed: number, batch: number, options: RunOptions): Promise<void> {
  const { cases } = result;
  const random = new Random(seed);
  const world = initialWorld();
  const events: Event[] = [];
  let trouble: readonly string[] = [];
  let open: readonly Difference[] = [];
  // Half of the episodes begin with hosts that nobody has spoken to.
  const warm = random.below(2) === 0;
  const play = async (player: Player): Promise<void> => {
    if (warm) await player.pass(true);
    for (let step = 0; step <= EPISODE; step++) {
      if (step > 0) {
        const event = nextEvent(random, world);
        events.push(event);
        add(result.events, event.kind);
        result.steps++;
        trouble = await player.event(event);
        const left = await player.leftByZebra(trouble);
        if (trouble.length > 0 && left.length === trouble.length) {
          // The routers aren't alike any more: what comes on this stage tells nothing.
          add(result.explained, LEFT_BY_ZEBRA.name, left.length);
          trouble = [];
          return;
        }
      }
      const size = events.length === 0 && seed % 1000 < 2 ? FIRST_BATCH : batch;
      const specs = Array.from({ length: size }, () => nextFrame(random, world));
      const known = (one: Difference): boolean => cases.needsNoEvent(one);
      const played = await player.frames(specs, { known });
      count(result, played.first);
      result.again += played.again;
      for (const name of played.explained) add(result.explained, name);
      for (const { spec } of [...played.known, ...played.differences]) result.kinds.get(spec.kind)!.differ++;
      cases.again(played.known);
      if (step === 0) cases.atOnce(played.differences, warm);
      else open = played.differences;
      const isOver = result.steps >= options.steps && result.frames >= options.frames;
      if (open.length > 0 || trouble.length > 0 || isOver) return;
    }
  };
  try {
    await withScene(play);
  } catch (error) {
    if (events.length === 0) throw error;
    trouble = [`the stage broke: ${errorText(error)}`];
  }
  if (open.length + trouble.length > 0) await cases.add({ events, warm }, open, trouble);
}
