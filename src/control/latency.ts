/** What is shown of how long things took, made of a histogram's buckets. Pure. */
import { latencyAt, latencyCount, type LatencyBucket } from '../net/latency-buckets';
import type { LatencyView } from './status-types';

/** Counted, and within which time half, 99% and all of them were. */
export function latencyView(buckets: readonly LatencyBucket[]): LatencyView {
  const count = latencyCount(buckets);
  if (count === 0) return { count, buckets };
  const at = (share: number): number => latencyAt(buckets, share)!;
  return { count, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1), buckets };
}

/** What came to a histogram since `before`, which is an earlier state of it. */
export function latencySince(before: readonly LatencyBucket[], now: readonly LatencyBucket[]): LatencyView {
  const earlier = new Map(before.map(({ upToMs, count }) => [upToMs, count]));
  return latencyView(
    now
      .map(({ upToMs, count }) => ({ upToMs, count: count - (earlier.get(upToMs) ?? 0) }))
      .filter(({ count }) => count > 0),
  );
}
