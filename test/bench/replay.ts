/**
 * Replay: a zebra that holds the table connects, to the sink and then to fpm2afi with an empty softvasic behind it. Two clocks
 * run from the moment the connection is accepted: until the vASIC has acknowledged every route, and until zebra itself counts every
 * route as offloaded. zebra keeps "offloaded" over a reconnect, so the second clock needs a table that was learned anew.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bridge, Program } from '../../lab/programs';
import { logMark, waitForLine } from '../../lab/process';
import { startPrograms } from '../../lab/router';
import { sleep, waitFor } from '../../lab/wait';
import { requestStatus } from '../../src/control/client';
import type { StatusView } from '../../src/control/status-types';
import { connectFpm, FPM_PORT, offloadedRoutes, PORTS, type BenchTopology } from './topology';

const LEAST_BETWEEN_MS = 25;
const MOST_BETWEEN_MS = 1000;

export interface Forwarding {
  readonly bridge: Bridge;
  readonly vasic: Program;
  readonly status: () => Promise<StatusView>;
}

/** Starts softvasic and fpm2afi, both empty. */
export async function startForwarding(
  { router, vasic }: BenchTopology,
  settings: readonly string[] = [],
): Promise<Forwarding> {
  const ports = Array.from({ length: PORTS }, (_, port) => port);
  const { softvasic, bridge } = await startPrograms(
    { router, vasic },
    { ports, settings: ['punt.mode=external', ...settings] },
  );
  const status = () => requestStatus(join(router.dir, 'fpm2afi.sock'));
  return { bridge, vasic: softvasic, status };
}

export async function stopForwarding({ bridge, vasic }: Forwarding): Promise<void> {
  await bridge.process().kill('SIGTERM');
  await vasic.process().kill('SIGTERM');
}

/** When the sink had counted every route. */
interface SinkCount {
  /** Milliseconds since zebra's connection was accepted. */
  readonly ms: number;
  /** By the machine's clock. */
  readonly at: number;
}

/**
 * Connects zebra to a new sink, calls `meanwhile`, and waits until the sink has counted so many routes; zebra is not connected
 * afterwards. `run` tells sinks apart.
 */
export async function countInSink(
  topology: BenchTopology,
  routes: number,
  run: number,
  meanwhile: () => Promise<unknown> = () => Promise.resolve(),
): Promise<SinkCount> {
  const { router, frr } = topology;
  const argv = [process.execPath, join(__dirname, 'sink.js'), String(FPM_PORT), String(routes)];
  const sink = router.start(`sink${run}`, argv);
  const mark = logMark(sink.logFile);
  await waitFor(async () => (await router.must(['ss', '-ltnH'])).includes(`:${FPM_PORT} `), {
    timeoutMs: 15_000,
    what: 'the sink to listen',
  });
  await connectFpm(frr, true);
  await waitForLine(sink.logFile, /accepted/, mark, 15_000);
  await meanwhile();
  const line = await waitForLine(sink.logFile, /"ms"/, mark, 60_000 + routes / 5);
  await connectFpm(frr, false);
  await sink.kill('SIGTERM');
  return JSON.parse(line) as SinkCount;
}

export interface ReplayTimes {
  /** Until the vASIC had acknowledged every route. */
  readonly acknowledgedMs: number;
  /** Until zebra counted every route as offloaded; absent where zebra had counted them before. */
  readonly countedMs?: number;
  /** The event loop's longest delay since its start, as the bridge measures it. */
  readonly loopMaxMs: number;
  /** The most of such a delay that was the loop's own work. */
  readonly ownMaxMs?: number;
}

/**
 * Waits until the vASIC has acknowledged so many routes. A look costs the bridge time that grows with the table: so the next one comes
 * when, at the rate until now, half of what is missing will be there; and never so late that it says little of when that was. The first
 * comes after `leastMs`: before that it can't be all.
 */
export async function untilAcknowledged(forwarding: Forwarding, routes: number, leastMs = 0): Promise<StatusView> {
  const started = performance.now();
  await sleep(leastMs);
  for (;;) {
    const status = await forwarding.status();
    const { offloaded } = status.fib;
    if (offloaded >= routes) return status;
    const elapsed = performance.now() - started;
    if (elapsed > timeoutFor(routes))
      throw new Error(`${offloaded} of ${routes} routes acknowledged after ${elapsed} ms`);
    const half = ((routes - offloaded) * elapsed) / Math.max(1, offloaded) / 2;
    await sleep(Math.max(LEAST_BETWEEN_MS, Math.min(MOST_BETWEEN_MS, half, elapsed / 8)));
  }
}

function timeoutFor(routes: number): number {
  return 60_000 + routes / 5;
}

/** Has zebra connect to the bridge; resolves when it is, with the milliseconds of the machine's clock at which it was. */
export async function connectBridge({ frr }: BenchTopology, forwarding: Forwarding): Promise<number> {
  await connectFpm(frr, true);
  const connected = async (): Promise<number | undefined> => {
    const { fpm } = await forwarding.status();
    return fpm.state === 'connected' ? Date.parse(fpm.since) : undefined;
  };
  return waitFor(connected, { timeoutMs: 15_000, everyMs: 20, what: 'zebra to connect to fpm2afi' });
}

/** Connects zebra, which has so many routes of a family, to the bridge and times the replay. */
export async function replayToBridge(
  topology: BenchTopology,
  forwarding: Forwarding,
  routes: number,
  family: 4 | 6 = 4,
): Promise<ReplayTimes> {
  const { frr } = topology;
  const known = (await offloadedRoutes(frr, family)) >= routes;
  const since = await connectBridge(topology, forwarding);
  const { time, loop } = await untilAcknowledged(forwarding, routes);
  const { maxMs: loopMaxMs, ownMaxMs } = loop;
  const loops = { loopMaxMs, ...(ownMaxMs === undefined ? {} : { ownMaxMs }) };
  const acknowledgedMs = Date.parse(time) - since;
  if (known) return { acknowledgedMs, ...loops };
  const counted = async () => ((await offloadedRoutes(frr, family)) >= routes ? Date.now() - since : undefined);
  const what = 'zebra to count every route as offloaded';
  // zebra counts its whole table at each look.
  const everyMs = Math.min(250, Math.max(25, routes / 4000));
  const countedMs = await waitFor(counted, { timeoutMs: timeoutFor(routes), everyMs, what });
  return { acknowledgedMs, countedMs, ...loops };
}

/** Resident memory of a process and all its threads, in bytes. */
export function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  if (line === null) throw new Error(`process ${pid} has no VmRSS`);
  return Number(line[1]) * 1024;
}
