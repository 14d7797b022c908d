/**
 * The systemd units: systemd itself finds nothing wrong with them and rates their exposure as docs/operation.md says, and they
 * fit together. Where systemd-analyze isn't installed its part is left out, but not in CI.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '../../../src/config/load';
import { STATE_DIR } from '../../../src/vasic/io/isolation-memory';
import { parseOptions } from '../../../src/vasic/options';

const ROOT = join(__dirname, '../../../..');
const UNITS = ['fpm2afi-punt.service', 'fpm2afi.service', 'softvasic.service'] as const;
const text = (unit: string): string => readFileSync(join(ROOT, 'packaging', unit), 'utf8');
/** The values of a key, all its lines together. */
const values = (unit: string, key: string): string[] =>
  [...text(unit).matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].flatMap(([, words]) => words!.split(/\s+/));

const installed = spawnSync('systemd-analyze', ['--version']).status === 0;
if (!installed && process.env.CI === 'true') throw new Error('systemd-analyze is needed: install the package systemd');

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'fpm2afi-units-'));
  // The programs aren't installed here, and systemd looks for them.
  for (const unit of UNITS) {
    writeFileSync(join(dir, unit), text(unit).replace(/^(Exec\w+=)\S+/gm, `$1${process.execPath}`));
  }
});
afterAll(() => rmSync(dir, { recursive: true }));

(installed ? test : test.skip)('systemd finds nothing wrong with them', () => {
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', ...UNITS.map((unit) => join(dir, unit))], {
    encoding: 'utf8',
  });
  // Of a unit of the machine itself it may complain too.
  expect(stderr.split('\n').filter((line) => UNITS.some((unit) => line.includes(unit)))).toEqual([]);
  expect(status).toBe(0);
});

(installed ? test : test.skip)('their exposure is what the documentation says', () => {
  const documented = readFileSync(join(ROOT, 'docs/operation.md'), 'utf8');
  for (const unit of UNITS) {
    const { stdout } = spawnSync('systemd-analyze', ['security', '--offline=true', '--no-pager', join(dir, unit)], {
      encoding: 'utf8',
    });
    const score = Number(/exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1]);
    const limit = Number(new RegExp(`\\| \`${unit}\` \\|.*\\| ([\\d.]+) \\|`).exec(documented)?.[1]);
    expect(limit).toBeGreaterThan(0);
    expect(score).toBeLessThanOrEqual(limit);
    expect(limit).toBeLessThan(2);
  }
});

test('the TAPs are there before the bridge, and both before FRR', () => {
  expect(values('fpm2afi-punt.service', 'Before')).toEqual(expect.arrayContaining(['fpm2afi.service', 'frr.service']));
  expect(values('fpm2afi.service', 'Before')).toContain('frr.service');
  expect(values('fpm2afi.service', 'After')).toContain('fpm2afi-punt.service');
  // Before and after mean "when it has said that it is ready" for this type.
  for (const unit of UNITS) expect(values(unit, 'Type')).toEqual(['notify']);
});

test('softvasic may forward in the kernel, and the bridge may connect to it', () => {
  const unit = 'softvasic.service';
  for (const key of ['AmbientCapabilities', 'CapabilityBoundingSet']) {
    expect(values(unit, key).sort()).toEqual(['CAP_BPF', 'CAP_NET_ADMIN', 'CAP_NET_RAW', 'CAP_PERFMON']);
  }
  expect(values(unit, 'SystemCallFilter')).toContain('bpf');
  expect(text(unit)).toMatch(/^BindPaths=\/dev\/net\/tun\nDeviceAllow=\/dev\/net\/tun rw$/m);
  // The sysctls of its ports, and what they were before; no others.
  expect(values(unit, 'ReadWritePaths')).toEqual(['/proc/sys/net', `-${STATE_DIR}`]);
  expect(text(unit)).toContain(`mkdir -p -m 700 ${STATE_DIR} `);
  expect(values(unit, 'Group')).toEqual(values('fpm2afi.service', 'User'));
  // Where both look for the socket; a folder that is kept would be hidden in /run/private.
  expect(values(unit, 'RuntimeDirectory')).toEqual(['softvasic']);
  expect(values(unit, 'RuntimeDirectoryPreserve')).toEqual([]);
  const { afi } = parseConfig('ports: [{ index: 0, tap: tap0 }]', 'f.yaml');
  expect(afi.server).toEqual({ path: '/run/softvasic/afi.sock' });
  expect(parseOptions(['--port', 'ge0'])!.listen).toEqual(afi.server);
});

test('the thread that forwards gets its priority from outside, and the service may not take any', () => {
  const unit = 'softvasic.service';
  expect(values(unit, 'RestrictRealtime')).toEqual(['yes']);
  expect(values(unit, 'LimitRTPRIO')).toEqual([]);
  expect(values(unit, 'SystemCallFilter')).not.toContain('sched_setscheduler');
  // As root, and where it is refused, the service starts nevertheless.
  const line = text(unit).match(
    /^ExecStartPost=-\+\/bin\/sh -c '.* grep -lx (\S+) .* chrt --reset-on-fork --rr -p 1'$/m,
  );
  const thread = readFileSync(join(ROOT, 'src/vasic/server/dataplane-worker.ts'), 'utf8');
  expect(thread).toContain(`nameThread('${line?.[1]}')`);
});

test('of IP softvasic has this machine only, unless the operator says more', () => {
  expect(values('softvasic.service', 'IPAddressDeny')).toEqual(['any']);
  expect(values('softvasic.service', 'IPAddressAllow')).toEqual(['localhost']);
});

test('the bridge leaves the punt process to its unit, and reaches its socket', () => {
  expect(text('fpm2afi.service')).toContain('--set punt.mode=external');
  for (const key of ['User', 'DynamicUser', 'RuntimeDirectory', 'RuntimeDirectoryPreserve']) {
    expect(values('fpm2afi.service', key)).toEqual(values('fpm2afi-punt.service', key));
  }
  expect(values('fpm2afi.service', 'RuntimeDirectoryPreserve')).toEqual(['yes']);
  // With DynamicUser= a folder that is preserved is in /run/private, where the operators' group doesn't get.
  expect(values('fpm2afi.service', 'DynamicUser')).toEqual([]);
});
