/**
 * The faults found, with the fewest events that show them. Differences after the same kinds of events are taken for one fault; what
 * differs on a new stage is one by itself.
 */
import { errorText } from '../../src/net/error-text';
import { describeSeen, signature, type Difference } from './compare';
import { describeAction, type Event } from './events';
import { describeFrame, type FrameSpec } from './frame';
import { minimise, type Minimised } from './minimise';
import { withScene } from './stage';

export interface Fault {
  readonly name: string;
  /** The first case of it. */
  readonly lines: readonly string[];
  /** Signatures of all differences taken for it. */
  readonly signatures: Set<string>;
  times: number;
}

/** What led to a difference. */
export interface History {
  readonly events: readonly Event[];
  /** With a packet to each host before. */
  readonly warm: boolean;
}

/** For one fault, and for all of a run. */
const CASE_MS = 150_000;
const ALL_MS = 900_000;
/** Frames of one signature that are played again. */
const FRAMES = 3;
const PATIENCE: readonly number[] = [300, 1000, 2500];

export class Cases {
  private readonly faults = new Map<string, Fault>();
  private left = ALL_MS;

  constructor(private readonly say: (line: string) => void) {}

  get found(): readonly Fault[] {
    return [...this.faults.values()];
  }

  /** Whether the same is known to differ on a new stage. */
  needsNoEvent(difference: Difference): boolean {
    return this.faults.has(nameOf([], signature(difference)));
  }

  /** Counts differences for which `needsNoEvent` holds. */
  again(differences: readonly Difference[]): void {
    for (const one of differences) this.faults.get(nameOf([], signature(one)))!.times++;
  }

  /** Differences on a new stage. */
  atOnce(differences: readonly Difference[], warm: boolean): void {
    for (const one of differences) {
      this.put({ events: [], reproduced: true, attempts: 0, complete: true }, signature(one), warm, describe(one));
    }
  }

  /** Differences, or trouble of the stage, at the end of a list of events. */
  async add(history: History, differences: readonly Difference[], trouble: readonly string[]): Promise<void> {
    const lines = [
      ...(differences[0] === undefined ? [] : describe(differences[0])),
      ...trouble.map((line) => `  ${line}`),
    ];
    const specs = differences.slice(0, FRAMES).map(({ spec }) => spec);
    const began = performance.now();
    const minimal = await minimise(
      history.events,
      (events) => this.fails({ ...history, events }, specs),
      began + Math.min(CASE_MS, this.left),
    );
    this.left = Math.max(0, this.left - (performance.now() - began));
    const [first] = differences;
    this.put(minimal, first === undefined ? trouble[0]! : signature(first), history.warm, lines);
  }

  /** Whether the frames, or without any the stage itself, come to differ: before the events, behind each, and with patience at the end. */
  private async fails({ events, warm }: History, specs: readonly FrameSpec[]): Promise<boolean> {
    try {
      return await withScene(async (player) => {
        let trouble = false;
        await player.pass(warm, specs);
        for (const event of events) {
          trouble = (await player.event(event)).length > 0;
          if (event !== events.at(-1)) await player.pass(warm, specs);
        }
        if (specs.length === 0) return trouble;
        return (await player.frames(specs, { patience: PATIENCE })).differences.length > 0;
      });
    } catch (error) {
      this.say(`  (a stage broke: ${errorText(error)})`);
      return specs.length === 0;
    }
  }

  private put(minimal: Minimised, what: string, warm: boolean, lines: readonly string[]): void {
    const name = minimal.reproduced ? nameOf(minimal.events, what) : `not seen again, ${what}`;
    const seen = this.faults.get(name);
    if (seen !== undefined) {
      seen.times++;
      seen.signatures.add(what);
      return;
    }
    const told = [...(warm ? ['a packet to each host first'] : []), ...commands(minimal), ...lines];
    this.faults.set(name, { name, lines: told, signatures: new Set([what]), times: 1 });
    this.say(`DIFFERS ${name}: ${what}`);
    for (const line of told) this.say(`  ${line}`);
  }
}

/** The kinds of the events that show it, or what differs where none is needed. */
function nameOf(events: readonly Event[], what: string): string {
  return events.length === 0 ? what : `after ${events.map(({ kind }) => kind).join(', ')}`;
}

function commands({ events, reproduced, attempts, complete }: Minimised): readonly string[] {
  const state = reproduced ? (complete ? '' : ', shortened as far as time allowed') : ', not seen again by them alone';
  return [
    events.length === 0 ? 'no event needed' : `${events.length} event(s)${state} (${attempts} attempts):`,
    ...events.flatMap(({ actions }) => actions.map((action) => `  ${describeAction(action)}`)),
  ];
}

function describe({ spec, sent, onlyLinux, onlyOurs, both }: Difference): readonly string[] {
  return [
    `frame: ${describeFrame(spec)}`,
    ...sent.map((hex) => `  ${hex}`),
    ...onlyLinux.map((seen) => `  only Linux: ${describeSeen(seen)}\n    ${seen.hex}`),
    ...onlyOurs.map((seen) => `  only ours:  ${describeSeen(seen)}\n    ${seen.hex}`),
    ...both.map((seen) => `  both:       ${describeSeen(seen)}`),
  ];
}
