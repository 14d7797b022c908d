/** How late the event loop runs: the figure that tells whether routing work holds up everything else. */
import { closeSync, openSync, readSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Latencies } from '../net/latencies';
import type { LatencyBucket } from '../net/latency-buckets';

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
  /** All delays so far, in whole milliseconds: what two looks differ in is of the time between. Samples are 20 ms apart, 5 ms while the loop has much to do. */
  readonly delays: readonly LatencyBucket[];
  /** The same of its own work in each of them; absent as `ownMaxMs`. */
  readonly ownDelays?: readonly LatencyBucket[];
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
  const samples = takeSamples();
  // Samples are whole intervals in nanoseconds; without samples there is no mean (NaN).
  const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - RESOLUTION) || 0;
  return {
    read: () => {
      const rest = samples.read();
      if (histogram.count === 0) return { meanMs: 0, p99Ms: 0, maxMs: 0, ...rest };
      const { mean, max } = histogram;
      return { meanMs: late(mean), p99Ms: late(histogram.percentile(99)), maxMs: late(max), ...rest };
    },
    stop: () => {
      histogram.disable();
      samples.stop();
    },
  };
}

/** Counts how late a timer comes, and compares that with the CPU time that the thread had since the one before: the less of both is its own work. */
function takeSamples(): { read(): Pick<LoopView, 'ownMaxMs' | 'delays' | 'ownDelays'>; stop(): void } {
  const cpu = openThreadClock();
  const [delays, ownDelays] = [new Latencies(), new Latencies()];
  let most = 0;
  let worked = cpu?.readMs() ?? 0;
  let at = performance.now();
  let timer: NodeJS.Timeout;
  const next = (ms: number): void => {
    timer = setTimeout(() => {
      const now = performance.now();
      const late = now - at - ms;
      delays.add(Math.floor(late));
      at = now;
      if (cpu === undefined) return next(RESOLUTION);
      const total = cpu.readMs();
      const own = Math.max(0, Math.min(total - worked, late));
      const busy = (total - worked) * 2 > late + ms;
      ownDelays.add(Math.floor(own));
      most = Math.max(most, own);
      worked = total;
      next(busy ? FINE_RESOLUTION : RESOLUTION);
    }, ms).unref();
  };
  next(RESOLUTION);
  return {
    read: () => ({
      delays: delays.buckets(),
      ...(cpu === undefined ? {} : { ownMaxMs: most, ownDelays: ownDelays.buckets() }),
    }),
    stop: () => {
      clearTimeout(timer);
      cpu?.close();
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
