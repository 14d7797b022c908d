/**
 * `fpm2afi audit` over a live zebra, fpm2afi and softvasic: clean while all is well; after a difference made behind the bridge's
 * back in each layer it names the layer, and `--repair` ends it. The topology is that of lab/hosts-topology.ts.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildHostsTopology, hostAddress, type HostsTopology } from '../../lab/hosts-topology';
import { labId, openLab, stopLab, type Lab } from '../../lab/lab';
import { VASIC_MGMT } from '../../lab/plan';
import { AFI_PORT } from '../../lab/programs';
import { waitFor } from '../../lab/wait';
import { deafen } from './deafen';
import { ROUTE_TREE } from '../../src/afi/base-graph';
import { AftField } from '../../src/aft/model';
import { differencesIn, type AuditLayer, type AuditView } from '../../src/control/audit-types';
import { faultsOf } from '../schemas';

const ID = labId('audit');
const VTY = ['ip route 10.20.0.0/16 10.1.1.2', 'ip route 10.20.0.0/16 10.1.2.2', 'ip route 10.30.0.0/16 blackhole'];
const MORE = ['ip route 10.31.0.0/16 10.1.1.2', 'ip route 0.0.0.0/0 10.1.2.2', 'ip route 10.50.0.0/16 mgmt0'];
const IP6 = ['ipv6 route 2001:db8:20::/48 2001:db8:1::2', 'ipv6 route 2001:db8:30::/48 reject'];
const PROXY_PORT = 2621;
jest.setTimeout(240_000);

let lab: Lab;
let topology: HostsTopology;
let swallow: string;

beforeAll(async () => {
  lab = await openLab(ID);
  const settings = ['fpm.sweep.idle=1s', 'fpm.sweep.minimum=3s'];
  topology = await buildHostsTopology(lab, { ip6: true, config: [...VTY, ...MORE, ...IP6], settings });
  const { router } = topology;
  swallow = join(router.dir, 'swallow');
  router.start('fpm-proxy', [...agent('fpm'), String(PROXY_PORT), '2620', swallow]);
  const listening = async (): Promise<boolean> => (await router.must(['ss', '-ltnH'])).includes(`:${PROXY_PORT} `);
  await waitFor(listening, { timeoutMs: 20_000, what: 'the FPM proxy to listen' });
  await configure(`fpm address 127.0.0.1 port ${PROXY_PORT}`);
});

afterAll(async () => {
  await lab.close();
  await stopLab(ID);
});

const agent = (what: string): string[] => [process.execPath, join(__dirname, 'audit-agent.js'), what];

async function configure(...lines: string[]): Promise<void> {
  await topology.router.must(['vtysh', ...['configure terminal', ...lines].flatMap((line) => ['-c', line])]);
}

async function audit(...args: string[]): Promise<{ status: number; view: AuditView }> {
  const { status, stdout } = await topology.router.exec(['fpm2afi', 'audit', '--json', ...args], {
    timeoutMs: 120_000,
  });
  return { status, view: JSON.parse(stdout) as AuditView };
}

/** Differences by layer; `undefined` for a layer that was not compared. */
function counts(layers: AuditView['layers']): Record<string, number | undefined> {
  return Object.fromEntries(layers.map((view) => [view.layer, differencesIn(view)]));
}

function shown({ layers }: { layers: AuditView['layers'] }, layer: AuditLayer): string[] {
  const view = layers.find((candidate) => candidate.layer === layer);
  return view?.state === 'compared' ? view.shown.map(({ kind, what }) => `${kind} ${what}`).sort() : [];
}

const CLEAN = { zebra: 0, kernel: 0, vasic: 0 };

async function clean(): Promise<AuditView> {
  let last: AuditView | undefined;
  const isClean = async (): Promise<AuditView | undefined> => {
    const { status, view } = await audit();
    last = view;
    return status === 0 ? view : undefined;
  };
  return waitFor(isClean, { timeoutMs: 60_000, what: 'a clean audit' }).catch((error: unknown) => {
    throw new Error(JSON.stringify(last, undefined, 1), { cause: error });
  });
}

/** Repairs, and expects differences before it in this layer alone, and none after. */
async function repaired(layer: AuditLayer, expected: readonly string[]): Promise<void> {
  const found = await audit();
  expect(shown(found.view, layer)).toEqual(expected);
  expect([found.status, counts(found.view.layers)]).toEqual([1, { ...CLEAN, [layer]: expected.length }]);
  const { status, view } = await audit('--repair');
  expect(faultsOf('audit', view)).toEqual([]);
  expect(shown({ layers: view.repair?.before ?? [] }, layer)).toEqual(expected);
  expect(view.repair?.actions.length).toBeGreaterThan(0);
  expect([status, counts(view.layers)]).toEqual([0, CLEAN]);
}

test('a running system is clean, and everything was compared', async () => {
  const view = await clean();
  expect(counts(view.layers)).toEqual(CLEAN);
  const compared = view.layers.map((layer) => (layer.state === 'compared' ? layer.compared : 0));
  expect(compared.every((count) => count > 8)).toBe(true);
  const text = await topology.router.must(['fpm2afi', 'audit']);
  expect(text).toMatch(/^zebra and FIB: \d+ compared, no differences\n/);
  expect(await topology.router.must(['fpm2afi', 'show', 'status'])).toMatch(
    /\nAudit +.* differences: zebra 0, kernel 0, vasic 0\n/,
  );
});

test('the vASIC: an entry deleted, one added, one that leads elsewhere, a node added', async () => {
  await clean();
  const { router } = topology;
  const key = (address: string, length: number): object => ({
    field: AftField.PacketLookupKey,
    data: { kind: 'prefix', bytes: { address }, length },
  });
  const entry = (address: string, length: number): object => ({
    parent: ROUTE_TREE,
    key: key(address, length),
    next: 0,
  });
  const foreign = { type: 'discard', token: 900_000 };
  const operations = [
    { kind: 'remove', remove: { entries: [{ parent: ROUTE_TREE, key: key('10.20.0.0', 16) }], tokens: [] } },
    { kind: 'insert', insert: { nodes: [foreign], entries: [entry('10.77.0.0', 16), entry('2001:db8:20::', 48)] } },
  ];
  await router.must([...agent('vasic'), `${VASIC_MGMT}:${AFI_PORT}`, JSON.stringify(operations)]);
  await repaired('vasic', [
    'differs 2001:db8:20::/48',
    'missing 10.20.0.0/16',
    'surplus 10.77.0.0/16',
    'surplus node 900000 (discard node)',
  ]);
});

test('zebra: a route that never came, one that was never taken back, one with other paths', async () => {
  await clean();
  writeFileSync(swallow, '');
  await configure(
    'ip route 10.60.0.0/16 10.1.1.2',
    'no ip route 10.31.0.0/16 10.1.1.2',
    'no ip route 10.20.0.0/16 10.1.2.2',
  );
  const told = async (): Promise<boolean> =>
    !(await topology.frr.vtysh('show ip route 10.31.0.0/16 json')).includes('static');
  await waitFor(told, { timeoutMs: 20_000, what: 'zebra to have taken the route back' });
  await new Promise((resolve) => setTimeout(resolve, 1000));
  rmSync(swallow);
  await repaired('zebra', ['differs 10.20.0.0/16', 'missing 10.60.0.0/16', 'surplus 10.31.0.0/16']);
  const prefixes = (await topology.bridge.routes()).map(({ prefix }) => prefix);
  expect([prefixes.includes('10.60.0.0/16'), prefixes.includes('10.31.0.0/16')]).toEqual([true, false]);
});

test('the kernel: a neighbor whose news was lost', async () => {
  await clean();
  const { router, bridge } = topology;
  const mac = '02:00:00:00:00:99';
  await router.must(['ping', '-c', '1', '-W', '5', hostAddress(0)]);
  const hear = deafen(bridge.process().pid);
  await router.must(['ip', 'neigh', 'replace', hostAddress(0), 'lladdr', mac, 'dev', 'tap0', 'nud', 'permanent']);
  hear();
  await repaired('kernel', [`differs neighbor ${hostAddress(0)} on tap0`]);
  const neighbors = JSON.parse(await router.must(['fpm2afi', 'show', 'neighbors', '--json'])) as {
    address: string;
    mac?: string;
  }[];
  expect(neighbors.find(({ address }) => address === hostAddress(0))?.mac).toBe(mac);
});

test('a layer that cannot be compared says why, and the audit is not clean', async () => {
  await topology.frr.process('zebra').kill('SIGTERM');
  const { status, stdout, stderr } = await topology.router.exec(['fpm2afi', 'audit']);
  expect(status).toBe(1);
  expect(stdout).toMatch(/^zebra and FIB: not compared: zebra is not connected over FPM\n/);
  expect(stderr).toContain('1 of 3 layers not compared');
});
