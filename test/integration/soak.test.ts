/** Thousands of random changes through a live zebra: then zebra, bridge and vASIC have the same table, entry by entry. */
import { labId, openLab, stopLab, type Lab } from '../../lab/lab';
import { soak } from '../bench/soak';
import { buildBench } from '../bench/topology';

const ID = labId('soaktest');
const CHANGES = 20_000;
jest.setTimeout(120_000);

let lab: Lab | undefined;

afterEach(async () => {
  await lab?.close();
  lab = undefined;
  await stopLab(ID);
});

test('after many changes the three tables are the same', async () => {
  lab = await openLab(ID);
  const options = { routes: 2000, nexthops: 16, changes: CHANGES, portion: 5000 };
  const { updates, announced, agreement } = await soak(await buildBench(lab, 16), options, () => undefined);
  expect(agreement.differences).toEqual([]);
  expect(agreement.bgp).toBe(announced);
  expect(agreement.entries).toBeGreaterThan(announced);
  expect(updates).toBeGreaterThanOrEqual(CHANGES);
});
