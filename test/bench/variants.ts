/** The same replay with other nexthops, and IPv6; and a group of two legs that loses one. */
import { labId, openLab } from '../../demo/lab/lab';
import { measureLegDown } from './failover';
import { fewRuns, type BenchPart } from './part';
import { stopForwarding } from './replay';
import { replayFigures, replays } from './replays';
import { awaitRib, buildBench, startFeeder, untilQuiet, type BenchTopology, type Feeder } from './topology';

interface Variant {
  readonly name: string;
  readonly detail: string;
  readonly family: 4 | 6;
  readonly nexthops: number;
  /** Nexthops of each route. */
  readonly legs: 1 | 2;
  /** Of the size of the IPv4 table. */
  readonly share: number;
}

const VARIANTS: readonly Variant[] = [
  { name: 'replay.nexthops4', detail: ', 4 nexthops', family: 4, nexthops: 4, legs: 1, share: 1 },
  { name: 'replay.nexthops1000', detail: ', 1000 nexthops', family: 4, nexthops: 1000, legs: 1, share: 1 },
  { name: 'replay.legs2', detail: ', 64 groups of two legs', family: 4, nexthops: 64, legs: 2, share: 1 },
  { name: 'replay.ipv6', detail: ', IPv6, 64 nexthops', family: 6, nexthops: 64, legs: 1, share: 0.2 },
];
const MOST_NEXTHOPS = Math.max(...VARIANTS.map(({ nexthops }) => nexthops));

/** Has the feeders announce a table, one leg each; returns when zebra has it, nothing else. */
async function announce(
  { frr }: BenchTopology,
  feeders: readonly Feeder[],
  { family, nexthops }: Variant,
  routes: number,
): Promise<void> {
  for (const feeder of feeders) await feeder.command({ do: 'announce', family, routes, nexthops });
  await awaitRib(frr, family, routes);
  await untilQuiet(frr);
}

async function withdraw({ frr }: BenchTopology, feeders: readonly Feeder[], family: 4 | 6): Promise<void> {
  for (const feeder of feeders) await feeder.command({ do: 'withdraw', family });
  await awaitRib(frr, family, 0);
  await untilQuiet(frr);
}

export const variants: BenchPart = {
  name: 'variants',
  title: 'The same replay with other nexthops, and IPv6; a group that loses a leg',
  measure: async (options, found, say) => {
    const repeats = fewRuns(options);
    const lab = await openLab(labId('variants'), { logDir: 'out/bench-logs', say });
    try {
      const topology = await buildBench(lab, MOST_NEXTHOPS);
      const all = [await startFeeder(topology, 0), await startFeeder(topology, 1)];
      for (const variant of VARIANTS) {
        const { name, detail, family, nexthops, legs } = variant;
        const routes = Math.round(Math.max(...options.sizes) * variant.share);
        const feeders = all.slice(0, legs);
        say(`${routes} routes${detail}`);
        await announce(topology, feeders, variant, routes);
        const replayed = { name, routes, family, detail };
        const { forwarding, ...figures } = await replays(topology, replayed, repeats, say);
        found(replayFigures(figures));
        if (legs > 1) {
          say('failover: the link of a leg goes down');
          found(await measureLegDown(topology, routes, nexthops));
        }
        await stopForwarding(forwarding);
        await withdraw(topology, feeders, family);
      }
    } finally {
      await lab.close();
    }
  },
};
