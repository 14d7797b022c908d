/** The same replay with other nexthops, and IPv6; and a group of two paths that loses one. */
import type { Figure } from '../../lab/figure';
import { labId, openLab } from '../../lab/lab';
import { measurePathDown } from './failover';
import { fewRuns, type BenchOptions, type BenchPart } from './part';
import { stopForwarding } from './replay';
import { replayFigures, replays } from './replays';
import { awaitRib, buildBench, startFeeder, untilQuiet, type BenchTopology, type Feeder } from './topology';

interface Variant {
  readonly name: string;
  readonly detail: string;
  readonly family: 4 | 6;
  readonly nexthops: number;
  /** Nexthops of each route. */
  readonly paths: 1 | 2;
  /** Of the size of the IPv4 table. */
  readonly share: number;
}

const VARIANTS: readonly Variant[] = [
  { name: 'replay.nexthops4', detail: ', 4 nexthops', family: 4, nexthops: 4, paths: 1, share: 1 },
  { name: 'replay.nexthops1000', detail: ', 1000 nexthops', family: 4, nexthops: 1000, paths: 1, share: 1 },
  { name: 'replay.legs2', detail: ', 64 groups of two paths', family: 4, nexthops: 64, paths: 2, share: 1 },
  { name: 'replay.ipv6', detail: ', IPv6, 64 nexthops', family: 6, nexthops: 64, paths: 1, share: 0.2 },
];
/** Has the feeders announce a table, one path each; returns when zebra has it, nothing else. */
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

async function measure(
  topology: BenchTopology,
  variant: Variant,
  options: BenchOptions,
  found: (figures: readonly Figure[]) => void,
  say: (line: string) => void,
): Promise<void> {
  const { name, detail, family, nexthops, paths, share } = variant;
  const routes = Math.round(Math.max(...options.sizes) * share);
  const feeders: Feeder[] = [];
  for (let peer = 0; peer < paths; peer++) feeders.push(await startFeeder(topology, peer));
  say(`${routes} routes${detail}`);
  await announce(topology, feeders, variant, routes);
  const replayed = { name, routes, family, detail };
  const { forwarding, ...figures } = await replays(topology, replayed, fewRuns(options), say);
  found(replayFigures(figures));
  if (paths > 1) {
    say('failover: the link of a path goes down');
    found(await measurePathDown(topology, routes, nexthops));
  }
  await stopForwarding(forwarding);
}

export const variants: BenchPart = {
  name: 'variants',
  title: 'The same replay with other nexthops, and IPv6; a group that loses a path',
  measure: async (options, found, say) => {
    // A lab each: a zebra that held another table before replays more slowly.
    for (const variant of VARIANTS) {
      const lab = await openLab(labId('variants'), { logDir: 'out/bench-logs', say });
      try {
        await measure(await buildBench(lab, variant.nexthops), variant, options, found, say);
      } finally {
        await lab.close();
      }
    }
  },
};
