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
