/** docs/dependencies.md is what package.json and package-lock.json say. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Locked {
  readonly version: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
}

const root = join(__dirname, '../../../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
const lock = (JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> }).packages;
const installed = Object.entries(lock).filter(([path, { dev }]) => path !== '' && dev !== true);

test('each dependency is in the table, with its license, and nothing else is', () => {
  const rows = read('docs/dependencies.md')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, name, license]) => [name!.replaceAll('`', ''), license]);
  const names = Object.keys(dependencies).sort();
  expect(rows).toEqual(names.map((name) => [name, lock[`node_modules/${name}`]!.license]));
});

test('all that is installed with it is under a permissive license', () => {
  const licenses = new Set(installed.map(([, { license }]) => license));
  expect([...licenses].sort()).toEqual(['Apache-2.0', 'BSD-3-Clause', 'ISC', 'MIT']);
});

test('what has an install script is known: koffi looks for its binary, protobufjs for the version in use', () => {
  const names = installed.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path);
  expect(names.sort()).toEqual(['node_modules/koffi', 'node_modules/protobufjs']);
});
