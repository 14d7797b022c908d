/** `npm run api-docs`: the reference of the library can be made, and everything exported says what it is. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../../../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

test('without a warning: what is exported has a comment, and leads to nothing that is not', () => {
  const typedoc = join(root, 'node_modules/typedoc/bin/typedoc');
  const { status, stdout, stderr } = spawnSync(process.execPath, [typedoc, '--emit', 'none'], {
    cwd: root,
    encoding: 'utf8',
  });
  expect([stdout + stderr, status]).toEqual(['', 0]);
}, 60_000);

test('each entry point is a module by the name that it is imported by', () => {
  const { exports } = JSON.parse(read('package.json')) as {
    exports: Record<string, { readonly types: string } | string>;
  };
  const modules = Object.entries(exports).flatMap(([name, target]) => {
    if (typeof target === 'string') return [];
    const source = read(target.types.replace('./dist/', '').replace('.d.ts', '.ts'));
    return [[name.replace('./', 'fpm2afi/'), /^ \* @module (.*)$/m.exec(source)?.[1]]];
  });
  expect(modules.length).toBeGreaterThan(0);
  for (const [name, module] of modules) expect(module).toBe(name);
});
