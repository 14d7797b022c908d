/**
 * The L3VPN with OSPF, LDP and BGP, as `make demo PROTO=mpls` shows it: three routers of FRR, fpm2afi and softvasic. All of its checks have
 * to hold; each says what was looked at and what was seen.
 */
import { vpnDemo } from '../../../demo/vpn-demo';
import { createReporter } from '../../../demo/scenes/report';
import { labId, openLab, stopLab } from '../../../lab/lab';

const ID = labId('vpntest');
jest.setTimeout(400_000);

afterAll(async () => {
  await stopLab(ID);
});

test('every check of the demonstration holds', async () => {
  const said: string[] = [];
  const report = createReporter((line) => said.push(line));
  const lab = await openLab(ID);
  try {
    await vpnDemo.play(lab, report, {});
  } finally {
    await lab.close();
  }
  const checks = report.checks();
  expect(checks.filter(({ ok }) => !ok).map(({ name, observed }) => `${name}: ${observed}`)).toEqual([]);
  expect(new Set(checks.map(({ scene }) => scene)).size).toBeGreaterThan(8);
});
