/**
 * softvasic --keep-forwarding: the kernel goes on by the last tables while softvasic is away, and the next one's take their place once
 * they are complete. The topology is lab/hosts-topology.ts's.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEcho, startFlows } from '../../../lab/flows';
import { buildHostsTopology, hostAddress, type HostsTopology } from '../../../lab/hosts-topology';
import { labId, openLab, stopLab, type Lab } from '../../../lab/lab';
import type { LabNode } from '../../../lab/node';
import { logLines, logMark } from '../../../lab/process';
import { ping } from '../../../lab/traffic';
import { sleep, waitFor } from '../../../lab/wait';
import { portName } from '../../../lab/plan';

const ID = labId('keeping');
const ROUTES = 2000;
const FLOWS = 100;
const INTERVAL_MS = 100;
/** 50 ms of the flows' packets. */
const MOST_LOST = (50 * FLOWS) / INTERVAL_MS;
jest.setTimeout(180_000);

let lab: Lab | undefined;
let bpfFs: string;
let topology: HostsTopology;

function mount(...args: string[]): void {
  const { status, stderr } = spawnSync(args[0]!, args.slice(1), { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${args.join(' ')}: ${stderr}`);
}

beforeAll(async () => {
  bpfFs = mkdtempSync(join(tmpdir(), 'fpm2afi-bpf-'));
  mount('mount', '-t', 'bpf', 'bpf', bpfFs);
  lab = await openLab(ID);
  const prefixes = Array.from({ length: ROUTES }, (_, i) => `10.${100 + (i >> 8)}.${i & 255}.0/24`);
  topology = await buildHostsTopology(lab, {
    hosts: 2,
    flags: ['--keep-forwarding', '30', '--bpf-fs', bpfFs],
    config: prefixes.map((prefix) => `ip route ${prefix} ${hostAddress(1)}`),
  });
  const { hosts, bridge } = topology;
  expect(await ping(hosts[0]!, hostAddress(1), { count: 1, waitS: 5 })).toMatchObject({ received: 1 });
  await waitFor(async () => (await bridge.status()).fib.offloaded >= ROUTES, {
    timeoutMs: 60_000,
    what: 'all routes in the vASIC',
  });
  await startEcho(hosts[1]!, hostAddress(1));
  // A host looks for its gateway anew after a while, which nobody answers while softvasic is away: what it loses then isn't meant here.
  for (const [port, host] of hosts.entries()) await settleGateway(host, hostAddress(port, 1));
});

async function settleGateway(host: LabNode, gateway: string): Promise<void> {
  const [found] = JSON.parse(await host.must(['ip', '-json', 'neighbor', 'show', gateway])) as {
    dev: string;
    lladdr: string;
  }[];
  const { dev, lladdr } = found!;
  await host.must(['ip', 'neighbor', 'replace', gateway, 'lladdr', lladdr, 'dev', dev, 'nud', 'permanent']);
}

afterAll(async () => {
  await lab?.close();
  await stopLab(ID);
  mount('umount', bpfFs);
  rmSync(bpfFs, { recursive: true });
});

const left = (): string[] => readdirSync(join(bpfFs, 'softvasic'));

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'restarted after %s: what the flows lose is less than 50 ms',
  async (signal) => {
    const { hosts, softvasic, bridge } = topology;
    const running = await startFlows({
      ...{ node: hosts[0]!, source: hostAddress(0), target: hostAddress(1) },
      ...{ flows: FLOWS, intervalMs: INTERVAL_MS },
    });
    await sleep(1000);
    const mark = logMark(softvasic.logFile);
    await softvasic.process().kill(signal);
    await sleep(2000);
    expect(left()).toHaveLength(6);
    await softvasic.restart();
    await waitFor(() => logLines(softvasic.logFile, mark).some((line) => line.includes('forwards by the new tables')), {
      timeoutMs: 60_000,
      what: 'the new tables',
    });
    await sleep(1000);
    const { flows } = await running.stop();
    const lost = flows.reduce((sum, { gaps }) => sum + gaps.reduce((own, { packets }) => own + packets, 0), 0);
    const sent = flows.reduce((sum, flow) => sum + flow.sent, 0);
    process.stderr.write(`keep-forwarding.test: ${signal}: ${lost} of ${sent} packets lost\n`);
    expect(sent).toBeGreaterThan(FLOWS * 20);
    expect(lost).toBeLessThanOrEqual(MOST_LOST);
    expect((await bridge.status()).fib.offloaded).toBeGreaterThanOrEqual(ROUTES);
    // The new program it is that forwards: what it counts grows.
    const fast = async (): Promise<number> => (await bridge.ports())[0]!.engine?.fast ?? 0;
    const before = await fast();
    expect(await ping(hosts[0]!, hostAddress(1), { count: 3, waitS: 5 })).toMatchObject({ received: 3 });
    await waitFor(async () => (await fast()) > before, { timeoutMs: 10_000, what: 'the counters to tell' });
  },
);

test('--release takes off what was left, and gives the ports back to Linux', async () => {
  const { softvasic, hosts } = topology;
  const { node } = softvasic;
  await softvasic.process().kill('SIGTERM');
  expect(await ping(hosts[0]!, hostAddress(1), { count: 1, waitS: 2 })).toMatchObject({ received: 1 });
  const ports = [0, 1].flatMap((port) => ['--port', portName(port)]);
  await node.must(['softvasic', ...ports, '--bpf-fs', bpfFs, '--release']);
  expect(left()).toEqual([]);
  expect(await node.must(['tc', 'filter', 'show', 'dev', portName(0), 'ingress'])).toBe('');
  expect(await ping(hosts[0]!, hostAddress(1), { count: 1, waitS: 1 })).toMatchObject({ received: 0 });
});
