/** Figures of LSPs and VPN routes: each by entry, and one operation for a neighbor. */
import { vpnFigures, vpnRatios } from '../../bench/vpn';

test('time and memory are divided by the number; more than one operation is no failover', () => {
  const result = { seconds: 2, bridgeBytes: 4e8, vasicBytes: 1e8, failover: 1, loopMaxMs: 30 };
  const byName = new Map(vpnFigures('lsps', 100_000, result).map((figure) => [figure.name, figure]));
  expect(byName.get('vpn.lsps.time')).toMatchObject({ value: 20, unit: 'µs' });
  expect(byName.get('vpn.lsps.bridge')).toMatchObject({ value: 4000, unit: 'B' });
  expect(byName.get('vpn.lsps.vasic')).toMatchObject({ value: 1000 });
  expect(byName.get('vpn.lsps.failover')).toMatchObject({ value: 1, met: true });
  const failover = vpnFigures('routes', 10, { ...result, failover: 2 }).at(-1);
  expect(failover).toMatchObject({ name: 'vpn.routes.failover', met: false });
});

test('ratios are of one run to the plain routes of the same', () => {
  const plain = { seconds: 1, bridgeBytes: 200, vasicBytes: 100, failover: 1, loopMaxMs: 1 };
  const figures = vpnRatios('lsps', { ...plain, seconds: 3, bridgeBytes: 100 }, plain);
  expect(figures.map(({ name, value }) => [name, value])).toEqual([
    ['vpn.lsps.seconds.ratio', 3],
    ['vpn.lsps.bridgeBytes.ratio', 0.5],
    ['vpn.lsps.vasicBytes.ratio', 1],
  ]);
});
