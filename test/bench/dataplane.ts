/**
 * How fast packets cross softvasic, by each of its engines, and how fast they cross Linux with the same table in the same run, by turns:
 * 64-byte UDP to destinations all over the table (flood.ts), and TCP. IPv4 and IPv6. And packets with labels (labelled-floods.ts).
 */
import { join } from 'node:path';
import { atLeast, atMost, hundredth, median, none, type Figure } from '../../lab/figure';
import { labId, openLab } from '../../lab/lab';
import { iperf } from '../../lab/traffic';
import { buildLinux, buildSoftvasic, ENGINES, RECEIVER, SENDER, type Crossing, type Engine } from './crossing';
import { flood, measureLimit, type Flood } from './flood';
import { labelledFigures } from './labelled-floods';
import { forFullTable, FULL_TABLE, type BenchPart } from './part';

/** Beside the sizes asked for: what a lookup costs where everything is in the cache. */
const SMALL = 10;
const SECONDS = 2;
const STREAMS = [1, 8] as const;
const FAMILIES = [4, 6] as const;
/** The TypeScript engine is measured without labels. */
const KERNEL_ENGINES = ['tc', 'xdp'] as const;
/** × Linux. */
const UDP_GOALS: Readonly<Record<Engine, number | undefined>> = { xdp: 4, tc: 1.5, engine: undefined };
const TCP_GOALS: Readonly<Record<Engine, number | undefined>> = { xdp: undefined, tc: 1.2, engine: 0.6 };
const COST_GOAL = 0.5;
const FLAT_GOAL = 0.7;

type Family = (typeof FAMILIES)[number];

interface Pair<T> {
  readonly linux: T;
  readonly vasic: T;
}

/** Rates of one engine, by family, with the small table: what the full one is held against. */
type Small = Map<string, number>;

function figure(name: string, what: string, unit: string, routes: number, values: readonly number[]): Figure {
  const samples = values.map(hundredth);
  return { name: `dataplane.${name}`, what, unit, value: hundredth(median(samples)), samples, routes };
}

async function stream({ sender, receiver }: Crossing, streams: number): Promise<number> {
  const ends = { client: sender, clientAddress: SENDER, server: receiver, serverAddress: RECEIVER };
  return (await iperf({ ...ends, streams, seconds: SECONDS })).bitsPerSecond / 1e9;
}

/** The figures of floods of one family. @param limit the generator's, kpps */
function floodFigures(
  engine: Engine,
  family: Family,
  routes: number,
  pairs: readonly Pair<Flood>[],
  limit: number,
  small: Small,
): Figure[] {
  const name = (part: string): string => `${engine}.ip${family}.${part}`;
  const packets = `64-byte IPv${family} packets`;
  const goal = UDP_GOALS[engine];
  const rates = pairs.map(({ vasic }) => vasic.kpps);
  const ratio = figure(
    name('ratio'),
    `${packets} through softvasic (${engine}) by those through Linux`,
    '× Linux',
    routes,
    pairs.map(({ linux, vasic }) => vasic.kpps / linux.kpps),
  );
  const lost = figure(
    name('lost'),
    `${packets} that softvasic (${engine}) was sent and didn't deliver`,
    'packets',
    routes,
    pairs.map(({ vasic }) => vasic.lost),
  );
  const figures: Figure[] = [
    figure(name('kpps'), `${packets} delivered through softvasic (${engine})`, 'kpps', routes, rates),
    figure(
      name('linux'),
      `${packets} delivered through Linux, by turns with these`,
      'kpps',
      routes,
      pairs.map(({ linux }) => linux.kpps),
    ),
    goal === undefined ? ratio : { ...ratio, ...atLeast(goal, '× Linux', ratio.value) },
    // The TypeScript engine is offered more than it can take.
    engine === 'engine' ? lost : { ...lost, ...none(Math.max(...(lost.samples ?? []))) },
  ];
  if (engine === 'engine') {
    const cost = pairs.map(({ vasic }) => vasic.processNs);
    figures.push(figure(name('cost'), "softvasic's CPU time for a packet delivered", 'ns', routes, cost));
  } else {
    const over = (kpps: number): number => 1e6 / kpps - 1e6 / limit;
    const cost = figure(
      name('cost'),
      `CPU time for forwarding a packet, softvasic (${engine}) by Linux`,
      '× Linux',
      routes,
      pairs.map(({ linux, vasic }) => over(vasic.kpps) / over(linux.kpps)),
    );
    figures.push({ ...cost, ...atMost(COST_GOAL, '× Linux', cost.value) });
  }
  const at = small.get(name('kpps'));
  if (routes === SMALL) small.set(name('kpps'), median(rates));
  else if (at !== undefined) {
    const flat = figure(
      name('flat'),
      `the rate by that at ${SMALL} routes`,
      '×',
      routes,
      rates.map((rate) => rate / at),
    );
    figures.push(routes >= FULL_TABLE ? { ...flat, ...atLeast(FLAT_GOAL, '×', flat.value) } : flat);
  }
  return figures;
}

function streamFigures(engine: Engine, routes: number, streams: number, pairs: readonly Pair<number>[]): Figure[] {
  const name = (part: string): string => `${engine}.tcp${streams}.${part}`;
  const what = streams === 1 ? 'one TCP stream' : `${streams} TCP streams`;
  const ratio = figure(
    name('ratio'),
    `${what}, by that through Linux`,
    '× Linux',
    routes,
    pairs.map(({ linux, vasic }) => vasic / linux),
  );
  const goal = TCP_GOALS[engine];
  return [
    figure(
      name('gbits'),
      `${what} through softvasic (${engine})`,
      'Gbit/s',
      routes,
      pairs.map(({ vasic }) => vasic),
    ),
    goal === undefined ? ratio : { ...ratio, ...forFullTable(routes, atLeast(goal, '× Linux', ratio.value)) },
  ];
}

/** One after the other, Linux first, `runs` times. */
async function byTurns<T>(
  { linux, vasic }: Pair<Crossing>,
  runs: number,
  measure: (crossing: Crossing) => Promise<T>,
): Promise<Pair<T>[]> {
  const pairs: Pair<T>[] = [];
  for (let run = 0; run < runs; run++) pairs.push({ linux: await measure(linux), vasic: await measure(vasic) });
  return pairs;
}

/** The TypeScript engine without I/O. */
async function engineFigures({ sender }: Crossing, routes: number, runs: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const family of FAMILIES) {
    const samples: number[] = [];
    for (let run = 0; run < runs; run++) {
      const argv = [process.execPath, join(__dirname, 'engine.js'), String(routes), String(family)];
      const { ns } = JSON.parse(await sender.must(argv, { timeoutMs: 120_000 })) as { ns: number };
      samples.push(Math.round(ns));
    }
    const what = `an IPv${family} packet through the TypeScript engine without I/O, destinations all over the table`;
    figures.push(figure(`walk.ip${family}`, what, 'ns', routes, samples));
  }
  return figures;
}

export const dataplane: BenchPart = {
  name: 'dataplane',
  title: 'Data plane: 64-byte UDP and TCP through softvasic, by each engine, and through Linux',
  measure: async ({ sizes, runs }, found, say) => {
    const lab = await openLab(labId('dataplane'), { logDir: 'out/bench-logs', say });
    try {
      const limits = await measureLimit(lab, runs, SECONDS);
      const limit = median(limits);
      found([figure('limit', 'what the generator sends, straight into a sink', 'kpps', 0, limits)]);
      const crossings = { linux: await buildLinux(lab), vasic: await buildSoftvasic(lab) };
      const small: Small = new Map();
      // Lookups between the two would take minutes and show a line.
      for (const routes of [SMALL, ...sizes.slice(-1)]) {
        found(await engineFigures(crossings.linux, routes, runs));
        for (const family of FAMILIES) {
          say(`${routes} IPv${family} routes to Linux`);
          await crossings.linux.load(routes, family);
          for (const engine of ENGINES) {
            say(`${routes} IPv${family} routes to softvasic (${engine})`);
            await crossings.vasic.load(routes, family, engine);
            const floods = await byTurns(crossings, runs, (crossing) =>
              flood(crossing, { routes, family, seconds: SECONDS }),
            );
            found(floodFigures(engine, family, routes, floods, limit, small));
            // Without whole segments XDP isn't for TCP between veths.
            if (family === 6 || engine === 'xdp') continue;
            for (const streams of STREAMS) {
              const pairs = await byTurns(crossings, runs, (crossing) => stream(crossing, streams));
              found(streamFigures(engine, routes, streams, pairs));
            }
          }
        }
      }
      for (const engine of KERNEL_ENGINES) {
        say(`LSPs and routes behind labels to softvasic (${engine})`);
        await crossings.vasic.load(SMALL, 4, engine, true);
        found(await labelledFigures(crossings.vasic, engine, { routes: SMALL, runs, seconds: SECONDS, limit }));
      }
    } finally {
      await lab.close();
    }
  },
};
