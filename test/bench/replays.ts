/** A table that zebra holds, replayed by turns to the sink and to fpm2afi with an empty softvasic: how long, and in what memory. */
import { atMost, hundredth, median, type Figure } from '../../lab/figure';
import { forFullTable } from './part';
import {
  countInSink,
  replayToBridge,
  residentBytes,
  startForwarding,
  stopForwarding,
  type Forwarding,
  type ReplayTimes,
} from './replay';
import { connectFpm, type BenchTopology } from './topology';

const ACKNOWLEDGED_GOAL = 2;
const COUNTED_GOAL = 3.4;
const TURN_GOAL = 20;

/** Bytes. */
export interface Memory {
  readonly bridge: number;
  readonly vasic: number;
}

/** A table that zebra holds. */
export interface Replayed {
  /** What the figures' names begin with. */
  readonly name: string;
  readonly routes: number;
  readonly family: 4 | 6;
  /** What is special about it, after what the figures say: `, 4 nexthops`. */
  readonly detail?: string;
}

export interface Replays {
  readonly of: Replayed;
  readonly sinkMs: number[];
  readonly times: ReplayTimes[];
  /** Before and after the first. */
  readonly memory: { readonly empty: Memory; readonly full: Memory };
}

function memoryOf({ bridge, vasic }: Forwarding): Memory {
  return { bridge: residentBytes(bridge.process().pid), vasic: residentBytes(vasic.process().pid) };
}

/** To the sink and to an empty bridge and vASIC, by turns; the last pair goes on running. */
export async function replays(
  topology: BenchTopology,
  of: Replayed,
  runs: number,
  say: (line: string) => void,
): Promise<Replays & { readonly forwarding: Forwarding }> {
  const { routes, family } = of;
  const sinkMs: number[] = [];
  const times: ReplayTimes[] = [];
  let memory: Replays['memory'] | undefined;
  for (let run = 0; ; run++) {
    sinkMs.push(Math.round((await countInSink(topology, routes, run)).ms));
    const forwarding = await startForwarding(topology);
    const empty = memoryOf(forwarding);
    times.push(await replayToBridge(topology, forwarding, routes, family));
    memory ??= { empty, full: memoryOf(forwarding) };
    say(`replay ${run + 1} of ${runs}: sink ${sinkMs[run]} ms, ${JSON.stringify(times[run])}`);
    await connectFpm(topology.frr, false);
    if (run + 1 === runs) return { of, sinkMs, times, memory, forwarding };
    await stopForwarding(forwarding);
  }
}

export function replayFigures({ of: { name, routes, detail = '' }, sinkMs, times }: Replays): Figure[] {
  const acknowledged = times.map(({ acknowledgedMs }) => acknowledgedMs);
  // Each replay against the sink of its own run: the machine's load changes from run to run.
  const ratioOf = (ms: number, run: number): number => hundredth(ms / sinkMs[run]!);
  const ratios = acknowledged.map(ratioOf);
  const ratio = hundredth(median(ratios));
  const turns = times.map(({ loopMaxMs }) => Math.round(loopMaxMs));
  const own = times.flatMap(({ ownMaxMs }) => (ownMaxMs === undefined ? [] : [Math.round(ownMaxMs)]));
  const { countedMs } = times[0]!;
  const ms = { unit: 'ms', routes };
  const figures: Figure[] = [
    {
      ...ms,
      name: `${name}.sink`,
      what: `a sink counted every route${detail}`,
      value: median(sinkMs),
      samples: sinkMs,
    },
    {
      ...ms,
      name: `${name}.acknowledged`,
      what: `fpm2afi had the acknowledgement of the vASIC for every route${detail}`,
      value: median(acknowledged),
      samples: acknowledged,
    },
    {
      name: `${name}.acknowledged.ratio`,
      what: "that by the sink's time in the same run",
      unit: '× sink',
      value: ratio,
      routes,
      samples: ratios,
      ...forFullTable(routes, atMost(ACKNOWLEDGED_GOAL, '× sink', ratio)),
    },
    {
      ...ms,
      name: `${name}.turn`,
      what: "the event loop's longest delay meanwhile",
      value: median(turns),
      samples: turns,
    },
    ...(own.length === 0
      ? []
      : [
          {
            ...ms,
            name: `${name}.turn.own`,
            what: "the most of such a delay that was the loop's own work, not waiting for a core",
            value: median(own),
            samples: own,
            ...forFullTable(routes, atMost(TURN_GOAL, 'ms', median(own))),
          },
        ]),
  ];
  if (countedMs === undefined) return figures;
  const countedRatio = ratioOf(countedMs, 0);
  return [
    ...figures,
    {
      ...ms,
      name: `${name}.counted`,
      what: `zebra counted every route as offloaded (once: it remembers)${detail}`,
      value: countedMs,
    },
    {
      name: `${name}.counted.ratio`,
      what: "that by the sink's time in the same run",
      unit: '× sink',
      value: countedRatio,
      routes,
      ...forFullTable(routes, atMost(COUNTED_GOAL, '× sink', countedRatio)),
    },
  ];
}
