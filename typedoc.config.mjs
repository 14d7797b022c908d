/**
 * `npm run api-docs`: the reference of what other programs may import (package.json, exports), as HTML in out/api. A warning is an error: of
 * what is exported, every class, function, method and type says what it is. Fields do where their names and types don't tell it all.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const read = (file) => readFileSync(join(import.meta.dirname, file), 'utf8');
const { exports, version } = JSON.parse(read('package.json'));
/** Those without a comment: the kernel's headers say what they are, under the same names. */
const numbers = [...read('src/netlink/constants.ts').matchAll(/(?<!\*\/\n)^export const (\w+)/gm)].map(
  ([, name]) => name,
);

/** @type {Partial<import('typedoc').TypeDocOptions>} */
export default {
  entryPoints: Object.values(exports).flatMap(
    ({ types }) => types?.replace('./dist/', '').replace('.d.ts', '.ts') ?? [],
  ),
  tsconfig: 'tsconfig.pack.json',
  // The build has checked them.
  skipErrorChecking: true,
  name: `fpm2afi ${version}`,
  readme: 'docs/library.md',
  out: 'out/api',
  excludePrivate: true,
  disableGit: true,
  // Sources aren't shipped.
  disableSources: true,
  treatWarningsAsErrors: true,
  treatValidationWarningsAsErrors: true,
  validation: { notDocumented: true, notExported: true, invalidLink: true },
  requiredToBeDocumented: [
    'Module',
    'Enum',
    'Variable',
    'Function',
    'Class',
    'Interface',
    'Method',
    'Accessor',
    'TypeAlias',
  ],
  intentionallyNotDocumented: numbers.map((name) => `fpm2afi/netlink.constants.${name}`),
  // fpm2afi's own affair, and optional.
  intentionallyNotExported: ['FastPath', 'Coded'],
};
