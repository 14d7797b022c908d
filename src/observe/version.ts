/** The version of this package, read once from its package.json. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

let cached: string | undefined;

/** Such as `0.1.0`; `unknown` when the file isn't where the package has it. */
export function packageVersion(): string {
  cached ??= read(__dirname);
  return cached;
}

function read(directory: string): string {
  const file = join(directory, 'package.json');
  if (existsSync(file)) {
    const { name, version } = JSON.parse(readFileSync(file, 'utf8')) as { name?: string; version?: string };
    if (name === 'fpm2afi') return version ?? 'unknown';
  }
  const parent = dirname(directory);
  return parent === directory ? 'unknown' : read(parent);
}
