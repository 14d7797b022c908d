/** The stream between west and east, which no change touches, and what it loses during each fault. */
import { startEcho, startFlows, type FlowsReport } from '../../lab/flows';
import { EAST, far, WEST } from './plan';
import type { Stage } from './stage';

/** Packets a second are flows × 1000 / interval. */
const FLOWS = 5;
const INTERVAL_MS = 25;

export interface RunningStream {
  readonly stop: () => Promise<FlowsReport>;
}

export async function startStream({ west, east }: Stage): Promise<RunningStream> {
  await startEcho(east, far(EAST));
  return startFlows({ node: west, source: far(WEST), target: far(EAST), flows: FLOWS, intervalMs: INTERVAL_MS });
}

/** Packets that got no answer, of those sent in [fromMs, toMs) (Unix). A gap counts where it begins. */
export function lostBetween({ flows }: FlowsReport, fromMs: number, toMs: number): number {
  return flows
    .flatMap(({ gaps }) => gaps)
    .filter((gap) => gap.fromMs >= fromMs && gap.fromMs < toMs)
    .reduce((sum, { packets }) => sum + packets, 0);
}

/** Packets that were sent in a time. */
export function sentIn(ms: number): number {
  return Math.round((ms / INTERVAL_MS) * FLOWS);
}
