/**
 * One restart under traffic: what 200 flows through the vASIC lost, which of them another neighbor answered afterwards, which
 * sessions FRR lost, and how many operations it took until the vASIC was as before.
 */
import { startEcho, startFlows, type FlowsReport } from './flows';
import { IP4 } from './plan';
import type { Bridge } from './programs';
import { allOffloaded, sessions, sessionsLost } from './restarts-topology';
import type { Topology } from './topology';
import { sleep, waitFor } from './wait';

export interface RestartResult {
  readonly sent: number;
  readonly lost: number;
  /** Flows that another neighbor answered at the end than at the beginning. */
  readonly moved: number;
  readonly sessionsLost: number;
  /** AFI operations, reads apart. */
  readonly operations: number;
}

export interface RestartOptions {
  readonly routes: number;
  /** Flows, and how often each sends. */
  readonly flows: number;
  readonly intervalMs: number;
  /** How long after `act` all must have settled. */
  readonly settleMs: number;
}

/** Before the first and after the last event, for flows and counters to be at rest. */
const REST_MS = 2000;

/** Starts the echoes that the flows end at; once for each topology. */
export async function startEchoes({ vrouters, plan }: Topology): Promise<void> {
  for (const path of [2, 3]) await startEcho(vrouters[path]!, plan.shared);
}

/** Does `act`, waits until all is as before, and counts. */
export async function measureRestart(
  topology: Topology,
  { routes, flows, intervalMs, settleMs }: RestartOptions,
  act: () => Promise<void>,
): Promise<RestartResult> {
  const { bridge, vrouters } = topology;
  const sessionsBefore = await sessions(topology);
  const before = await settled(bridge);
  const running = await startFlows({
    ...{ node: vrouters[1]!, source: IP4.loopback(1), target: IP4.shared },
    ...{ flows, intervalMs },
  });
  await sleep(REST_MS);
  await act();
  await sleep(settleMs);
  await allOffloaded(topology, routes);
  const after = await settled(bridge);
  await sleep(REST_MS);
  const report = await running.stop();
  return {
    ...packetsOf(report),
    moved: movedOf(report),
    sessionsLost: sessionsLost(sessionsBefore, await sessions(topology)),
    operations: after.pid === before.pid ? after.operations - before.operations : after.operations,
  };
}

function packetsOf({ flows }: FlowsReport): { readonly sent: number; readonly lost: number } {
  const sent = flows.reduce((sum, flow) => sum + flow.sent, 0);
  const lost = flows.reduce((sum, { gaps }) => sum + gaps.reduce((own, { packets }) => own + packets, 0), 0);
  return { sent, lost };
}

function movedOf({ flows }: FlowsReport): number {
  return flows.filter(({ answers }) => answers.some(({ by }) => by !== answers[0]!.by)).length;
}

/** The operations so far, when none was sent for a second. They count from the start of the bridge's process. */
async function settled(bridge: Bridge): Promise<{ readonly operations: number; readonly pid: number }> {
  let last = '';
  return waitFor(
    async () => {
      const { afi, fib, pid } = await bridge.status();
      const seen = `${pid} ${afi.opsSent}`;
      const quiet = seen === last && afi.opsInFlight === 0 && fib.pending === 0;
      last = seen;
      return quiet ? { operations: afi.opsSent, pid } : undefined;
    },
    { timeoutMs: 120_000, everyMs: 1000, what: 'the AFI server to have everything' },
  );
}
