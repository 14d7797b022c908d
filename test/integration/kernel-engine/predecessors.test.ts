/**
 * What a softvasic with --keep-forwarding left, and the next one with other options: each packet is forwarded once, by the next one.
 * The router is examples/aft's, by hand: host i is 10.7(i+1).0.2 behind port gei.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { labId, openLab, stopLab, type Lab } from '../../../lab/lab';
import { link, type LabNode } from '../../../lab/node';
import { logLines, logMark, waitForLine, type Proc } from '../../../lab/process';
import { distDir } from '../../../lab/programs';
import { sleep } from '../../../lab/wait';

const ID = labId('predecessor');
const ROUTER = join(__dirname, '../../../../examples/aft/router.aft');
const SOFTVASIC = [process.execPath, join(distDir(), 'src/vasic/main.js')];
const PORTS = ['--port', 'ge0', '--port', 'ge1'];
const START_MS = 60_000;
jest.setTimeout(180_000);

let lab: Lab;
let vasic: LabNode;
let host: LabNode;
let folders: readonly string[];
let running: Proc | undefined;
let mark = 0;

beforeAll(async () => {
  folders = [0, 1].map(() => mkdtempSync(join(tmpdir(), 'fpm2afi-bpf-')));
  for (const folder of folders) execFileSync('mount', ['-t', 'bpf', 'bpf', folder]);
  lab = await openLab(ID);
  vasic = await lab.node('vasic');
  for (const [i, name] of ['a', 'b'].entries()) {
    const node = await lab.node(name);
    const mac = `02:00:00:00:0${name}:01`;
    await link(
      { node: vasic, ifname: `ge${i}`, mac },
      { node, ifname: 'eth0', mac: `02:00:00:00:0${name}:02`, addresses: [`10.7${i + 1}.0.2/24`] },
    );
    await node.must(['ip', 'neighbor', 'add', `10.7${i + 1}.0.1`, 'lladdr', mac, 'dev', 'eth0', 'nud', 'permanent']);
    await node.must(['ip', 'route', 'add', 'default', 'via', `10.7${i + 1}.0.1`]);
    if (i === 0) host = node;
  }
});
afterEach(async () => {
  await running?.kill('SIGKILL');
  running = undefined;
  for (const bpfFs of folders) await vasic.must([...SOFTVASIC, ...PORTS, '--bpf-fs', bpfFs, '--release']);
});
afterAll(async () => {
  await lab.close();
  await stopLab(ID);
  for (const folder of folders) {
    execFileSync('umount', [folder]);
    rmSync(folder, { recursive: true });
  }
});

const socket = (): string => join(vasic.dir, 'afi.sock');
const aft = (...words: string[]): Promise<string> =>
  vasic.must([process.execPath, join(distDir(), 'src/shell/main.js'), 'aft', '--server', `unix:${socket()}`, ...words]);
const log = (): string => logLines(vasic.logFile('softvasic'), mark).join('\n');
const said = (pattern: RegExp): Promise<string> => waitForLine(vasic.logFile('softvasic'), pattern, mark, START_MS);
const left = (folder = 0): readonly string[] => readdirSync(join(folders[folder]!, 'softvasic'));
const pings = async (count = 3): Promise<string> =>
  (await host.exec(['ping', '-n', '-c', String(count), '-i', '0.2', '-W', '1', '10.72.0.2'])).stdout;

/** Starts one, in place of the one before; `through`: a command that starts it. */
async function start(flags: readonly string[], through: readonly string[] = [], ports = PORTS): Promise<void> {
  mark = logMark(vasic.logFile('softvasic'));
  rmSync(socket(), { force: true });
  running = vasic.start('softvasic', [...through, ...SOFTVASIC, ...ports, '--listen', `unix:${socket()}`, ...flags]);
  await said(/ready: AFI|code=stopped/);
  expect(log()).toContain('ready: AFI');
}

const keeping = (seconds: number, folder = 0): readonly string[] => [
  ...['--keep-forwarding', String(seconds), '--bpf-fs', folders[folder]!],
];

/** One that forwards, killed: what it left forwards. */
async function leave(flags: readonly string[]): Promise<void> {
  await start(flags);
  await aft('run', ROUTER);
  await running!.kill('SIGKILL');
  expect(await pings()).toContain(' 3 received');
}

const WITHOUT_BPF = ['setpriv', '--bounding-set=-bpf,-perfmon,-sys_admin'];
const WITHOUT_TUN = ['unshare', '-m', 'sh', '-c', 'mount --bind /dev/null /dev/net/tun && exec "$@"', 'sh'];

test.each([
  ['--engine engine', ['--engine', 'engine'], [], /the TypeScript engine forwards \(--engine engine\)/],
  ['--engine auto without rights on BPF', [], WITHOUT_BPF, /vasic-no-kernel-engine/],
  ['--engine auto without TAPs', [], WITHOUT_TUN, /vasic-port-slow/],
] as const)('%s: the TypeScript engine alone forwards, and nothing stays behind', async (_, flags, through, why) => {
  await leave(keeping(60));
  expect(left()).toHaveLength(6);
  await start([...keeping(60), ...flags], through);
  expect(log()).toMatch(why);
  expect(left()).toEqual([]);
  // Until it is programmed nobody forwards.
  expect(await pings(2)).toContain(' 0 received');
  await aft('run', ROUTER);
  const answer = await pings();
  expect(answer).toContain(' 3 received');
  expect(answer).not.toContain('duplicates');
  expect(log()).not.toContain('vasic-predecessor');
});

test.each([
  ['tc', []],
  ['xdp', ['--port-mode', 'ge0=xdp', '--port-mode', 'ge1=xdp']],
] as const)('%s: what another --bpf-fs has names for is seen and taken off', async (_, modes) => {
  await start([...keeping(60, 1), ...modes]);
  await running!.kill('SIGKILL');
  expect(left(1)).toHaveLength(6);
  await start(['--bpf-fs', folders[0]!, ...modes]);
  expect(log()).toMatch(/port ge0: the program of an earlier softvasic with another --bpf-fs was taken off/);
  expect(log()).not.toMatch(/ warn .*(?<!vasic-port-loses)$/m);
  await aft('run', ROUTER);
  if (modes.length === 0) expect(await pings()).toContain(' 3 received');
});

test('one that may not look at a program in front of its own says so', async () => {
  await start(keeping(60, 1));
  await running!.kill('SIGKILL');
  await start(['--bpf-fs', folders[0]!], WITHOUT_BPF);
  expect(log()).toMatch(
    /port ge0: program \d+ hangs there \(tcx\).*--port ge0 --release takes it off code=vasic-predecessor/,
  );
});

test('trace says that the earlier tables decide while they do, and the next one without a port ends them there', async () => {
  await start(keeping(60));
  await aft('run', ROUTER);
  // With fewer entries the next one waits for more.
  await aft('insert', ...Array.from({ length: 40 }, (_, i) => `entry routes 10.99.${i}.0/24 -> viaB`));
  await sleep(2500);
  await running!.kill('SIGKILL');
  await start(keeping(60), [], PORTS.slice(0, 2));
  await aft('insert', 'node 2000 discard name=drop', 'bind ge0 -> drop');
  expect(await aft('test', 'ge0', 'src=10.71.0.2', 'dst=10.72.0.2')).toContain('(earlierTables)');
  expect(await pings()).toContain(' 3 received');
  expect(left()).toHaveLength(6);
  await said(/the kernel forwards by the new tables/);
  expect(await aft('test', 'ge0', 'src=10.71.0.2', 'dst=10.72.0.2')).toContain('\nthe kernel forwards it');
  expect(left()).toHaveLength(3);
});

test('a table that has ended is not begun anew by the next one', async () => {
  await leave(keeping(1));
  await sleep(4000);
  expect(await pings(1)).toContain(' 0 received');
  await start(keeping(60));
  expect(log()).toContain('port ge0: the program of an earlier softvasic was taken off');
  expect(await pings(2)).toContain(' 0 received');
  await aft('run', ROUTER);
  expect(await pings()).toContain(' 3 received');
});
