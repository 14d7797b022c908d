/** What zebra is told while the vASIC can't be asked, over the FIB and a real sandbox. */
import { AfiLost } from '../../../src/bridge/afi-lost';
import type { KeepOr } from '../../../src/config/types';
import { nullLogger } from '../../../src/observe/log';
import { Bed } from '../../bed/bed';

async function ready(policy: KeepOr) {
  const bed = await new Bed().up();
  bed.neighbor(1, '10.1.1.5', '02:00:00:00:00:05');
  bed.via('10.1.1.0/24', '@1').via('10.2.0.0/16', '10.1.1.5@1').settle();
  const world = { now: 0 };
  const lost = new AfiLost({
    ...{ policy, ready: () => bed.programmer.ready, statuses: bed.fib.status, soon: () => bed.report() },
    ...{ now: () => world.now, log: nullLogger },
  });
  const at = (ms: number): Record<string, string | undefined> => {
    world.now = ms;
    lost.check();
    return { forwarded: bed.told.get('10.2.0.0/16'), connected: bed.told.get('10.1.1.0/24') };
  };
  return { bed, at };
}

const TOLD = { forwarded: 'offloaded', connected: 'trapped' };

test('keep: nothing, ever', async () => {
  const { bed, at } = await ready({ kind: 'keep' });
  bed.programmer.down('gone');
  expect(at(0)).toEqual(TOLD);
  expect(at(1e9)).toEqual(TOLD);
});

test('withdraw: failed after the time, what Linux forwards is left alone; offloaded again when it is back', async () => {
  const { bed, at } = await ready({ kind: 'after', ms: 30_000 });
  expect(at(500_000)).toEqual(TOLD);
  bed.programmer.down('gone');
  expect(at(600_000)).toEqual(TOLD);
  expect(at(629_999)).toEqual(TOLD);
  expect(at(630_000)).toEqual({ forwarded: 'failed', connected: 'trapped' });
  // One that zebra sends meanwhile.
  bed.via('10.3.0.0/16', '10.1.1.5@1').report();
  expect(bed.told.get('10.3.0.0/16')).toBe('failed');
  await bed.up();
  expect(at(640_000)).toEqual(TOLD);
  expect(bed.told.get('10.3.0.0/16')).toBe('offloaded');
});

test('a server that comes back empty: failed until it has acknowledged', async () => {
  const { bed, at } = await ready({ kind: 'after', ms: 30_000 });
  bed.programmer.down('gone');
  at(0);
  expect(at(30_000).forwarded).toBe('failed');
  bed.server.restart();
  await bed.programmer.up(bed.server.sandbox.info());
  expect(at(30_100).forwarded).toBe('failed');
  bed.settle();
  expect(at(30_200)).toEqual(TOLD);
});

test('a short loss is told to nobody', async () => {
  const { bed, at } = await ready({ kind: 'after', ms: 30_000 });
  bed.programmer.down('gone');
  expect(at(0)).toEqual(TOLD);
  await bed.up();
  expect(at(20_000)).toEqual(TOLD);
  bed.programmer.down('gone again');
  expect(at(40_000)).toEqual(TOLD);
  expect(at(69_999)).toEqual(TOLD);
});
