import type { KeepOr } from '../../../src/config/types';
import { Replay } from '../../../src/bridge/replay';
import { fakeLog } from './fake-log';

const SWEPT = { routes: 3, nexthops: 1, lsps: 0, neighbors: 0, adopted: 2, kept: 0 };

function bed(away: KeepOr = { kind: 'keep' }) {
  const calls: string[] = [];
  const { log, lines } = fakeLog();
  const world = {
    ...{ now: 1000, activity: 1000, ready: true, left: 0, holds: false, behind: false },
    // Whatever comes confirms something, unless a test says otherwise.
    confirmed: undefined as number | undefined,
    standing: { confirmed: 7, unconfirmed: 3 },
    subnets: false,
    waiting: undefined as string | undefined,
  };
  const replay = new Replay({
    fib: {
      beginReplay: () => calls.push('beginReplay'),
      replayStanding: () => (calls.push('standing'), world.standing),
      get confirmed() {
        return world.confirmed ?? world.activity;
      },
      countOwnSubnets: () => (world.subnets = true),
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
    fpm: {
      lastActivity: () => world.activity,
      get behind() {
        return world.behind;
      },
    },
    convergence: { begin: () => calls.push('converging'), waitingFor: () => world.waiting },
    sweep: { idleMs: 500, minimumMs: 2000, maximumMs: 60_000, lossPercent: 50 },
    away,
    now: () => world.now,
    log,
  });
  /** A session whose first message is a route. */
  const begin = (peer: string): void => {
    replay.connected(peer);
    replay.received('routeAdd');
  };
  const swept = (): string[] => calls.filter((call) => call === 'endReplay');
  return { replay, begin, world, calls, swept, lines };
}

test('own subnets count after the minimum time, however long zebra goes on to speak', () => {
  const { replay, begin, world, swept } = bed();
  begin('10.0.0.1:4');
  world.now = world.activity = 2900;
  replay.check();
  expect(world.subnets).toBe(false);
  world.now = world.activity = 3000;
  replay.check();
  expect([world.subnets, swept()]).toEqual([true, []]);
});

test('a replay begins when zebra connects', () => {
  const { replay, begin, calls, lines } = bed();
  expect([replay.active, replay.startedAt]).toEqual([false, undefined]);
  begin('10.0.0.1:4');
  expect([replay.active, replay.startedAt]).toEqual([true, 1000]);
  expect(calls).toEqual(['beginReplay', 'converging']);
  expect(lines).toEqual([
    ['what zebra replays is compared with what is programmed', { peer: '10.0.0.1:4', routes: 7 }],
  ]);
});

test('it ends when the stream was idle for long enough, and then everything unconfirmed is swept, once', () => {
  const { replay, begin, world, calls, lines } = bed();
  begin('10.0.0.1:4');
  world.activity = 2600;
  world.now = 3099;
  expect(replay.check()).toBeUndefined();
  world.now = 3100;
  expect(replay.check()).toEqual(SWEPT);
  expect(calls).toEqual(['beginReplay', 'converging', 'standing', 'endReplay', 'releaseAdopted']);
  expect(lines[1]).toEqual(['the replay is over: what it did not confirm is removed', SWEPT]);
  expect([replay.active, replay.startedAt]).toEqual([false, undefined]);
  world.now = 9000;
  expect(replay.check()).toBeUndefined();
  expect(calls).toHaveLength(5);
});

test('routes that change without end do not hold it up: nothing is confirmed by them', () => {
  const { replay, begin, world, swept } = bed();
  begin('10.0.0.1:4');
  world.now = world.activity = 2600;
  replay.check();
  world.confirmed = 2600;
  for (const now of [2700, 2900, 3000, 3099]) {
    world.now = world.activity = now;
    expect(replay.check()).toBeUndefined();
  }
  world.now = world.activity = 3100;
  expect([replay.check(), swept()]).toEqual([SWEPT, ['endReplay']]);
});

test('new routes without end hold it up for the maximum time, and no longer', () => {
  const { replay, begin, world, lines } = bed();
  begin('10.0.0.1:4');
  for (let now = 1250; now < 61_000; now += 250) {
    world.now = world.activity = now;
    expect(replay.check()).toBeUndefined();
  }
  world.now = world.activity = 61_000;
  expect(replay.check()).toEqual(SWEPT);
  expect(lines[1]).toEqual([
    'the sweep waits no longer',
    { code: 'fpm-sweep-late', for: 'routes that zebra goes on to send' },
  ]);
});

test('what waits to be read may be the replay, however long that takes', () => {
  const { replay, begin, world, swept } = bed();
  begin('10.0.0.1:4');
  Object.assign(world, { confirmed: 1, behind: true });
  for (world.now = 1250; world.now < 90_000; world.now += 250) replay.check();
  world.behind = false;
  world.now = 90_249;
  replay.check();
  expect(swept()).toEqual([]);
  world.now = 90_250;
  expect(replay.check()).toEqual(SWEPT);
});

test("zebra's table is complete from the end of the replay to the end of the session, and not before the next has its own", () => {
  const { replay, begin, world } = bed();
  expect(replay.complete).toBe(false);
  begin('10.0.0.1:4');
  expect(replay.complete).toBe(false);
  world.now = 60_000;
  replay.check();
  expect(replay.complete).toBe(true);
  replay.disconnected();
  expect(replay.complete).toBe(false);
  replay.connected('10.0.0.1:5');
  expect([replay.active, replay.complete]).toEqual([false, false]);
});

test('not before the minimum time, however quiet zebra is', () => {
  const { replay, begin, world } = bed();
  begin('10.0.0.1:4');
  world.now = 2999;
  expect(replay.check()).toBeUndefined();
  world.now = 3000;
  expect(replay.check()).toEqual(SWEPT);
});

test('nothing is swept while the AFI server is not ready; it goes on after that', () => {
  const { replay, begin, world, calls } = bed();
  begin('10.0.0.1:4');
  Object.assign(world, { now: 60_000, ready: false });
  expect(replay.check()).toBeUndefined();
  expect(replay.active).toBe(true);
  expect(calls).toEqual(['beginReplay', 'converging']);
  world.ready = true;
  expect(replay.check()).toEqual(SWEPT);
});

test('nothing is swept while zebra is gone, and its next replay is a new one', () => {
  const { replay, begin, world, swept } = bed();
  begin('10.0.0.1:4');
  replay.disconnected();
  world.now = 600_000;
  expect(replay.check()).toBeUndefined();
  begin('10.0.0.1:5');
  expect(replay.check()).toBeUndefined();
  world.now = 602_000;
  expect(replay.check()).toEqual(SWEPT);
  expect(swept()).toHaveLength(1);
});

test('a connection over which nothing comes makes nothing stale, and sweeps nothing, ever', () => {
  const { replay, world, calls } = bed();
  replay.connected('127.0.0.1:9');
  for (world.now = 1000; world.now < 10_000_000; world.now += 100_000) expect(replay.check()).toBeUndefined();
  expect([calls, replay.active]).toEqual([[], false]);
  expect(replay.doubt).toEqual({ kind: 'silent', since: 1000 });
});

test('nor does one over which all but a route comes', () => {
  const { replay, world, swept } = bed();
  replay.connected('127.0.0.1:9');
  for (const kind of ['nexthopAdd', 'routeDelete', 'neighborAdd', 'lspAdd'] as const) replay.received(kind);
  world.now = 10_000_000;
  expect(replay.check()).toBeUndefined();
  expect([swept(), replay.doubt?.kind]).toEqual([[], 'silent']);
});

test('a silent connection does not end the replay of the zebra before it', () => {
  const { replay, begin, world, swept } = bed();
  begin('10.0.0.1:4');
  world.now = 1500;
  replay.disconnected();
  replay.connected('127.0.0.1:9');
  world.now = 900_000;
  expect(replay.check()).toBeUndefined();
  expect(swept()).toEqual([]);
});

test('one that sends late is given the minimum time from its first message', () => {
  const { replay, world } = bed();
  replay.connected('127.0.0.1:9');
  world.now = 50_000;
  replay.received('routeAdd');
  expect(replay.check()).toBeUndefined();
  world.now = 51_999;
  expect(replay.check()).toBeUndefined();
  world.now = 52_000;
  expect(replay.check()).toEqual(SWEPT);
});

test('a replay that lacks most of the routes is not believed before the maximum time', () => {
  const { replay, begin, world, swept, lines } = bed();
  begin('10.0.0.1:4');
  Object.assign(world, { now: 31_000, standing: { confirmed: 1, unconfirmed: 19_989 } });
  expect(replay.check()).toBeUndefined();
  expect(replay.doubt).toEqual({ kind: 'loss', confirmed: 1, unconfirmed: 19_989, until: 61_000 });
  world.now = 60_999;
  expect(replay.check()).toBeUndefined();
  expect(swept()).toEqual([]);
  world.now = 61_000;
  expect(replay.check()).toEqual(SWEPT);
  expect(replay.doubt).toBeUndefined();
  expect(lines.map(([text]) => text)).toEqual([
    'what zebra replays is compared with what is programmed',
    'zebra has not sent most of its routes again: they are kept for now',
    'the sweep waits no longer',
    'the replay is over: what it did not confirm is removed',
  ]);
});

test('it is believed as soon as enough of them came; and not all rows are looked at at each tick', () => {
  const { replay, begin, world, calls } = bed();
  begin('10.0.0.1:4');
  world.standing = { confirmed: 10, unconfirmed: 30 };
  for (world.now = 31_000; world.now < 36_000; world.now += 250) expect(replay.check()).toBeUndefined();
  expect(calls.filter((call) => call === 'standing')).toHaveLength(1);
  world.standing = { confirmed: 30, unconfirmed: 30 };
  expect(replay.check()).toEqual(SWEPT);
});

test('the routes of a zebra that stays away are kept; or go after the time configured, once', () => {
  const kept = bed();
  kept.begin('10.0.0.1:4');
  kept.replay.disconnected();
  kept.world.now = 1e9;
  expect(kept.replay.check()).toBeUndefined();

  const { replay, begin, world, swept, lines } = bed({ kind: 'after', ms: 600_000 });
  begin('10.0.0.1:4');
  world.now = 5000;
  expect(replay.check()).toEqual(SWEPT);
  world.now = 2_000_000;
  expect(replay.check()).toBeUndefined();
  replay.disconnected();
  world.now = 2_599_999;
  expect(replay.check()).toBeUndefined();
  world.now = 2_600_000;
  expect(replay.check()).toEqual(SWEPT);
  expect(lines.at(-1)?.[0]).toBe('zebra stays away: its routes are removed (fpm.away)');
  world.now = 9_000_000;
  expect(replay.check()).toBeUndefined();
  expect(swept()).toHaveLength(2);
});

test('a connection that sends no route does not make zebra come back: the time goes on', () => {
  const { replay, begin, world, swept } = bed({ kind: 'after', ms: 600_000 });
  begin('10.0.0.1:4');
  world.now = 1000;
  replay.disconnected();
  world.now = 300_000;
  replay.connected('127.0.0.1:9');
  replay.disconnected();
  replay.connected('127.0.0.1:10');
  world.now = 601_000;
  expect(replay.check()).toEqual(SWEPT);
  expect(swept()).toHaveLength(1);
});

/** zebra is away from 0 s on; at 59.9 s one connects that sends what goes before routes. */
function backAtTheLastMoment() {
  const it = bed({ kind: 'after', ms: 60_000 });
  it.begin('10.0.0.1:4');
  it.world.now = it.world.activity = 0;
  it.replay.disconnected();
  it.world.now = it.world.activity = 59_900;
  it.replay.connected('10.0.0.1:5');
  it.replay.received('lspAdd');
  it.calls.length = 0;
  return it;
}

test('a zebra that has begun to send is given the minimum time for its first route, and nothing is removed', () => {
  const { replay, world, swept } = backAtTheLastMoment();
  for (const now of [60_000, 61_899]) {
    world.now = now;
    expect(replay.check()).toBeUndefined();
  }
  replay.received('routeAdd');
  world.now = world.activity = 61_900;
  expect(replay.check()).toBeUndefined();
  world.now = 62_400;
  expect([replay.check(), swept()]).toEqual([SWEPT, ['endReplay']]);
  expect(replay.complete).toBe(true);
});

test('one that sends no route by then: what the zebra before it sent goes, and what it sent stays', () => {
  const { replay, world, calls, lines } = backAtTheLastMoment();
  world.now = 61_900;
  expect(replay.check()).toEqual(SWEPT);
  expect(calls).toEqual(['endReplay', 'releaseAdopted']);
  expect(lines.at(-1)?.[0]).toBe('zebra stays away: its routes are removed (fpm.away)');
  replay.received('routeAdd');
  expect(replay.complete).toBe(false);
  world.now = world.activity = 64_000;
  expect([replay.check(), replay.complete]).toEqual([undefined, false]);
  world.now = 64_500;
  expect([replay.check(), replay.complete]).toEqual([SWEPT, true]);
});

test('what that one sent goes, too, when it stays away itself', () => {
  const { replay, world, swept } = backAtTheLastMoment();
  world.now = 62_000;
  replay.check();
  replay.disconnected();
  world.now = 121_999;
  expect(replay.check()).toBeUndefined();
  world.now = 122_000;
  expect([replay.check(), swept()]).toEqual([SWEPT, ['endReplay', 'endReplay']]);
});

test('a zebra that connects anew begins anew', () => {
  const { replay, begin, world } = bed();
  begin('10.0.0.1:4');
  world.now = 2500;
  replay.disconnected();
  begin('10.0.0.1:5');
  world.now = 4499;
  expect(replay.check()).toBeUndefined();
  world.now = 4500;
  expect(replay.check()).toEqual(SWEPT);
});

test.each([
  ['entries', { left: 3 }],
  ['nodes', { holds: true }],
])('a server with %s of another life that comes when the replay is over is swept as well, once', (what, found) => {
  const { replay, begin, world, calls, lines } = bed();
  Object.assign(world, found, { now: 9000 });
  replay.check();
  expect(calls).toEqual([]);
  begin('10.0.0.1:4');
  Object.assign(world, { now: 19_000, left: 0, holds: false });
  replay.check();
  calls.length = 0;
  replay.disconnected();
  Object.assign(world, found, { ready: false });
  replay.check();
  expect(calls).toEqual([]);
  world.ready = true;
  replay.check();
  replay.check();
  expect(calls).toEqual(what === 'entries' ? ['dropAdopted', 'releaseAdopted'] : ['releaseAdopted']);
  expect(lines.at(-1)?.[0]).toBe('what an earlier bridge left in the vASIC and zebra does not want is removed');
});

test('nothing is swept while the protocols wait for their peers, for a maximum time', () => {
  const { replay, begin, world, lines } = bed();
  begin('10.0.0.1:4');
  Object.assign(world, { now: 20_000, waiting: 'End-of-RIB of 10.0.0.2' });
  expect(replay.check()).toBeUndefined();
  world.now = 60_999;
  expect(replay.check()).toBeUndefined();
  world.now = 61_000;
  expect(replay.check()).toEqual(SWEPT);
  expect(lines[1]).toEqual(['the sweep waits no longer', { code: 'fpm-sweep-late', for: 'End-of-RIB of 10.0.0.2' }]);

  begin('10.0.0.1:4');
  Object.assign(world, { now: 80_000, waiting: 'peer 10.0.0.3' });
  expect(replay.check()).toBeUndefined();
  world.waiting = undefined;
  expect(replay.check()).toEqual(SWEPT);
});
