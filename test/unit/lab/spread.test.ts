import { mostInASecond } from '../../bench/figures/storm';
import { distributionOf, movesOf } from '../../../lab/spread';

const repeat = (path: string, count: number): string[] => Array<string>(count).fill(path);

test('shares are compared with the weights of the flows that were seen', () => {
  const spread = [...repeat('a', 240), ...repeat('b', 260), ...repeat('c', 500), undefined];
  const weights = new Map([
    ['a', 1],
    ['b', 1],
    ['c', 2],
  ]);
  expect(distributionOf(spread, weights)).toEqual({ flows: 1000, paths: 3, worstPercent: 4, strays: 0 });
});

test('a path that carries nothing, and one that nobody asked for', () => {
  const seen = distributionOf(
    [...repeat('a', 90), ...repeat('x', 10)],
    new Map([
      ['a', 1],
      ['b', 1],
    ]),
  );
  expect(seen).toEqual({ flows: 100, paths: 2, worstPercent: 100, strays: 10 });
});

test('moves: of all flows seen twice, and which of them had nothing to do with the path', () => {
  const before = ['a', 'a', 'b', 'b', 'c', 'c', undefined, 'c'];
  const after = ['a', 'c', 'a', 'b', 'c', 'a', 'a', undefined];
  expect(movesOf(before, after, 'c')).toEqual({ percent: 50, needless: 1 });
});

test('the most in a second, wherever it begins', () => {
  expect(mostInASecond([])).toBe(0);
  expect(mostInASecond([0, 900, 1000, 1500, 1899, 1900, 5000])).toBe(4);
});
