/** The compiled `fpm2afi` as a process against a fake bridge on a real socket: what it prints and its exit codes. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ControlServer } from '../../../src/control/server';
import { startControlServer } from '../../../src/control/server';
import { age } from '../../../src/control/show';
import { nullLogger } from '../../../src/observe/log';
import type { MonitorEvent } from '../../../src/control/monitor-types';
import type { PortView, RouteRow } from '../../../src/control/types';
import { COMMANDS, SHOWS } from '../../../src/control/commands';
import { fakeBackend, NEIGHBORS, PORTS, rowOf, ROUTES, STATUS, SUMMARY } from './backend';
import { MAIN, run, runIn, type Result } from './run-cli';
import { until } from '../../bed/until';

const directory = mkdtempSync(join(tmpdir(), 'fpm2afi-cli-'));
const SOCKET = join(directory, 'control.sock');
const MANY = join(directory, 'many.sock');
/** More rows than are looked at for the widths of the columns. */
const COPIES = 400;
let servers: readonly ControlServer[];

beforeAll(async () => {
  const routes = async function* (): AsyncGenerator<readonly RouteRow[]> {
    for (let copy = 0; copy < COPIES; copy++) yield await Promise.resolve(ROUTES.map(rowOf));
  };
  servers = await Promise.all([
    startControlServer(SOCKET, fakeBackend(), nullLogger),
    startControlServer(MANY, { ...fakeBackend(), routes }, nullLogger),
  ]);
});
afterAll(async () => {
  for (const server of servers) await server.close();
  rmSync(directory, { recursive: true });
});

const show = (...args: readonly string[]): Promise<Result> => run('show', ...args, '--socket', SOCKET);

test('show routes', async () => {
  const { code, out, err } = await show('routes');
  expect([code, err]).toEqual([0, '']);
  expect(out).toBe(`\
Prefix           Table  Proto     State       Nexthop                           MAC                Token  Note
10.0.255.0/32    254    ospf      offloaded   via 103.30.0.3, tap0              32:26:0a:2e:cc:f0  1041
10.0.255.1/32    254    bgp       failed      via 103.30.0.3, tap0, weight 2    32:26:0a:2e:cc:f0  -      refused by the AFI server: table full
                                              via 103.30.10.3, tap1 unresolved  -
10.9.0.0/16      254    static    offloaded   blackhole                         -                  0
103.30.0.0/24    254    kernel    trapped     directly connected, tap0          -                  -      connected: the host resolves neighbors
103.30.0.3/32    254    neighbor  offloaded   via 103.30.0.3, tap0              32:26:0a:2e:cc:f0  1041
198.51.100.0/24  254    ospf      unresolved  via 103.30.10.9, tap1 unresolved  -                  -      no MAC for 103.30.10.9
203.0.113.0/24   1000   ospf      pending     directly connected, interface 99  -                  -      stale
2001:db8::/32    254    system    trapped     host                              -                  -      for the host
`);
});

test('show routes with a prefix, an address and filters', async () => {
  const first = async (...args: readonly string[]): Promise<string[]> =>
    (await show('routes', ...args)).out
      .split('\n')
      .slice(1, -1)
      .map((line) => line.split(' ')[0]!);
  expect(await first('10.0.255.1/32')).toEqual(['10.0.255.1/32', '']);
  expect(await first('10.9.8.7')).toEqual(['10.9.0.0/16']);
  expect(await first('--state', 'trapped')).toEqual(['103.30.0.0/24', '2001:db8::/32']);
  expect(await first('--table', '1000')).toEqual(['203.0.113.0/24']);
  expect(await first('--protocol', 'ospf', '--limit', '1')).toEqual(['10.0.255.0/32']);
  expect(await first('--port', 'tap1')).toEqual(['10.0.255.1/32', '', '198.51.100.0/24']);
  expect(await first('--nexthop', '103.30.10.9')).toEqual(['198.51.100.0/24']);
  expect(await first('--nexthop', '17')).toEqual(['10.0.255.0/32']);
  expect(await first('--neighbor', '32-26-0A-2E-CC-F0', '--state', 'offloaded')).toEqual([
    '10.0.255.0/32',
    '103.30.0.3/32',
  ]);
});

test('show routes that there are none of', async () => {
  expect(await show('routes', '--protocol', 'rip')).toEqual({ code: 0, out: '', err: 'no such routes\n' });
  expect(await show('routes', '10.9.8.7', '--table', '7')).toEqual({
    code: 0,
    out: '',
    err: 'no route matches 10.9.8.7\n',
  });
});

test('show nexthops', async () => {
  expect((await show('nexthops')).out).toBe(`\
ID  Type              State      Nexthop                MAC                Routes  Tokens     Note
17  single            offloaded  via 103.30.0.3, tap0   32:26:0a:2e:cc:f0       3  1041 1030
20  group 17/18       offloaded  via 103.30.0.3, tap0   32:26:0a:2e:cc:f0      12  1050
                                 via 103.30.10.3, tap1  32:26:0a:2e:cc:f1
-   inline blackhole  offloaded  blackhole              -                       1  -          drops
`);
});

test('show neighbors', async () => {
  expect((await show('neighbors')).out).toBe(`\
Interface  Address      MAC                State      Source  Routes  Nexthops  Token
tap0       103.30.0.3   32:26:0a:2e:cc:f0  reachable  kernel       3         2  1030
tap1       103.30.10.9  -                  failed     kernel       1         1  -
`);
});

test('show ports', async () => {
  expect((await show('ports')).out).toBe(`\
Port  TAP   Ifindex  MAC                 MTU  TAP-state  vASIC    In-pkts  In-bytes  In-drops  Out-pkts  Out-bytes  Out-drops  Punted  Injected  Drops  Engine           Fast  Slow
   0  tap0        4  32:26:0a:2e:aa:f0  1500  up         up           100     15000         0        99      14000          1      10        11      2  kernel tc (tcx)    88  host 10, ttl 2
   1  tap1        -  -                     -  absent     unknown        -         -         -         -          -          -       0         0      0  -                   -  -
`);
});

test('show tokens', async () => {
  expect((await show('tokens')).out).toBe(`\
Token  Type   Name        Next  Refs  Stands for
 1024  tree   routeTable  3        4  routes of table 254
 1030  encap  -           5        2  neighbor 103.30.0.3 on tap0
`);
});

test('show lsps, evpn and sids', async () => {
  expect((await show('lsps')).out).toBe(`\
Inbound  Type  Nexthop                Outbound       State    Packets  Token  Note
    100  LDP   via 103.30.0.3, tap0   200/300        trapped       12   9000  out of an interface that is no port; stale
               via 103.30.10.3, tap1  implicit-null
`);
  expect((await show('evpn')).out).toBe(`\
MAC                VTEP          VLAN  VNI   Interface     Note
32:26:0a:2e:cc:f1  198.51.100.2  10    5000  vxlan0        sticky
32:26:0a:2e:cc:f0  nexthop 7     -     -     interface 12  stale
`);
  expect((await show('sids')).out).toBe(`\
SID            Behavior  Format      VRF  Nexthop                   Note
2001:db8:f::1  End.X     32/16/16/0  -    via fe80::2, interface 4
2001:db8:f::2  End.DT46  -           5    -                         stale
`);
});

test('show punt', async () => {
  expect((await show('punt')).out).toBe(`\
Reason  Passed  Dropped    Rate  Delivered
glean     1200    31000  1000/s       1199
local        -        -       -          -
`);
});

test('show status', async () => {
  expect((await show('status')).out).toBe(`\
fpm2afi 0.1.0, pid 4711, up 1d02h03m

FPM   zebra connected from 127.0.0.1:40404 for 00:07:17
      listening on 127.0.0.1:2620, feedback auto (table: zebra 10.7.1)
      12 frames, 40 messages, 38 updates
      0 malformed, 2 skipped, 31 route statuses sent
AFI   up for 01:00:00, server 127.0.0.1:50051
      engine trio, sandbox green, instance 7f3a
      120 operations sent, 3 failed, 2 tried again, 1 in flight
      1023 entries programmed
FIB   8 routes (7 IPv4, 1 IPv6)
      3 offloaded, 2 trapped, 1 failed
      1 unresolved, 1 pending, 0 stale
      2 nexthops, 2 neighbors, 0 dirty
      3 LSPs: 2 offloaded, 1 trapped
      7 packets dropped with a label that nothing is known of
      40 changes acknowledged, half within 3 ms, 99% within 17 ms, all within 17 ms
      38 routes answered to zebra, half within 8 ms, 99% within 25 ms, all within 25 ms
Punt  worker: 1200 punted, 1100 injected, 4 dropped
Loop  lag mean 0.3 ms, 99% 1.3 ms, max 11.0 ms

Problems:
  1 route was refused by the AFI server: fpm2afi show routes --state failed
`);
});

test('--json is what the daemon sent', async () => {
  expect(JSON.parse((await show('status', '--json')).out)).toEqual(STATUS);
  expect(JSON.parse((await show('routes', '--json')).out)).toEqual(ROUTES);
  expect(JSON.parse((await show('neighbors', '--json')).out)).toEqual(NEIGHBORS);
  expect(await show('routes', '--json', '--protocol', 'rip')).toEqual({ code: 0, out: '[]\n', err: '' });
});

test('--jsonl is the same, an item a line', async () => {
  const lines = (await show('routes', '--jsonl', '--state', 'trapped')).out.split('\n').slice(0, -1);
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(ROUTES.filter(({ state }) => state === 'trapped'));
  expect(JSON.parse((await show('status', '--jsonl')).out.split('\n')[0]!)).toEqual(STATUS);
});

test('a long list: rows that differ by their prefix only look as every other', async () => {
  const few = await show('routes');
  const many = await run('show', 'routes', '--socket', MANY);
  const lines = many.out.split('\n').slice(0, -1);
  expect(lines.slice(0, 10)).toEqual(few.out.split('\n').slice(0, 10));
  expect(lines).toHaveLength(1 + COPIES * (few.out.split('\n').length - 2));
  for (let at = 1; at < lines.length; at += 9) expect(lines.slice(at, at + 9)).toEqual(lines.slice(1, 10));
});

test('a daemon that does not run: exit code 1, which socket, how to start', async () => {
  const socket = join(directory, 'none.sock');
  const { code, out, err } = await run('show', 'routes', '--socket', socket);
  expect([code, out]).toEqual([1, '']);
  expect(err).toBe(
    `fpm2afi isn't running: nothing answers on ${socket}.\n` +
      'Start it with "systemctl start fpm2afi" or "fpm2afi run --config FILE"; ' +
      'if it runs with another control.socket, name that with --socket or --config.\n',
  );
});

/** Words whose help is named. */
const HELP: Readonly<Record<string, string>> = {
  show: 'show ',
  'show ports': 'show ports ',
  'show status': 'show status ',
  'show routes': 'show routes ',
  'show ruotes': 'show ',
  'show everything': 'show ',
  'check-config': 'check-config ',
  'trace 10.0.0.1': 'trace ',
  'why 10.0.0.1': 'why ',
  'monitor --table': 'monitor ',
  'run --config': 'run ',
  'run --log-level': 'run ',
  'run --set': 'run ',
};

test.each([
  [[], 'no command given'],
  [['show'], 'show what? Show knows status, routes,'],
  [['shwo'], 'no command shwo, did you mean show? show knows status, routes,'],
  [['show', 'ruotes'], 'show: no ruotes, did you mean routes? show knows status, routes'],
  [['show', 'everything'], 'show: no everything; show knows status, routes'],
  [['frobnicate'], 'no command frobnicate; there are run, punt'],
  [['show', 'ports', '--watch', 'often'], '--watch: got "often", expected seconds'],
  [['show', 'ports', 'extra'], 'Unknown argument: extra'],
  [['show', 'routes', '--color'], 'Unknown argument: color'],
  [['show', 'routes', '10.0.0'], '10.0.0 is neither a prefix such as 10.0.255.0/24 nor an address such as 10.0.255.1'],
  [['show', 'routes', '10.0.0.0/33'], '10.0.0.0/33 is neither a prefix'],
  [['show', 'routes', '--within', '10.0.0.1'], '--within: got "10.0.0.1", expected a prefix such as'],
  [['show', 'routes', '--neighbor', 'tap0'], '--neighbor: got "tap0", expected an IPv4 or IPv6 address, or a hardware'],
  [['show', 'routes', '--state', 'up'], 'Argument: state, Given: "up"'],
  [['show', 'routes', '--table', 'main'], '--table: got "main", expected a whole number from 0 to 4294967295'],
  [['show', 'routes', 'summary', '--table', '9'], 'summary counts all routes: --table is for the list'],
  [['show', 'routes', 'summary', '--all', '--vrf', 'red'], 'summary counts all routes: --vrf, --all are for the list'],
  [['show', 'routes', '--limit', 'ten'], '--limit: got "ten", expected a whole number'],
  [['trace', '10.0.0.1', '10.0.0.2', '--sport', 'http'], 'sport: http is not a whole number from 0 to 65535'],
  [['why', '10.0.0.1', '--table', 'red'], 'table: red is not a whole number'],
  [['monitor', '--table', 'red'], 'table: got "red", expected a whole number'],
  [['check-config'], 'Not enough non-option arguments'],
  [['run', '--config'], 'Not enough arguments following: config'],
  [['run', '--config', 'a', '--config', 'b'], '--config is given twice'],
  [['show', 'status', '--socket', 'a', '--socket', 'b'], '--socket is given twice'],
  [['show', 'routes', '--vrf='], '--vrf: the value is missing'],
  [['run', '--log-level', 'loud'], 'Argument: log-level, Given: "loud"'],
  [['run', '--set', 'table'], '--set table: expected KEY=VALUE'],
])('wrong usage %j: exit code 2', async (args, message) => {
  const { code, out, err } = await run(...args);
  expect([code, out]).toEqual([2, '']);
  expect(err).toContain(message);
  expect(err).toContain(`See "fpm2afi ${HELP[args.slice(0, 2).join(' ')] ?? ''}--help".`);
});

test('the words that are known are those of the help', async () => {
  const words = async (help: Promise<Result>, before: string): Promise<string[]> =>
    [...(await help).out.matchAll(new RegExp(`^  fpm2afi ${before}([a-z-]+)`, 'gm'))].map(([, word]) => word!);
  expect((await words(run('--help'), '')).sort()).toEqual([...COMMANDS].sort());
  expect((await words(run('show', '--help'), 'show ')).sort()).toEqual([...SHOWS].sort());
});

test('the socket: of the configuration file named, of the environment', async () => {
  const file = join(directory, 'socket.yaml');
  writeFileSync(file, `ports: [{ index: 0, tap: tap0 }]\ncontrol: { socket: ${SOCKET} }\n`);
  expect(await run('show', 'ports', '--config', file)).toEqual(await show('ports'));
  const environment = { FPM2AFI_SOCKET: SOCKET };
  expect(await runIn(environment, 'show', 'ports')).toEqual(await show('ports'));
  expect((await runIn(environment, 'show', 'ports', '--socket', join(directory, 'none.sock'))).code).toBe(1);
});

test('--watch shows it again and again, until the daemon is gone', async () => {
  const path = join(directory, 'watched.sock');
  let asked = 0;
  const ports = async function* (): AsyncGenerator<PortView> {
    asked++;
    yield* await Promise.resolve(PORTS);
  };
  const watched = await startControlServer(path, { ...fakeBackend(), ports }, nullLogger);
  const running = run('show', 'ports', '--socket', path, '--watch', '0.01');
  await until(() => asked >= 3);
  await watched.close();
  const { code, out, err } = await running;
  const frame = (await show('ports')).out;
  expect(out.startsWith(`${frame}\n${frame}\n${frame}`)).toBe(true);
  expect(code).toBe(1);
  expect(err).toContain("isn't running");
});

test('monitor', async () => {
  const { code, out } = await run('monitor', '--socket', SOCKET);
  expect(code).toBe(0);
  expect(out.replaceAll('2026-01-02T12:00:00.000Z ', '')).toBe(`\
route 10.0.255.1/32 table 254 bgp: failed (refused by the AFI server: table full), via 103.30.0.3, tap0, weight 2, via 103.30.10.3, tap1 unresolved
route 10.9.0.0/16 table 254 static: offloaded, blackhole
route 10.9.0.0/16 table 1000 red static: gone
FPM: connected from 127.0.0.1:40404
AFI vasic:1: down (no answer)
problem: zebra is not connected
no problem any more: zebra is not connected
port 1 tap1: TAP absent, vASIC unknown, -, MTU -
12 changes left out: they came faster than this reader takes them
`);
  const json = (await run('monitor', 'ports', 'problems', '--json', '--socket', SOCKET)).out.split('\n').slice(0, -1);
  expect(json.map((line) => (JSON.parse(line) as MonitorEvent).kind)).toEqual([
    'problem',
    'problem',
    'port',
    'skipped',
  ]);
  const routes = (await run('monitor', '--state', 'failed', '--json', '--socket', SOCKET)).out;
  expect(routes).not.toContain('"port"');
  expect((await run('monitor', 'prots', '--socket', SOCKET)).code).toBe(2);
});

test('show routes summary', async () => {
  expect((await show('routes', 'summary')).out).toBe(`\
IPv4, table 254
Source  Routes  Offloaded  Trapped  Failed  Unresolved  Pending
ospf        12         10        0       0           0        2
bgp     100000      99999        0       1           0        0
Total   100012     100009        0       1           0        2

IPv6, table 1000 red
Source  Routes  Offloaded  Trapped  Failed  Unresolved  Pending
kernel       1          0        1       0           0        0
Total        1          0        1       0           0        0

Own entries (addresses, hosts, multicast …): 17
`);
  expect(JSON.parse((await show('routes', 'summary', '--json')).out)).toEqual(SUMMARY);
});

test('help and version', async () => {
  expect(await run('version')).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^fpm2afi \d+\.\d+\.\d+\n$/) as string,
  });
  const help = await run('--help');
  expect(help.code).toBe(0);
  for (const word of ['run', 'punt', 'check-config', 'show', 'version']) expect(help.out).toContain(`fpm2afi ${word}`);
});

describe('configuration', () => {
  const good = join(directory, 'good.yaml');
  const bad = join(directory, 'bad.yaml');
  beforeAll(() => {
    writeFileSync(good, 'ports: [{ index: 0, tap: tap0 }]\n');
    writeFileSync(bad, 'ports: [{ index: 0, tap: lo }]\ntabel: 1\n');
  });

  test('check-config of a good file', async () => {
    expect(await run('check-config', good)).toEqual({
      code: 0,
      out: `${good}: fine: 1 port, FPM on 127.0.0.1:2620, AFI server unix:/run/softvasic/afi.sock\n`,
      err: '',
    });
  });

  test.each([['check-config'], ['run', '--config'], ['punt', '--config']])(
    '%s of a bad file: exit code 1, all errors',
    async (...args) => {
      const { code, out, err } = await run(...args, bad);
      expect([code, out]).toEqual([1, '']);
      expect(err.split('\n')).toEqual([
        expect.stringContaining(`${bad}:1:26: ports[0].tap: got "lo", expected an interface name`),
        `${bad}:2:1: tabel: unknown key, did you mean table?`,
        '',
      ]);
    },
  );

  test('run with a wrong flag value names the flag', async () => {
    const { code, err } = await run('run', '--config', good, '--set', 'afi.batch=0', '--set', 'afi.inFlihgt=3');
    expect(code).toBe(1);
    expect(err).toBe(
      '--set: afi.inFlihgt: unknown key, did you mean afi.inFlight?\n' +
        '--set: afi.batch: got 0, expected a whole number from 1 to 100000\n',
    );
  });
});

test('a reader that has seen enough is no error', async () => {
  const child = spawn('sh', [
    '-c',
    `"$0" "$1" show routes --json --socket "$2" | head -c 1; exit 0`,
    process.execPath,
    MAIN,
    SOCKET,
  ]);
  const errors: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text));
  await new Promise((resolve) => child.on('close', resolve));
  expect(errors).toEqual([]);
});

test('ages as FRR writes them', () => {
  expect([0, 437, 3600, 86_399, 93_784, 604_800, 1_220_000].map(age)).toEqual([
    '00:00:00',
    '00:07:17',
    '01:00:00',
    '23:59:59',
    '1d02h03m',
    '1w00d00h',
    '2w00d02h',
  ]);
  expect(age(-5)).toBe('00:00:00');
});
