/**
 * How fast packets cross softvasic, and how fast they cross Linux with the same table in the same run: one TCP stream, and 64-byte UDP to
 * destinations all over the table, as fast as one sender can. Sender, receiver and softvasic share the machine's cores.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Figure } from '../../demo/figures/figure';
import type { Lab } from '../../demo/lab/lab';
import { iperf } from '../../demo/lab/traffic';
import { sleep } from '../../demo/lab/wait';
import { arrived, buildLinux, buildSoftvasic, HOST_PORT, RECEIVER, SENDER, type Crossing } from './crossing';
import { portMac } from './topology';
import { percentile } from './statistics';

const SECONDS = 3;
/** For what is still under way when the sender ends. */
const SETTLE_MS = 300;

interface Flood {
  readonly kpps: number;
  readonly offeredKpps: number;
  /** CPU time of the process that forwards, per packet delivered; undefined for Linux. */
  readonly nsPerPacket: number | undefined;
}

/** Nanoseconds that all threads of a process have run. */
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
  const ns = (cpuNs(crossing.pid()) - cpuBefore) / delivered;
  return { kpps: delivered / ms, offeredKpps: sent / ms, nsPerPacket: Number.isNaN(ns) ? undefined : ns };
}

async function stream({ sender, receiver }: Crossing): Promise<number> {
  const ends = { client: sender, clientAddress: SENDER, server: receiver, serverAddress: RECEIVER };
  return (await iperf({ ...ends, seconds: SECONDS })).bitsPerSecond / 1e9;
}

const tenth = (value: number): number => Math.round(value * 10) / 10;
const hundredth = (value: number): number => Math.round(value * 100) / 100;
const median = (values: readonly number[]): number => percentile(values, 0.5);

/** The figures for each number of routes; Linux and softvasic take turns. */
export async function measureDataplane(
  lab: Lab,
  sizes: readonly number[],
  runs: number,
  say: (line: string) => void,
): Promise<readonly Figure[]> {
  const linux = await buildLinux(lab);
  const softvasic = await buildSoftvasic(lab);
  const figures: Figure[] = [];
  for (const routes of sizes) {
    say(`${routes} routes for Linux and for softvasic`);
    await linux.load(routes);
    await softvasic.load(routes);
    const udp: { linux: Flood; softvasic: Flood }[] = [];
    const tcp: { linux: number; softvasic: number }[] = [];
    for (let run = 0; run < runs; run++) {
      udp.push({ linux: await flood(linux, routes), softvasic: await flood(softvasic, routes) });
      say(`64-byte UDP, ${describe(udp.at(-1)!)}`);
      tcp.push({ linux: await stream(linux), softvasic: await stream(softvasic) });
      say(`TCP, softvasic ${tenth(tcp.at(-1)!.softvasic)} Gbit/s, Linux ${tenth(tcp.at(-1)!.linux)} Gbit/s`);
    }
    figures.push(...figuresOf(routes, udp, tcp));
  }
  return figures;
}

function describe({ linux, softvasic }: { linux: Flood; softvasic: Flood }): string {
  const ns = Math.round(softvasic.nsPerPacket ?? 0);
  return `softvasic ${tenth(softvasic.kpps)} kpps of ${tenth(softvasic.offeredKpps)} (${ns} ns of CPU each), Linux ${tenth(linux.kpps)} kpps`;
}

function figuresOf(
  routes: number,
  udp: readonly { linux: Flood; softvasic: Flood }[],
  tcp: readonly { linux: number; softvasic: number }[],
): Figure[] {
  const figure = (name: string, what: string, unit: string, samples: readonly number[]): Figure => {
    const rounded = samples.map(hundredth);
    return {
      name: `dataplane.${name}`,
      what: `${what}, ${routes} routes`,
      unit,
      value: median(rounded),
      samples: rounded,
    };
  };
  const atLeast = (made: Figure, least: number): Figure => ({
    ...made,
    goal: `at least ${least} ${made.unit}`,
    met: made.value >= least,
  });
  return [
    atLeast(
      figure(
        'udp.softvasic',
        '64-byte UDP delivered through softvasic',
        'kpps',
        udp.map(({ softvasic }) => softvasic.kpps),
      ),
      150,
    ),
    figure(
      'udp.linux',
      '64-byte UDP delivered through Linux',
      'kpps',
      udp.map(({ linux }) => linux.kpps),
    ),
    figure(
      'udp.ratio',
      '64-byte UDP, softvasic to Linux',
      'of Linux',
      udp.map(({ linux, softvasic }) => softvasic.kpps / linux.kpps),
    ),
    figure(
      'udp.cost',
      "softvasic's CPU time for a packet delivered",
      'ns',
      udp.map(({ softvasic }) => softvasic.nsPerPacket!),
    ),
    atLeast(
      figure(
        'tcp.ratio',
        'one TCP stream, softvasic to Linux',
        'of Linux',
        tcp.map(({ linux, softvasic }) => softvasic / linux),
      ),
      0.6,
    ),
    figure(
      'tcp.softvasic',
      'one TCP stream through softvasic',
      'Gbit/s',
      tcp.map(({ softvasic }) => softvasic),
    ),
  ];
}
