/** When neighbors are asked for: a clock of the test's own, so every pause is exact. */
import type { NeighborState } from '../../../src/fib/updates';
import { Resolver } from '../../../src/kernel/resolver';

function setup(perSecond = 100, verifiedPerSecond = 200) {
  let time = 0;
  const states = new Map<number, NeighborState>();
  const down = new Set<number>();
  const asks: { at: number; host: number; first: boolean }[] = [];
  const resolver = new Resolver({
    now: () => time,
    ask: (_ifindex, address, first) => asks.push({ at: time, host: address[3]! + 256 * address[2]!, first }),
    stateOf: (_ifindex, address) => states.get(address[3]! + 256 * address[2]!),
    usable: (ifindex) => !down.has(ifindex),
    ...{ perSecond, verifiedPerSecond },
  });
  const address = (host: number): Uint8Array => Uint8Array.of(10, 0, host >> 8, host & 255);
  return {
    resolver,
    asks,
    down,
    need: (host: number) => resolver.need(1, address(host)),
    verify: (host: number) => resolver.verify(1, address(host)),
    release: (host: number) => resolver.release(1, address(host)),
    say(host: number, state: NeighborState | undefined) {
      if (state === undefined) states.delete(host);
      else states.set(host, state);
      resolver.seen(1, address(host));
    },
    /** Lets time pass, running the resolver whenever it asked to be run. */
    pass(ms: number) {
      const until = time + ms;
      for (;;) {
        const wait = resolver.run();
        if (wait === undefined || time + wait > until) break;
        expect(wait).toBeGreaterThan(0);
        time += wait;
      }
      time = until;
      resolver.run();
    },
    times: () => asks.map((ask) => ask.at),
  };
}

describe('resolver', () => {
  it('asks at once, then with a pause that doubles from 1 s to 30 s', () => {
    const { need, pass, times, asks } = setup();
    need(1);
    need(1);
    pass(125_000);
    expect(times()).toEqual([0, 1000, 3000, 7000, 15_000, 31_000, 61_000, 91_000, 121_000]);
    expect(asks.map((ask) => ask.first)).toEqual([true, ...Array<boolean>(8).fill(false)]);
  });

  it('stops when resolved, and begins anew when the neighbor is lost', () => {
    const { need, pass, say, times } = setup();
    need(1);
    pass(500);
    say(1, 'reachable');
    pass(99_500);
    expect(times()).toEqual([0]);
    say(1, 'failed');
    pass(2000);
    expect(times()).toEqual([0, 100_000, 101_000]);
    say(1, 'reachable');
    say(1, undefined);
    pass(0);
    expect(times()).toHaveLength(4);
  });

  it('a failure report does not shorten the pause', () => {
    const { need, pass, say, times } = setup();
    need(1);
    pass(100);
    say(1, 'incomplete');
    say(1, 'failed');
    pass(800);
    say(1, 'failed');
    expect(times()).toEqual([0]);
    pass(100);
    expect(times()).toEqual([0, 1000]);
  });

  it('re-confirms a stale neighbor at once, then every 30 s', () => {
    const { need, pass, say, times } = setup();
    say(1, 'reachable');
    need(1);
    pass(10_000);
    expect(times()).toEqual([]);
    say(1, 'stale');
    pass(1000);
    say(1, 'stale');
    pass(58_000);
    expect(times()).toEqual([10_000, 40_000]);
    for (const state of ['delay', 'probe', 'reachable'] as const) say(1, state);
    pass(100_000);
    say(1, 'stale');
    pass(0);
    expect(times()).toEqual([10_000, 40_000, 169_000]);
  });

  it('never asks for permanent ones: asking would take their permanence', () => {
    const { need, pass, say, asks } = setup();
    say(1, 'permanent');
    need(1);
    say(2, 'noarp');
    need(2);
    pass(100_000);
    say(1, 'permanent');
    pass(100_000);
    expect(asks).toEqual([]);
  });

  it('asks for nobody that no route needs', () => {
    const { need, release, pass, say, times, resolver } = setup();
    say(9, 'stale');
    need(1);
    pass(0);
    release(1);
    say(1, 'failed');
    pass(100_000);
    expect(times()).toEqual([0]);
    expect(resolver.sizes()).toEqual({ wanted: 0, unresolved: 0 });
  });

  /** Requests in each second. */
  const bySecond = (asks: readonly { at: number }[], seconds: number): number[] =>
    Array.from({ length: seconds }, (_, second) => asks.filter((ask) => Math.floor(ask.at / 1000) === second).length);

  it('keeps to its pace however many are due, to a quarter of it for repeated requests, and leaves none out', () => {
    const { need, pass, asks } = setup(100);
    for (let host = 0; host < 500; host++) need(host);
    pass(60_000);
    const counts = bySecond(asks, 60);
    for (const count of counts.slice(0, 4)) {
      expect(count).toBeLessThanOrEqual(110);
      expect(count).toBeGreaterThanOrEqual(90);
    }
    for (const count of counts.slice(5)) expect(count).toBeLessThanOrEqual(28);
    const times = new Map<number, number>();
    for (const { host } of asks) times.set(host, (times.get(host) ?? 0) + 1);
    expect(times.size).toBe(500);
    expect(Math.min(...times.values())).toBeGreaterThanOrEqual(3);
  });

  it('a newcomer, and one that was lost, are asked for before a thousand that nobody answers for', () => {
    const { need, pass, say, asks } = setup(100);
    say(2000, 'reachable');
    need(2000);
    for (let host = 0; host < 1000; host++) need(host);
    const askedAfter = (host: number): number => {
      const since = asks.length;
      pass(200);
      return asks.slice(since).findIndex((ask) => ask.host === host);
    };
    for (const ms of [500, 15_000]) {
      pass(ms);
      need(3000 + ms);
      expect(askedAfter(3000 + ms)).toBe(0);
      say(2000, 'failed');
      expect(askedAfter(2000)).toBe(0);
      say(2000, 'reachable');
    }
  });

  it('verifies a neighbor that no route needs once for each wish, and only while it is stale', () => {
    const { verify, pass, say, asks, resolver } = setup();
    for (const [host, state] of [
      ...([
        [1, 'stale'],
        [2, 'reachable'],
        [3, 'permanent'],
        [4, 'failed'],
        [5, 'delay'],
      ] as const),
    ]) {
      say(host, state);
      verify(host);
    }
    verify(1);
    verify(6);
    pass(100_000);
    expect(asks).toEqual([{ at: 0, host: 1, first: false }]);
    verify(1);
    pass(100_000);
    expect(asks.map(({ at, host }) => [at, host])).toEqual([
      [0, 1],
      [100_000, 1],
    ]);
    expect(resolver.sizes()).toEqual({ wanted: 0, unresolved: 0 });
  });

  it('verifies ten thousand at its pace, each in its turn, and keeps what routes need out of the queue', () => {
    const { verify, need, pass, say, asks } = setup(100, 200);
    for (let host = 0; host < 10_000; host++) {
      say(host, 'stale');
      verify(host);
    }
    pass(1000);
    need(20_000);
    pass(1000);
    expect(asks.find(({ host }) => host === 20_000)?.at).toBe(1000);
    // Asked for again while it waits: it keeps its place.
    for (let host = 0; host < 10_000; host++) verify(host);
    pass(50_000);
    const verified = asks.filter(({ host }) => host !== 20_000);
    for (const count of bySecond(verified, 50)) expect(count).toBeLessThanOrEqual(220);
    expect(verified.slice(0, 10_000).map(({ host }) => host)).toEqual(Array.from({ length: 10_000 }, (_, i) => i));
  });

  it('leaves the verification of what a route needs to the route', () => {
    const { verify, need, pass, say, times } = setup();
    say(1, 'stale');
    need(1);
    verify(1);
    pass(29_000);
    expect(times()).toEqual([0]);
  });

  it('sends no verification out of a link that is down', () => {
    const { verify, pass, say, down, asks } = setup();
    say(1, 'stale');
    down.add(1);
    verify(1);
    pass(10_000);
    expect(asks).toEqual([]);
  });

  it('waits for the link, and tries at once when it comes', () => {
    const { need, pass, down, resolver, times } = setup();
    down.add(1);
    need(1);
    pass(10_000);
    expect(times()).toEqual([]);
    down.clear();
    resolver.linkChanged(1);
    pass(20_000);
    expect(times()).toEqual([10_000, 11_000, 13_000, 17_000, 25_000]);
    down.add(1);
    resolver.linkChanged(1);
    pass(100_000);
    expect(times()).toHaveLength(5);
    down.clear();
    resolver.linkChanged(1);
    pass(1000);
    expect(times().slice(5)).toEqual([130_000, 131_000]);
  });
});
