/** Removals of which the server has done a part already: whoever waits for them hears of their end once, with what is left. */
import { AdoptedNodes } from '../../../src/afi/adopted-nodes';
import { GarbageQueue } from '../../../src/afi/garbage-queue';
import type { Garbage, RemovalRefusal } from '../../../src/afi/graph';
import { AftField } from '../../../src/aft/model';
import { nullLogger } from '../../../src/observe/log';

const entry = (parent: number, value: number): Garbage['entries'][number] => ({
  parent,
  key: { field: AftField.EtherType, data: { kind: 'int', value } },
});
const gone = { code: 'unknownEntry', message: 'it has none' } as const;
const inUse = { code: 'inUse', message: 'something points at it' } as const;

function queueOf(item: Pick<Garbage, 'entries' | 'tokens'>): {
  queue: GarbageQueue;
  parts: Garbage[];
  ends: (RemovalRefusal | 'done')[];
} {
  const ends: (RemovalRefusal | 'done')[] = [];
  const queue = new GarbageQueue(new AdoptedNodes(), nullLogger);
  queue.push({ ...item, done: () => ends.push('done'), refused: (refusal) => ends.push(refusal) });
  queue.refused(queue.take()[0]!, gone);
  return { queue, parts: queue.take(), ends };
}

test.each([
  ['entries alone', { entries: [entry(1, 7), entry(1, 8)], tokens: [] }],
  ['nodes alone', { entries: [], tokens: [1, 2] }],
  ['entries and nodes', { entries: [entry(1, 7), entry(2, 8)], tokens: [1] }],
])('%s: done when the last of them is gone', (_name, item) => {
  const { queue, parts, ends } = queueOf(item);
  const [last, ...others] = parts.reverse();
  for (const part of others) part.done();
  expect(ends).toEqual([]);
  queue.refused(last!, gone);
  expect(ends).toEqual(['done']);
});

test('what the server would not remove is named when all have their answer', () => {
  const { queue, parts, ends } = queueOf({ entries: [entry(1, 7), entry(1, 8)], tokens: [1, 2] });
  queue.refused(parts[2]!, inUse);
  parts[0]!.done();
  queue.refused(parts[1]!, inUse);
  expect(ends).toEqual([]);
  parts[3]!.done();
  expect(ends).toEqual([{ entries: [entry(1, 8)], tokens: [1], reason: 'inUse: something points at it' }]);
});

test('nobody waits for the refusal: the part is tried again, and the end told then', () => {
  let done = 0;
  const queue = new GarbageQueue(new AdoptedNodes(), nullLogger);
  queue.push({ entries: [], tokens: [1, 2], done: () => done++ });
  queue.refused(queue.take()[0]!, gone);
  const [first, second] = queue.take();
  first!.done();
  queue.refused(second!, inUse);
  expect([done, queue.empty]).toEqual([0, true]);
  queue.retryStuck();
  queue.take()[0]!.done();
  expect(done).toBe(1);
});
