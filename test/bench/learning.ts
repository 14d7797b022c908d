/**
 * Learning: a table as it comes from BGP, from the first update to the last route's acknowledgement, against the same with the sink. The CPU
 * time of everybody meanwhile tells whose work the difference is.
 */
import { atMost, hundredth, median, type Figure } from '../../lab/figure';
import { forFullTable } from './part';
import {
  connectBridge,
  countInSink,
  startForwarding,
  stopForwarding,
  untilAcknowledged,
  type Forwarding,
} from './replay';
import { awaitRib, connectFpm, cpuMs, untilQuiet, type BenchTopology, type Feeder } from './topology';

const GOAL = 1.1;
/** No run learns in less than so much of the time that it took with the sink: nobody needs to look before. */
const SURELY_LESS = 0.8;

/** A feeder and the table that it is to announce. */
export interface Fed {
  readonly topology: BenchTopology;
  readonly feeder: Feeder;
  readonly routes: number;
  readonly nexthops: number;
}

interface Learned {
  readonly ms: number;
  /** CPU time of zebra with all its threads, until it had nothing left to do. */
  readonly zebraMs: number;
}

interface LearnedByVasic extends Learned {
  /** CPU time of fpm2afi and softvasic. */
  readonly ourMs: number;
  /** zebra stays connected to it. */
  readonly forwarding: Forwarding;
}

/** When the first update was written, by the machine's clock. */
async function announce({ feeder, routes, nexthops }: Fed): Promise<number> {
  return (await feeder.command({ do: 'announce', family: 4, routes, nexthops })).startedAt;
}

async function withdraw({ feeder, topology: { frr } }: Fed): Promise<void> {
  await feeder.command({ do: 'withdraw', family: 4 });
  await awaitRib(frr, 4, 0);
  await untilQuiet(frr);
}

/** From the first update to the last route in the sink. */
async function learnIntoSink(fed: Fed, run: number): Promise<Learned> {
  const { frr } = fed.topology;
  const zebra = frr.process('zebra').pid;
  const before = cpuMs(zebra);
  let startedAt = 0;
  const { at } = await countInSink(fed.topology, fed.routes, run, async () => {
    startedAt = await announce(fed);
  });
  await untilQuiet(frr);
  return { ms: at - startedAt, zebraMs: cpuMs(zebra) - before };
}

/** The same until the vASIC has acknowledged the last route, for an empty bridge and vASIC; the sink needed `sinkMs`. */
async function learnIntoVasic(fed: Fed, sinkMs: number): Promise<LearnedByVasic> {
  const { frr } = fed.topology;
  const zebra = frr.process('zebra').pid;
  const forwarding = await startForwarding(fed.topology);
  const ours = [forwarding.bridge.process().pid, forwarding.vasic.process().pid];
  const ourCpu = (): number => ours.reduce((sum, pid) => sum + cpuMs(pid), 0);
  await connectBridge(fed.topology, forwarding);
  const before = { zebra: cpuMs(zebra), ours: ourCpu() };
  const startedAt = await announce(fed);
  const least = sinkMs * SURELY_LESS - (Date.now() - startedAt);
  const { time } = await untilAcknowledged(forwarding, fed.routes, Math.max(0, least));
  const ms = Date.parse(time) - startedAt;
  await untilQuiet(frr);
  return { ms, zebraMs: cpuMs(zebra) - before.zebra, ourMs: ourCpu() - before.ours, forwarding };
}

/** By turns, so often; zebra stays connected to the last bridge, which has the table. */
export async function measureLearning(
  fed: Fed,
  runs: number,
  say: (line: string) => void,
): Promise<{ readonly figures: readonly Figure[]; readonly forwarding: Forwarding }> {
  const sink: Learned[] = [];
  const vasic: LearnedByVasic[] = [];
  for (let run = 0; ; run++) {
    sink.push(await learnIntoSink(fed, run));
    await withdraw(fed);
    const learned = await learnIntoVasic(fed, sink[run]!.ms);
    const { forwarding, ...figures } = learned;
    vasic.push(learned);
    say(`learning ${run + 1} of ${runs}: sink ${JSON.stringify(sink[run])}, vASIC ${JSON.stringify(figures)}`);
    if (run + 1 === runs) return { figures: learningFigures(fed.routes, sink, vasic), forwarding };
    await connectFpm(fed.topology.frr, false);
    await stopForwarding(forwarding);
    await withdraw(fed);
  }
}

function learningFigures(routes: number, sink: readonly Learned[], vasic: readonly LearnedByVasic[]): Figure[] {
  const figure = (name: string, what: string, unit: string, samples: readonly number[]): Figure => ({
    name: `learning.${name}`,
    what,
    unit,
    value: hundredth(median(samples)),
    routes,
    samples,
  });
  const by = (of: (learned: Learned) => number): number[] =>
    vasic.map((learned, run) => hundredth(of(learned) / of(sink[run]!)));
  const ratio = figure(
    'ratio',
    "that by the sink's time in the same run",
    '× sink',
    by(({ ms }) => ms),
  );
  return [
    figure(
      'sink',
      "from the feeder's first update until a sink counted every route",
      'ms',
      sink.map(({ ms }) => ms),
    ),
    figure(
      'acknowledged',
      'the same until the vASIC had acknowledged every route',
      'ms',
      vasic.map(({ ms }) => ms),
    ),
    { ...ratio, ...forFullTable(routes, atMost(GOAL, '× sink', ratio.value)) },
    figure(
      'cpu',
      'CPU time of fpm2afi and softvasic for it',
      'ms',
      vasic.map(({ ourMs }) => ourMs),
    ),
    figure(
      'zebra',
      "zebra's CPU time, by that with the sink in the same run",
      '× sink',
      by(({ zebraMs }) => zebraMs),
    ),
  ];
}
