/**
 * How fast packets without labels cross softvasic, by each of its engines, and Linux with the same table: by turns, and by turns with two floods
 * more: one straight into the sink, whose time a packet takes in any case, and one through a program that does nothing but send on (by XDP, else by tc).
 */
import { atLeast, atMost, median, none, type Figure } from '../../lab/figure';
import type { Engine } from './crossing';
import { dataplaneFigure } from './dataplane-figure';
import { flood, ownNs, type Flood, type FloodPath, type Flow } from './flood';
import { FULL_TABLE } from './part';

/** Beside the sizes asked for: what a lookup costs where everything is in the cache. */
export const SMALL = 10;
/** × Linux. */
const GOALS: Readonly<Record<Engine, number | undefined>> = { xdp: 4, tc: 1.5, engine: undefined };
const COST_GOAL = 0.5;
const FLAT_GOAL = 0.7;

/** One turn. */
export interface Turn<T> {
  readonly straight: T;
  readonly wire: T;
  readonly linux: T;
  readonly vasic: T;
}

/** Floods all four, `runs` times. */
export async function floodByTurns(paths: Turn<FloodPath>, runs: number, flow: Flow): Promise<readonly Turn<Flood>[]> {
  const turns: Turn<Flood>[] = [];
  for (let run = 0; run < runs; run++) {
    turns.push({
      straight: await flood(paths.straight, flow),
      wire: await flood(paths.wire, flow),
      linux: await flood(paths.linux, flow),
      vasic: await flood(paths.vasic, flow),
    });
  }
  return turns;
}

/**
 * The rate, in kpps, of what has the small table, for the full one's to be held against: measured when that is, not minutes before, in which the
 * machine may change its pace.
 */
export async function smallRate(path: FloodPath, runs: number, flow: Flow): Promise<number> {
  const rates: number[] = [];
  for (let run = 0; run < runs; run++) rates.push((await flood(path, { ...flow, routes: SMALL })).kpps);
  return median(rates);
}

/** The figures of these floods of one engine. @param small its smallRate(), for a larger table */
export function floodFigures(
  engine: Engine,
  { family, routes }: Flow,
  turns: readonly Turn<Flood>[],
  small?: number,
): Figure[] {
  const packets = `64-byte IPv${family} packets`;
  const figure = (part: string, what: string, unit: string, value: (turn: Turn<Flood>) => number): Figure =>
    dataplaneFigure(`${engine}.ip${family}.${part}`, what, unit, turns.map(value), routes);
  const rate = figure('kpps', `${packets} delivered through softvasic (${engine})`, 'kpps', ({ vasic }) => vasic.kpps);
  const ratio = figure(
    'ratio',
    `${packets} through softvasic (${engine}) by those through Linux`,
    '× Linux',
    ({ linux, vasic }) => vasic.kpps / linux.kpps,
  );
  const lost = figure(
    'lost',
    `${packets} that softvasic (${engine}) was sent and didn't deliver`,
    'packets',
    ({ vasic }) => vasic.lost,
  );
  const goal = GOALS[engine];
  const figures: Figure[] = [
    rate,
    figure('linux', `${packets} delivered through Linux, by turns with these`, 'kpps', ({ linux }) => linux.kpps),
    figure('straight', `${packets} straight into a sink, by turns with these`, 'kpps', ({ straight }) => straight.kpps),
    figure(
      'wire',
      `${packets} through a program that only sends on, by those through Linux: about the most that can be seen here`,
      '× Linux',
      ({ wire, linux }) => wire.kpps / linux.kpps,
    ),
    goal === undefined ? ratio : { ...ratio, ...atLeast(goal, '× Linux', ratio.value) },
    // The TypeScript engine is offered more than it can take.
    engine === 'engine' ? lost : { ...lost, ...none(Math.max(...(lost.samples ?? []))) },
  ];
  if (engine === 'engine') {
    const what = "softvasic's CPU time for a packet delivered";
    figures.push(figure('cost', what, 'ns', ({ vasic }) => vasic.processNs));
  } else {
    const cost = figure(
      'cost',
      `CPU time for forwarding a packet, softvasic (${engine}) by Linux`,
      '× Linux',
      ({ straight, linux, vasic }) => ownNs(vasic, straight) / ownNs(linux, straight),
    );
    figures.push(
      figure('own', `CPU time for forwarding a packet, softvasic (${engine})`, 'ns', ({ straight, vasic }) =>
        ownNs(vasic, straight),
      ),
      figure(
        'ownratio',
        `how much faster softvasic (${engine}) alone forwards than Linux alone: their CPU times for forwarding a packet, without the generator's`,
        '× Linux',
        ({ straight, linux, vasic }) => ownNs(linux, straight) / ownNs(vasic, straight),
      ),
      { ...cost, ...atMost(COST_GOAL, '× Linux', cost.value) },
    );
  }
  if (small !== undefined) {
    const flat = figure('flat', `the rate by that at ${SMALL} routes`, '×', ({ vasic }) => vasic.kpps / small);
    figures.push(routes >= FULL_TABLE ? { ...flat, ...atLeast(FLAT_GOAL, '×', flat.value) } : flat);
  }
  return figures;
}
