/**
 * Compiles softvasic's BPF program (src/vasic/kernel/bpf), and the benchmarks', into dist/, the second half of `npm run build`. The objects run on
 * any processor; softvasic's is shipped in the package. Without a compiler for it the build goes on, and softvasic forwards by TypeScript alone.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

const HOUSE = join(import.meta.dirname, '..');
/** Source → object. */
const OBJECTS = [
  ['src/vasic/kernel/bpf/forward.bpf.c', 'dist/src/vasic/kernel/forward.bpf.o'],
  ['test/bench/bpf/generate.bpf.c', 'dist/test/bench/generate.bpf.o'],
].map((pair) => pair.map((path) => join(HOUSE, path)));

/** Debian has asm/types.h in a folder of the processor's. */
const PROCESSOR = { x64: 'x86_64', arm64: 'aarch64' }[process.arch] ?? process.arch;
const FLAGS = ['-target', 'bpf', '-mcpu=v3', '-O2', '-g', '-Wall', '-Werror', `-I/usr/include/${PROCESSOR}-linux-gnu`];

function run(program, args, input) {
  const { error, status, stderr } = spawnSync(program, args, { encoding: 'utf8', input });
  if (error?.code === 'ENOENT') return { missing: true, ok: false, said: '' };
  if (error !== undefined) throw error;
  return { missing: false, ok: status === 0, said: stderr };
}

/** What is missing, in words; undefined: nothing. */
function lacking() {
  const probe = run(
    'clang',
    [...FLAGS, '-fsyntax-only', '-x', 'c', '-'],
    '#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n',
  );
  if (probe.missing) return 'clang is not installed';
  return probe.ok ? undefined : `clang does not find the headers of libbpf (${probe.said.split('\n')[0].trim()})`;
}

function compile(source, object) {
  mkdirSync(dirname(object), { recursive: true });
  const compiled = run('clang', [...FLAGS, '-c', source, '-o', object]);
  if (!compiled.ok) {
    process.stderr.write(compiled.said);
    process.exit(1);
  }
  // Debug information that only people read; BTF, which the kernel wants, stays. Without llvm-strip the object is larger, that is all.
  run('llvm-strip', ['-g', object]);
  if (!existsSync(object)) throw new Error(`${object} was not made`);
}

// Those of other sources must not be left there.
for (const [, object] of OBJECTS) rmSync(object, { force: true });
const fault = lacking();
if (fault !== undefined) {
  console.warn(
    `softvasic's kernel engine is not built: ${fault}. Remedy: install clang, llvm and libbpf-dev, then npm run build.`,
  );
} else for (const [source, object] of OBJECTS) compile(source, object);
