/** The rule on the graph of imports, as ESLint runs it on made-up trees: what it finds, and that it lets the rest pass. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const HOUSE = join(__dirname, '../../../..');

/** Each is a tree of its own: file → content. */
const TREES = {
  inOrder: {
    'src/fib/a.ts': `import { b } from '../net/b';\nexport const a = b;`,
    'src/net/b.ts': `export const b = 1; // import '../fib/a'`,
    'src/main.ts': `void import('./fib/a');`,
    'lab/l.ts': `import '../src/main';`,
    'demo/d.ts': `import '../lab/l';\nimport '../src/main';`,
    'test/t.ts': `import '../demo/d';\nimport 'node:fs';`,
  },
  files: {
    'test/a.ts': `import { b } from './b';\nexport const a = b;`,
    'test/b.ts': `export { c as b } from './c';`,
    'test/c.ts': `export * from './a';\nexport const c = 1;`,
  },
  types: {
    'test/a.ts': `import type { B } from './b';\nexport type A = B;`,
    'test/b.ts': `export type B = import('./a').A | 1;`,
  },
  dynamic: {
    'src/a.ts': `export const a = () => import('./b');`,
    'src/b.ts': `import { a } from './a';\nexport const b = a;`,
  },
  rooms: {
    'src/fib/a.ts': `import '../net/b';`,
    'src/net/b.ts': `export {};`,
    'src/net/c.ts': `void import('../fib/d');`,
    'src/fib/d.ts': `export {};`,
  },
  folders: {
    'src/fib/a.ts': `import './deep/b';`,
    'src/fib/c.ts': `export {};`,
    'src/fib/deep/b.ts': `import './er/d';`,
    'src/fib/deep/er/d.ts': `import '../../c';\nimport '../../../net/e';`,
    'src/net/e.ts': `import './inner/f';`,
    'src/net/inner/f.ts': `export {};`,
  },
  trees: {
    'src/a.ts': `void import('../lab/l');`,
    'lab/l.ts': `export {};`,
    'lab/m.ts': `import '../demo/d';`,
    'demo/d.ts': `export {};`,
    'demo/e.ts': `import '../test/t';`,
    'test/t.ts': `export {};`,
  },
} satisfies Record<string, Record<string, string>>;

/** The ESLint configuration in the temporary folder: the rule alone, with each tree as a root. */
const CONFIG = `
import parser from ${moduleUrl('node_modules/@typescript-eslint/parser/dist/index.js')};
import graph from ${moduleUrl('scripts/lint/no-circles.mjs')};
import { join } from 'node:path';
export default ${JSON.stringify(Object.keys(TREES))}.map((tree) => ({
  files: [tree + '/**/*.ts'],
  languageOptions: { parser },
  plugins: { graph },
  rules: { 'graph/no-circles': ['error', { root: join(import.meta.dirname, tree) }] },
}));
`;

function moduleUrl(path: string): string {
  return JSON.stringify(pathToFileURL(join(HOUSE, path)).href);
}

interface Linted {
  readonly filePath: string;
  readonly messages: readonly { readonly message: string }[];
}

const folder = mkdtempSync(join(tmpdir(), 'no-circles-'));
let linted: readonly Linted[];

beforeAll(() => {
  writeFileSync(join(folder, 'eslint.config.mjs'), CONFIG);
  for (const [tree, files] of Object.entries(TREES)) {
    for (const [file, content] of Object.entries(files)) {
      const path = join(folder, tree, file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
    }
  }
  const eslint = join(HOUSE, 'node_modules/eslint/bin/eslint.js');
  const run = spawnSync(process.execPath, [eslint, '--format', 'json', '.'], { cwd: folder, encoding: 'utf8' });
  expect(run.stderr).toBe('');
  linted = JSON.parse(run.stdout) as Linted[];
});

afterAll(() => rmSync(folder, { recursive: true }));

/** What was found in a tree, as "file: message". */
function found(tree: keyof typeof TREES): string[] {
  const root = join(folder, tree, '/');
  return linted
    .filter(({ filePath }) => filePath.startsWith(root))
    .flatMap(({ filePath, messages }) => messages.map(({ message }) => `${filePath.slice(root.length)}: ${message}`))
    .sort();
}

test('nothing is found in a tree that is in order', () => {
  expect(found('inOrder')).toEqual([]);
});

test('a circle of files is found at each of its imports', () => {
  expect(found('files')).toEqual([
    'test/a.ts: Circle of files: test/a.ts -> test/b.ts -> test/c.ts -> test/a.ts',
    'test/b.ts: Circle of files: test/b.ts -> test/c.ts -> test/a.ts -> test/b.ts',
    'test/c.ts: Circle of files: test/c.ts -> test/a.ts -> test/b.ts -> test/c.ts',
  ]);
});

test('imports of types count', () => {
  expect(found('types')).toEqual([
    'test/a.ts: Circle of files: test/a.ts -> test/b.ts -> test/a.ts',
    'test/b.ts: Circle of files: test/b.ts -> test/a.ts -> test/b.ts',
  ]);
});

test('dynamic imports count', () => {
  expect(found('dynamic')).toEqual([
    'src/a.ts: Circle of files: src/a.ts -> src/b.ts -> src/a.ts',
    'src/b.ts: Circle of files: src/b.ts -> src/a.ts -> src/b.ts',
  ]);
});

test('rooms that know each other through different files are a circle', () => {
  expect(found('rooms')).toEqual([
    'src/fib/a.ts: Circle of rooms: fib -> net -> fib',
    'src/net/c.ts: Circle of rooms: net -> fib -> net',
  ]);
});

test('folders of a room that know each other through different files are a circle', () => {
  expect(found('folders')).toEqual([
    'src/fib/a.ts: Circle of folders: src/fib -> src/fib/deep -> src/fib/deep/er -> src/fib',
    'src/fib/deep/b.ts: Circle of folders: src/fib/deep -> src/fib/deep/er -> src/fib -> src/fib/deep',
    'src/fib/deep/er/d.ts: Circle of folders: src/fib/deep/er -> src/fib -> src/fib/deep -> src/fib/deep/er',
  ]);
});

test('src knows no other tree, lab src only, demo no tests', () => {
  expect(found('trees')).toEqual([
    'demo/e.ts: demo may not know test.',
    'lab/m.ts: lab may not know demo.',
    'src/a.ts: src may not know lab.',
  ]);
});
