/** Both programs log to a real syslog daemon, busybox's, which has a /dev of its own. The topology is that of lab/hosts-topology.ts. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildHostsTopology } from '../../lab/hosts-topology';
import { labId, openLab, stopLab, type Lab } from '../../lab/lab';
import { waitFor } from '../../lab/wait';

const ID = labId('syslog');
jest.setTimeout(120_000);

const folder = mkdtempSync(join(tmpdir(), 'fpm2afi-syslog-'));
const file = join(folder, 'messages');
let daemon: ChildProcess;
let lab: Lab | undefined;

beforeAll(async () => {
  const script = `mount -t tmpfs none /dev && exec busybox syslogd -n -O '${file}'`;
  daemon = spawn('unshare', ['--mount', 'sh', '-c', script], { stdio: 'inherit' });
  const socket = `/proc/${daemon.pid}/root/dev/log`;
  await waitFor(() => existsSync(socket), { timeoutMs: 10_000, what: `busybox syslogd to listen` });
  lab = await openLab(ID);
  await buildHostsTopology(lab, { hosts: 2, settings: [`log.syslog=${socket}`], flags: ['--syslog', socket] });
});

afterAll(async () => {
  await lab?.close();
  await stopLab(ID);
  daemon.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

test('severity, program, process and line of both are read', async () => {
  const lines = (): string[] => readFileSync(file, 'utf8').split('\n');
  const wanted = [
    / daemon\.info fpm2afi\[\d+\]: bridge: running /,
    / daemon\.info softvasic\[\d+\]: softvasic: .*ready/,
    / daemon\.info fpm2afi\[\d+\]: fpm: zebra connected /,
  ];
  const isThere = (): boolean => wanted.every((pattern) => lines().some((line) => pattern.test(line)));
  await waitFor(isThere, { timeoutMs: 20_000, what: 'the lines' }).catch(() => expect(lines()).toEqual(wanted));
});
