/**
 * How fast packets cross softvasic, by each of its engines, and how fast they cross Linux with the same table in the same run, by turns:
 * 64-byte UDP to destinations all over the table (plain-floods.ts), and TCP. IPv4 and IPv6. And packets with labels (labelled-floods.ts).
 */
import { join } from 'node:path';
import { atLeast, type Figure } from '../../lab/figure';
import { labId, openLab } from '../../lab/lab';
import { iperf } from '../../lab/traffic';
import { buildLinux, buildSoftvasic, ENGINES, RECEIVER, SENDER, type Crossing, type Engine } from './crossing';
import { dataplaneFigure } from './dataplane-figure';
import { buildStraight, buildWire, buildWireTc, type FloodPath } from './flood';
import { labelledFigures } from './labelled-floods';
import { forFullTable, type BenchPart } from './part';
import { floodByTurns, floodFigures, SMALL, smallRate, type Turn } from './plain-floods';

const SECONDS = 2;
const STREAMS = [1, 8] as const;
const FAMILIES = [4, 6] as const;
/** The TypeScript engine is measured without labels. */
const KERNEL_ENGINES = ['tc', 'xdp'] as const;
/** × Linux. */
const TCP_GOALS: Readonly<Record<Engine, number | undefined>> = { xdp: undefined, tc: 1.2, engine: 0.6 };

/** One of TCP, which needs no time of its own taken off. */
type StreamTurn<T> = Omit<Turn<T>, 'straight'>;

async function stream({ sender, receiver }: FloodPath, streams: number): Promise<number> {
  const ends = { client: sender, clientAddress: SENDER, server: receiver, serverAddress: RECEIVER };
  return (await iperf({ ...ends, streams, seconds: SECONDS })).bitsPerSecond / 1e9;
}

function streamFigures(
  engine: Engine,
  routes: number,
  streams: number,
  turns: readonly StreamTurn<number>[],
): Figure[] {
  const what = streams === 1 ? 'one TCP stream' : `${streams} TCP streams`;
  const figure = (part: string, text: string, unit: string, values: readonly number[]): Figure =>
    dataplaneFigure(`${engine}.tcp${streams}.${part}`, text, unit, values, routes);
  const ratio = figure(
    'ratio',
    `${what}, by that through Linux`,
    '× Linux',
    turns.map(({ linux, vasic }) => vasic / linux),
  );
  const goal = TCP_GOALS[engine];
  const rates = turns.map(({ vasic }) => vasic);
  return [
    figure('gbits', `${what} through softvasic (${engine})`, 'Gbit/s', rates),
    figure(
      'wire',
      `${what} through a program (tc) that only sends on, by that through Linux`,
      '× Linux',
      turns.map(({ linux, wire }) => wire / linux),
    ),
    goal === undefined ? ratio : { ...ratio, ...forFullTable(routes, atLeast(goal, '× Linux', ratio.value)) },
  ];
}

/** One after the other, Linux first, `runs` times. */
async function streamsByTurns(
  { linux, vasic, wire }: StreamTurn<FloodPath>,
  runs: number,
  streams: number,
): Promise<StreamTurn<number>[]> {
  const turns: StreamTurn<number>[] = [];
  for (let run = 0; run < runs; run++) {
    turns.push({
      linux: await stream(linux, streams),
      vasic: await stream(vasic, streams),
      wire: await stream(wire, streams),
    });
  }
  return turns;
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
    figures.push(dataplaneFigure(`walk.ip${family}`, what, 'ns', samples, routes));
  }
  return figures;
}

export const dataplane: BenchPart = {
  name: 'dataplane',
  title: 'Data plane: 64-byte UDP and TCP through softvasic, by each engine, and through Linux',
  measure: async ({ sizes, runs }, found, say) => {
    const lab = await openLab(labId('dataplane'), { logDir: 'out/bench-logs', say });
    try {
      const straight = await buildStraight(lab);
      const wires = { xdp: await buildWire(lab), tc: await buildWireTc(lab) };
      const crossings = { linux: await buildLinux(lab), vasic: await buildSoftvasic(lab) };
      // Lookups between the two would take minutes and show a line.
      for (const routes of [SMALL, ...sizes.slice(-1)]) {
        found(await engineFigures(crossings.linux, routes, runs));
        for (const family of FAMILIES) {
          say(`${routes} IPv${family} routes to Linux`);
          await crossings.linux.load(routes, family);
          for (const engine of ENGINES) {
            const flow = { routes, family, seconds: SECONDS };
            let small: number | undefined;
            if (routes > SMALL) {
              await crossings.vasic.load(SMALL, family, engine);
              small = await smallRate(crossings.vasic, runs, flow);
            }
            say(`${routes} IPv${family} routes to softvasic (${engine})`);
            await crossings.vasic.load(routes, family, engine);
            const paths = { straight, wire: engine === 'xdp' ? wires.xdp : wires.tc, ...crossings };
            found(floodFigures(engine, flow, await floodByTurns(paths, runs, flow), small));
            // Without whole segments XDP isn't for TCP between veths.
            if (family === 6 || engine === 'xdp') continue;
            for (const streams of STREAMS) {
              found(streamFigures(engine, routes, streams, await streamsByTurns(paths, runs, streams)));
            }
          }
        }
      }
      for (const engine of KERNEL_ENGINES) {
        say(`LSPs and routes behind labels to softvasic (${engine})`);
        await crossings.vasic.load(SMALL, 4, engine, true);
        found(await labelledFigures({ straight, ...crossings }, engine, { routes: SMALL, runs, seconds: SECONDS }));
      }
    } finally {
      await lab.close();
    }
  },
};
