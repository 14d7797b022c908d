/**
 * The lab itself: it builds what it says, FRR runs in it, and nothing of it remains, whichever way its program ends.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { createReporter, reportOf } from '../../demo/scenes/report';
import { classify } from '../../demo/scenes/dataplane';
import { startFrr } from '../../lab/frr';
import { at } from '../../lab/json';
import { labId, openLab, stopLab, defaultFrrRoot, type Lab } from '../../lab/lab';
import { ipCounter, link, linkCounters, type LabNode } from '../../lab/node';
import { buildPlainTopology } from '../../lab/plain-topology';
import { LabBusyError } from '../../lab/state';
import { remains } from '../../lab/sweep';
import { capture, iperf, ping } from '../../lab/traffic';
import { waitFor } from '../../lab/wait';

const ID = labId('labtest');
const left = () => remains(ID, defaultFrrRoot());
jest.setTimeout(90_000);

let lab: Lab | undefined;

async function open(): Promise<Lab> {
  lab = await openLab(ID);
  return lab;
}

afterEach(async () => {
  await lab?.close();
  lab = undefined;
  // A kept or killed lab of a failed test must not disturb the next one.
  await stopLab(ID);
});

async function pair(inside: Lab): Promise<readonly [LabNode, LabNode]> {
  const a = await inside.node('a');
  const b = await inside.node('b');
  await link(
    { node: a, ifname: 'veth', mac: '32:26:0a:2e:cc:f1', addresses: ['103.30.0.1/24'] },
    { node: b, ifname: 'veth', addresses: ['103.30.0.2/24'] },
  );
  return [a, b];
}

const ospf = (id: string, address: string) =>
  [
    ...['interface lo', ` ip address ${id}/32`],
    ...['interface veth', ` ip address ${address}/24`, ' ip ospf hello-interval 1', ' ip ospf dead-interval 4'],
    ' ip ospf network point-to-point',
    ...['router ospf', ` ospf router-id ${id}`, ` network ${id}/32 area 0`, ' network 103.30.0.0/24 area 0', ''],
  ].join('\n');

test('a link carries packets, and is gone with the lab', async () => {
  const here = await open();
  const [a, b] = await pair(here);
  const watched = await capture(b, 'veth', ['icmp']);
  const before = await linkCounters(b, 'veth');
  expect(await ping(a, '103.30.0.2')).toMatchObject({ sent: 3, received: 3 });
  expect((await linkCounters(b, 'veth')).rxPackets - before.rxPackets).toBeGreaterThanOrEqual(3);
  const lines = await watched.stop();
  expect(lines.filter((line) => line.includes('103.30.0.1 > 103.30.0.2: ICMP echo request'))).toHaveLength(3);
  expect(await a.must(['cat', '/sys/class/net/veth/address'])).toBe('32:26:0a:2e:cc:f1\n');
  expect(left()).not.toEqual([]);
  await here.close();
  expect(left()).toEqual([]);
});

test('a failing command says what it printed; one that hangs is killed', async () => {
  const node = await (await open()).node('a');
  await expect(node.must(['ip', 'link', 'show', 'dev', 'nothing'])).rejects.toThrow(/nothing.*does not exist/);
  expect(await node.exec(['sleep', '60'], { timeoutMs: 50 })).toMatchObject({ status: 137, timedOut: true });
});

test('plain Linux forwards between two nodes, and its counters show it', async () => {
  const { linux, hosts } = await buildPlainTopology(await open());
  const before = await ipCounter(linux, 'ForwDatagrams');
  const run = { client: hosts[1]!, clientAddress: '10.0.255.1', server: hosts[0]!, serverAddress: '10.0.255.0' };
  const result = await iperf({ ...run, seconds: 1 });
  expect(result.bytes).toBeGreaterThan(0);
  expect((await ipCounter(linux, 'ForwDatagrams')) - before).toBeGreaterThan(10);
  await expect(iperf({ ...run, serverAddress: '10.0.255.9', seconds: 1 })).rejects.toThrow();
});

test('two FRR routers find each other by OSPF, and come back after kill -9', async () => {
  const here = await open();
  const nodes = await pair(here);
  for (const node of nodes) await node.must(['ip', 'address', 'flush', 'dev', 'veth']);
  const [one, two] = await Promise.all(
    nodes.map((node, i) =>
      startFrr(here, node, { config: ospf(`10.0.255.${i + 1}`, `103.30.0.${i + 1}`), daemons: ['ospfd'] }),
    ),
  );
  const route = async () => at(await one!.json('show ip route ospf json'), '10.0.255.2/32', 0, 'installed') === true;
  await waitFor(route, { timeoutMs: 30_000, what: 'the OSPF route to the other loopback' });
  expect(await one!.vtysh('show ip route ospf')).toMatch(/O>\* 10\.0\.255\.2\/32 .*via 103\.30\.0\.2, veth/);
  expect(await ping(nodes[0], '10.0.255.2', { source: '10.0.255.1' })).toMatchObject({ received: 3 });

  expect(await two!.process('ospfd').kill('SIGKILL')).toEqual({ status: null, signal: 'SIGKILL' });
  await waitFor(async () => !(await route()), { timeoutMs: 30_000, what: 'the route to go with the dead neighbor' });
  await two!.restart('ospfd');
  await waitFor(route, { timeoutMs: 30_000, what: 'the route to return' });
  await here.close();
  expect(left()).toEqual([]);
});

/** A program of its own that builds a lab and stays; killed with `signal` once it says that it is ready. */
async function labThatDies(signal: NodeJS.Signals): Promise<number | null> {
  const lib = require.resolve('../../lab/lab');
  const frr = require.resolve('../../lab/frr');
  const script = `
    const { openLab } = require(${JSON.stringify(lib)});
    const { startFrr } = require(${JSON.stringify(frr)});
    (async () => {
      const lab = await openLab('${ID}');
      const node = await lab.node('a');
      await startFrr(lab, node, { config: '', daemons: [] });
      node.start('sleep', ['sleep', '600']);
      console.log('ready');
      setInterval(() => undefined, 1000);
    })();`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  for await (const line of createInterface(child.stdout)) if (line === 'ready') break;
  await expect(openLab(ID)).rejects.toThrow(LabBusyError);
  child.kill(signal);
  return ended;
}

test.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)('%s removes the lab', async (signal, status) => {
  expect(await labThatDies(signal)).toBe(status);
  expect(left()).toEqual([]);
});

test('an exception that nobody catches removes the lab', async () => {
  const lib = require.resolve('../../lab/lab');
  const script = `require(${JSON.stringify(lib)}).openLab('${ID}').then(async (lab) => {
    (await lab.node('a')).start('sleep', ['sleep', '600']);
    throw new Error('on purpose');
  });`;
  const child = spawn(process.execPath, ['-e', script], { stdio: 'ignore' });
  expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(1);
  expect(left()).toEqual([]);
});

test('after kill -9 the next run removes what was left', async () => {
  await labThatDies('SIGKILL');
  const remained = left();
  for (const kind of [/^namespace/, /^process .*zebra/, /^process .*sleep/, /^folder run\/frr/, /^file/]) {
    expect(remained).toContainEqual(expect.stringMatching(kind));
  }
  const here = await open();
  expect(left()).toEqual([
    expect.stringMatching(new RegExp(`^file .*/${ID}$`)),
    expect.stringMatching(new RegExp(`^file .*/${ID}\\.json$`)),
  ]);
  await here.close();
  expect(left()).toEqual([]);
});

test('a lab that is kept outlives its program, refuses a second one, and can be stopped', async () => {
  const here = await open();
  const node = await here.node('a');
  const kept = node.start('sleep', ['sleep', '600']);
  await here.keep();
  await expect(openLab(ID)).rejects.toThrow(/left running/);
  expect(kept.ended()).toBeUndefined();
  expect(await stopLab(ID)).toBe(true);
  await kept.end;
  expect(left()).toEqual([]);
  expect(await stopLab(ID)).toBe(false);
});

test('a capture is sorted into control protocols and data', () => {
  const kinds = classify([
    'ARP, Request who-has 103.30.0.1 tell 103.30.0.3, length 28',
    'IP 103.30.0.1 > 224.0.0.5: OSPFv2, Hello, length 48',
    'IP6 fe80::1 > ff02::2: ICMP6, router solicitation, length 16',
    'IP 103.30.0.1 > 10.0.255.1: ICMP time exceeded in-transit, length 92',
    'IP 10.0.255.1.40970 > 10.0.255.0.5201: Flags [P.], seq 1:20, ack 1, win 227, length 19',
    'IP 10.0.255.1.40970 > 10.0.255.0.5201: UDP, length 1400',
  ]);
  expect(Object.fromEntries(kinds)).toEqual({ ARP: 1, OSPF: 1, ICMPv6: 1, ICMP: 1, data: 2 });
});

test('a report is ok only when every check is, a look that throws is not, and no checks are no success', async () => {
  const report = createReporter(() => undefined);
  expect(reportOf(report.checks(), []).ok).toBe(false);
  let looks = 0;
  const look = () => ({ ok: ++looks === 3, observed: `look ${looks}` });
  expect(await report.expect({ name: 'third time', command: 'c', timeoutMs: 10_000, look })).toBe(true);
  expect(reportOf(report.checks(), ['figure'])).toMatchObject({
    ok: true,
    summary: '1 checks, all as expected; figure',
  });
  const broken = () => {
    throw new Error('no such thing');
  };
  expect(await report.expect({ name: 'broken', command: 'c', look: broken })).toBe(false);
  expect(reportOf(report.checks(), [])).toMatchObject({ ok: false, summary: '2 checks, 1 not as expected' });
  expect(report.checks().map((check) => check.observed)).toEqual(['look 3', 'no such thing']);
});
