/** The picture has each figure where its value belongs. */
import type { Figure } from '../../../lab/figure';
import { plotSvg } from '../../bench/plot';

const replay = (name: string, routes: number, value: number): Figure => ({ name, what: '', unit: 'ms', value, routes });

/** The points of each line: pixels, left to right. */
function linesOf(svg: string): number[][][] {
  return [...svg.matchAll(/<polyline points="([^"]*)"/g)].map(([, points]) =>
    points!.split(' ').map((point) => point.split(',').map(Number)),
  );
}

test('costs a route are lines: level when they are the same, falling when they fall', () => {
  const svg = plotSvg([
    replay('replay.sink', 1_000_000, 1000),
    replay('replay.sink', 10_000, 10),
    replay('replay.sink', 100_000, 100),
    replay('replay.acknowledged', 10_000, 100),
    replay('replay.acknowledged', 100_000, 500),
    replay('replay.acknowledged', 1_000_000, 2000),
    replay('other', 10_000, 1e9),
  ])!;
  const [sink, acknowledged, ...others] = linesOf(svg);
  expect(others).toEqual([]);
  const xs = sink!.map(([x]) => x!);
  expect(xs[1]! - xs[0]!).toBeCloseTo(xs[2]! - xs[1]!, 0);
  expect(new Set(sink!.map(([, y]) => y)).size).toBe(1);
  // Down is up in SVG.
  const ys = acknowledged!.map(([, y]) => y!);
  expect(ys[0]).toBeLessThan(ys[1]!);
  expect(ys[1]).toBeLessThan(ys[2]!);
  expect(ys[2]).toBeLessThan(sink![2]![1]!);
  for (const text of ['10k', '100k', '1M', 'sink', 'acknowledged']) expect(svg).toContain(`>${text}</text>`);
});

test('memory is drawn as it is, beside the replay', () => {
  const memory: Figure = { name: 'memory.bridge.1', what: '', unit: 'B a route', value: 70, routes: 1_000_000 };
  expect(linesOf(plotSvg([memory])!)).toHaveLength(1);
  expect(plotSvg([memory, replay('replay.sink', 1_000_000, 1000)])).toContain('translate(460 0)');
});

test('nothing to draw is no picture', () => {
  expect(plotSvg([])).toBeUndefined();
  expect(plotSvg([replay('replay.sink', 1000, 0)])).toBeUndefined();
});
