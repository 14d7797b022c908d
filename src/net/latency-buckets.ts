/** Counts of how long things took, as the buckets of a histogram, and what can be said of them. */

/** So many values, above the bucket before and up to this many milliseconds. */
export interface LatencyBucket {
  readonly upToMs: number;
  readonly count: number;
}

/** How many values the buckets hold. */
export function latencyCount(buckets: readonly LatencyBucket[]): number {
  return buckets.reduce((sum, { count }) => sum + count, 0);
}

/** The milliseconds that `share` (0 … 1) of the values don't exceed, to the limit of a bucket; undefined: there are none. */
export function latencyAt(buckets: readonly LatencyBucket[], share: number): number | undefined {
  const wanted = share * latencyCount(buckets);
  let seen = 0;
  for (const { upToMs, count } of buckets) {
    seen += count;
    if (seen >= wanted) return upToMs;
  }
  return undefined;
}
