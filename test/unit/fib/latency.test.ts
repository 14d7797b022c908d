/** Which changes are timed, and from when to when: from zebra's last message to the acknowledgement of what it wants. */
import { Bed, Server } from '../../bed/bed';
import { latencyCount } from '../../../src/net/latency-buckets';
import { parsePrefix } from '../../../src/net/address';

const M1 = '02:00:00:00:01:01';
const M2 = '02:00:00:00:02:02';
const ROUTE = '10.20.0.0/16';

async function bedWith(server = new Server()): Promise<{ bed: Bed; taken: () => number[] }> {
  const bed = await new Bed(server).up();
  bed.neighbor(1, '10.1.1.2', M1).neighbor(2, '10.1.2.2', M2).later(1000).settle();
  const taken = (): number[] =>
    bed.fib.forwarding.latencies.buckets().flatMap(({ upToMs, count }) => Array<number>(count).fill(upToMs));
  return { bed, taken };
}

test('a new route, a change, a withdrawal', async () => {
  const { bed, taken } = await bedWith();
  bed.via(ROUTE, '10.1.1.2@1').later(3).settle();
  expect(taken()).toEqual([3]);
  bed.later(1000).via(ROUTE, '10.1.2.2@2').later(5).settle();
  expect(taken()).toEqual([3, 5]);
  bed.later(1000).withdraw(ROUTE).later(7).settle();
  expect(taken()).toEqual([3, 5, 7]);
});

test('no change is timed: sent again, back before anything was sent, what the kernel or the server make happen', async () => {
  const { bed, taken } = await bedWith();
  bed.via(ROUTE, '10.1.1.2@1').settle();
  expect(taken()).toHaveLength(1);
  bed.via(ROUTE, '10.1.1.2@1').later(100).settle();
  bed.via(ROUTE, '10.1.2.2@2').via(ROUTE, '10.1.1.2@1').later(100).settle();
  bed.neighbor(1, '10.1.1.2', M2).later(100).settle();
  bed.neighborGone(1, '10.1.1.2').later(100).settle();
  bed.programmer.down('the connection broke');
  bed.server.restart();
  bed.later(100);
  await bed.up();
  expect(taken()).toHaveLength(1);
});

test('a change while another is in flight: counted once, when the last one is acknowledged', async () => {
  const { bed, taken } = await bedWith();
  bed.via(ROUTE, '10.1.1.2@1').settle().via(ROUTE, '10.1.2.2@2');
  const before = taken().length;
  bed.programmer.pump();
  bed.later(10).via(ROUTE, '10.1.1.2@1').later(4);
  bed.answer();
  expect(taken()).toHaveLength(before);
  bed.later(4).settle();
  expect(taken().filter((ms) => ms > 0)).toEqual([8]);
});

test('what the vASIC refuses has no acknowledgement', async () => {
  const { bed } = await bedWith(new Server({ refuse: [parsePrefix(ROUTE)!] }));
  bed.via(ROUTE, '10.1.1.2@1').later(5).settle();
  expect(bed.told.get(ROUTE)).toBe('failed');
  expect(latencyCount(bed.fib.forwarding.latencies.buckets())).toBe(0);
});
