/**
 * A table as it comes from BGP, and as it changes: learning, from the first update to the last route's acknowledgement, against the same with
 * the sink; and churn, how long single changes take with a full table behind them.
 */
import { atMost, hundredth, median, type Figure } from '../../demo/lab/figure';
import { labId, openLab } from '../../demo/lab/lab';
import { waitFor } from '../../demo/lab/wait';
import type { StatusView } from '../../src/control/types';
import { latencyAt, latencyCount, type LatencyBucket } from '../../src/fib/latencies';
import { percentile } from './statistics';
import { forFullTable, type BenchOptions, type BenchPart } from './part';
import {
  connectBridge,
  countInSink,
  startForwarding,
  stopForwarding,
  untilAcknowledged,
  type Forwarding,
} from './replay';
import { awaitRib, buildBench, connectFpm, startFeeder, untilQuiet, type BenchTopology, type Feeder } from './topology';
import { listenOnWire } from './wire';

const LEARNING_GOAL = 1.1;
const CHURN_GOAL_MS = 50;
const CHANGES_PER_SECOND = 10_000;
const CHURN_SECONDS = 60;
const QUICK_CHURN_SECONDS = 10;
const WIRE_SECONDS = 5;
const SEED = 1;

interface Bench {
  readonly topology: BenchTopology;
  readonly feeder: Feeder;
  readonly routes: number;
  readonly nexthops: number;
}

/** When the first update was written, by the machine's clock. */
async function announce({ feeder, routes, nexthops }: Bench): Promise<number> {
  return (await feeder.command({ do: 'announce', family: 4, routes, nexthops })).startedAt;
}

async function withdraw({ feeder, topology: { frr } }: Bench): Promise<void> {
  await feeder.command({ do: 'withdraw', family: 4 });
  await awaitRib(frr, 4, 0);
  await untilQuiet(frr);
}

/** Milliseconds from the first update to the last route in the sink. */
async function learnIntoSink(bench: Bench, run: number): Promise<number> {
  let startedAt = 0;
  const { at } = await countInSink(bench.topology, bench.routes, run, async () => {
    startedAt = await announce(bench);
  });
  return at - startedAt;
}

/** The same until the vASIC has acknowledged the last route, for an empty bridge and vASIC, which zebra stays connected to. */
async function learnIntoBridge(bench: Bench): Promise<{ readonly ms: number; readonly forwarding: Forwarding }> {
  const forwarding = await startForwarding(bench.topology);
  await connectBridge(bench.topology, forwarding);
  const startedAt = await announce(bench);
  const { time } = await untilAcknowledged(forwarding, bench.routes);
  return { ms: Date.parse(time) - startedAt, forwarding };
}

function learningFigures(routes: number, sinkMs: readonly number[], bridgeMs: readonly number[]): Figure[] {
  const ratios = bridgeMs.map((ms, run) => hundredth(ms / sinkMs[run]!));
  const ratio = hundredth(median(ratios));
  const ms = { unit: 'ms', routes };
  return [
    {
      ...ms,
      name: 'learning.sink',
      what: "from the feeder's first update until a sink counted every route",
      value: median(sinkMs),
      samples: sinkMs,
    },
    {
      ...ms,
      name: 'learning.acknowledged',
      what: "from the feeder's first update until the vASIC had acknowledged every route",
      value: median(bridgeMs),
      samples: bridgeMs,
    },
    {
      name: 'learning.ratio',
      what: "that by the sink's time in the same run",
      unit: '× sink',
      value: ratio,
      routes,
      samples: ratios,
      ...forFullTable(routes, atMost(LEARNING_GOAL, '× sink', ratio)),
    },
  ];
}

/** What `after` has more than `before`. */
function difference(before: readonly LatencyBucket[], after: readonly LatencyBucket[]): LatencyBucket[] {
  const had = new Map(before.map(({ upToMs, count }) => [upToMs, count]));
  return after.map(({ upToMs, count }) => ({ upToMs, count: count - (had.get(upToMs) ?? 0) }));
}

/** Changes the table at an even pace; returns the status before, and after when all is in the vASIC again. */
async function churn(
  { feeder, topology: { frr } }: Bench,
  forwarding: Forwarding,
  seconds: number,
  seed: number,
): Promise<{ readonly before: StatusView; readonly after: StatusView; readonly perSecond: number }> {
  await untilQuiet(frr);
  const before = await forwarding.status();
  const changes = CHANGES_PER_SECOND * seconds;
  const command = { do: 'churn', family: 4, changes, perSecond: CHANGES_PER_SECOND, seed } as const;
  const { startedAt, endedAt } = await feeder.command(command);
  await untilQuiet(frr);
  const settled = async () => {
    const status = await forwarding.status();
    return status.fib.offloaded === feeder.announced(4) && status.fib.pending === 0 ? status : undefined;
  };
  const what = `${feeder.announced(4)} routes, as announced, in the vASIC`;
  const after = await waitFor(settled, { timeoutMs: 60_000, everyMs: 1000, what });
  return { before, after, perSecond: (changes * 1000) / (endedAt - startedAt) };
}

/** For a bridge that zebra is connected to and that has the table. */
async function measureChurn(bench: Bench, forwarding: Forwarding, seconds: number): Promise<Figure[]> {
  const { routes } = bench;
  const { before, after, perSecond } = await churn(bench, forwarding, seconds, SEED);
  const buckets = difference(before.latency.buckets, after.latency.buckets);
  const pace = `${CHANGES_PER_SECOND} changes/s for ${seconds} s`;
  const latency = (name: string, share: number): Figure => ({
    name: `churn.${name}`,
    what: `${name} of the time from reading zebra's message to the vASIC's acknowledgement, ${pace}`,
    unit: 'ms',
    value: latencyAt(buckets, share) ?? NaN,
    routes,
  });
  const p99 = latency('p99', 0.99);
  return [
    latency('p50', 0.5),
    { ...p99, ...forFullTable(routes, atMost(CHURN_GOAL_MS, 'ms', p99.value)) },
    latency('max', 1),
    {
      name: 'churn.fed',
      what: 'changes that bgpd took from the feeder',
      unit: 'changes/s',
      value: Math.round(perSecond),
      routes,
    },
    {
      name: 'churn.acknowledged',
      what: `changes acknowledged by the vASIC, of ${CHANGES_PER_SECOND * seconds}: bgpd and zebra leave out what is outdated`,
      unit: 'changes',
      value: latencyCount(buckets),
      routes,
    },
  ];
}

/** The same from outside, for a shorter time: from zebra's message on the wire to fpm2afi's answer, which follows the acknowledgement. */
async function measureChurnOnWire(bench: Bench, forwarding: Forwarding): Promise<Figure[]> {
  const { routes, topology } = bench;
  const wire = await listenOnWire(topology);
  await churn(bench, forwarding, WIRE_SECONDS, SEED + 1);
  const { answered, unanswered } = await wire.stop();
  if (unanswered > 0) throw new Error(`${unanswered} routes that zebra sent were not answered`);
  const figure = (name: string, share: number): Figure => ({
    name: `churn.wire.${name}`,
    what: `${name} of the time from zebra's route on the wire to its status on the wire, ${answered.length} changes`,
    unit: 'ms',
    value: hundredth(percentile(answered, share)),
    routes,
  });
  const p99 = figure('p99', 0.99);
  return [
    figure('p50', 0.5),
    { ...p99, ...forFullTable(routes, atMost(CHURN_GOAL_MS, 'ms', p99.value)) },
    figure('max', 1),
  ];
}

async function measure(
  bench: Bench,
  { runs, quick }: BenchOptions,
  found: (figures: readonly Figure[]) => void,
  say: (line: string) => void,
): Promise<void> {
  const sinkMs: number[] = [];
  const bridgeMs: number[] = [];
  for (let run = 0; ; run++) {
    sinkMs.push(await learnIntoSink(bench, run));
    await withdraw(bench);
    const { ms, forwarding } = await learnIntoBridge(bench);
    bridgeMs.push(ms);
    say(`learning ${run + 1} of ${runs}: sink ${sinkMs[run]} ms, acknowledged ${ms} ms`);
    if (run + 1 === runs) {
      found(learningFigures(bench.routes, sinkMs, bridgeMs));
      say(`churn: ${CHANGES_PER_SECOND} changes a second`);
      found(await measureChurn(bench, forwarding, quick ? QUICK_CHURN_SECONDS : CHURN_SECONDS));
      found(await measureChurnOnWire(bench, forwarding));
      return;
    }
    await connectFpm(bench.topology.frr, false);
    await stopForwarding(forwarding);
    await withdraw(bench);
  }
}

export const updates: BenchPart = {
  name: 'updates',
  title: 'From BGP to the vASIC: learning a table, and its changes',
  measure: async (options, found, say) => {
    const { nexthops } = options;
    const routes = Math.max(...options.sizes);
    const lab = await openLab(labId('updates'), { logDir: 'out/bench-logs', say });
    try {
      const topology = await buildBench(lab, nexthops);
      const feeder = await startFeeder(topology);
      await measure({ topology, feeder, routes, nexthops }, options, found, say);
    } finally {
      await lab.close();
    }
  },
};
