/** What the reading thread brings is dealt with in bounded portions, in order, and whole. */
import { BYTES_PER_TURN, ReportQueue } from '../../../src/kernel/report-queue';
import { readMessages } from '../../../src/netlink/codec';
import { RTA_DST, RTA_NH_ID } from '../../../src/netlink/constants';
import { route } from '../fpm/messages';

function bed() {
  const turns: (() => void)[] = [];
  const portions: number[] = [];
  const seen: (number | string)[] = [];
  let reported = 0;
  const queue = new ReportQueue({
    receive(messages) {
      portions.push(messages.length);
      for (const { body } of readMessages(messages)) seen.push(body.readUInt32LE(body.length - 4));
    },
    event: (kind) => seen.push(kind),
    reported: () => reported++,
    later: (action) => turns.push(action),
  });
  const run = (): void => {
    for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) turn();
  };
  return { queue, turns, portions, seen, run, reported: () => reported };
}

/** Bytes of each of the messages below. */
const LONGEST = 44;

/** Messages that carry these numbers. */
const messages = (from: number, count: number): Uint8Array =>
  Uint8Array.from(
    Buffer.concat(
      Array.from({ length: count }, (_, i) =>
        route({}, [
          [RTA_DST, '192.0.2.0'],
          [RTA_NH_ID, from + i],
        ]),
      ),
    ),
  );

test('megabytes take many turns of a bounded size, with others between; nothing is lost and the order stays', () => {
  const { queue, portions, seen, turns } = bed();
  const COUNT = 20_000;
  const PART = 5000;
  let done = 0;
  for (let from = 0; from < COUNT; from += PART) {
    queue.push({ kind: 'messages', bytes: messages(from, PART) }, () => done++);
  }
  // All four came in one turn of the event loop. A turn may end with a message that is longer than what is left of it.
  const perTurn: number[] = [];
  const dealt = (): number => portions.splice(0).reduce((sum, bytes) => sum + bytes, 0);
  perTurn.push(dealt());
  for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) {
    turn();
    perTurn.push(dealt());
  }
  expect(Math.max(...perTurn)).toBeLessThan(BYTES_PER_TURN + LONGEST);
  expect(perTurn.length).toBeGreaterThan((COUNT * LONGEST) / BYTES_PER_TURN);
  expect(seen).toEqual(Array.from({ length: COUNT }, (_, i) => i));
  expect(done).toBe(COUNT / PART);
});

test('one that comes alone is dealt with at once', () => {
  const { queue, seen, reported } = bed();
  let done = false;
  queue.push({ kind: 'messages', bytes: messages(7, 1) }, () => (done = true));
  expect([seen, done, reported()]).toEqual([[7], true, 1]);
});

test('an overrun keeps its place among the messages', () => {
  const { queue, seen, run } = bed();
  queue.push({ kind: 'messages', bytes: messages(0, 1) }, () => undefined);
  queue.push({ kind: 'messages', bytes: messages(1, 1) }, () => undefined);
  queue.push({ kind: 'overrun' }, () => undefined);
  queue.push({ kind: 'messages', bytes: messages(2, 1) }, () => undefined);
  run();
  expect(seen).toEqual([0, 1, 'overrun', 2]);
});

test('what a dead thread left is dropped', () => {
  const { queue, seen, run } = bed();
  queue.push({ kind: 'messages', bytes: messages(0, 1) }, () => undefined);
  queue.push({ kind: 'messages', bytes: messages(1, 5000) }, () => undefined);
  queue.clear();
  run();
  expect(seen).toEqual([0]);
});
