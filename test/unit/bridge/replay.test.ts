import { Replay } from '../../../src/bridge/replay';
import { fakeLog } from './fake-log';

const SWEPT = { routes: 3, nexthops: 1, adopted: 2, kept: 0 };

function bed() {
  const calls: string[] = [];
  const { log, lines } = fakeLog();
  const world = {
    ...{ now: 1000, activity: 1000, ready: true, left: 0, holds: false },
    peer: '10.0.0.1:4' as string | undefined,
    waiting: undefined as string | undefined,
  };
  const replay = new Replay({
    fib: {
      beginReplay: () => calls.push('beginReplay'),
      endReplay: () => (calls.push('endReplay'), SWEPT),
      dropAdopted: () => {
        const { left } = world;
        world.left = 0;
        if (left > 0) calls.push('dropAdopted');
        return left;
      },
      routes: 7,
    },
    programmer: {
      get ready() {
        return world.ready;
      },
      get holdsAdopted() {
        return world.holds;
      },
      releaseAdopted: () => {
        world.holds = false;
        calls.push('releaseAdopted');
      },
    },
    fpm: { peer: () => world.peer, lastActivity: () => world.activity },
    convergence: { begin: () => calls.push('converging'), waitingFor: () => world.waiting },
    sweep: { idleMs: 500, minimumMs: 2000, maximumMs: 60_000 },
    now: () => world.now,
    log,
  });
  return { replay, world, calls, lines };
}

test('a replay begins when zebra connects', () => {
  const { replay, calls, lines } = bed();
  expect([replay.active, replay.startedAt]).toEqual([false, undefined]);
  replay.begin('10.0.0.1:4');
  expect([replay.active, replay.startedAt]).toEqual([true, 1000]);
  expect(calls).toEqual(['beginReplay', 'converging']);
  expect(lines).toEqual([
    ['what zebra replays is compared with what is programmed', { peer: '10.0.0.1:4', routes: 7 }],
  ]);
});

test('it ends when the stream was idle for long enough, and then everything unconfirmed is swept, once', () => {
  const { replay, world, calls, lines } = bed();
  replay.begin('10.0.0.1:4');
  world.activity = 2600;
  world.now = 3099;
  expect(replay.check()).toBeUndefined();
  world.now = 3100;
  expect(replay.check()).toEqual(SWEPT);
  expect(calls).toEqual(['beginReplay', 'converging', 'endReplay', 'releaseAdopted']);
  expect(lines[1]).toEqual(['the replay is over: what it did not confirm is removed', SWEPT]);
  expect([replay.active, replay.startedAt]).toEqual([false, undefined]);
  world.now = 9000;
  expect(replay.check()).toBeUndefined();
  expect(calls).toHaveLength(4);
});

test('not before the minimum time, however quiet zebra is', () => {
  const { replay, world } = bed();
  replay.begin('10.0.0.1:4');
  world.now = 2999;
  expect(replay.check()).toBeUndefined();
  world.now = 3000;
  expect(replay.check()).toEqual(SWEPT);
});

test.each([
  ['zebra is gone', { peer: undefined }],
  ['the AFI server is not ready', { ready: false }],
])('nothing is swept while %s; it goes on after that', (_, change) => {
  const { replay, world, calls } = bed();
  replay.begin('10.0.0.1:4');
  Object.assign(world, change, { now: 60_000 });
  expect(replay.check()).toBeUndefined();
  expect(replay.active).toBe(true);
  expect(calls).toEqual(['beginReplay', 'converging']);
  Object.assign(world, { peer: '10.0.0.1:4', ready: true });
  expect(replay.check()).toEqual(SWEPT);
});

test('a zebra that connects anew begins anew', () => {
  const { replay, world } = bed();
  replay.begin('10.0.0.1:4');
  world.now = 2500;
  replay.begin('10.0.0.1:5');
  world.now = 4499;
  expect(replay.check()).toBeUndefined();
  world.now = 4500;
  expect(replay.check()).toEqual(SWEPT);
});

test.each([
  ['entries', { left: 3 }],
  ['nodes', { holds: true }],
])('a server with %s of another life that comes when the replay is over is swept as well, once', (what, found) => {
  const { replay, world, calls, lines } = bed();
  Object.assign(world, found, { now: 9000 });
  replay.check();
  expect(calls).toEqual([]);
  replay.begin('10.0.0.1:4');
  Object.assign(world, { now: 19_000, left: 0, holds: false });
  replay.check();
  calls.length = 0;
  Object.assign(world, found, { ready: false, peer: undefined });
  replay.check();
  expect(calls).toEqual([]);
  world.ready = true;
  replay.check();
  replay.check();
  expect(calls).toEqual(what === 'entries' ? ['dropAdopted', 'releaseAdopted'] : ['releaseAdopted']);
  expect(lines.at(-1)?.[0]).toBe('what an earlier bridge left in the vASIC and zebra does not want is removed');
});

test('nothing is swept while the protocols wait for their peers, for a maximum time', () => {
  const { replay, world, lines } = bed();
  replay.begin('10.0.0.1:4');
  Object.assign(world, { now: 20_000, waiting: 'End-of-RIB of 10.0.0.2' });
  expect(replay.check()).toBeUndefined();
  world.now = 60_999;
  expect(replay.check()).toBeUndefined();
  world.now = 61_000;
  expect(replay.check()).toEqual(SWEPT);
  expect(lines[1]).toEqual(['the sweep waits no longer', { for: 'End-of-RIB of 10.0.0.2' }]);

  replay.begin('10.0.0.1:4');
  Object.assign(world, { now: 80_000, waiting: 'peer 10.0.0.3' });
  expect(replay.check()).toBeUndefined();
  world.waiting = undefined;
  expect(replay.check()).toEqual(SWEPT);
});
