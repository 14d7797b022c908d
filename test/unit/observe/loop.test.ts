/** The event loop monitor: nothing measured is nothing, and a held-up loop shows. */
import { setTimeout as sleep } from 'node:timers/promises';
import { latencyAt, latencyCount } from '../../../src/net/latency-buckets';
import { startLoopMonitor } from '../../../src/observe/loop';

test('before the first sample all is zero', () => {
  const monitor = startLoopMonitor();
  expect(monitor.read()).toEqual({ meanMs: 0, p99Ms: 0, maxMs: 0, ownMaxMs: 0, delays: [], ownDelays: [] });
  monitor.stop();
});

test('a loop that was held up shows it, in milliseconds', async () => {
  const monitor = startLoopMonitor();
  while (monitor.read().meanMs === 0 && monitor.read().maxMs === 0) {
    await sleep(1);
    const until = performance.now() + 200;
    while (performance.now() < until);
  }
  await sleep(50);
  const { maxMs, meanMs } = monitor.read();
  monitor.stop();
  expect(maxMs).toBeGreaterThan(100);
  expect(meanMs).toBeGreaterThan(0);
  expect(meanMs).toBeLessThanOrEqual(maxMs);
});

test('delays are counted: one of so long, and how many have come since is seen by two looks', async () => {
  const monitor = startLoopMonitor();
  await sleep(30);
  const until = performance.now() + 200;
  while (performance.now() < until);
  await sleep(50);
  const { delays, ownDelays } = monitor.read();
  await sleep(50);
  const later = monitor.read().delays;
  monitor.stop();
  expect(latencyAt(delays, 1)).toBeGreaterThan(100);
  expect(latencyCount(delays)).toBe(latencyCount(ownDelays!));
  expect(latencyCount(later)).toBeGreaterThan(latencyCount(delays));
});

/** The most own work that a monitor saw in a delay which `holdUp` made, of 200 ms at least. */
async function ownWork(holdUp: () => void): Promise<number> {
  const monitor = startLoopMonitor();
  await sleep(30);
  holdUp();
  await sleep(50);
  const { ownMaxMs } = monitor.read();
  monitor.stop();
  return ownMaxMs ?? NaN;
}

test("own work in a delay is told from waiting, by the thread's CPU time", async () => {
  const working = await ownWork(() => {
    const { user } = process.cpuUsage();
    while (process.cpuUsage().user - user < 200_000);
  });
  const waiting = await ownWork(() => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  });
  expect(working).toBeGreaterThan(100);
  expect(waiting).toBeLessThan(100);
});
