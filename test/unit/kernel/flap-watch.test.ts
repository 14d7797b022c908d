/** Neighbors whose hardware address goes to and fro: when they are probed, told, forgotten. */
import { FLAPS, FlapWatch, WINDOW_MS } from '../../../src/kernel/flap-watch';

const A = Uint8Array.of(2, 0, 0, 0, 0, 10);
const B = Uint8Array.of(2, 0, 0, 0, 0, 11);
const HOST = Uint8Array.of(10, 0, 0, 2);

function bed() {
  const world = { now: 0 };
  const probed: number[] = [];
  const watch = new FlapWatch({ now: () => world.now, probe: () => void probed.push(world.now) });
  const until = (ms: number): void => {
    for (; world.now < ms; world.now += 500) watch.tick();
  };
  return { watch, world, probed, until };
}

test('probed twice when it is quiet, not while it goes on', () => {
  const { watch, world, probed, until } = bed();
  for (let i = 0; i < 100; i++) {
    watch.changed(1, HOST, i % 2 ? A : B, i % 2 ? B : A);
    world.now += 100;
    watch.tick();
  }
  expect(probed).toEqual([]);
  expect([...watch.flapping()]).toMatchObject([{ changes: 100, macs: ['02:00:00:00:00:0a', '02:00:00:00:00:0b'] }]);
  until(10_000 + WINDOW_MS);
  expect(probed).toHaveLength(2);
  expect(probed[0]).toBeLessThan(13_000);
  expect(probed[1]).toBeLessThan(21_000);
  until(11_000 + WINDOW_MS);
  expect([watch.size, [...watch.flapping()]]).toEqual([0, []]);
});

test('a host with a new card is left alone', () => {
  const { watch, probed, until } = bed();
  watch.changed(1, HOST, A, B);
  until(WINDOW_MS);
  expect(probed).toEqual([]);
  expect([...watch.flapping()]).toEqual([]);
});

test('a million quarrels are no million records', () => {
  const { watch } = bed();
  for (let i = 0; i < 5000; i++) {
    for (let n = 0; n < FLAPS; n++) watch.changed(1, Uint8Array.of(10, 0, i >> 8, i & 255), A, B);
  }
  expect(watch.size).toBe(1024);
});
