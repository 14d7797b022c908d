import { SmallSet } from '../../../src/fib/small-set';

test('is the set that a Set is, whatever is added and deleted', () => {
  const small = new SmallSet<number>();
  const plain = new Set<number>();
  // 0 is a value, as label 0 would be.
  const steps = [1, -1, 0, 0, -0, 2, 1, 2, -1, 3, -2, -2, -3, 0, 1, -1, 4];
  for (const step of steps) {
    const value = Math.abs(step);
    const deletes = step < 0 || Object.is(step, -0);
    for (const set of [small, plain]) {
      if (deletes) set.delete(value);
      else set.add(value);
    }
    expect([...small]).toEqual([...plain]);
    expect(small.size).toBe(plain.size);
  }
  small.clear();
  expect([...small]).toEqual([]);
  expect(small.size).toBe(0);
});
