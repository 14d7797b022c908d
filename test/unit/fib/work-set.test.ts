import { WorkSet } from '../../../src/fib/work-set';

const all = (set: WorkSet): number[] => {
  const taken: number[] = [];
  for (let id = set.take(); id !== undefined; id = set.take()) taken.push(id);
  return taken;
};

test('first come, first served, each once', () => {
  const set = new WorkSet();
  expect(set.take()).toBeUndefined();
  for (const id of [5, 3, 5, 9]) set.add(id);
  expect(set.take()).toBe(5);
  set.add(5).add(3);
  expect(all(set)).toEqual([3, 9, 5]);
  expect(set.size).toBe(0);
});

test('what comes after the end was reached is found, and what was taken back is not', () => {
  const set = new WorkSet();
  set.add(1);
  expect(all(set)).toEqual([1]);
  set.add(2).add(3).add(4);
  set.delete(3);
  expect(set.take()).toBe(2);
  set.delete(4);
  set.add(4).add(1);
  expect(all(set)).toEqual([4, 1]);
  set.add(7);
  set.clear();
  set.add(8);
  expect(all(set)).toEqual([8]);
});

test('any history is that of a list', () => {
  let seed = 1;
  const random = (below: number): number => (seed = (seed * 48271) % 2147483647) % below;
  const set = new WorkSet();
  let list: number[] = [];
  for (let step = 0; step < 20_000; step++) {
    const id = random(300);
    switch (random(5)) {
      case 0:
      case 1:
        set.add(id);
        if (!list.includes(id)) list.push(id);
        break;
      case 2:
        set.delete(id);
        list = list.filter((one) => one !== id);
        break;
      case 3:
        expect(set.take()).toBe(list.shift());
        break;
      default:
        if (random(200) === 0) {
          set.clear();
          list = [];
        }
    }
    expect(set.size).toBe(list.length);
  }
  expect(all(set)).toEqual(list);
});
