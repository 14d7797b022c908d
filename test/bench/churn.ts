/** Churn: how long single changes take with a full table behind them, as fpm2afi counts it and as the wire shows it. */
import { atMost, hundredth, type Figure } from '../../lab/figure';
import { waitFor } from '../../lab/wait';
import type { StatusView } from '../../src/control/status-types';
import { latencyAt, latencyCount, type LatencyBucket } from '../../src/net/latency-buckets';
import type { Fed } from './learning';
import { forFullTable } from './part';
import type { Forwarding } from './replay';
import { percentile } from './statistics';
import { untilQuiet } from './topology';
import { listenOnWire } from './wire';

const GOAL_MS = 50;
const CHANGES_PER_SECOND = 10_000;
const WIRE_SECONDS = 5;
const SEED = 1;

/** What `after` has more than `before`. */
function difference(before: readonly LatencyBucket[], after: readonly LatencyBucket[]): LatencyBucket[] {
  const had = new Map(before.map(({ upToMs, count }) => [upToMs, count]));
  return after.map(({ upToMs, count }) => ({ upToMs, count: count - (had.get(upToMs) ?? 0) }));
}

/** Changes the table at an even pace; returns the status before, and after when all is in the vASIC again. */
async function churn(
  { feeder, topology: { frr } }: Fed,
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
export async function measureChurn(fed: Fed, forwarding: Forwarding, seconds: number): Promise<Figure[]> {
  const { routes } = fed;
  const { before, after, perSecond } = await churn(fed, forwarding, seconds, SEED);
  const buckets = difference(before.latency.buckets, after.latency.buckets);
  const acknowledged = latencyCount(buckets);
  if (acknowledged === 0) throw new Error('the vASIC acknowledged no change');
  const pace = `${CHANGES_PER_SECOND} changes/s for ${seconds} s`;
  const latency = (name: string, share: number): Figure => ({
    name: `churn.${name}`,
    what: `${name} of the time from reading zebra's message to the vASIC's acknowledgement, ${pace}`,
    unit: 'ms',
    value: latencyAt(buckets, share)!,
    routes,
  });
  const p99 = latency('p99', 0.99);
  return [
    latency('p50', 0.5),
    { ...p99, ...forFullTable(routes, atMost(GOAL_MS, 'ms', p99.value)) },
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
      value: acknowledged,
      routes,
    },
  ];
}

/** The same from outside, for a shorter time: from zebra's message on the wire to fpm2afi's answer, which follows the acknowledgement. */
export async function measureChurnOnWire(fed: Fed, forwarding: Forwarding): Promise<Figure[]> {
  const { routes, topology } = fed;
  const wire = await listenOnWire(topology);
  await churn(fed, forwarding, WIRE_SECONDS, SEED + 1);
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
  return [figure('p50', 0.5), { ...p99, ...forFullTable(routes, atMost(GOAL_MS, 'ms', p99.value)) }, figure('max', 1)];
}
