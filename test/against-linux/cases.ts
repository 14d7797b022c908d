/** The faults found: one for each signature, with the fewest events that show it. */
import { errorText } from '../../src/net/error-text';
import { describeSeen, signature, type Difference } from './compare';
import { describeAction, type Event } from './events';
import { describeFrame, type FrameSpec } from './frame';
import { minimise, type Minimised } from './minimise';
import { withScene } from './stage';

export interface Case {
  readonly signature: string;
  readonly lines: readonly string[];
  /** How many events the shortest list has; undefined when the fault didn't come again. */
  readonly events: number | undefined;
  times: number;
}

/** For one fault, and for all of a run. */
const CASE_MS = 150_000;
const ALL_MS = 900_000;
/** Frames of one signature that are played again. */
const FRAMES = 3;
const PATIENCE: readonly number[] = [300, 1000, 2500];

/** What led to a difference. */
export interface History {
  readonly events: readonly Event[];
  /** With a packet to each host before. */
  readonly warm: boolean;
}

export class Cases {
  private readonly known = new Map<string, Case>();
  private left = ALL_MS;

  constructor(private readonly say: (line: string) => void) {}

  get found(): readonly Case[] {
    return [...this.known.values()];
  }

  /** Whether the same is known to differ on a new stage. */
  needsNoEvent(difference: Difference): boolean {
    const found = this.known.get(signature(difference));
    if (found === undefined || found.events !== 0) return false;
    found.times++;
    return true;
  }

  /** Differences on a new stage. */
  atOnce(differences: readonly Difference[], warm: boolean): void {
    for (const one of differences) {
      if (this.known.has(signature(one))) continue;
      this.put(
        signature(one),
        one,
        { events: [], reproduced: true, attempts: 0, complete: true },
        { events: [], warm },
        [],
      );
    }
  }

  /** Differences at the end of a list of events. */
  async add(history: History, differences: readonly Difference[], trouble: readonly string[]): Promise<void> {
    const groups = new Map<string, Difference[]>();
    for (const one of differences) {
      const name = signature(one);
      const seen = this.known.get(name);
      if (seen !== undefined) seen.times++;
      else groups.set(name, [...(groups.get(name) ?? []), one]);
    }
    await this.take(groups, { ...history, events: [] }, trouble);
    while (groups.size > 0) {
      const [name, group] = [...groups][0]!;
      const minimal = await this.shorten(history, group.map(({ spec }) => spec).slice(0, FRAMES));
      const { reproduced } = minimal;
      this.put(name, group[0]!, minimal, history, trouble);
      groups.delete(name);
      // What else these events show needs no search of its own.
      if (reproduced) await this.take(groups, { ...history, events: minimal.events }, trouble);
    }
  }

  /** Events after which the stage itself was in trouble: a refused command, other kernel routes, an end of a program. */
  async addTrouble(history: History, trouble: readonly string[]): Promise<void> {
    const { events } = history;
    const name = `${events.at(-1)?.kind ?? 'no event'}: ${trouble[0]!.replaceAll(/[0-9a-f]*[:.][0-9a-f:.]+(\/\d+)?|\d+/g, '#')}`;
    const seen = this.known.get(name);
    if (seen !== undefined) {
      seen.times++;
      return;
    }
    const fails = async (list: readonly Event[]): Promise<boolean> =>
      (await this.replay({ ...history, events: list }, [])).trouble;
    const minimal = await this.timed((deadline) => minimise(events, fails, deadline));
    const lines = [...commands(minimal), ...trouble.map((line) => `  ${line}`)];
    this.keep({ signature: name, lines, events: minimal.reproduced ? minimal.events.length : undefined, times: 1 });
  }

  /** Takes those groups out that differ after `events` alone. */
  private async take(groups: Map<string, Difference[]>, history: History, trouble: readonly string[]): Promise<void> {
    if (groups.size === 0) return;
    const specs = [...groups.values()].flatMap((group) => group.slice(0, FRAMES).map(({ spec }) => spec));
    const { differences } = await this.replay(history, specs);
    for (const [name, group] of [...groups]) {
      const again = differences.find(({ spec }) => group.some((one) => one.spec === spec));
      if (again === undefined) continue;
      this.put(
        name,
        again,
        { events: history.events, reproduced: true, attempts: 1, complete: true },
        history,
        trouble,
      );
      groups.delete(name);
    }
  }

  private shorten({ events, warm }: History, specs: readonly FrameSpec[]): Promise<Minimised> {
    const fails = async (list: readonly Event[]): Promise<boolean> =>
      (await this.replay({ events: list, warm }, specs)).differences.length > 0;
    return this.timed((deadline) => minimise(events, fails, deadline));
  }

  private async timed(search: (deadline: number) => Promise<Minimised>): Promise<Minimised> {
    const began = performance.now();
    const found = await search(began + Math.min(CASE_MS, this.left));
    this.left = Math.max(0, this.left - (performance.now() - began));
    return found;
  }

  /** The frames before the events, behind each, and at the end until they agree or patience ends. */
  private async replay(
    { events, warm }: History,
    specs: readonly FrameSpec[],
  ): Promise<{ readonly differences: readonly Difference[]; readonly trouble: boolean }> {
    try {
      return await withScene(async (player) => {
        let trouble = false;
        const look = async (): Promise<void> => {
          if (warm) await player.warm();
          await player.frames(specs, { patience: [] });
        };
        await look();
        for (const event of events) {
          trouble = (await player.event(event)).length > 0;
          await look();
        }
        return { differences: (await player.frames(specs, { patience: PATIENCE })).differences, trouble };
      });
    } catch (error) {
      this.say(`  (a stage broke: ${errorText(error)})`);
      return { differences: [], trouble: true };
    }
  }

  private put(
    name: string,
    difference: Difference,
    minimal: Minimised,
    { warm }: History,
    trouble: readonly string[],
  ): void {
    const { spec, sent, onlyLinux, onlyOurs, both } = difference;
    const lines = [
      ...(warm ? ['a packet to each host before'] : []),
      ...commands(minimal),
      `frame: ${describeFrame(spec)}`,
      ...sent.map((hex) => `  ${hex}`),
      ...onlyLinux.map((seen) => `  only Linux: ${describeSeen(seen)}\n    ${seen.hex}`),
      ...onlyOurs.map((seen) => `  only ours:  ${describeSeen(seen)}\n    ${seen.hex}`),
      ...both.map((seen) => `  both:       ${describeSeen(seen)}`),
      ...trouble.map((line) => `  ${line}`),
    ];
    this.keep({
      signature: name,
      lines,
      events: minimal.reproduced ? minimal.events.length : undefined,
      times: 1,
    });
  }

  private keep(found: Case): void {
    this.known.set(found.signature, found);
    this.say(`DIFFERS ${found.signature}`);
    for (const line of found.lines) this.say(`  ${line}`);
  }
}

function commands({ events, reproduced, attempts, complete }: Minimised): readonly string[] {
  const state = reproduced ? (complete ? '' : ', shortened as far as time allowed') : ', not seen again by them alone';
  return [
    events.length === 0 ? 'no event needed' : `${events.length} event(s)${state} (${attempts} attempts):`,
    ...events.flatMap(({ actions }) => actions.map((action) => `  ${describeAction(action)}`)),
  ];
}
