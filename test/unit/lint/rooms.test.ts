/** docs/architecture.md, held against what is there: the rooms of src/ and who may know whom, and the files that answer questions. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const HOUSE = join(__dirname, '../../../..');

/** The table as the lint rules have it: room → rooms, or single files of them. */
function mayKnow(): ReadonlyMap<string, readonly string[]> {
  const config = JSON.stringify(pathToFileURL(join(HOUSE, 'eslint.config.mjs')).href);
  const program = `import { MAY_KNOW } from ${config}; console.log(JSON.stringify(MAY_KNOW));`;
  const json = execFileSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' });
  return new Map(Object.entries(JSON.parse(json) as Record<string, readonly string[]>));
}

const text = readFileSync(join(HOUSE, 'docs/architecture.md'), 'utf8');

/** The same table as the document has it. */
function documented(): ReadonlyMap<string, readonly string[]> {
  const rows = [...text.matchAll(/^\| `src\/([\w-]+)` +\|.*\| ([^|]+?) +\|$/gm)];
  return new Map(rows.map(([, room, known]) => [room!, [...known!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!)]));
}

const table = mayKnow();

test('each folder of src/ is a room', () => {
  const folders = readdirSync(join(HOUSE, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect([...table.keys()].sort()).toEqual(folders.map(({ name }) => name).sort());
});

test('docs/architecture.md says of each room what it may know, as the lint rules do', () => {
  const sorted = (rooms: ReadonlyMap<string, readonly string[]>): Record<string, string[]> =>
    Object.fromEntries([...rooms].map(([room, known]) => [room, [...known].sort()]));
  expect(sorted(documented())).toEqual(sorted(table));
});

test('the table of who may know whom has no circle', () => {
  // All may know `net`. Rooms are taken away as soon as all that they may know is: what stays knows itself.
  const left = new Map(
    [...table].map(([room, known]) => {
      const rooms = known.map((name) => name.split('/')[0]!);
      return [room, room === 'net' ? rooms : [...rooms, 'net']];
    }),
  );
  expect(left.size).toBeGreaterThan(10);
  for (let size = -1; size !== left.size;) {
    size = left.size;
    for (const [room, known] of left) if (!known.some((other) => left.has(other))) left.delete(room);
  }
  expect([...left.keys()]).toEqual([]);
});

test('docs/architecture.md names as many files for each question as it says, and they are there', () => {
  const section = /\n## Who asks what, where is it\n([^]*?)\n## /.exec(text)![1]!;
  const answers = [...section.matchAll(/^\| ([^|]+\?) \|.*\| (\d+)\b([^|]*)\|$/gm)];
  expect(answers.length).toBeGreaterThan(5);
  const isThere = (path: string): boolean => existsSync(join(HOUSE, path));
  for (const [, question, count, answer] of answers) {
    const paths = [...answer!.matchAll(/`([^`]*\/[^`]*)`/g)].map(([, path]) => path!);
    expect({ question, count: paths.length, missing: paths.filter((path) => !isThere(path)) }).toEqual({
      question,
      count: Number(count),
      missing: [],
    });
  }
});
