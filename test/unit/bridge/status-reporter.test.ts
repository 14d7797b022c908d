import { StatusReporter } from '../../../src/bridge/status-reporter';
import type { StatusReport } from '../../../src/fib/updates';

const REPORT: StatusReport = {
  table: 254,
  family: 4,
  bytes: Uint8Array.of(10, 0, 0, 0),
  length: 8,
  protocol: 186,
  status: 'offloaded',
};

function bed(due: number, socketRoom = Infinity) {
  const world = { now: 10_000, activity: 0, peer: 'zebra' as string | undefined, due, sent: 0, soon: 0, socketRoom };
  const replayFrom = { value: undefined as number | undefined };
  const reporter = new StatusReporter({
    statuses: {
      get reportsDue() {
        return world.due;
      },
      takeReport: () => (world.due === 0 ? undefined : (world.due--, REPORT)),
    },
    fpm: {
      peer: () => world.peer,
      lastActivity: () => world.activity,
      report: (reports) => {
        let taken = 0;
        if (world.socketRoom > 0) {
          for (const report of reports) {
            expect(report).toBe(REPORT);
            if (++taken === world.socketRoom) break;
          }
        }
        world.sent += taken;
        return taken;
      },
    },
    replayFrom: () => replayFrom.value,
    soon: () => world.soon++,
    now: () => world.now,
  });
  return { reporter, world, replayFrom };
}

afterEach(() => jest.useRealTimers());

test('a few go at once', () => {
  const { reporter, world } = bed(5);
  reporter.report();
  expect(world).toMatchObject({ sent: 5, due: 0, soon: 0 });
});

test.each([
  ['no zebra is connected', { peer: undefined }],
  ['nothing is due', { due: 0 }],
])('nothing is sent while %s', (_, change) => {
  const { reporter, world } = bed(5);
  Object.assign(world, change);
  reporter.report();
  expect(world).toMatchObject({ sent: 0, soon: 0 });
});

test('many go in bursts: the first at once, the next turn brings the rest', () => {
  const { reporter, world } = bed(2000);
  reporter.report();
  expect(world).toMatchObject({ sent: 48, soon: 1 });
  world.now += 0.05;
  reporter.report();
  // 48 statuses at 400 a millisecond take 0.12 ms: too short for a timer.
  expect(world).toMatchObject({ sent: 48, soon: 2 });
  world.now += 0.1;
  reporter.report();
  expect(world).toMatchObject({ sent: 96, soon: 3 });
});

test('what zebra has no room for stays due, and no turn is asked for: the socket tells when it has room', () => {
  const { reporter, world } = bed(40, 10);
  reporter.report();
  expect(world).toMatchObject({ sent: 10, due: 30, soon: 0 });
});

test('while zebra replays, many wait for a timer, which asks for one turn', () => {
  jest.useFakeTimers();
  const { reporter, world, replayFrom } = bed(2000);
  world.activity = world.now;
  replayFrom.value = world.now;
  reporter.report();
  reporter.report();
  expect(world).toMatchObject({ sent: 0, soon: 0 });
  jest.advanceTimersByTime(99);
  expect(world.soon).toBe(0);
  jest.advanceTimersByTime(1);
  expect(world.soon).toBe(1);
  world.now += 100;
  reporter.report();
  expect(world.sent).toBe(48);
});

test('each wait has a timer of its own, which never fires early', () => {
  jest.useFakeTimers();
  const { reporter, world, replayFrom } = bed(2000);
  world.activity = world.now;
  replayFrom.value = world.now;
  reporter.report();
  jest.advanceTimersByTime(100);
  expect(world.soon).toBe(1);
  world.activity = world.now = 10_100.5;
  world.now += 0.25;
  reporter.report();
  jest.advanceTimersByTime(99);
  expect(world.soon).toBe(1);
  jest.advanceTimersByTime(1);
  expect(world.soon).toBe(2);
});

test('close ends the timer', () => {
  jest.useFakeTimers();
  const { reporter, world, replayFrom } = bed(2000);
  world.activity = world.now;
  replayFrom.value = world.now;
  reporter.report();
  reporter.close();
  jest.advanceTimersByTime(60_000);
  expect(world.soon).toBe(0);
});
