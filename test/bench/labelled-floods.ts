/**
 * How fast packets get, change and lose labels in softvasic's kernel engine: each case by turns with the same engine's forwarding of unlabelled IPv4
 * packets. Linux is no measure for it where its kernel has no MPLS.
 */
import { hundredth, median, none, type Figure } from '../../lab/figure';
import type { Crossing, Engine } from './crossing';
import { flood, type Flood } from './flood';
import { LABEL_CASES, type LabelCase } from './labelled';

export interface LabelledOptions {
  /** The plain table's. */
  readonly routes: number;
  readonly runs: number;
  readonly seconds: number;
  /** The generator's, kpps. */
  readonly limit: number;
}

const WHAT: Readonly<Record<LabelCase, string>> = {
  swap: 'packets whose label is swapped',
  push: 'packets that get a label',
  vpn: 'packets that get two labels',
  egress: 'packets whose label is taken off before they are looked up',
};

interface Turn {
  readonly plain: Flood;
  readonly labelled: Flood;
}

function caseFigures(engine: Engine, kind: LabelCase, turns: readonly Turn[], limit: number): Figure[] {
  const figure = (part: string, what: string, unit: string, values: readonly number[]): Figure => {
    const samples = values.map(hundredth);
    return { name: `dataplane.${engine}.${kind}.${part}`, what, unit, value: hundredth(median(samples)), samples };
  };
  const what = `64-byte ${WHAT[kind]}`;
  const over = ({ kpps }: Flood): number => 1e6 / kpps - 1e6 / limit;
  const lost = figure(
    'lost',
    `${what} and that softvasic (${engine}) didn't deliver`,
    'packets',
    turns.map(({ labelled }) => labelled.lost),
  );
  return [
    figure(
      'kpps',
      `${what}, delivered through softvasic (${engine})`,
      'kpps',
      turns.map(({ labelled }) => labelled.kpps),
    ),
    figure(
      'ratio',
      `${what}, by unlabelled IPv4 packets in turn with them`,
      '× unlabelled',
      turns.map(({ plain, labelled }) => labelled.kpps / plain.kpps),
    ),
    figure(
      'cost',
      `CPU time for forwarding one of these ${WHAT[kind]}, by an unlabelled one`,
      '× unlabelled',
      turns.map(({ plain, labelled }) => over(labelled) / over(plain)),
    ),
    { ...lost, ...none(Math.max(...(lost.samples ?? []))) },
  ];
}

/** All cases through a softvasic that has what labelled.ts writes. */
export async function labelledFigures(
  vasic: Crossing,
  engine: Engine,
  { routes, runs, seconds, limit }: LabelledOptions,
): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const kind of LABEL_CASES) {
    const turns: Turn[] = [];
    for (let run = 0; run < runs; run++) {
      const flow = { routes, family: 4, seconds } as const;
      turns.push({ plain: await flood(vasic, flow), labelled: await flood(vasic, { ...flow, labels: kind }) });
    }
    figures.push(...caseFigures(engine, kind, turns, limit));
  }
  return figures;
}
