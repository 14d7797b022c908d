/** The Prometheus exporter over real HTTP: what it says of a status, what it refuses, and that it shares and survives readings. */
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parse } from 'yaml';
import { Latencies } from '../../../src/net/latencies';
import { nullLogger, type Logger } from '../../../src/observe/log';
import { startMetricsServer, type MetricsServer, type MetricsSource } from '../../../src/metrics/exporter';
import { LATENCY_LIMITS_MS, METRICS } from '../../../src/metrics/metrics';
import { fakeBackend, STATUS, VRFS } from '../control/backend';
import { parseExposition, valueOf, type Family } from './exposition';

const ANY = { host: '127.0.0.1', port: 0 };
const servers: MetricsServer[] = [];

async function start(source: MetricsSource = fakeBackend(), log: Logger = nullLogger): Promise<string> {
  const server = await startMetricsServer(ANY, source, log);
  servers.push(server);
  return `http://127.0.0.1:${server.address.port}`;
}

async function scrape(source: MetricsSource = fakeBackend()): Promise<ReadonlyMap<string, Family>> {
  const response = await fetch(`${await start(source)}/metrics`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  return parseExposition(await response.text());
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

/** The text of a file of the package. */
function packageFile(...path: string[]): string {
  return readFileSync(join(__dirname, '..', '..', '..', '..', ...path), 'utf8');
}

test('VRFs by name, the 20 largest, and all others together', async () => {
  const few = await scrape();
  expect(valueOf(few, 'fpm2afi_vrf_routes', { vrf: 'red', table: '1001', state: 'failed' })).toBe(2);
  expect(valueOf(few, 'fpm2afi_vrf_routes', { vrf: '77', table: '77', state: 'trapped' })).toBe(1);
  expect(valueOf(few, 'fpm2afi_vrf_entries', { vrf: 'default', table: '254' })).toBe(9);
  const [, red] = VRFS;
  const many = Array.from({ length: 100 }, (_, i) => ({
    ...red!,
    table: 1000 + i,
    vrf: `v${i}`,
    offloaded: i,
    entries: 1,
  }));
  const families = await scrape({ ...fakeBackend(), vrfs: () => Promise.resolve(many) });
  const offloaded = (vrf: string, table = vrf): number | undefined =>
    valueOf(families, 'fpm2afi_vrf_routes', { vrf, table, state: 'offloaded' });
  expect([offloaded('v99', '1099'), offloaded('v80', '1080'), offloaded('v79', '1079')]).toEqual([99, 80, undefined]);
  expect(offloaded('other')).toBe((79 * 80) / 2);
  expect(valueOf(families, 'fpm2afi_vrf_entries', { vrf: 'other', table: 'other' })).toBe(80);
  expect(families.get('fpm2afi_vrf_entries')?.samples).toHaveLength(21);
});

test('what the status says, in base units', async () => {
  const families = await scrape();
  const value = (name: string, labels?: Readonly<Record<string, string>>): number | undefined =>
    valueOf(families, `fpm2afi_${name}`, labels);
  expect(value('build_info', { version: '0.1.0' })).toBe(1);
  expect(value('uptime_seconds')).toBe(93_784);
  expect(value('problems')).toBe(1);
  expect(value('fpm_connected')).toBe(1);
  expect(value('fpm_changed_timestamp_seconds')).toBe(Date.UTC(2026, 0, 2, 11, 52, 43) / 1000);
  expect(
    ['frames', 'messages', 'updates', 'malformed', 'skipped', 'statuses'].map((what) => value(`fpm_${what}_total`)),
  ).toEqual([12, 40, 38, 0, 2, 31]);
  expect(value('afi_up')).toBe(1);
  expect(['down', 'connecting', 'up', 'reprogramming'].map((state) => value('afi_state', { state }))).toEqual([
    0, 0, 1, 0,
  ]);
  expect(value('afi_operations_in_flight')).toBe(1);
  const operations = ['', '_failed', '_retried'].map((what) => value(`afi_operations${what}_total`));
  expect(operations).toEqual([120, 3, 2]);
  const told = families.get('fpm2afi_route_told_duration_seconds')!.samples;
  expect(told.find(({ labels }) => labels['le'] === '+Inf')?.value).toBe(38);
  expect(value('afi_entries')).toBe(1023);
  const states = ['offloaded', 'trapped', 'failed', 'unresolved', 'pending'];
  expect(states.map((state) => value('fib_routes', { state }))).toEqual([3, 2, 1, 1, 1]);
  expect(['ipv4', 'ipv6'].map((family) => value('fib_family_routes', { family }))).toEqual([7, 1]);
  expect(['stale_routes', 'dirty_routes', 'nexthops', 'neighbors'].map((what) => value(`fib_${what}`))).toEqual([
    0, 0, 2, 2,
  ]);
  expect(states.map((state) => value('lsps', { state }))).toEqual([2, 1, 0, 0, 0]);
  expect(value('unknown_label_dropped_packets_total')).toBe(7);
  expect(['mean', 'p99', 'max'].map((what) => value(`event_loop_delay_${what}_seconds`))).toEqual([
    0.00031, 0.00125, 0.011,
  ]);
  expect(value('event_loop_busy_seconds_total')).toBeGreaterThan(0);
  expect(value('punt_dropped_packets_total')).toBe(4);
});

test('ports and reasons; what is not known has no sample', async () => {
  const families = await scrape();
  const value = (name: string, labels: Readonly<Record<string, string>>): number | undefined =>
    valueOf(families, `fpm2afi_${name}`, labels);
  const [p0, p1] = [0, 1].map((port) => ({ port: String(port), tap: `tap${port}` })) as [object, object] as [
    Record<string, string>,
    Record<string, string>,
  ];
  expect([value('port_tap_up', p0), value('port_vasic_up', p0)]).toEqual([1, 1]);
  expect([value('port_tap_up', p1), value('port_vasic_up', p1)]).toEqual([0, undefined]);
  const counters = ['receive', 'transmit'].flatMap((way) => [
    `${way}_packets`,
    `${way}_bytes`,
    `${way}_dropped_packets`,
  ]);
  expect(counters.map((what) => value(`port_${what}_total`, p0))).toEqual([100, 15_000, 0, 99, 14_000, 1]);
  expect(counters.map((what) => value(`port_${what}_total`, p1))).toEqual(counters.map(() => undefined));
  expect(['punted', 'injected', 'punt_dropped'].map((what) => value(`port_${what}_packets_total`, p0))).toEqual([
    10, 11, 2,
  ]);
  expect(value('port_kernel_packets_total', p0)).toBe(88);
  expect(['ttl', 'host'].map((reason) => value('port_slow_packets_total', { ...p0, reason }))).toEqual([2, 10]);
  expect(value('port_kernel_packets_total', p1)).toBeUndefined();
  const reasons = (reason: string): unknown[] => [
    ...['policer_passed', 'policer_dropped', 'delivered'].map((what) =>
      value(`punt_${what}_packets_total`, { reason }),
    ),
    value('punt_policer_limit_packets_per_second', { reason }),
  ];
  expect(reasons('glean')).toEqual([1200, 31_000, 1199, 1000]);
  expect(reasons('local')).toEqual([undefined, undefined, undefined, 0]);
});

test('with another process that punts, its counters are left out rather than 0', async () => {
  const punt = { mode: 'off', punted: 0, injected: 0, drops: 0 } as const;
  const families = await scrape({ ...fakeBackend(), status: () => ({ ...STATUS, punt }) });
  for (const name of [
    'port_punted_packets',
    'port_injected_packets',
    'port_punt_dropped_packets',
    'punt_dropped_packets',
  ]) {
    expect([name, families.get(`fpm2afi_${name}_total`)?.samples]).toEqual([name, []]);
  }
});

const audit = {
  time: '2026-01-02T12:00:00.000Z',
  layers: [{ layer: 'zebra' }, { layer: 'kernel', differences: 0 }, { layer: 'vasic', differences: 3 }],
} as const;
const audited = (): MetricsSource => ({ ...fakeBackend(), status: () => ({ ...STATUS, audit }) });

test('the last audit; a layer that was not compared has no sample, nor has an audit that was never made', async () => {
  const families = await scrape(audited());
  const differences = (layer: string): number | undefined => valueOf(families, 'fpm2afi_audit_differences', { layer });
  expect(['zebra', 'kernel', 'vasic'].map(differences)).toEqual([undefined, 0, 3]);
  expect(valueOf(families, 'fpm2afi_audit_timestamp_seconds')).toBe(Date.UTC(2026, 0, 2, 12) / 1000);
  const never = await scrape();
  expect(never.get('fpm2afi_audit_differences')?.samples).toEqual([]);
  expect(never.get('fpm2afi_audit_timestamp_seconds')?.samples).toEqual([]);
});

test('down is 0', async () => {
  const [fpm, afi] = [{ ...STATUS.fpm, state: 'listening' } as const, { ...STATUS.afi, state: 'connecting' } as const];
  const families = await scrape({ ...fakeBackend(), status: () => ({ ...STATUS, fpm, afi }) });
  expect([valueOf(families, 'fpm2afi_fpm_connected'), valueOf(families, 'fpm2afi_afi_up')]).toEqual([0, 0]);
  expect(valueOf(families, 'fpm2afi_afi_state', { state: 'connecting' })).toBe(1);
});

describe('the latency histogram', () => {
  const NAME = 'fpm2afi_route_change_duration_seconds';

  async function histogram(ms: readonly number[]): Promise<Family> {
    const latencies = new Latencies();
    for (const value of ms) latencies.add(value);
    const latency = { count: ms.length, buckets: latencies.buckets() };
    return (await scrape({ ...fakeBackend(), status: () => ({ ...STATUS, latency }) })).get(NAME)!;
  }

  test('its limits are limits of the buckets that are counted in', () => {
    for (const limit of LATENCY_LIMITS_MS) {
      const latencies = new Latencies();
      latencies.add(limit);
      latencies.add(limit + 1);
      const [first, second] = latencies.buckets();
      expect([limit, first?.upToMs, second?.count]).toEqual([limit, limit, 1]);
    }
  });

  test('is cumulative and exact at every limit, and ends with the count', async () => {
    const values = [0, 1, 2, 3, 16, 25, 26, 51, 52, 900, 1023, 1024, 5119, 60_000, 122_879, 122_880, 4_000_000];
    const { type, samples } = await histogram(values);
    expect(type).toBe('histogram');
    const buckets = samples.filter(({ name }) => name === `${NAME}_bucket`);
    expect(buckets.map(({ labels }) => labels['le'])).toEqual([
      ...LATENCY_LIMITS_MS.map((ms) => String(ms / 1000)),
      '+Inf',
    ]);
    const upTo = [...LATENCY_LIMITS_MS, Infinity].map((limit) => values.filter((value) => value <= limit).length);
    expect(buckets.map(({ value }) => value)).toEqual(upTo);
    expect(samples.find(({ name }) => name === `${NAME}_count`)?.value).toBe(values.length);
    const sum = values.reduce((total, value) => total + value, 0) / 1000;
    const told = samples.find(({ name }) => name === `${NAME}_sum`)!.value;
    expect(told).toBeGreaterThanOrEqual(sum);
    expect(told).toBeLessThanOrEqual(sum * 1.125);
  });

  test('nothing counted: all zero', async () => {
    const { samples } = await histogram([]);
    expect(samples).toHaveLength(LATENCY_LIMITS_MS.length + 3);
    expect(samples.every(({ value }) => value === 0)).toBe(true);
  });
});

test('names: a prefix, _total for counters and for nothing else; the library adds those of the process', async () => {
  const families = await scrape();
  expect([...families.keys()].filter((name) => name.startsWith('fpm2afi_'))).toEqual(METRICS.map(({ name }) => name));
  for (const { name, type, help } of METRICS) {
    expect([name, /^fpm2afi_[a-z0-9_]+$/.test(name), name.endsWith('_total'), help.endsWith('.')]).toEqual([
      ...[name, true, type === 'counter', true],
    ]);
  }
  const others = [...families.keys()].filter((name) => !name.startsWith('fpm2afi_'));
  expect(others).toContain('process_resident_memory_bytes');
  expect(others).toContain('process_cpu_seconds_total');
  expect(others.filter((name) => /eventloop|_gc_|active/.test(name))).toEqual([]);
});

test('other paths, other methods', async () => {
  const base = await start();
  const ask = async (path: string, method = 'GET'): Promise<unknown[]> => {
    const response = await fetch(`${base}${path}`, { method });
    return [response.status, response.headers.get('allow'), await response.text()];
  };
  expect(await ask('/')).toEqual([404, null, 'nothing here, but /metrics\n']);
  expect((await ask('/metrics/'))[0]).toBe(404);
  expect(await ask('/metrics', 'POST')).toEqual([405, 'GET', 'POST: only GET is served\n']);
  expect((await ask('/metrics', 'DELETE'))[0]).toBe(405);
  expect((await ask('/metrics?x=1'))[0]).toBe(200);
});

test('a scrape that fails is a 500 and a line in the log, and the next one works', async () => {
  const errors: unknown[] = [];
  const log: Logger = { ...nullLogger, error: (message, meta) => errors.push([message, meta]) };
  let broken = true;
  const status = (): Promise<typeof STATUS> =>
    broken ? Promise.reject(new Error('no status')) : Promise.resolve(STATUS);
  const base = await start({ ...fakeBackend(), status }, log);
  const response = await fetch(`${base}/metrics`);
  expect([response.status, await response.text()]).toEqual([500, 'no status\n']);
  expect(errors).toEqual([['a scrape failed', { code: 'metrics-scrape-failed', error: 'no status' }]]);
  broken = false;
  expect((await fetch(`${base}/metrics`)).status).toBe(200);
});

test('scrapes that come together share one reading; a later one reads again', async () => {
  let readings = 0;
  let goOn: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (goOn = resolve));
  const status = async (): Promise<typeof STATUS> => {
    readings++;
    await held;
    return STATUS;
  };
  const base = await start({ ...fakeBackend(), status });
  const ask = (): Promise<string> => {
    const socket = connect(Number(new URL(base).port), '127.0.0.1');
    socket.write('GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    return text(socket).then((answer) => answer.split('\r\n\r\n')[1]!);
  };
  const both = Promise.all([ask(), ask()]);
  // On loopback a few turns of the event loop bring both requests to the server.
  for (let turns = 0; turns < 100; turns++) await nextTurn();
  goOn();
  const [first, second] = await both;
  expect(first).toContain('fpm2afi_fpm_connected 1\n');
  expect(second).toBe(first);
  expect(readings).toBe(1);
  await (await fetch(`${base}/metrics`)).text();
  expect(readings).toBe(2);
});

test('an address that is taken, or of another machine: what is wrong and what to do', async () => {
  const other = createServer();
  const port = await new Promise<number>((resolve) => {
    other.listen(0, '127.0.0.1', () => {
      resolve((other.address() as { port: number }).port);
    });
  });
  await expect(startMetricsServer({ host: '127.0.0.1', port }, fakeBackend(), nullLogger)).rejects.toThrow(
    new RegExp(
      String.raw`^cannot listen for Prometheus on 127\.0\.0\.1:${port} \(metrics\.listen\): .* \(pid ${process.pid}\) has that port: stop that one, or choose another`,
    ),
  );
  other.close();
  await expect(startMetricsServer({ host: '192.0.2.1', port: 0 }, fakeBackend(), nullLogger)).rejects.toThrow(
    /^cannot listen for Prometheus on 192\.0\.2\.1:0 \(metrics\.listen\): no interface of this machine has that address/,
  );
});

test('close frees the port and ends a scrape that is under way', async () => {
  let asked = (): void => undefined;
  const arrived = new Promise<void>((resolve) => (asked = resolve));
  const status = (): Promise<typeof STATUS> => {
    asked();
    return new Promise(() => undefined);
  };
  const server = await startMetricsServer(ANY, { ...fakeBackend(), status }, nullLogger);
  const hanging = fetch(`http://127.0.0.1:${server.address.port}/metrics`).then(
    () => 'answered',
    () => 'ended',
  );
  await arrived;
  await server.close();
  expect(await hanging).toBe('ended');
  servers.push(await startMetricsServer(server.address, fakeBackend(), nullLogger));
});

describe('documents', () => {
  const names = METRICS.map(({ name }) => name);

  test('docs/operation.md describes every metric once, and no other', () => {
    const described = [...packageFile('docs', 'operation.md').matchAll(/^\| (`fpm2afi_[^|]+)\|/gm)].flatMap(
      ([, cell]) => [...cell!.matchAll(/`(\w+)/g)].map(([, name]) => name!),
    );
    expect(described.sort()).toEqual([...names].sort());
  });

  test('the alert rules ask for metrics that there are, and docs/operation.md names each alert', () => {
    const rules = parse(packageFile('packaging', 'prometheus', 'fpm2afi.rules.yml')) as {
      groups: { rules: { alert: string; expr: string; annotations: Record<string, string> }[] }[];
    };
    const alerts = rules.groups.flatMap((group) => group.rules);
    expect(alerts.length).toBeGreaterThan(5);
    const document = packageFile('docs', 'operation.md');
    for (const { alert, expr, annotations } of alerts) {
      const asked = [...expr.matchAll(/fpm2afi_\w+/g)].map(([name]) => name.replace(/_bucket$/, ''));
      expect([alert, asked.filter((name) => !names.includes(name))]).toEqual([alert, []]);
      expect([alert, Object.keys(annotations)]).toEqual([alert, ['summary', 'description']]);
      expect([alert, document.includes(`| \`${alert}\` |`)]).toEqual([alert, true]);
    }
  });

  test('the dashboard asks for metrics that there are, by labels that they have', async () => {
    const dashboard = JSON.parse(packageFile('packaging', 'grafana', 'fpm2afi.json')) as {
      panels: {
        id: number;
        title: string;
        gridPos: { x: number; w: number };
        targets?: { expr: string; legendFormat: string }[];
      }[];
    };
    const text = await (await fetch(`${await start(audited())}/metrics`)).text();
    // Of each metric in a scrape: its labels, as far as the fake bridge has samples.
    const labels = new Map<string, Set<string>>();
    for (const [, name, list = ''] of text.matchAll(/^(\w+)(?:\{(.*)\})? /gm)) {
      const known = labels.get(name!) ?? new Set();
      for (const [, label] of list.matchAll(/(\w+)="/g)) known.add(label!);
      labels.set(name!, known);
    }
    const targets = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map((one) => ({ title, ...one })));
    expect(targets.length).toBeGreaterThan(25);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    for (const { title, expr, legendFormat } of targets) {
      const [metric, ...more] = [...expr.matchAll(/\b(?:fpm2afi|process)_\w+/g)].map(([name]) => name);
      expect([title, more]).toEqual([title, []]);
      expect([title, names.includes(metric!.replace(/_bucket$/, '')) || metric!.startsWith('process_')]).toEqual([
        title,
        true,
      ]);
      const by = [...expr.matchAll(/by \(([\w, ]+)\)/g)].flatMap(([, list]) => list!.split(/, */));
      const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label!);
      const missing = [...by, ...shown].filter(
        (label) => label !== 'instance' && labels.get(metric!)?.has(label) !== true,
      );
      expect([title, metric, missing]).toEqual([title, metric, []]);
      expect([title, expr.includes('job="$job"') && expr.includes('instance=~"$instance"')]).toEqual([title, true]);
    }
  });
});
