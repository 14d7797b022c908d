/** How late the event loop runs: the figure that tells whether routing work holds up everything else. */
import { closeSync, openSync, readSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Delay of the event loop: milliseconds beyond the moment at which a timer was due, since start. */
export interface LoopView {
  readonly meanMs: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /**
   * The most of one delay that can have been the loop's own work, by its thread's CPU time; the rest of it is waiting for a core, or for
   * V8's other threads. Absent where the kernel doesn't tell (CONFIG_SCHED_INFO).
   */
  readonly ownMaxMs?: number;
}

export interface LoopMonitor {
  read(): LoopView;
  stop(): void;
}

/** Milliseconds between two samples. */
const RESOLUTION = 20;
/** The same for the loop's own work, while it has much. */
const FINE_RESOLUTION = 5;

/** Starts measuring; it doesn't keep the process alive. To be called by the main thread. */
export function startLoopMonitor(): LoopMonitor {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION });
  histogram.enable();
  const own = watchOwnWork();
  // Samples are whole intervals in nanoseconds; without samples there is no mean (NaN).
  const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - RESOLUTION) || 0;
  return {
    read: () => {
      const ownMaxMs = own?.maxMs();
      const rest = ownMaxMs === undefined ? {} : { ownMaxMs };
      if (histogram.count === 0) return { meanMs: 0, p99Ms: 0, maxMs: 0, ...rest };
      const { mean, max } = histogram;
      return { meanMs: late(mean), p99Ms: late(histogram.percentile(99)), maxMs: late(max), ...rest };
    },
    stop: () => {
      histogram.disable();
      own?.stop();
    },
  };
}

/** Compares how late a timer comes with the CPU time that the thread had since the one before; the less of both counts. */
function watchOwnWork(): { maxMs(): number; stop(): void } | undefined {
  const cpu = openThreadClock();
  if (cpu === undefined) return undefined;
  let most = 0;
  let worked = cpu.readMs();
  let at = performance.now();
  let timer: NodeJS.Timeout;
  const next = (ms: number): void => {
    timer = setTimeout(() => {
      const now = performance.now();
      const total = cpu.readMs();
      const own = total - worked;
      most = Math.max(most, Math.min(own, now - at - ms));
      const busy = own * 2 > now - at;
      worked = total;
      at = now;
      next(busy ? FINE_RESOLUTION : RESOLUTION);
    }, ms).unref();
  };
  next(RESOLUTION);
  return {
    maxMs: () => most,
    stop: () => {
      clearTimeout(timer);
      cpu.close();
    },
  };
}

/** The main thread's CPU time as the kernel counts it (Documentation/scheduler/sched-stats: the first number, nanoseconds). */
function openThreadClock(): { readMs(): number; close(): void } | undefined {
  const buffer = Buffer.alloc(64);
  try {
    const fd = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
    const readMs = (): number =>
      parseInt(buffer.toString('latin1', 0, readSync(fd, buffer, 0, buffer.length, 0))) / 1e6;
    if (readMs() > 0) return { readMs, close: () => closeSync(fd) };
    closeSync(fd);
  } catch {
    // Without it there is no such figure, which is said where it is shown.
  }
  return undefined;
}
