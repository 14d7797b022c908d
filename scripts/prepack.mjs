/**
 * What `npm pack` and `npm publish` run first (package.json, prepack): makes in dist/ all that is shipped, so that a package from a fresh clone
 * is complete, and nothing of an older build is in it. Source maps are not: the sources they would lead to aren't shipped.
 *
 * A package without the BPF object would run, but forward by TypeScript alone: that is refused, unless FPM2AFI_WITHOUT_BPF=1 says that it is meant.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';

const HOUSE = join(import.meta.dirname, '..');
const OBJECT = join(HOUSE, 'dist/src/vasic/kernel/forward.bpf.o');

function fail(text) {
  console.error(`prepack: ${text}`);
  process.exit(1);
}

function node(...args) {
  const { status } = spawnSync(process.execPath, args, { cwd: HOUSE, stdio: ['ignore', 2, 2] });
  if (status !== 0) fail(`${args[0]} failed`);
}

/** What was compiled from a source that is gone. */
function removeStale() {
  const built = join(HOUSE, 'dist/src');
  if (!existsSync(built)) return;
  for (const entry of readdirSync(built, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const source = join(HOUSE, 'src', relative(built, path)).replace(/(\.d\.ts|\.js|\.js\.map)$/, '.ts');
    if (entry.isFile() && /\.(d\.ts|js|js\.map)$/.test(entry.name) && !existsSync(source)) rmSync(path);
  }
}

const compiler = join(HOUSE, 'node_modules/typescript/bin/tsc');
if (!existsSync(compiler)) fail('the compiler is not installed. Remedy: npm ci, then again');
removeStale();
node(compiler, '-p', 'tsconfig.pack.json');
node('scripts/build-bpf.mjs');
if (!existsSync(OBJECT) && process.env.FPM2AFI_WITHOUT_BPF !== '1') {
  fail(
    'the package would have no kernel engine. Remedy: install clang, llvm and libbpf-dev; or set FPM2AFI_WITHOUT_BPF=1 if that is meant',
  );
}
node('scripts/make-man.mjs');
