/**
 * What is reported to zebra follows what the vASIC has, both ways: entries refused for want of room and taken when there is some, neighbors
 * that go and come; and Prometheus is told what `show` tells. The topology is that of lab/hosts-topology.ts.
 */
import { readFileSync } from 'node:fs';
import { buildHostsTopology, hostAddress, type HostsTopology } from '../../lab/hosts-topology';
import { at, entries } from '../../lab/json';
import { labId, openLab, stopLab, type Lab } from '../../lab/lab';
import { tapName, vrouterMac } from '../../lab/plan';
import { waitFor } from '../../lab/wait';
import { LISTS, type PortView, type PuntReasonView } from '../../src/control/types';
import { faultsOf, type AnswerName } from '../schemas';
import type { StatusView } from '../../src/control/status-types';
import type { TopView } from '../../src/control/top-model';
import { parseExposition, valueOf } from '../unit/metrics/exposition';

const ID = labId('status');
const ROUTES = Array.from({ length: 30 }, (_, i) => `10.100.${i}.0/24`);
/** Enough for what the router needs itself, and for some of the routes. */
const MAX_ENTRIES = 40;
const LOSABLE = '10.101.0.0/16';
/** By host0, which has another MAC in truth. */
const CONFIGURED = '10.102.0.0/16';
const CONFIGURED_MAC = '02:00:00:00:00:77';
const METRICS = '127.0.0.1:12620';
jest.setTimeout(120_000);

let lab: Lab | undefined;
let topology: HostsTopology;

beforeAll(async () => {
  lab = await openLab(ID);
  topology = await buildHostsTopology(lab, {
    maxEntries: MAX_ENTRIES,
    settings: [`metrics.listen=${METRICS}`],
    config: [`ip route ${LOSABLE} ${hostAddress(2)}`, `ip route ${CONFIGURED} ${hostAddress(0)}`],
    neighbors: [{ tap: tapName(0), address: hostAddress(0), mac: CONFIGURED_MAC }],
  });
});

afterAll(async () => {
  await lab?.close();
  await stopLab(ID);
});

/** The static routes in vtysh: prefix → code letters, as `S>*`. */
async function codes(): Promise<ReadonlyMap<string, string>> {
  const shown = await topology.frr.vtysh('show ip route static');
  return new Map(
    shown.split('\n').flatMap((line) => {
      const found = /^(S\S*) +(?:\S )?(\d\S+\/\d+) /.exec(line);
      return found === null ? [] : [[found[2]!, found[1]!] as const];
    }),
  );
}

const until = (what: string, look: () => Promise<boolean>, timeoutMs = 30_000): Promise<boolean> =>
  waitFor(look, { timeoutMs, what });

const codeIs = (prefix: string, code: string): Promise<boolean> =>
  until(`${prefix} to be ${code}`, async () => (await codes()).get(prefix) === code);

async function change(lines: readonly string[]): Promise<void> {
  await topology.frr.vtysh(['configure terminal', ...lines, 'end'].join('\n'));
}

const inState = async (state: string): Promise<string[]> =>
  (await topology.bridge.routes())
    .filter((route) => ROUTES.includes(route.prefix) && route.state === state)
    .map(({ prefix }) => prefix);

test('refused for want of room: o; taken when entries are freed: *', async () => {
  await codeIs(LOSABLE, 'S>*');
  await change(ROUTES.map((prefix) => `ip route ${prefix} ${hostAddress(1)}`));
  await until('every route to be offloaded or refused', async () => {
    const shown = [...(await codes())].filter(([prefix]) => ROUTES.includes(prefix));
    return shown.length === ROUTES.length && shown.every(([, code]) => code === 'S>*' || code === 'S>o');
  });
  const refused = await inState('failed');
  const taken = await inState('offloaded');
  expect(refused.length).toBeGreaterThan(0);
  expect(taken.length).toBeGreaterThan(0);
  expect(refused.length + taken.length).toBe(ROUTES.length);
  const shown = await codes();
  for (const prefix of refused) expect([prefix, shown.get(prefix)]).toEqual([prefix, 'S>o']);
  const json = await topology.frr.json('show ip route static json');
  const zebra = new Map(entries(json).map(([prefix, routes]) => [prefix, at(routes, 0, 'offloaded')]));
  for (const prefix of refused) expect([prefix, zebra.get(prefix)]).toEqual([prefix, false]);

  // Room for some of them, then for all.
  const freed = taken.slice(0, 2);
  await change(freed.map((prefix) => `no ip route ${prefix} ${hostAddress(1)}`));
  // Well before the minute after which they would be tried anyhow.
  await until(
    'two more routes to be offloaded',
    async () => (await inState('failed')).length === refused.length - 2,
    20_000,
  );
  const rest = taken.slice(2);
  await change(rest.map((prefix) => `no ip route ${prefix} ${hostAddress(1)}`));
  await until('all others to be offloaded', async () => (await inState('offloaded')).length === refused.length, 20_000);
  for (const prefix of refused) await codeIs(prefix, 'S>*');
});

test('a neighbor lost for a moment leaves no trace; lost for long: t, and offloaded when it is back', async () => {
  const { router, hosts, frr, bridge } = topology;
  const told = async (): Promise<unknown[]> => {
    const json = await frr.json(`show ip route ${LOSABLE} json`);
    return [at(json, LOSABLE, 0, 'offloaded'), at(json, LOSABLE, 0, 'trapped')];
  };
  const state = async (): Promise<string | undefined> =>
    (await bridge.routes()).find((route) => route.prefix === LOSABLE)?.state;
  await codeIs(LOSABLE, 'S>*');
  await router.must(['ip', 'neigh', 'del', hostAddress(2), 'dev', tapName(2)]);
  await until('the neighbor to be found again', async () => (await state()) === 'offloaded');
  expect(await told()).toEqual([true, undefined]);

  await hosts[2]!.must(['ip', 'link', 'set', 'veth', 'arp', 'off']);
  await router.must(['ip', 'neigh', 'del', hostAddress(2), 'dev', tapName(2)]);
  await until('the route to be unresolved', async () => (await state()) === 'unresolved');
  await codeIs(LOSABLE, 'S>t');

  await hosts[2]!.must(['ip', 'link', 'set', 'veth', 'arp', 'on']);
  await until('the route to be offloaded', async () => (await state()) === 'offloaded', 60_000);
  // zebra never takes the trap flag back; the other one tells.
  expect(await told()).toEqual([true, true]);
});

test('a neighbor of the configuration goes before what the kernel says, and is not asked for', async () => {
  const { router, bridge } = topology;
  expect((await router.must(['ping', '-c', '1', '-W', '5', hostAddress(0)])).includes(' 1 received')).toBe(true);
  expect(await router.must(['ip', 'neigh', 'show', hostAddress(0)])).toContain(`lladdr ${vrouterMac(0)} `);
  await codeIs(CONFIGURED, 'S>*');
  const route = (await bridge.routes()).find(({ prefix }) => prefix === CONFIGURED);
  expect(route?.nexthops.map(({ mac }) => mac)).toEqual([CONFIGURED_MAC]);
  const text = await router.must(['fpm2afi', 'why', CONFIGURED]);
  expect(text).toMatch(new RegExp(`neighbor permanent \\(static\\), ${CONFIGURED_MAC}\n`));
});

describe('--json of every command is as its schema says', () => {
  const gateway = hostAddress(1);
  const commands: [AnswerName, ...string[]][] = [
    ...(['status', ...LISTS] as const).map((name): [AnswerName, ...string[]] => [name, 'show', name]),
    ['routes', 'show', 'routes', '--all'],
    ['summary', 'show', 'routes', 'summary'],
    ['why', 'why', LOSABLE],
    ['why', 'why', '100'],
    ['trace', 'trace', gateway, LOSABLE.replace('/16', '')],
    ['graph', 'graph'],
    ['audit', 'audit'],
    ['debug', 'debug'],
  ];
  test.each(commands)('%s: %s %s %s', async (name, ...words) => {
    // An audit may find what other tests have done, and tell by its exit code.
    const { stdout } = await topology.router.exec(['fpm2afi', ...words, '--json']);
    expect(faultsOf(name, JSON.parse(stdout))).toEqual([]);
  });

  test.each(LISTS)('%s --jsonl', async (list) => {
    const lines = (await topology.router.must(['fpm2afi', 'show', list, '--jsonl']))
      .split('\n')
      .filter((line) => line !== '');
    expect(lines.flatMap((line) => faultsOf(list, JSON.parse(line), { stream: true }))).toEqual([]);
  });

  test('monitor: a route, its nexthop and its neighbor, as they come and go', async () => {
    const { router } = topology;
    const watching = router.start('monitor', [
      'fpm2afi',
      'monitor',
      '--json',
      'routes',
      'nexthops',
      'neighbors',
      'sessions',
    ]);
    const told = (): string[] => readFileSync(watching.logFile, 'utf8').split('\n').slice(0, -1);
    // The first of these may come before the watcher does.
    await until('the route to be told of', async () => {
      await change([`ip route 10.103.0.0/16 ${gateway}`]);
      await change([`no ip route 10.103.0.0/16 ${gateway}`]);
      return ['"set"', '"gone"'].every((word) =>
        told().some((line) => line.includes('10.103.0.0/16') && line.includes(word)),
      );
    });
    expect(told().flatMap((line) => faultsOf('monitor', JSON.parse(line)))).toEqual([]);
    await watching.kill('SIGTERM');
  });
});

test('Prometheus is told the numbers of show status, show ports and show punt', async () => {
  const { router, bridge } = topology;
  const get = `fetch('http://${METRICS}/metrics').then((answer) => answer.text()).then((text) => process.stdout.write(text))`;
  const shown = async (): Promise<{ status: StatusView; ports: readonly PortView[]; punt: PuntReasonView[] }> => ({
    status: await bridge.status(),
    ports: await bridge.ports(),
    punt: JSON.parse(await router.must(['fpm2afi', 'show', 'punt', '--json'])) as PuntReasonView[],
  });
  await router.must(['ping', '-c', '3', '-i', '0.2', hostAddress(2)]);
  const before = await shown();
  const metrics = parseExposition(await router.must([process.execPath, '-e', get]));
  const after = await shown();

  /** Numbers may move between two looks; what Prometheus was told is of the moment between. */
  const check = (
    name: string,
    read: (from: typeof before) => number | undefined,
    labels: Readonly<Record<string, string>> = {},
  ): void => {
    const value = valueOf(metrics, `fpm2afi_${name}`, labels);
    const limits = [read(before), read(after)].map((limit) => limit ?? NaN);
    expect([name, labels, value, ...limits].every((item) => item !== undefined && !Number.isNaN(item))).toBe(true);
    const within = value! >= Math.min(...limits) && value! <= Math.max(...limits);
    expect([name, labels, value, limits, within]).toEqual([name, labels, value, limits, true]);
  };
  check('build_info', () => 1, { version: before.status.version });
  check('uptime_seconds', ({ status }) => status.uptimeSeconds);
  check('problems', ({ status }) => status.problems.length);
  check('fpm_connected', () => 1);
  check('afi_up', () => 1);
  for (const what of ['frames', 'messages', 'updates', 'malformed', 'skipped', 'statuses'] as const) {
    check(`fpm_${what}_total`, ({ status }) => status.fpm[what]);
  }
  check('afi_operations_total', ({ status }) => status.afi.opsSent);
  check('afi_operations_failed_total', ({ status }) => status.afi.opsFailed);
  check('afi_operations_retried_total', ({ status }) => status.afi.opsRetried);
  check('afi_entries', ({ status }) => status.afi.entries);
  for (const state of ['offloaded', 'trapped', 'failed', 'unresolved', 'pending'] as const) {
    check('fib_routes', ({ status }) => status.fib[state], { state });
  }
  check('fib_family_routes', ({ status }) => status.fib.ipv4, { family: 'ipv4' });
  check('fib_nexthops', ({ status }) => status.fib.nexthops);
  check('fib_neighbors', ({ status }) => status.fib.neighbors);
  check('punt_dropped_packets_total', ({ status }) => status.punt.drops);
  expect(before.status.latency.count).toBeGreaterThan(0);
  const latency = metrics.get('fpm2afi_route_change_duration_seconds')!.samples;
  expect(latency.find(({ labels }) => labels['le'] === '+Inf')?.value).toBe(before.status.latency.count);

  for (const [i, { index, tap }] of before.ports.entries()) {
    const labels = { port: String(index), tap };
    check('port_tap_up', ({ ports }) => Number(ports[i]!.tapState === 'up'), labels);
    check('port_vasic_up', ({ ports }) => Number(ports[i]!.vasicState === 'up'), labels);
    check('port_receive_packets_total', ({ ports }) => ports[i]!.input!.packets, labels);
    check('port_receive_bytes_total', ({ ports }) => ports[i]!.input!.bytes, labels);
    check('port_transmit_packets_total', ({ ports }) => ports[i]!.output!.packets, labels);
    check('port_punted_packets_total', ({ ports }) => ports[i]!.punt.punted, labels);
    check('port_injected_packets_total', ({ ports }) => ports[i]!.punt.injected, labels);
  }
  expect(before.ports[2]!.punt.punted).toBeGreaterThan(0);
  for (const [i, { reason }] of before.punt.entries()) {
    check('punt_policer_passed_packets_total', ({ punt }) => punt[i]!.passed, { reason });
    check('punt_policer_dropped_packets_total', ({ punt }) => punt[i]!.dropped, { reason });
    check('punt_delivered_packets_total', ({ punt }) => punt[i]!.delivered, { reason });
  }
});

test('top: screens with the traffic that there is, and the same as JSON', async () => {
  const { router, bridge } = topology;
  const host = hostAddress(2);
  const pinging = router.start('ping', ['ping', '-q', '-i', '0.05', host]);
  const [text, json] = await Promise.all([
    router.must(['fpm2afi', 'top', '--batch', '2', '--interval', '0.5']),
    router.must(['fpm2afi', 'top', '--batch', '2', '--interval', '0.5', '--json']),
  ]);
  await pinging.kill('SIGTERM');
  const { pid, fib } = await bridge.status();
  expect(text.match(new RegExp(`^fpm2afi .*, pid ${pid}, up `, 'gm'))).toHaveLength(2);
  expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
  expect(text).toMatch(new RegExp(`^ +2  ${tapName(2)}  up +[1-9]`, 'm'));
  expect(text).toMatch(/^Routes {2}/m);

  const views = json
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as TopView);
  expect(views.map(({ status }) => [status.pid, status.fib.routes])).toEqual([
    [pid, fib.routes],
    [pid, fib.routes],
  ]);
  expect(views.flatMap((view) => faultsOf('top', view))).toEqual([]);
  for (const { ports, punt, rates } of views) {
    const port = ports.find(({ tap }) => tap === tapName(2))!;
    // The echo requests are injected, the replies punted: both pass the vASIC.
    expect(port.input.packets).toBeGreaterThan(0);
    expect(port.output.bits).toBeGreaterThan(0);
    expect(port.punt.injected).toBeGreaterThan(0);
    expect(punt.find(({ reason }) => reason === 'local')!.rates.passed).toBeGreaterThan(0);
    expect(rates.messages).toBeDefined();
  }
});
