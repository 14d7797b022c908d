/**
 * Two tables with real zebra, on a kernel that may have no VRF devices: ports 0 and 1 are bound to one, 2 and 3 to the other, by the
 * configuration, and staticd puts routes into both by number. Hosts 1 and 3 have the same address on their links and the same one behind
 * them. The topology is that of lab/hosts-topology.ts; Linux is told to look up what comes in by a TAP in the TAP's table, and nowhere else.
 */
import { buildHostsTopology, hostAddress, type HostsTopology } from '../../lab/hosts-topology';
import { labId, openLab, stopLab, type Lab } from '../../lab/lab';
import { tapName, vrouterMac } from '../../lab/plan';
import { logLines, logMark } from '../../lab/process';
import { ping } from '../../lab/traffic';
import { waitFor } from '../../lab/wait';
import type { RouteView, VrfView } from '../../src/control/types';

const ID = labId('vrfs');
const RED = 1001;
const BLUE = 2002;
/** The ports of each, the second one with the shared addresses behind it. */
const PORTS = { [RED]: [0, 1], [BLUE]: [2, 3] } as const;
const SHARED = '10.77.0.1';
const SHARED_GATEWAY = '192.168.7.2';
const ONLY_RED = '10.78.0.1';
const LEAKED = '10.79.0.1';
jest.setTimeout(180_000);

const subnet = (port: number): string => `${hostAddress(port, 0)}/24`;

/** What one table has: its subnets, the shared prefix by the shared gateway, which is at its second port. */
function staticsOf(table: keyof typeof PORTS): string[] {
  const [first, second] = PORTS[table];
  return [
    ...[first, second].map((port) => `ip route ${subnet(port)} ${tapName(port)} table ${table}`),
    `ip route 192.168.7.0/24 ${tapName(second)} table ${table}`,
    `ip route ${SHARED}/32 ${SHARED_GATEWAY} ${tapName(second)} onlink table ${table}`,
  ];
}

const CONFIG = [
  ...[1, 3].flatMap((port) => [`interface ${tapName(port)}`, ' ip address 192.168.7.1/24', 'exit']),
  ...staticsOf(RED),
  ...staticsOf(BLUE),
  `ip route ${ONLY_RED}/32 ${hostAddress(1)} ${tapName(1)} onlink table ${RED}`,
  // red may reach a host of blue's, which knows the way back.
  `ip route ${LEAKED}/32 ${hostAddress(3)} ${tapName(3)} onlink table ${RED}`,
  `ip route ${subnet(0)} ${tapName(0)} table ${BLUE}`,
];

let lab: Lab | undefined;
let topology: HostsTopology;

beforeAll(async () => {
  lab = await openLab(ID);
  topology = await buildHostsTopology(lab, {
    ...{ hosts: 4, portTables: { 0: RED, 1: RED, 2: BLUE, 3: BLUE }, config: CONFIG },
    settings: ['fpm.sweep.idle=500ms', 'fpm.sweep.minimum=1s'],
  });
  const { router, hosts } = topology;
  for (const [table, ports] of Object.entries(PORTS)) {
    for (const port of ports) {
      await router.must(['ip', 'rule', 'add', 'iif', tapName(port), 'lookup', table, 'priority', '100']);
      await router.must(['ip', 'rule', 'add', 'iif', tapName(port), 'unreachable', 'priority', '101']);
    }
  }
  for (const port of [1, 3]) {
    await hosts[port]!.must(['ip', 'address', 'add', `${SHARED_GATEWAY}/24`, 'dev', 'veth']);
    await hosts[port]!.must(['ip', 'address', 'add', `${SHARED}/32`, 'dev', 'lo']);
  }
  await hosts[1]!.must(['ip', 'address', 'add', `${ONLY_RED}/32`, 'dev', 'lo']);
  await hosts[3]!.must(['ip', 'address', 'add', `${LEAKED}/32`, 'dev', 'lo']);
  await offloaded();
});

afterAll(async () => {
  await lab?.close();
  await stopLab(ID);
});

async function routesIn(table: number): Promise<ReadonlyMap<string, RouteView>> {
  const routes = (await topology.bridge.routes()).filter((route) => route.table === table);
  return new Map(routes.map((route) => [route.prefix, route]));
}

/** The shared route and the hosts that answer are in the vASIC, in both tables. */
async function offloaded(): Promise<void> {
  const all = [
    [RED, `${SHARED}/32`],
    [RED, `${ONLY_RED}/32`],
    [RED, `${LEAKED}/32`],
    [BLUE, `${SHARED}/32`],
  ] as const;
  await waitFor(
    async () => {
      const states = await Promise.all(all.map(async ([table, prefix]) => (await routesIn(table)).get(prefix)?.state));
      return states.every((state) => state === 'offloaded');
    },
    { timeoutMs: 40_000, what: 'the routes of both tables to be offloaded' },
  );
}

/** Pings until the vASIC knows both ends, then once more: whether all came back, and by which ports they left. */
async function crossing(from: number, target: string): Promise<{ answered: boolean; ports: number[] }> {
  const { hosts, bridge } = topology;
  await ping(hosts[from]!, target, { count: 2 });
  const before = await bridge.ports();
  const { received } = await ping(hosts[from]!, target, { count: 3 });
  const after = await bridge.ports();
  const sent = after.map((port, i) => (port.output?.packets ?? 0) - (before[i]?.output?.packets ?? 0));
  return { answered: received === 3, ports: sent.flatMap((packets, port) => (packets >= 3 ? [port] : [])) };
}

/** What has to hold whenever both tables are in place. */
async function bothWork(): Promise<void> {
  expect(await crossing(0, SHARED)).toEqual({ answered: true, ports: [0, 1] });
  expect(await crossing(2, SHARED)).toEqual({ answered: true, ports: [2, 3] });
  expect(await crossing(0, ONLY_RED)).toEqual({ answered: true, ports: [0, 1] });
  expect((await crossing(2, ONLY_RED)).answered).toBe(false);
}

test('the same prefix by the same neighbor address: each table goes by its own port, and none into the other', async () => {
  await bothWork();
  const [red, blue] = [await routesIn(RED), await routesIn(BLUE)];
  expect(red.get(`${SHARED}/32`)?.nexthops).toMatchObject([{ interface: tapName(1), mac: vrouterMac(1) }]);
  expect(blue.get(`${SHARED}/32`)?.nexthops).toMatchObject([{ interface: tapName(3), mac: vrouterMac(3) }]);
  // What one table has, and the other not, is answered by Linux, which has it not either.
  expect((await crossing(0, hostAddress(2))).answered).toBe(false);
  expect((await crossing(2, hostAddress(1))).answered).toBe(false);
});

test('a leaked route: red reaches one host of blue, and no other', async () => {
  expect(await crossing(0, LEAKED)).toEqual({ answered: true, ports: [0, 3] });
  expect((await crossing(1, LEAKED)).answered).toBe(false);
});

test('zebra knows the status of the routes in each table', async () => {
  for (const table of [RED, BLUE]) {
    await waitFor(
      async () => {
        const shown = await topology.frr.vtysh(`show ip route table ${table}`);
        return shown.split('\n').some((line) => line.startsWith(`S>* ${SHARED}/32`));
      },
      { timeoutMs: 10_000, what: `zebra to call ${SHARED} of table ${table} offloaded` },
    );
  }
});

test('show vrfs, why and trace go by table', async () => {
  const { router } = topology;
  const json = async (...argv: string[]): Promise<unknown> =>
    JSON.parse(await router.must(['fpm2afi', ...argv, '--json'])) as unknown;
  const vrfs = (await json('show', 'vrfs')) as VrfView[];
  expect(vrfs.map(({ table, ports, forwarded }) => ({ table, ports, forwarded }))).toEqual([
    { table: 254, ports: [], forwarded: true },
    { table: RED, ports: ['tap0', 'tap1'], forwarded: true },
    { table: BLUE, ports: ['tap2', 'tap3'], forwarded: true },
  ]);
  expect(await json('why', SHARED, '--table', String(BLUE))).toMatchObject({
    decides: `${SHARED}/32`,
    routes: [{ route: { table: BLUE, nexthops: [{ interface: tapName(3) }] } }],
  });
  expect(await json('trace', hostAddress(2), SHARED, '--port', '2')).toMatchObject({
    input: { port: 2, table: BLUE },
    outcome: { kind: 'output', tap: tapName(3) },
  });
});

test('an audit finds nothing amiss in any of the tables', async () => {
  const shown = JSON.parse(await topology.router.must(['fpm2afi', 'audit', '--json'])) as {
    readonly layers: readonly { readonly layer: string; readonly state: string; readonly shown?: readonly unknown[] }[];
  };
  expect(shown.layers.map(({ layer, state, shown: found }) => [layer, state, found])).toEqual([
    ['zebra', 'compared', []],
    ['kernel', 'compared', []],
    ['vasic', 'compared', []],
  ]);
});

test('the bridge is killed: both tables forward on, another takes both over and has them after the sweep', async () => {
  const { bridge } = topology;
  await bridge.process().kill('SIGKILL');
  const { hosts } = topology;
  for (const port of [0, 2]) expect(await ping(hosts[port]!, SHARED)).toMatchObject({ received: 3 });
  const mark = logMark(bridge.logFile);
  await bridge.restart();
  await waitFor(async () => logLines(bridge.logFile, mark).some((line) => line.includes('the replay is over')), {
    timeoutMs: 40_000,
    what: 'the sweep',
  });
  expect(logLines(bridge.logFile, mark).join('\n')).toMatch(/found the tables of an earlier run .*trees=3/);
  await offloaded();
  await bothWork();
});
