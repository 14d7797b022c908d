/**
 * softvasic as its unit starts it: a user of its own with four capabilities, and a BPF file system that only root may look into (systemd
 * mounts it with mode 0700), of which it gets one folder. The commands and the bind mount are the unit's own. Seccomp and the rest of
 * systemd's sandbox are not in here; they were tried by hand (docs/operation.md).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { labId, openLab, stopLab, type Lab } from '../../../lab/lab';
import { link, type LabNode } from '../../../lab/node';
import { distDir } from '../../../lab/programs';

const ID = labId('ownuser');
const USER = 64123;
const UNIT = readFileSync(join(__dirname, '../../../../packaging/softvasic.service'), 'utf8');
jest.setTimeout(120_000);

let lab: Lab;
let vasic: LabNode;

beforeAll(async () => {
  lab = await openLab(ID);
  vasic = await lab.node('vasic');
  for (const port of ['ge0', 'ge1']) await link({ node: vasic, ifname: port }, { node: vasic, ifname: `${port}far` });
});
afterAll(async () => {
  await lab.close();
  await stopLab(ID);
});

const value = (key: string): string => {
  const found = new RegExp(`^${key}=(.*)$`, 'm').exec(UNIT)?.[1];
  if (found === undefined) throw new Error(`softvasic.service has no ${key}`);
  return found;
};

/** What a shell does with /run, /sys/fs/bpf and the mounts of this test alone. `prepare`: as root, before softvasic is started. */
function script(prepare: string): string {
  const capabilities = value('AmbientCapabilities')
    .toLowerCase()
    .split(' ')
    .map((name) => `+${name.replace(/^cap_/, '')}`)
    .join(',');
  const options = value('ExecStart').replace('$SOFTVASIC_OPTIONS', '--port ge0 --port ge1 --keep-forwarding 30');
  const softvasic = options.replace(/^softvasic/, `${process.execPath} ${join(distDir(), 'src/vasic/main.js')}`);
  const as = `setpriv --reuid ${USER} --regid ${USER} --clear-groups --inh-caps=-all,${capabilities} --ambient-caps=-all,${capabilities} --bounding-set=-all,${capabilities} --no-new-privs`;
  return `
set -e
mount -t tmpfs tmpfs /run
mkdir -m 755 /run/softvasic /run/softvasic-state && chown ${USER}:${USER} /run/softvasic /run/softvasic-state
mount -t bpf -o mode=700 bpf /sys/fs/bpf
mknod -m 666 /run/tun c 10 200 && mount --bind /run/tun /dev/net/tun # as udev has it
${prepare}
begin() { ${as} ${softvasic} >/run/log 2>&1 & pid=$!; for i in $(seq 300); do grep -q ' ready' /run/log && return; sleep 0.1; done; cat /run/log; exit 1; }
begin
kill -KILL $pid; wait $pid || true
cat /run/log; echo "left: $(find /sys/fs/bpf/softvasic -mindepth 1 2>/dev/null | wc -l)"
begin
for i in $(seq 100); do grep -q 'left its tables' /run/log && break; [ "$1" = once ] && break; sleep 0.1; done
kill -TERM $pid; wait $pid || true
cat /run/log
`;
}

const start = (prepare: string, ...args: string[]): Promise<string> =>
  vasic.must(['bash', '-c', script(prepare), 'test', ...args], { timeoutMs: 100_000 });

test('with what the unit prepares: it forwards in the kernel, and what it leaves there outlives kill -9', async () => {
  const command = /^-\+\/bin\/sh -c '(.*)'$/.exec(value('ExecStartPre'))![1]!;
  const said = await start(
    `${command}
mkdir -p /run/softvasic-bpf/softvasic && mount --bind /sys/fs/bpf/softvasic /run/softvasic-bpf/softvasic`,
  );
  expect(said).toMatch(/the kernel forwards what it can/);
  expect(said).not.toMatch(/forwards nothing after the end|cannot have port/);
  expect(said).toContain('left: 6\n');
  expect(said).toMatch(/an earlier softvasic left its tables in the kernel/);
});

test.each([
  [
    'a folder that is not its own',
    'mkdir -m 755 /run/softvasic-bpf && mount -t bpf -o mode=755 bpf /run/softvasic-bpf',
    /uid 64123 may not write in \/run\/softvasic-bpf.*mkdir -m 700/,
  ],
  ['no BPF file system', 'mkdir -m 777 /run/softvasic-bpf', /\/run\/softvasic-bpf is no BPF file system: mount -t bpf/],
  ['nothing there', 'true', /there is no \/run\/softvasic-bpf: .*mount -t bpf/],
])('%s: it forwards in the kernel, and says why not beyond its end', async (_what, prepare, why) => {
  const said = await start(prepare, 'once');
  expect(said).toMatch(/the kernel forwards what it can/);
  expect(said).toMatch(/the kernel forwards nothing after the end of softvasic/);
  expect(said).toMatch(why);
  expect(said).toContain('left: 0\n');
});
