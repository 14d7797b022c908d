/** The commands of README.md and docs/ print what is shown there (test/docs). */
import { labId, stopLab } from '../../lab/lab';
import { playDocuments } from '../docs/play';

const ID = labId('docs');

afterAll(() => stopLab(ID));

test('every command does, and prints, what the documents say', async () => {
  const { checks } = await playDocuments(ID, () => undefined);
  expect(checks.filter(({ ok }) => !ok).map(({ name, observed }) => `${name}: ${observed}`)).toEqual([]);
  expect(checks.length).toBeGreaterThan(50);
}, 400_000);
