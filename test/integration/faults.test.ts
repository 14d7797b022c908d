/** A short campaign of changes and faults (make faults): the three tables are the same after each, and nothing ended by itself. */
import { labId, stopLab } from '../../lab/lab';
import { campaign } from '../faults/campaign';

const ID = labId('faultstest');
jest.setTimeout(300_000);

afterEach(async () => {
  await stopLab(ID);
});

test('after faults of each area zebra, kernel, FIB and vASIC are the same, with nexthop and MAC', async () => {
  const result = await campaign({
    ...{ seed: 1, steps: 36, labId: ID, logDir: 'out/faults-test-logs' },
    kinds: ['afi-late', 'afi-mute', 'fpm-cut', 'kill-bridge', 'tap-down', 'mac-flaps'],
    say: () => undefined,
  });
  expect(result.rounds.flatMap(({ differences }) => differences)).toEqual([]);
  expect([...result.unhandled, ...result.ended]).toEqual([]);
  expect(result.rounds).toHaveLength(6);
  for (const { compared, probes } of result.rounds) {
    expect(compared).toBeGreaterThan(10);
    expect(probes).toBeGreaterThan(0);
  }
  expect(result.sent).toBeGreaterThan(0);
});
