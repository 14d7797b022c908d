/** What needs a zebra that holds the table: replay to the sink and to fpm2afi, memory, failover, punt under load. */
import { atMost, type Figure } from '../../lab/figure';
import { labId, openLab } from '../../lab/lab';
import { countHellos, startBfdNeighbor } from './bfd';
import { measureMacChange } from './failover';
import { FULL_TABLE, forFullTable, type BenchOptions, type BenchPart } from './part';
import { pings, preparePings, puntFigures } from './punt';
import { replayToBridge, startForwarding, stopForwarding } from './replay';
import { replayFigures, replays, type Memory, type Replays } from './replays';
import { buildBench, connectFpm, feed, type BenchTopology } from './topology';

const IDLE_PINGS = 300;
const BRIDGE_GOAL = 100;
const VASIC_GOAL = 150;

function memoryFigures(routes: number, { memory: { empty, full } }: Replays): Figure[] {
  const figure = (of: keyof Memory, program: string, goal: number): Figure => {
    const value = Math.round((full[of] - empty[of]) / routes);
    const what = `resident memory of ${program} after the first replay less that before it, by route`;
    const unit = 'B a route';
    return { name: `memory.${of}`, what, unit, value, routes, ...forFullTable(routes, atMost(goal, unit, value)) };
  };
  return [figure('bridge', 'fpm2afi', BRIDGE_GOAL), figure('vasic', 'softvasic', VASIC_GOAL)];
}

/** Pings while an empty bridge and vASIC take in the table. */
async function puntUnderLoad(topology: BenchTopology, routes: number): Promise<Figure[]> {
  const sent = Math.max(IDLE_PINGS, Math.round(routes / 2000));
  const forwarding = await startForwarding(topology);
  const hellos = await countHellos(topology, await startBfdNeighbor(topology), routes);
  const pinging = pings(topology, sent);
  await replayToBridge(topology, forwarding, routes);
  const times = await pinging;
  const heard = await hellos();
  await connectFpm(topology.frr, false);
  await stopForwarding(forwarding);
  const figures = puntFigures('punt.loaded', 'while a table comes in', times, {
    sent,
    routes,
    goal: routes >= FULL_TABLE,
  });
  return [...figures, ...heard];
}

async function measure(
  topology: BenchTopology,
  routes: number,
  { nexthops, runs }: BenchOptions,
  found: (figures: readonly Figure[]) => void,
  say: (line: string) => void,
): Promise<void> {
  say(`${routes} routes over ${nexthops} nexthops to bgpd`);
  await feed(topology, routes, nexthops);
  const { forwarding, ...replayed } = await replays(topology, { name: 'replay', routes, family: 4 }, runs, say);
  found([...replayFigures(replayed), ...memoryFigures(routes, replayed)]);
  say('failover: the MAC of a neighbor changes');
  found(await measureMacChange(topology, routes, nexthops));
  say('punt: round trips, idle and while a table comes in');
  await preparePings(topology);
  const idle = await pings(topology, IDLE_PINGS);
  found(puntFigures('punt.idle', 'on an idle machine', idle, { sent: IDLE_PINGS, routes, goal: false }));
  await stopForwarding(forwarding);
  found(await puntUnderLoad(topology, routes));
}

export const table: BenchPart = {
  name: 'table',
  title: 'A full table through zebra: replay, memory, failover, punt',
  measure: async (options, found, say) => {
    for (const routes of options.sizes) {
      const lab = await openLab(labId('bench'), { logDir: 'out/bench-logs', say });
      try {
        await measure(await buildBench(lab, options.nexthops), routes, options, found, say);
      } finally {
        await lab.close();
      }
    }
  },
};
