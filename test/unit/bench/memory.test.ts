/** Memory figures from samples: bytes by route, and what counts as left over. */
import { leftFigures, sizeFigures } from '../../bench/memory';
import type { Sample } from '../../bench/memory-run';

const empty: Sample = {
  ...{ step: 'empty', round: 0, bridgeBytes: 90e6, vasicBytes: 80e6 },
  ...{ routes: 0, nexthops: 0, acknowledged: 13, vasicEntries: 15, vasicNodes: 165, loopMaxMs: 1 },
};
const full: Sample = { ...empty, step: 'full', bridgeBytes: 180e6, vasicBytes: 240e6, routes: 1e6 };
const gone: Sample = { ...empty, step: 'gone', bridgeBytes: 100e6, vasicBytes: 100e6 };

test('bytes by route are above those of no route, and have a goal at full size', () => {
  const [bridge, vasic] = sizeFigures(1_000_000, 1, [empty, full, gone]);
  expect(bridge).toMatchObject({ name: 'memory.bridge.1', value: 90, met: true });
  expect(vasic).toMatchObject({ name: 'memory.vasic.1', value: 160, met: false });
  expect(sizeFigures(10_000, 1, [empty, full])[0]).not.toHaveProperty('met');
});

test('nothing is left when every count is as before', () => {
  const [left, bridge] = leftFigures(1_000_000, [empty, full, gone, full, gone]);
  expect(left).toMatchObject({ value: 0, met: true });
  expect(bridge).toMatchObject({ value: 0, met: true });
});

test.each(['routes', 'nexthops', 'acknowledged', 'vasicEntries', 'vasicNodes'] as const)('%s left over', (count) => {
  const [left] = leftFigures(1_000_000, [empty, full, gone, full, { ...gone, [count]: empty[count] + 1 }]);
  expect(left).toMatchObject({ value: 1, met: false });
});

test('growth is of the last time against the second', () => {
  const more = { ...gone, bridgeBytes: 120e6 };
  expect(leftFigures(1, [empty, { ...gone, bridgeBytes: 50e6 }, gone, more])[1]).toMatchObject({
    value: 20,
    met: false,
  });
});
