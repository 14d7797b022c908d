/** How long it takes until zebra hears of a route, counted. */
import { Bed } from '../../bed/bed';

const MAC = '02:00:00:00:00:09';
const [ONE, OTHER] = ['192.0.2.0/24', '198.51.100.0/24'] as const;

const counted = (bed: Bed): [upToMs: number, count: number][] =>
  bed.fib.status.latencies.buckets().map(({ upToMs, count }) => [upToMs, count]);

test('from the message to the first status of it, once for each message', async () => {
  // Not at 0, which is "never".
  const bed = (await new Bed().neighbor(1, '10.0.1.2', MAC).up()).later(100);
  bed.via(ONE, '10.0.1.2@1').later(5);
  expect(counted(bed)).toEqual([]);
  bed.settle();
  expect(counted(bed)).toEqual([[5, 1]]);
  // What changes later is no answer to zebra.
  bed.server.ports[1]!.up = false;
  bed.fib.portChanged(1, false);
  bed.settle().later().settle();
  expect(counted(bed)).toEqual([[5, 1]]);
  bed.via(ONE, '10.0.1.2@1').later(8).settle();
  bed.via(OTHER, '10.0.1.2@1').later(8).settle();
  expect(counted(bed).reduce((sum, [, count]) => sum + count, 0)).toBeGreaterThan(1);
});

test('a route that waits for its neighbor counts when zebra hears of it, grace and all', async () => {
  const bed = (await new Bed().up()).later(100);
  bed.via(ONE, '10.0.1.2@1').settle();
  expect(counted(bed)).toEqual([]);
  bed.later(4000).settle();
  expect(counted(bed)).toEqual([[4095, 1]]);
});

test('a route that goes before anybody was told of it never counts', async () => {
  const bed = await new Bed().up();
  bed.via(ONE, '10.0.1.2@1').settle().withdraw(ONE).settle().later(10_000).settle();
  expect(counted(bed)).toEqual([]);
});
