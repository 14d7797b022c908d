/**
 * How fast packets get, change and lose labels in softvasic's kernel engine: each case by turns with the same engine's forwarding of unlabelled IPv4
 * packets. Linux is no measure for it where its kernel has no MPLS.
 */
import { none, type Figure } from '../../lab/figure';
import type { Engine } from './crossing';
import { dataplaneFigure } from './dataplane-figure';
import { flood, ownNs, type Flood, type FloodPath } from './flood';
import { LABEL_CASES, type LabelCase } from './labelled';

export interface LabelledOptions {
  /** The plain table's. */
  readonly routes: number;
  readonly runs: number;
  readonly seconds: number;
}

const WHAT: Readonly<Record<LabelCase, string>> = {
  swap: 'packets whose label is swapped',
  push: 'packets that get a label',
  vpn: 'packets that get two labels',
  egress: 'packets whose label is taken off before they are looked up',
};

interface Turn {
  readonly straight: Flood;
  readonly plain: Flood;
  readonly labelled: Flood;
}

function caseFigures(engine: Engine, kind: LabelCase, turns: readonly Turn[]): Figure[] {
  const figure = (part: string, what: string, unit: string, values: readonly number[]): Figure =>
    dataplaneFigure(`${engine}.${kind}.${part}`, what, unit, values);
  const what = `64-byte ${WHAT[kind]}`;
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
      turns.map(({ straight, plain, labelled }) => ownNs(labelled, straight) / ownNs(plain, straight)),
    ),
    { ...lost, ...none(Math.max(...(lost.samples ?? []))) },
  ];
}

/** All cases through a softvasic that has what labelled.ts writes. */
export async function labelledFigures(
  { straight, vasic }: { readonly straight: FloodPath; readonly vasic: FloodPath },
  engine: Engine,
  { routes, runs, seconds }: LabelledOptions,
): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const kind of LABEL_CASES) {
    const turns: Turn[] = [];
    for (let run = 0; run < runs; run++) {
      const flow = { routes, family: 4, seconds } as const;
      turns.push({
        straight: await flood(straight, flow),
        plain: await flood(vasic, flow),
        labelled: await flood(vasic, { ...flow, labels: kind }),
      });
    }
    figures.push(...caseFigures(engine, kind, turns));
  }
  return figures;
}
