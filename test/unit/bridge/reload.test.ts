/** What of a new configuration can be had without a restart. */
import { planReload } from '../../../src/bridge/reload';
import { parseConfig } from '../../../src/config/load';

const PORTS = 'ports: [{ index: 0, tap: tap0 }, { index: 2, tap: tap2 }]\n';
const plan = (to: string, from = PORTS) => planReload(parseConfig(from, 'old'), parseConfig(to, 'new'));

test('nothing', () => {
  expect(plan(PORTS)).toEqual({ kind: 'apply', changed: [], rebuild: false });
});

test('what a setter does', () => {
  const to =
    `${PORTS}log: { level: debug, format: json }\nmetrics: { listen: '127.0.0.1:9100' }\n` +
    `neighbors: { static: [{ tap: tap0, address: 10.0.0.2, mac: '02:00:00:00:00:02' }] }\npunt: { policers: { glean: 7 } }\n` +
    'fpm: { allow: { users: [quagga], addresses: [10.0.0.2] } }\n';
  expect(plan(to)).toEqual({
    kind: 'apply',
    changed: [
      'fpm.allow.users',
      'fpm.allow.addresses',
      'punt.policers.glean',
      'neighbors.static',
      'metrics.listen',
      'log.level',
      'log.format',
    ],
    rebuild: false,
  });
});

test('ports and feedback have the bridge made anew', () => {
  const ports = 'ports: [{ index: 0, tap: tap0, mtu: 1400 }, { index: 1, tap: tap1 }, { index: 2, tap: tap2 }]\n';
  expect(plan(ports)).toEqual({ kind: 'apply', changed: ['ports'], rebuild: true });
  expect(plan(`${PORTS}fpm: { feedback: off }\n`)).toEqual({
    kind: 'apply',
    changed: ['fpm.feedback'],
    rebuild: true,
  });
});

test('all or nothing: every key that needs a restart is named, by its name in the file', () => {
  const to = `${PORTS}log: { level: debug }\nafi: { server: 'other:1', timeout: 9s }\nfpm: { sweep: { idle: 7s } }\n`;
  expect(plan(to)).toEqual({
    kind: 'refused',
    reasons: ['fpm.sweep.idle', 'afi.server', 'afi.timeout'].map(
      (key) => `${key} can't be changed while fpm2afi runs: restart it`,
    ),
  });
});

test('ports that the sandbox has not, and TAPs that would go with the bridge', () => {
  const less = 'ports: [{ index: 0, tap: tap0 }]\n';
  expect(plan(less)).toMatchObject({ reasons: [expect.stringMatching(/highest index was 2 and would be 0/)] });
  const worker = 'punt: { mode: worker }\n';
  const one = PORTS.replace('index: 0', 'index: 1');
  expect(plan(`${one}${worker}`, `${PORTS}${worker}`)).toMatchObject({
    reasons: [expect.stringContaining('punt.mode')],
  });
});
