/** What needs a zebra that holds the table: replay to the sink and to fpm2afi, memory, failover, punt under load. */
import { atMost, hundredth, median, type Figure } from '../../demo/lab/figure';
import { labId, openLab } from '../../demo/lab/lab';
import { measureMacChange } from './failover';
import { FULL_TABLE, forFullTable, type BenchOptions, type BenchPart } from './part';
import { pings, preparePings, puntFigures } from './punt';
import {
  replayToBridge,
  replayToSink,
  residentBytes,
  startForwarding,
  stopForwarding,
  type Forwarding,
  type ReplayTimes,
} from './replay';
import { buildBench, connectFpm, feed, type BenchTopology } from './topology';

const IDLE_PINGS = 300;
const ACKNOWLEDGED_GOAL = 2;
const COUNTED_GOAL = 3.4;
const BRIDGE_GOAL = 100;
const VASIC_GOAL = 150;

interface Memory {
  readonly bridge: number;
  readonly vasic: number;
}

interface Replays {
  readonly sinkMs: number[];
  readonly times: ReplayTimes[];
  /** Before and after the first. */
  readonly memory: { readonly empty: Memory; readonly full: Memory };
}

function memoryOf({ bridge, vasic }: Forwarding): Memory {
  return { bridge: residentBytes(bridge.process().pid), vasic: residentBytes(vasic.process().pid) };
}

/** To the sink and to an empty bridge and vASIC, by turns; the last pair goes on running. */
async function replays(
  topology: BenchTopology,
  routes: number,
  runs: number,
  say: (line: string) => void,
): Promise<Replays & { readonly forwarding: Forwarding }> {
  const sinkMs: number[] = [];
  const times: ReplayTimes[] = [];
  let memory: Replays['memory'] | undefined;
  for (let run = 0; ; run++) {
    sinkMs.push(Math.round(await replayToSink(topology, routes, run)));
    const forwarding = await startForwarding(topology);
    const empty = memoryOf(forwarding);
    times.push(await replayToBridge(topology, forwarding, routes));
    memory ??= { empty, full: memoryOf(forwarding) };
    say(`replay ${run + 1} of ${runs}: sink ${sinkMs[run]} ms, ${JSON.stringify(times[run])}`);
    await connectFpm(topology.frr, false);
    if (run + 1 === runs) return { sinkMs, times, memory, forwarding };
    await stopForwarding(forwarding);
  }
}

function replayFigures(routes: number, { sinkMs, times }: Replays): Figure[] {
  const acknowledged = times.map(({ acknowledgedMs }) => acknowledgedMs);
  // Each replay against the sink of its own run: the machine's load changes from run to run.
  const ratioOf = (ms: number, run: number): number => hundredth(ms / sinkMs[run]!);
  const ratios = acknowledged.map(ratioOf);
  const ratio = hundredth(median(ratios));
  const turns = times.map(({ loopMaxMs }) => Math.round(loopMaxMs));
  const { countedMs } = times[0]!;
  const ms = { unit: 'ms', routes };
  const figures: Figure[] = [
    { ...ms, name: 'replay.sink', what: 'a sink counted every route', value: median(sinkMs), samples: sinkMs },
    {
      ...ms,
      name: 'replay.acknowledged',
      what: 'fpm2afi had the acknowledgement of the vASIC for every route',
      value: median(acknowledged),
      samples: acknowledged,
    },
    {
      name: 'replay.acknowledged.ratio',
      what: "that by the sink's time in the same run",
      unit: '× sink',
      value: ratio,
      routes,
      samples: ratios,
      ...forFullTable(routes, atMost(ACKNOWLEDGED_GOAL, '× sink', ratio)),
    },
    {
      ...ms,
      name: 'replay.turn',
      what: "the event loop's longest delay meanwhile",
      value: median(turns),
      samples: turns,
    },
  ];
  if (countedMs === undefined) return figures;
  const countedRatio = ratioOf(countedMs, 0);
  return [
    ...figures,
    {
      ...ms,
      name: 'replay.counted',
      what: 'zebra counted every route as offloaded (once: it remembers)',
      value: countedMs,
    },
    {
      name: 'replay.counted.ratio',
      what: "that by the sink's time in the same run",
      unit: '× sink',
      value: countedRatio,
      routes,
      ...forFullTable(routes, atMost(COUNTED_GOAL, '× sink', countedRatio)),
    },
  ];
}

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
  const pinging = pings(topology, sent);
  await replayToBridge(topology, forwarding, routes);
  const times = await pinging;
  await connectFpm(topology.frr, false);
  await stopForwarding(forwarding);
  return puntFigures('punt.loaded', 'while a table comes in', times, { sent, routes, goal: routes >= FULL_TABLE });
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
  const { forwarding, ...replayed } = await replays(topology, routes, runs, say);
  found([...replayFigures(routes, replayed), ...memoryFigures(routes, replayed)]);
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
