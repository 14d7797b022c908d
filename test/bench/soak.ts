/**
 * The long soak: a table through a live zebra into bridge and vASIC, then random changes of it, as fast as bgpd takes them, until so many
 * route updates have come over FPM; then the three tables are compared entry by entry, and the memory along the way.
 */
import { join } from 'node:path';
import { atMost, hundredth, median, none, tenth, type Figure } from '../../lab/figure';
import { labId, openLab } from '../../lab/lab';
import { waitFor } from '../../lab/wait';
import { agreement, type Agreement } from './agreement';
import type { BenchPart } from './part';
import { residentBytes, startForwarding, type Forwarding } from './replay';
import { buildBench, connectFpm, ribRoutes, startFeeder, type BenchTopology, type Feeder } from './topology';

export interface SoakOptions {
  readonly routes: number;
  readonly nexthops: number;
  /** Updates of routes to come through the bridge after the table is in. */
  readonly changes: number;
  /** Changes asked of the BGP speaker at a time; memory is looked at after each. */
  readonly portion: number;
}

export interface SoakSample {
  readonly updates: number;
  readonly bridgeBytes: number;
  readonly vasicBytes: number;
}

export interface SoakResult {
  /** Updates that came over FPM after the first table. */
  readonly updates: number;
  /** BGP routes that the speaker announces at the end. */
  readonly announced: number;
  readonly seconds: number;
  readonly samples: readonly SoakSample[];
  readonly agreement: Agreement;
  readonly loopMaxMs: number;
}

/** Nothing came for so long: everything has. */
const QUIET_MS = 3000;
const TIMEOUT_MS = 300_000;
const PROGRESS_LINES = 20;

/** Runs it in a lab of `buildBench`, where neither bridge nor feeder is running yet. */
export async function soak(
  topology: BenchTopology,
  { routes, nexthops, changes, portion }: SoakOptions,
  say: (line: string) => void,
): Promise<SoakResult> {
  const forwarding = await startForwarding(topology);
  const feeder = await startFeeder(topology);
  await connectFpm(topology.frr, true);
  await feeder.command({ do: 'announce', family: 4, routes, nexthops });
  const first = await settled(topology, forwarding, feeder);
  const started = performance.now();
  const samples: SoakSample[] = [];
  let updates = 0;
  let told = 0;
  for (let seed = 1; updates < changes; seed++) {
    await feeder.command({ do: 'churn', family: 4, changes: portion, perSecond: 0, seed });
    updates = (await forwarding.status()).fpm.updates - first;
    const [bridgeBytes, vasicBytes] = [forwarding.bridge, forwarding.vasic].map((program) =>
      residentBytes(program.process().pid),
    ) as [number, number];
    samples.push({ updates, bridgeBytes, vasicBytes });
    if (updates < told) continue;
    told = updates + changes / PROGRESS_LINES;
    say(`${updates} of ${changes} updates; bridge ${mega(bridgeBytes)} MB, vASIC ${mega(vasicBytes)} MB`);
  }
  updates = (await settled(topology, forwarding, feeder)) - first;
  const announced = feeder.announced(4);
  const seconds = (performance.now() - started) / 1000;
  const { loop } = await forwarding.status();
  say('comparing the tables of zebra, bridge and vASIC');
  const compared = await agreement(topology, join(topology.router.dir, 'fpm2afi.sock'));
  return { updates, announced, seconds, samples, agreement: compared, loopMaxMs: loop.maxMs };
}

const mega = (bytes: number): number => Math.round(bytes / 1e6);

/**
 * Waits until zebra and the bridge have what is announced, and nothing comes or waits any more; returns the bridge's count of updates.
 * After changes at full speed bgpd (10.7) now and then leaves the last 64 KiB in its socket until something more comes: one more change
 * has it read on.
 */
function settled({ frr }: BenchTopology, { status }: Forwarding, feeder: Feeder): Promise<number> {
  let last = -1;
  let since = performance.now();
  let seed = 0;
  return waitFor(
    async () => {
      const { fpm, fib, afi } = await status();
      const busy = fib.pending > 0 || fib.dirty > 0 || afi.opsInFlight > 0;
      if (busy || fpm.updates !== last) since = performance.now();
      last = fpm.updates;
      // zebra reads statuses later than they are sent.
      if (performance.now() - since < QUIET_MS) return undefined;
      if (fib.offloaded === feeder.announced(4) && (await ribRoutes(frr)) === fib.offloaded) return fpm.updates;
      await feeder.command({ do: 'churn', family: 4, changes: 1, perSecond: 0, seed: ++seed });
      since = performance.now();
      return undefined;
    },
    { timeoutMs: TIMEOUT_MS, everyMs: 500, what: 'every route that is announced in zebra and offloaded, and silence' },
  );
}

/** By how many per cent the last quarter of the samples lies above the second one; the first fills caches. */
export function growth(values: readonly number[]): number {
  const quarter = Math.max(1, values.length >> 2);
  const early = values.length < 4 ? values.slice(0, 1) : values.slice(quarter, 2 * quarter);
  return tenth(100 * (median(values.slice(-quarter)) / median(early) - 1));
}

const GROWTH_GOAL = 10;

function soakFigures(options: SoakOptions, result: SoakResult): Figure[] {
  const { routes } = options;
  const { updates, seconds, samples, agreement: compared, announced, loopMaxMs } = result;
  const count = compared.differences.length + Math.abs(announced - compared.bgp);
  const memory = (of: 'bridgeBytes' | 'vasicBytes', program: string): Figure => {
    const value = growth(samples.map((sample) => sample[of]));
    return {
      name: `soak.growth.${of === 'bridgeBytes' ? 'bridge' : 'vasic'}`,
      what: `resident memory of ${program}, last quarter of the soak against the second one`,
      unit: '%',
      value,
      routes,
      ...atMost(GROWTH_GOAL, '%', value),
    };
  };
  return [
    { name: 'soak.updates', what: 'route updates through bridge and vASIC', unit: 'updates', value: updates, routes },
    { name: 'soak.rate', what: 'updates a second', unit: '/s', value: Math.round(updates / seconds), routes },
    {
      name: 'soak.differences',
      what: `differences between zebra (${compared.compared} routes, ${compared.bgp} of BGP), bridge and vASIC (${compared.entries} entries)`,
      unit: 'entries',
      value: count,
      routes,
      ...none(count),
    },
    memory('bridgeBytes', 'fpm2afi'),
    memory('vasicBytes', 'softvasic'),
    { name: 'soak.turn', what: "the event loop's longest delay", unit: 'ms', value: hundredth(loopMaxMs), routes },
  ];
}

const ROUTES = 100_000;
const PORTIONS = 40;

export const soakPart: BenchPart = {
  name: 'soak',
  title: 'Millions of changes, then the three tables compared',
  measure: async ({ nexthops, changes, quick }, found, say) => {
    const routes = quick ? ROUTES / 10 : ROUTES;
    const options = { routes, nexthops, changes, portion: Math.ceil(changes / PORTIONS) };
    const lab = await openLab(labId('soak'), { logDir: 'out/soak-logs', say });
    try {
      const result = await soak(await buildBench(lab, nexthops), options, say);
      for (const difference of result.agreement.differences.slice(0, 20)) say(`  ${difference}`);
      found(soakFigures(options, result));
    } finally {
      await lab.close();
    }
  },
};
