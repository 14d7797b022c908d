/**
 * zebra on a kernel that has neither MPLS nor VRF devices: a library, preloaded into zebra alone, shows it one that has both
 * (kernel-view.c says what of it is true). An instrument of labs and tests, no part of the product. It is built for each router, into
 * FRR's folder of that router, and goes with it.
 *
 * What the kernel doesn't have, it doesn't do: packets with labels that reach Linux are dropped there, as in a Linux without
 * `net.mpls.conf.IF.input`, and what the router itself sends goes by plain IP.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { must } from '../exec';
import type { LinuxVrf } from './linux-vrfs';

const NAME = 'kernel-view.so';

/** The library's source, which is not compiled with the rest: from dist/lab/mpls, or beside this file. */
function sourceFile(): string {
  const places = [join(__dirname, '../../../lab/mpls'), __dirname].map((folder) => join(folder, 'kernel-view.c'));
  const found = places.find((file) => existsSync(file));
  if (found === undefined) throw new Error(`kernel-view.c is in none of ${places.join(', ')}`);
  return found;
}

/**
 * Builds the library into `folder`, seen from FRR's root folder `root`; returns what goes before zebra's command inside of that.
 * Throws where there is no clang.
 */
export async function mplsView(root: string, folder: string, vrfs: readonly LinuxVrf[]): Promise<readonly string[]> {
  const file = join(root, folder, NAME);
  await must(['clang', '-shared', '-fPIC', '-O2', '-Wall', '-Wextra', '-o', file, sourceFile()], { timeoutMs: 60_000 });
  const named = vrfs.map(({ name, table, taps }) => [name, table, ...taps].join(':'));
  return ['/usr/bin/env', `LD_PRELOAD=/${folder}/${NAME}`, `LAB_VRFS=${named.join(',')}`];
}
