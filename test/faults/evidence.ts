/** What zebra, the kernel and the bridge show after a difference, for whoever looks into it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../../lab/lab';
import type { Stage } from './stage';

const COMMANDS: readonly (readonly string[])[] = [
  ...['show ip route', 'show ipv6 route', 'show nexthop-group rib', 'show fpm counters'].map((one) => [
    'vtysh',
    '-c',
    one,
  ]),
  ...['show ip route static json', 'show ipv6 route static json'].map((one) => ['vtysh', '-c', one]),
  ['vtysh', '-c', 'show running-config'],
  ...['link', 'address', 'neighbor'].map((what) => ['ip', what, 'show']),
  ['ip', 'nexthop', 'show'],
  ['fpm2afi', 'show', 'status'],
  ['fpm2afi', 'show', 'routes'],
  ['fpm2afi', 'show', 'nexthops'],
  ['fpm2afi', 'show', 'neighbors'],
];

/** Writes it beside the logs; returns the file. */
export async function writeEvidence(
  { logDir }: Lab,
  { router }: Stage,
  round: number,
  differences: readonly string[],
): Promise<string> {
  const file = join(logDir, `round-${round}.txt`);
  const parts = [differences.join('\n')];
  for (const argv of COMMANDS) {
    const { stdout, stderr } = await router.exec(argv);
    // A block of routes says nothing beyond its first ones.
    const lines = `${stdout}${stderr}`.split('\n').filter((line) => !/\b10\.1(0\d|20)\.(?!0\.)/.test(line));
    parts.push(`# ${argv.join(' ')}\n${lines.join('\n')}`);
  }
  writeFileSync(file, `${new Date().toISOString()}\n${parts.join('\n\n')}\n`);
  return file;
}
