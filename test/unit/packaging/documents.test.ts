/** What the documents name is there: tests, files, and other documents' headings. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = join(__dirname, '../../../..');
const documents = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', 'test/README.md'],
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

/** What docs/compatibility.md means by "both". */
const BOTH = ['test/unit/vasic/labels.test.ts', 'test/unit/afi/lsps.test.ts'];

/** A heading as a forge links to it. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');

const anchorsOf = (file: string): string[] =>
  [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    anchorOf(heading!.replace(/\[([^\]]+)\]\([^)]*\)/g, '$1')),
  );

test('each test and source file that a document names exists', () => {
  const missing = documents.flatMap((file) =>
    [
      ...read(file).matchAll(
        /`((?:test|src|lab|demo|scripts|packaging|examples)\/[\w./-]+\.(?:tsx?|mjs|sh|md|yml|yaml|c|h|service))`/g,
      ),
    ]
      .map(([, named]) => named!)
      .filter((named) => !existsSync(join(root, named)))
      .map((named) => `${file}: ${named}`),
  );
  expect(missing).toEqual([]);
});

test("a test that is named by its end is named in full in the same document, and what is quoted of a row's tests is in one of their names", () => {
  const file = 'docs/compatibility.md';
  const full = new Set([...read(file).matchAll(/`(test\/[\w./-]+\.test\.ts)`/g)].map(([, name]) => name!));
  const wrong = read(file)
    .split('\n')
    .filter((line) => line.startsWith('|') && line.includes('.test.ts`'))
    .flatMap((row) => {
      const ends = [...row.matchAll(/`…(\/[\w./-]+\.test\.ts)`/g)].map(([, end]) => end!);
      const meant = ends.map((end) => [...full].filter((name) => name.endsWith(end)));
      const tests = [
        ...meant.flat(),
        ...(/\bboth\b/.test(row) ? BOTH : []),
        ...[...full].filter((name) => row.includes(name)),
      ];
      const names = tests
        .flatMap((name) => read(name).match(/^\s*(?:test|describe)(?:\.each)?\b.*$/gm) ?? [])
        .join('\n');
      const quoted = [...row.matchAll(/“([^”]+)”/g)].map(([, words]) => words!);
      return [
        ...ends.filter((_, i) => meant[i]!.length !== 1).map((end) => `…${end} is not the end of one test`),
        ...quoted.filter((words) => !names.includes(words)).map((words) => `“${words}” is in no test of: ${row}`),
      ];
    });
  expect(wrong).toEqual([]);
});

test('each link between documents leads somewhere', () => {
  const broken = documents.flatMap((file) =>
    [...read(file).matchAll(/\]\(([^)\s]*)\)/g)]
      .map(([, target]) => target!)
      .filter((target) => !/^(https?|mailto):/.test(target))
      .filter((target) => {
        const [path, anchor] = target.split('#');
        const to = path === '' ? file : join(dirname(file), path!);
        if (!existsSync(join(root, to))) return true;
        return anchor !== undefined && to.endsWith('.md') && !anchorsOf(to).includes(anchor);
      })
      .map((target) => `${file}: ${target}`),
  );
  expect(broken).toEqual([]);
});
