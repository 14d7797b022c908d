/**
 * A campaign's script: rounds of one fault each, with changes that happen before, during and after it. All of it follows from the seed, and
 * from nothing that happens on the stage, so a seed can be played again. The kinds of faults come from a bag that is filled with all of
 * them when it is empty: a campaign of as many rounds as there are kinds has each of them.
 */
import { Random } from '../fuzz/random';
import { initialWorld, nextChange, type Change } from './changes';
import { FAULT_KINDS, makeFault, type Fault, type FaultKind } from './fault-kinds';

export interface Round {
  readonly fault: Fault;
  /** Begun one after the other, spread over the fault's time. */
  readonly changes: readonly Change[];
  /** Where each host is when the round is over: the generation of its MAC addresses. */
  readonly hosts: ReadonlyMap<string, number>;
}

export interface ScriptOptions {
  readonly seed: number;
  /** Changes and faults together, at least. */
  readonly steps: number;
  /** These kinds of faults only. */
  readonly kinds?: readonly FaultKind[];
}

/** Changes of a round. */
const CHANGES = 5;

export function makeScript({ seed, steps, kinds = FAULT_KINDS }: ScriptOptions): readonly Round[] {
  const random = new Random(seed);
  const world = initialWorld();
  const bag: FaultKind[] = [];
  const rounds: Round[] = [];
  for (let done = 0; done < steps; done += CHANGES + 1) {
    if (bag.length === 0) bag.push(...kinds);
    const [kind] = bag.splice(random.below(bag.length), 1);
    const fault = makeFault(kind!, random, world);
    const changes = Array.from({ length: CHANGES }, () => nextChange(random, world));
    rounds.push({ fault, changes, hosts: new Map(world.hosts) });
  }
  return rounds;
}

/** Steps of a script. */
export function stepsOf(rounds: readonly Round[]): number {
  return rounds.reduce((sum, { changes }) => sum + changes.length + 1, 0);
}
