/** The histogram of latencies: what goes in comes out, to an eighth. */
import { Latencies } from '../../../src/net/latencies';
import { latencyAt, latencyCount } from '../../../src/net/latency-buckets';

test('every value is in a bucket whose limit is at most an eighth above it', () => {
  for (const ms of [0, 1, 15, 16, 17, 18, 31, 32, 49, 50, 51, 127, 128, 1000, 59_999, 60_000, 4_194_303]) {
    const latencies = new Latencies();
    latencies.add(ms);
    const [bucket, ...more] = latencies.buckets();
    expect(more).toEqual([]);
    expect(bucket!.count).toBe(1);
    expect(bucket!.upToMs).toBeGreaterThanOrEqual(ms);
    expect(bucket!.upToMs).toBeLessThanOrEqual(ms < 16 ? ms : ms * 1.125);
  }
});

test('buckets come in order, and percentiles from them', () => {
  const latencies = new Latencies();
  for (let ms = 1000; ms >= 1; ms--) latencies.add(ms);
  const buckets = latencies.buckets();
  const limits = buckets.map(({ upToMs }) => upToMs);
  expect(limits).toEqual([...limits].sort((a, b) => a - b));
  expect(new Set(limits).size).toBe(limits.length);
  expect(latencyCount(buckets)).toBe(1000);
  expect(latencyAt(buckets, 0.01)).toBe(10);
  for (const share of [0.5, 0.9, 0.99]) {
    expect(latencyAt(buckets, share)).toBeGreaterThanOrEqual(1000 * share);
    expect(latencyAt(buckets, share)).toBeLessThanOrEqual(1125 * share);
  }
});

test('nothing counted; a negative and an endless wait', () => {
  const latencies = new Latencies();
  expect(latencyAt(latencies.buckets(), 0.5)).toBeUndefined();
  latencies.add(-1);
  latencies.add(1e12);
  const buckets = latencies.buckets();
  expect(buckets.map(({ upToMs }) => upToMs)).toEqual([0, 4_194_303]);
});
