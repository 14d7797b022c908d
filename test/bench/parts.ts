/** The measurements of `make bench` that need a zebra; main.ts says in which order, and writes down what they return. */
import { hopOf, gatewayOf } from './stream';
import { makePrefixes } from './prefixes';
import { connectFpm, feed, neighborMac, portMac, tapName, PORTS, type BenchTopology } from './topology';
import {
  replayToBridge,
  replayToSink,
  residentBytes,
  startForwarding,
  stopForwarding,
  type Forwarding,
} from './replay';
import { percentile, spread, type Spread } from './statistics';
import { formatAddress, parseMac, formatMac } from '../../src/net/address';
import { logLines } from '../../demo/lab/process';

export interface ReplayFigures {
  readonly sinkMs: Spread;
  readonly acknowledgedMs: Spread;
  /** Of the first run: zebra counts a route once. */
  readonly countedMs: number | undefined;
  readonly acknowledgedRatio: number;
  readonly countedRatio: number | undefined;
  readonly loopMaxMs: number;
}

export interface MemoryFigures {
  readonly bridgeEmptyMB: number;
  readonly bridgeFullMB: number;
  readonly vasicEmptyMB: number;
  readonly vasicFullMB: number;
  readonly bridgeBytesPerRoute: number;
  readonly vasicBytesPerRoute: number;
}

export interface PuntFigures {
  readonly sent: number;
  readonly received: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface FailoverFigures {
  readonly ms: Spread;
  /** What `ip neigh replace` took of it, from its start to its exit. */
  readonly commandMs: Spread;
}

export interface TableFigures {
  readonly routes: number;
  readonly nexthops: number;
  readonly learnedMs: number;
  readonly replay: ReplayFigures;
  readonly memory: MemoryFigures;
  readonly puntIdle: PuntFigures;
  readonly puntLoaded: PuntFigures;
  readonly failover: FailoverFigures;
}

const MEGA = 1e6;
const PING_TARGET = '10.1.0.1';
const IDLE_PINGS = 300;
/** A ping every so many seconds; over for good when the replay is. */
const PING_INTERVAL = '0.01';
const CHANGES = 7;

/** Everything for one size of table. */
export async function measureTable(
  topology: BenchTopology,
  routes: number,
  nexthops: number,
  runs: number,
  say: (line: string) => void,
): Promise<TableFigures> {
  const { frr } = topology;
  const started = performance.now();
  say(`${routes} routes over ${nexthops} nexthops to bgpd`);
  await feed(topology, routes, nexthops);
  const learnedMs = performance.now() - started;

  const sink: number[] = [];
  const acknowledged: number[] = [];
  const loop: number[] = [];
  let countedMs: number | undefined;
  let memory: MemoryFigures | undefined;
  let forwarding: Forwarding | undefined;
  for (let run = 0; run < runs; run++) {
    if (forwarding !== undefined) await stopForwarding(forwarding);
    sink.push(await replayToSink(topology, routes, run));
    say(`replay ${run + 1} of ${runs}: sink ${Math.round(sink.at(-1)!)} ms`);
    forwarding = await startForwarding(topology);
    const empty = memoryOf(forwarding);
    const times = await replayToBridge(topology, forwarding, routes);
    acknowledged.push(times.acknowledgedMs);
    loop.push(times.loopMaxMs);
    countedMs ??= times.countedMs;
    say(`replay ${run + 1} of ${runs}: acknowledged ${times.acknowledgedMs} ms${counted(times.countedMs)}`);
    const full = memoryOf(forwarding);
    memory ??= {
      bridgeEmptyMB: Math.round(empty.bridge / MEGA),
      bridgeFullMB: Math.round(full.bridge / MEGA),
      vasicEmptyMB: Math.round(empty.vasic / MEGA),
      vasicFullMB: Math.round(full.vasic / MEGA),
      bridgeBytesPerRoute: Math.round((full.bridge - empty.bridge) / routes),
      vasicBytesPerRoute: Math.round((full.vasic - empty.vasic) / routes),
    };
    await connectFpm(frr, false);
  }
  say('failover: the MAC of a neighbor changes');
  const failover = await measureFailover(topology, routes, nexthops);
  const { neighbors } = topology;
  say('punt: round trips, idle and while a table comes in');
  await neighbors.must(['ip', 'address', 'add', '10.1.0.2/16', 'dev', 'n1']);
  const puntIdle = await ping(topology, IDLE_PINGS);
  await stopForwarding(forwarding!);
  forwarding = await startForwarding(topology);
  const pinging = ping(topology, Math.max(IDLE_PINGS, Math.round(routes / 2000)));
  await replayToBridge(topology, forwarding, routes);
  const puntLoaded = await pinging;
  await connectFpm(frr, false);
  await stopForwarding(forwarding);

  const sinkMs = spread(sink);
  const acknowledgedMs = spread(acknowledged);
  // Each replay against the sink of its own run: the machine's load changes from run to run.
  const ratioOf = (ms: number, run: number): number => Math.round((ms / sink[run]!) * 100) / 100;
  return {
    routes,
    nexthops,
    learnedMs: Math.round(learnedMs),
    replay: {
      sinkMs,
      acknowledgedMs,
      countedMs,
      acknowledgedRatio: spread(acknowledged.map(ratioOf)).median,
      countedRatio: countedMs === undefined ? undefined : ratioOf(countedMs, 0),
      loopMaxMs: Math.round(Math.max(...loop)),
    },
    memory: memory!,
    puntIdle,
    puntLoaded,
    failover,
  };
}

function counted(ms: number | undefined): string {
  return ms === undefined ? '' : `, counted by zebra ${ms} ms`;
}

function memoryOf({ bridge, vasic }: Forwarding): { bridge: number; vasic: number } {
  return { bridge: residentBytes(bridge.process().pid), vasic: residentBytes(vasic.process().pid) };
}

async function ping({ neighbors }: BenchTopology, count: number): Promise<PuntFigures> {
  const argv = ['ping', '-n', '-c', String(count), '-i', PING_INTERVAL, '-W', '2', PING_TARGET];
  const { stdout } = await neighbors.exec(argv, { timeoutMs: 120_000 });
  const times = [...stdout.matchAll(/time=([\d.]+) ms/g)].map((match) => Number(match[1]));
  const at = (share: number): number => percentile(times, share);
  return { sent: count, received: times.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

async function measureFailover(topology: BenchTopology, routes: number, nexthops: number): Promise<FailoverFigures> {
  const { addresses, lengths } = makePrefixes(routes);
  let chosen = routes - 1;
  while (hopOf(chosen, nexthops) !== 0 || lengths[chosen] !== 24) chosen--;
  const destination = formatAddress(
    Uint8Array.of(addresses[chosen]! >>> 24, addresses[chosen]! >>> 16, addresses[chosen]! >>> 8, 9),
  );
  const first = neighborMac(0);
  const changed = parseMac(first)!;
  changed[1] = 0x7f;
  // There and back: the last change restores what it was.
  const macs = Array.from({ length: CHANGES + 1 }, (_, i) => (i % 2 === 0 ? formatMac(changed) : first));
  const { address } = gatewayOf(0, PORTS);
  const { router, neighbors } = topology;
  const target = [destination, router.netns, tapName(0), formatAddress(address)];
  const argv = [process.execPath, `${__dirname}/probe.js`, 'n1', 'n0', portMac(1), ...target, ...macs];
  const probe = neighbors.start('probe', argv);
  const { status } = await probe.end;
  const lines = logLines(probe.logFile);
  if (status !== 0) throw new Error(`the probe failed: ${lines.join('\n')}`);
  const figures = lines.map((line) => JSON.parse(line) as { ms: number; commandMs: number });
  return { ms: spread(figures.map(({ ms }) => ms)), commandMs: spread(figures.map(({ commandMs }) => commandMs)) };
}
