/** How late the event loop runs: the figure that tells whether routing work holds up everything else. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Milliseconds beyond the moment at which a timer was due, since start. */
export interface LoopDelay {
  readonly meanMs: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface LoopMonitor {
  read(): LoopDelay;
  stop(): void;
}

/** Milliseconds between two samples. */
const RESOLUTION = 20;

/** Starts measuring; it doesn't keep the process alive. */
export function startLoopMonitor(): LoopMonitor {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION });
  histogram.enable();
  // Samples are whole intervals in nanoseconds; without samples there is no mean (NaN).
  const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - RESOLUTION) || 0;
  return {
    read: () => {
      if (histogram.count === 0) return { meanMs: 0, p99Ms: 0, maxMs: 0 };
      return { meanMs: late(histogram.mean), p99Ms: late(histogram.percentile(99)), maxMs: late(histogram.max) };
    },
    stop: () => {
      histogram.disable();
    },
  };
}
