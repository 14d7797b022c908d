import { RowQueue } from '../../../src/fib/row-queue';

test('RowQueue is first in, first out across growth', () => {
  const queue = new RowQueue();
  let next = 1;
  let expected = 1;
  for (let round = 0; round < 50; round++) {
    for (let i = 0; i < 100; i++) queue.push(next++);
    for (let i = 0; i < 40; i++) expect(queue.shift()).toBe(expected++);
  }
  while (queue.length > 0) expect(queue.shift()).toBe(expected++);
  expect(expected).toBe(next);
  expect(queue.shift()).toBe(0);
});

test('RowQueue works on after it was long and empty', () => {
  const queue = new RowQueue();
  for (const length of [100_000, 10, 100_000]) {
    for (let row = 1; row <= length; row++) queue.push(row);
    expect(queue.length).toBe(length);
    let wrong = 0;
    for (let row = 1; row <= length; row++) wrong += Number(queue.shift() !== row);
    expect(wrong).toBe(0);
    expect(queue.shift()).toBe(0);
  }
});
