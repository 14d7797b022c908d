/**
 * How long things took, counted: a histogram of whole milliseconds with buckets of one up to 16 ms, from there on eight to each
 * doubling, so that a bucket's limits differ by an eighth at most. Counting costs no memory and no object.
 */
import type { LatencyBucket } from './latency-buckets';

const EXACT = 16;
const EXACT_BITS = 4;
const PARTS = 8;
const PART_BITS = 3;
/** Longer than 2^22 ms (70 minutes) counts as that. */
const LONGEST = 2 ** 22 - 1;

function bucketOf(ms: number): number {
  if (ms < EXACT) return ms;
  const octave = 31 - Math.clz32(ms);
  return EXACT + (octave - EXACT_BITS) * PARTS + ((ms >> (octave - PART_BITS)) & (PARTS - 1));
}

/** The longest that a bucket holds. */
function limitOf(bucket: number): number {
  if (bucket < EXACT) return bucket;
  const octave = Math.floor((bucket - EXACT) / PARTS);
  return (PARTS + ((bucket - EXACT) % PARTS) + 1) * 2 ** (octave + EXACT_BITS - PART_BITS) - 1;
}

export class Latencies {
  private readonly counts = new Float64Array(bucketOf(LONGEST) + 1);

  /** @param ms whole milliseconds */
  add(ms: number): void {
    this.counts[bucketOf(Math.min(LONGEST, Math.max(0, ms)))]!++;
  }

  /** The buckets that hold something, shortest first. */
  buckets(): LatencyBucket[] {
    const found: LatencyBucket[] = [];
    this.counts.forEach((count, bucket) => {
      if (count > 0) found.push({ upToMs: limitOf(bucket), count });
    });
    return found;
  }
}
