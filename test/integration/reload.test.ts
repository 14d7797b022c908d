/** Reloads of a running bridge: what can be had is, without touching anything else; the rest is refused, and nothing is done. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildHostsTopology, hostAddress, type HostsTopology } from '../../lab/hosts-topology';
import { labId, openLab, stopLab, type Lab } from '../../lab/lab';
import { logLines, logMark, waitForLine } from '../../lab/process';
import { ping } from '../../lab/traffic';
import { waitFor } from '../../lab/wait';

const ID = labId('reload');
jest.setTimeout(180_000);

let lab: Lab | undefined;
let topology: HostsTopology;
let file: string;
let original: string;

beforeAll(async () => {
  lab = await openLab(ID);
  topology = await buildHostsTopology(lab, { settings: ['fpm.sweep.idle=1s', 'fpm.sweep.minimum=3s'] });
  file = join(topology.router.dir, 'fpm2afi.yaml');
  original = readFileSync(file, 'utf8');
  await carries(0, 2);
  await carries(0, 1);
});

beforeEach(() => writeFileSync(file, original));

afterAll(async () => {
  await lab?.close();
  await stopLab(ID);
});

const reload = () => topology.router.exec(['fpm2afi', 'reload'], { timeoutMs: 60_000 });

/** Hosts behind two ports reach each other through the vASIC. */
async function carries(from: number, to: number): Promise<void> {
  await waitFor(
    async () => {
      const route = (await topology.bridge.routes()).find(({ prefix }) => prefix === `${hostAddress(to)}/32`);
      const answer = await ping(topology.hosts[from]!, hostAddress(to), { count: 1 });
      return answer.received === 1 && route?.state === 'offloaded';
    },
    { timeoutMs: 60_000, what: `host${from} to reach host${to} by the vASIC` },
  );
}

async function ifindexes(): Promise<ReadonlyMap<string, number>> {
  const shown = JSON.parse(await topology.router.must(['ip', '-j', 'link'])) as { ifname: string; ifindex: number }[];
  return new Map(shown.map(({ ifname, ifindex }) => [ifname, ifindex]));
}

test('a port is taken away and comes back; the others lose nothing', async () => {
  const before = await ifindexes();
  const { pid } = await topology.bridge.status();
  const pinging = topology.hosts[0]!.exec(['ping', '-n', '-q', '-i', '0.02', '-w', '12', hostAddress(2)], {
    timeoutMs: 60_000,
  });
  writeFileSync(file, original.replace(/^.*index: 1,.*\n/m, ''));
  expect(await reload()).toMatchObject({ status: 0, stdout: 'reloaded: ports\n' });
  expect((await topology.bridge.ports()).map(({ tap }) => tap)).toEqual(['tap0', 'tap2']);
  const less = await ifindexes();
  expect(less.has('tap1')).toBe(false);
  writeFileSync(file, original);
  expect(await reload()).toMatchObject({ status: 0, stdout: 'reloaded: ports\n' });
  const after = await ifindexes();
  for (const tap of ['tap0', 'tap2']) expect(after.get(tap)).toBe(before.get(tap));
  expect(after.has('tap1')).toBe(true);
  expect((await topology.bridge.status()).pid).toBe(pid);
  expect((await pinging).stdout).toMatch(/ 0% packet loss/);
  await carries(1, 2);
});

test('log, policers, metrics and static neighbors, at once and in place', async () => {
  const mac = '02:00:00:00:00:77';
  const changed = original.replace(
    /static: .*/,
    `static: [{ tap: tap2, address: ${hostAddress(2, 77)}, mac: '${mac}' }]`,
  );
  const punt = changed.replace(/^punt:\n/m, 'punt:\n  policers: { glean: 77 }\n');
  writeFileSync(file, `${punt}metrics: { listen: '127.0.0.1:9177' }\nlog: { level: debug }\n`);
  const { since } = (await topology.bridge.status()).fpm;
  expect(await reload()).toMatchObject({
    status: 0,
    stdout: 'reloaded: punt.policers.glean, neighbors.static, metrics.listen, log.level\n',
  });
  const { router } = topology;
  expect(await router.must(['fpm2afi', 'show', 'neighbors'])).toContain(mac);
  const scraped = 'fetch("http://127.0.0.1:9177/metrics").then((r) => r.text()).then((t) => console.log(t))';
  await waitFor(
    async () => /fpm2afi_punt_policer_limit.*"glean"\} 77\n/.test(await router.must([process.execPath, '-e', scraped])),
    { timeoutMs: 20_000, what: 'the metric of the policer' },
  );
  // The vASIC has it too: the audit compares its base graph with what is wanted now.
  await waitFor(async () => (await router.exec(['fpm2afi', 'audit'], { timeoutMs: 60_000 })).status === 0, {
    timeoutMs: 60_000,
    everyMs: 1000,
    what: 'an audit without differences',
  });
  expect((await topology.bridge.status()).fpm.since).toBe(since);
  writeFileSync(file, original);
  expect((await reload()).status).toBe(0);
  expect(await router.must(['fpm2afi', 'show', 'neighbors'])).not.toContain(mac);
  expect((await router.exec([process.execPath, '-e', scraped])).status).not.toBe(0);
});

test('who may be zebra: what Problems says to a refused user is enough', async () => {
  const { router, bridge } = topology;
  const knock = 'exec 3<>/dev/tcp/127.0.0.1/2620; sleep 1';
  const refused = async (): Promise<string> => {
    await router.exec(['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'bash', '-c', knock]);
    return router.must(['fpm2afi', 'show', 'status']);
  };
  const { since } = (await bridge.status()).fpm;
  expect(await refused()).toMatch(/is of user .*fpm\.allow\.users: \[\w+\], and "fpm2afi reload"/);
  writeFileSync(file, original.replace(/allow: \{ users: \[(\d+)\]/, 'allow: { users: [$1, 65534]'));
  expect(await reload()).toMatchObject({ status: 0, stdout: 'reloaded: fpm.allow.users\n' });
  // It may now, but zebra is there, and stays.
  expect(await refused()).toMatch(/are two zebras configured for this port/);
  expect((await bridge.status()).fpm.since).toBe(since);
  writeFileSync(file, original);
  expect((await reload()).status).toBe(0);
});

test('what needs a restart is refused with all keys named, and nothing else is done either', async () => {
  writeFileSync(file, `${original}log: { level: debug }\ntable: 100\n`.replace(/^.*index: 1,.*\n/m, ''));
  const before = await ifindexes();
  const { status, stderr } = await reload();
  expect(status).toBe(1);
  expect(stderr).toMatch(/the old configuration stays:\ntable can't be changed while fpm2afi runs: restart it/);
  expect(await ifindexes()).toEqual(before);
  expect((await topology.bridge.ports()).length).toBe(3);
});

test('a TAP that can not be had: the old ports stay', async () => {
  const { router, bridge } = topology;
  await router.must(['ip', 'link', 'add', 'br7', 'type', 'bridge']);
  writeFileSync(file, original.replace('tap: tap1', 'tap: br7'));
  const { status, stderr } = await reload();
  expect(status).toBe(1);
  expect(stderr).toMatch(/br7.*no plain TAP/);
  expect((await bridge.ports()).map(({ tap }) => tap)).toEqual(['tap0', 'tap1', 'tap2']);
  await carries(0, 2);
});

test('SIGHUP does the same, and a broken file changes nothing', async () => {
  const { bridge } = topology;
  const mark = logMark(bridge.logFile);
  writeFileSync(file, `${original}log: { level: loud }\n`);
  process.kill((await bridge.status()).pid, 'SIGHUP');
  expect(await waitForLine(bridge.logFile, /SIGHUP: .*not reloaded/, mark, 20_000)).toContain('log.level');
  writeFileSync(file, `${original}log: { format: json }\n`);
  process.kill((await bridge.status()).pid, 'SIGHUP');
  await waitForLine(bridge.logFile, /^\{.*the configuration is reloaded/, mark, 20_000);
  expect(logLines(bridge.logFile, mark).some((line) => line.includes('stopping'))).toBe(false);
});

test('SIGHUP during the start is heeded once it is over', async () => {
  const { bridge } = topology;
  await bridge.process().kill('SIGTERM');
  const mark = logMark(bridge.logFile);
  const restarted = bridge.restart();
  // It hears signals from its first line on.
  await waitFor(() => logLines(bridge.logFile, mark).length > 0, {
    timeoutMs: 20_000,
    what: 'its first line',
    everyMs: 5,
  });
  process.kill(bridge.process().pid, 'SIGHUP');
  await restarted;
  await waitForLine(bridge.logFile, /the configuration is reloaded/, mark, 20_000);
  const lines = logLines(bridge.logFile, mark);
  const at = (text: string): number => lines.findIndex((line) => line.includes(text));
  expect(at('bridge: running')).toBeGreaterThan(-1);
  expect(at('the configuration is reloaded')).toBeGreaterThan(at('bridge: running'));
});

test('debug lines of a component, without a restart, until they are not wanted any more', async () => {
  const { bridge, router } = topology;
  const debug = async (...args: string[]): Promise<string> => router.must(['fpm2afi', 'debug', ...args]);
  expect((await reload()).status).toBe(0);
  expect(await debug()).toMatch(/^kernel +off$/m);
  const mark = logMark(bridge.logFile);
  expect(await debug('kernel', 'on')).toMatch(/^kernel +on$/m);
  await router.must(['ip', 'link', 'set', 'tap2', 'mtu', '1400']);
  await waitForLine(bridge.logFile, /the kernel says.*tap2.*1400/, mark, 20_000);
  expect(await debug('kernel', 'off')).toMatch(/^kernel +off$/m);
  const { status, stderr } = await router.exec(['fpm2afi', 'debug', 'kernle', 'on']);
  expect([status, stderr]).toEqual([1, expect.stringMatching(/no component kernle has a log, but .*kernel/)]);
  expect((await router.exec(['fpm2afi', 'debug', 'kernel'])).status).toBe(2);
});
