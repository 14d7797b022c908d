/**
 * How fast packets cross softvasic, and how fast they cross Linux with the same table in the same run: one TCP stream, and 64-byte UDP to
 * destinations all over the table, as fast as one sender can. Sender, receiver and softvasic share the machine's cores.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { atLeast, hundredth, median, tenth, type Figure } from '../../lab/figure';
import { labId, openLab } from '../../lab/lab';
import { portMac } from '../../lab/plan';
import { iperf } from '../../lab/traffic';
import { sleep } from '../../lab/wait';
import { arrived, buildLinux, buildSoftvasic, HOST_PORT, RECEIVER, SENDER, type Crossing } from './crossing';
import { forFullTable, type BenchPart } from './part';

/** Beside the sizes asked for: what a lookup costs where everything is in the cache. */
const SMALL = 10;
const UDP_GOAL = 150;
const TCP_GOAL = 0.6;
const SECONDS = 3;
/** For what is still under way when the sender ends. */
const SETTLE_MS = 300;

interface Flood {
  readonly kpps: number;
  readonly offeredKpps: number;
  /** CPU time of the process that forwards, by packet delivered; NaN where the kernel does. */
  readonly nsPerPacket: number;
}

/** Nanoseconds that all threads of a process have run; NaN without one. */
function cpuNs(pid: number | undefined): number {
  if (pid === undefined) return NaN;
  const tasks = `/proc/${pid}/task`;
  return readdirSync(tasks)
    .map((task) => Number(readFileSync(join(tasks, task, 'schedstat'), 'utf8').split(' ')[0]))
    .reduce((sum, ns) => sum + ns, 0);
}

async function flood(crossing: Crossing, routes: number): Promise<Flood> {
  const argv = [process.execPath, join(__dirname, 'blast.js'), HOST_PORT, portMac(1), String(routes), String(SECONDS)];
  const before = await arrived(crossing);
  const cpuBefore = cpuNs(crossing.pid());
  const { sent, ms } = JSON.parse(await crossing.sender.must(argv, { timeoutMs: 60_000 })) as {
    sent: number;
    ms: number;
  };
  await sleep(SETTLE_MS);
  const delivered = (await arrived(crossing)) - before;
  const nsPerPacket = (cpuNs(crossing.pid()) - cpuBefore) / delivered;
  return { kpps: delivered / ms, offeredKpps: sent / ms, nsPerPacket };
}

async function stream({ sender, receiver }: Crossing): Promise<number> {
  const ends = { client: sender, clientAddress: SENDER, server: receiver, serverAddress: RECEIVER };
  return (await iperf({ ...ends, seconds: SECONDS })).bitsPerSecond / 1e9;
}

interface Samples {
  readonly udp: readonly { readonly linux: Flood; readonly softvasic: Flood }[];
  /** Gbit/s. */
  readonly tcp: readonly { readonly linux: number; readonly softvasic: number }[];
}

/** Linux and softvasic, by turns. */
async function sample(
  [linux, softvasic]: readonly [Crossing, Crossing],
  routes: number,
  runs: number,
  say: (line: string) => void,
): Promise<Samples> {
  const udp: Samples['udp'][number][] = [];
  const tcp: Samples['tcp'][number][] = [];
  for (let run = 0; run < runs; run++) {
    udp.push({ linux: await flood(linux, routes), softvasic: await flood(softvasic, routes) });
    tcp.push({ linux: await stream(linux), softvasic: await stream(softvasic) });
    say(describe(udp[run]!, tcp[run]!));
  }
  return { udp, tcp };
}

function describe(udp: Samples['udp'][number], tcp: Samples['tcp'][number]): string {
  const rate = ({ kpps, offeredKpps }: Flood): string => `${tenth(kpps)} kpps of ${tenth(offeredKpps)} sent`;
  const by = (name: keyof typeof udp): string => `${rate(udp[name])}, TCP ${tenth(tcp[name])} Gbit/s`;
  return `softvasic ${by('softvasic')}; Linux ${by('linux')}`;
}

function figuresOf(routes: number, { udp, tcp }: Samples): Figure[] {
  const figure = (name: string, what: string, unit: string, values: readonly number[]): Figure => {
    const samples = values.map(hundredth);
    return { name: `dataplane.${name}`, what, unit, value: hundredth(median(samples)), samples, routes };
  };
  const goal = (made: Figure, least: number): Figure => ({
    ...made,
    ...forFullTable(routes, atLeast(least, made.unit, made.value)),
  });
  const through = (name: 'linux' | 'softvasic', value: (flood: Flood) => number): number[] =>
    udp.map((run) => value(run[name]));
  const packets = '64-byte UDP packets delivered through';
  return [
    goal(
      figure(
        'udp.softvasic',
        `${packets} softvasic`,
        'kpps',
        through('softvasic', ({ kpps }) => kpps),
      ),
      UDP_GOAL,
    ),
    figure(
      'udp.linux',
      `${packets} Linux`,
      'kpps',
      through('linux', ({ kpps }) => kpps),
    ),
    figure(
      'udp.ratio',
      'the one by the other in the same run',
      '× Linux',
      udp.map(({ linux, softvasic }) => softvasic.kpps / linux.kpps),
    ),
    figure(
      'udp.cost',
      "softvasic's CPU time for a packet delivered",
      'ns',
      through('softvasic', (of) => of.nsPerPacket),
    ),
    figure(
      'tcp.softvasic',
      'one TCP stream through softvasic',
      'Gbit/s',
      tcp.map(({ softvasic }) => softvasic),
    ),
    goal(
      figure(
        'tcp.ratio',
        'that by one through Linux in the same run',
        '× Linux',
        tcp.map(({ linux, softvasic }) => softvasic / linux),
      ),
      TCP_GOAL,
    ),
  ];
}

/** The engine without I/O. */
async function engineFigures({ sender }: Crossing, routes: number, runs: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const family of [4, 6]) {
    const samples: number[] = [];
    for (let run = 0; run < runs; run++) {
      const argv = [process.execPath, join(__dirname, 'engine.js'), String(routes), String(family)];
      const { ns } = JSON.parse(await sender.must(argv, { timeoutMs: 120_000 })) as { ns: number };
      samples.push(Math.round(ns));
    }
    figures.push({
      name: `dataplane.engine.ip${family}`,
      what: `an IPv${family} packet through the engine without I/O, destinations all over the table`,
      ...{ unit: 'ns', value: median(samples), samples, routes },
    });
  }
  return figures;
}

export const dataplane: BenchPart = {
  name: 'dataplane',
  title: 'Data plane: TCP and 64-byte UDP through softvasic and through Linux',
  measure: async ({ sizes, runs }, found, say) => {
    const lab = await openLab(labId('dataplane'), { logDir: 'out/bench-logs', say });
    try {
      const crossings = [await buildLinux(lab), await buildSoftvasic(lab)] as const;
      for (const routes of [SMALL, ...sizes]) {
        say(`${routes} routes to Linux and to softvasic`);
        found(await engineFigures(crossings[0], routes, runs));
        for (const { load } of crossings) await load(routes);
        found(figuresOf(routes, await sample(crossings, routes, runs, say)));
      }
    } finally {
      await lab.close();
    }
  },
};
