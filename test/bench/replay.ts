/**
 * Replay: a zebra that holds the table connects, to the sink and then to fpm2afi with an empty softvasic behind it. Two clocks
 * run from the moment the connection is accepted: until the vASIC has acknowledged every route, and until zebra itself counts every
 * route as offloaded. zebra keeps "offloaded" over a reconnect, so the second clock needs a table that was learned anew.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startBridge, startSoftvasic, type Bridge, type Program } from '../../demo/lab/programs';
import { waitFor } from '../../demo/lab/wait';
import { requestStatus } from '../../src/control/client';
import type { StatusView } from '../../src/control/types';
import {
  connectFpm,
  FPM_PORT,
  offloadedRoutes,
  PORTS,
  ROUTER_MGMT,
  tapName,
  VASIC_MGMT,
  type BenchTopology,
} from './topology';

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
  const softvasic = await startSoftvasic(vasic, {
    address: VASIC_MGMT,
    client: ROUTER_MGMT,
    ports: ports.map((port) => `p${port}`),
  });
  const bridge = await startBridge(router, {
    vasic: VASIC_MGMT,
    address: ROUTER_MGMT,
    taps: ports.map(tapName),
    settings: ['punt.mode=external', ...settings],
  });
  const status = () => requestStatus(join(router.dir, 'fpm2afi.sock'));
  return { bridge, vasic: softvasic, status };
}

export async function stopForwarding({ bridge, vasic }: Forwarding): Promise<void> {
  await bridge.process().kill('SIGTERM');
  await vasic.process().kill('SIGTERM');
}

/** Milliseconds until the sink had counted every route. */
export async function replayToSink(topology: BenchTopology, routes: number, run: number): Promise<number> {
  const { router, frr } = topology;
  const argv = [process.execPath, join(__dirname, 'sink.js'), String(FPM_PORT), String(routes)];
  const sink = router.start(`sink${run}`, argv);
  await waitFor(async () => (await router.must(['ss', '-ltnH'])).includes(`:${FPM_PORT} `), {
    timeoutMs: 15_000,
    what: 'the sink to listen',
  });
  await connectFpm(frr, true);
  const line = await waitFor(
    () =>
      readFileSync(sink.logFile, 'utf8')
        .split('\n')
        .find((text) => text.startsWith('{')),
    {
      timeoutMs: 30_000 + routes / 10,
      what: 'the sink to have counted every route',
    },
  );
  await connectFpm(frr, false);
  await sink.kill('SIGTERM');
  return (JSON.parse(line) as { ms: number }).ms;
}

export interface ReplayTimes {
  /** Until the vASIC had acknowledged every route. */
  readonly acknowledgedMs: number;
  /** Until zebra counted every route as offloaded; absent where zebra had counted them before. */
  readonly countedMs?: number;
  /** The event loop's longest delay meanwhile, as the bridge measures it. */
  readonly loopMaxMs: number;
}

/** Connects zebra to the bridge and times the replay. */
export async function replayToBridge(
  topology: BenchTopology,
  forwarding: Forwarding,
  routes: number,
): Promise<ReplayTimes> {
  const { frr } = topology;
  const known = (await offloadedRoutes(frr)) >= routes;
  await connectFpm(frr, true);
  // A look costs the bridge (and zebra) time that grows with the table.
  const limits = { timeoutMs: 60_000 + routes / 5, everyMs: Math.min(250, Math.max(25, routes / 4000)) };
  let since = 0;
  let loopMaxMs = 0;
  const acknowledgedMs = await waitFor(
    async () => {
      const { fpm, fib, time, loop } = await forwarding.status();
      if (fpm.state !== 'connected') return undefined;
      since = Date.parse(fpm.since);
      loopMaxMs = Math.max(loopMaxMs, loop.maxMs);
      return fib.offloaded >= routes ? Date.parse(time) - since : undefined;
    },
    { ...limits, what: 'every route acknowledged' },
  );
  if (known) return { acknowledgedMs, loopMaxMs };
  const counted = async () => ((await offloadedRoutes(frr)) >= routes ? Date.now() - since : undefined);
  const countedMs = await waitFor(counted, { ...limits, what: 'zebra to count every route as offloaded' });
  return { acknowledgedMs, countedMs, loopMaxMs };
}

/** Resident memory of a process and all its threads, in bytes. */
export function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  if (line === null) throw new Error(`process ${pid} has no VmRSS`);
  return Number(line[1]) * 1024;
}
