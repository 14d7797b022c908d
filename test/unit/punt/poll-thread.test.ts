/** Threads that block in poll(2): waking, stopping, back-pressure, and being started again when they die. */
import { join } from 'node:path';
import { type PollThread, startPollThread } from '../../../src/sys/poll-thread';
import type { TestData } from './poll-thread-worker';

let thread: PollThread | undefined;

afterEach(async () => {
  await thread?.close();
  thread = undefined;
});

function run(plan: (start: number) => { fail?: boolean; hold?: number }) {
  let starts = 0;
  const reports: string[] = [];
  const crashes: { message: string; restartMs: number }[] = [];
  const waiting: { text: string; resolve: () => void }[] = [];
  thread = startPollThread<TestData, string>({
    file: join(__dirname, 'poll-thread-worker.js'),
    data: () => ({ start: ++starts, fail: false, hold: 0, ...plan(starts) }),
    onReport(report) {
      reports.push(report);
      waiting.filter(({ text }) => text === report).forEach(({ resolve }) => resolve());
    },
    onCrash: (error, restartMs) => crashes.push({ message: error.message, restartMs }),
  });
  const reported = (text: string): Promise<void> =>
    reports.includes(text) ? Promise.resolve() : new Promise((resolve) => waiting.push({ text, resolve }));
  return { thread, reports, crashes, reported };
}

it('ends a thread that blocks in poll', async () => {
  const { thread: running, reported, crashes } = run(() => ({}));
  await reported('polls 1');
  running.wakeup().wake();
  await reported('woken 1');
  await running.close();
  await running.close();
  expect(crashes).toEqual([]);
});

it('starts another when one dies, with a pause after an early death', async () => {
  const { reported, reports, crashes } = run((start) => ({ fail: start === 1 }));
  await reported('polls 2');
  expect(reports.slice(0, 2)).toEqual(['start 1', 'start 2']);
  expect(crashes).toHaveLength(1);
  expect(crashes[0]!.message).toContain('told to fail at start 1');
  expect(crashes[0]!.restartMs).toBeGreaterThan(0);
});

it('a thread that died is not started again once closed', async () => {
  const { thread: running, reported, reports, crashes } = run(() => ({ fail: true }));
  await reported('start 1');
  await running.close();
  expect(reports).toEqual(['start 1']);
  expect(crashes.length).toBeLessThanOrEqual(1);
});

it('restarts on demand, with nothing running in between', async () => {
  const { thread: running, reported, reports } = run(() => ({}));
  await reported('polls 1');
  await running.restart(() => reports.push('between'));
  await reported('polls 2');
  expect(reports.indexOf('between')).toBeGreaterThan(reports.indexOf('woken 1'));
  expect(reports.indexOf('between')).toBeLessThan(reports.indexOf('start 2'));
});

it('a thread with too much handed over waits until it is dealt with', async () => {
  const { thread: running, reported, reports } = run(() => ({ hold: 150 }));
  await reported('start 1');
  running.wakeup().release(20);
  // Still 130 held: a round trip of the event loop and of the timers shows it stays.
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(reports).toEqual(['start 1']);
  running.wakeup().release(31);
  await reported('polls 1');
});

it('stops a thread that waits for that', async () => {
  const { thread: running, reported } = run(() => ({ hold: 150 }));
  await reported('start 1');
  await running.close();
});
