/**
 * Commands of the documents that this machine can't run in a stage of its own: they install packages, start systemd's units, or need what isn't here. Each
 * names what runs it, or the like of it, which has to be there.
 */
export interface Elsewhere {
  readonly command: RegExp;
  /** A target of the Makefile, or a file of the repository. */
  readonly by: string;
}

export const ELSEWHERE: readonly Elsewhere[] = [
  { command: /^(KEEP=1 )?make [\w-]+( [A-Z]+=\S*)?$/, by: 'Makefile' },
  { command: /^apt install /, by: 'scripts/test-deb.sh' },
  { command: /^(cp|install|editor|echo) .*\/etc\/(fpm2afi|default|systemd)/, by: 'scripts/test-deb.sh' },
  { command: /^install -D? ?-m \d+ (packaging\/|fpm2afi\.example)/, by: 'scripts/test-deb.sh' },
  { command: /^systemctl /, by: 'scripts/test-deb.sh' },
  // On this machine it would stay.
  { command: /^useradd /, by: 'packaging/deb/fpm2afi.postinst' },
  { command: /^fpm2afi check-config \/etc\//, by: 'scripts/test-deb.sh' },
  { command: /^journalctl /, by: 'test/unit/observe/log-codes.test.ts' },
  { command: /^npm (ci|pack|install)\b/, by: 'test/slow/package.test.ts' },
  { command: /^npm run api-docs/, by: 'package.json' },
  // Graphviz is large.
  { command: /^fpm2afi graph \| dot/, by: 'test/unit/control/graph.test.ts' },
  { command: /^podman /, by: 'test/unit/packaging' },
  { command: /^softvasic --port … .*--tls-cert/, by: 'test/unit/afi/transport-tls.test.ts' },
  { command: /^softvasic aft/, by: 'test/unit/shell' },
  { command: /^zebra_options=/, by: 'lab/frr.ts' },
];
