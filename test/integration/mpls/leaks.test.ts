/**
 * VPNs that meet in one router, by bgpd's route targets: a hub, and two spokes that reach the hub and each other by it only. The hub's labels
 * are by nexthop, the spokes' by VRF. Port 0 is the first spoke's, port 1 the second one's, ports 2 and 3 are the hub's
 * (lab/hosts-topology.ts); the kernel is shown to zebra as in static.test.ts.
 */
import { buildHostsTopology, hostAddress, type HostsTopology } from '../../../lab/hosts-topology';
import { at, entries, items, textAt } from '../../../lab/json';
import { labId, openLab, stopLab, type Lab } from '../../../lab/lab';
import type { LinuxVrf } from '../../../lab/mpls/linux-vrfs';
import { tapName } from '../../../lab/plan';
import { waitFor } from '../../../lab/wait';
import { entry, packet, passed, Probe } from './probe';

const ID = labId('mplsleaks');
jest.setTimeout(180_000);

const SPOKES = ['spoke1', 'spoke2'] as const;
const HUB = 'hub';
const TABLES: Readonly<Record<string, number>> = { spoke1: 1001, spoke2: 1002, hub: 1003 };
const PORTS: Readonly<Record<string, readonly number[]>> = { spoke1: [0], spoke2: [1], hub: [2, 3] };
const VRFS: readonly LinuxVrf[] = Object.entries(PORTS).map(([name, ports]) => ({
  ...{ name, table: TABLES[name]!, taps: ports.map(tapName) },
}));
/** What is behind a host. */
const behind = (port: number): string => `10.9.${port}.1`;
const HUB_TARGET = '65000:100';
const SPOKE_TARGET = '65000:200';

function vrfConfig(name: string, number: number, imports: string, exports: string, more: readonly string[]): string[] {
  return [
    `router bgp 65000 vrf ${name}`,
    ` bgp router-id 10.0.0.${number}`,
    ...[' address-family ipv4 unicast', '  redistribute static', '  label vpn export auto', ...more],
    ...[`  rd vpn export 65000:${number}`, `  rt vpn import ${imports}`, `  rt vpn export ${exports}`],
    ...['  export vpn', '  import vpn', ' exit-address-family', 'exit'],
  ];
}
const staticTo = (port: number): string => ` ip route ${behind(port)}/32 ${hostAddress(port)}`;
const CONFIG = [
  ...SPOKES.flatMap((name) => [`vrf ${name}`, ...PORTS[name]!.map(staticTo), 'exit-vrf']),
  ...[`vrf ${HUB}`, ...PORTS[HUB]!.map(staticTo), ` ip route 0.0.0.0/0 ${hostAddress(2)}`, 'exit-vrf'],
  ...['router bgp 65000', ' bgp router-id 10.0.0.10', 'exit'],
  ...SPOKES.flatMap((name, i) => vrfConfig(name, i + 1, HUB_TARGET, SPOKE_TARGET, [])),
  ...vrfConfig(HUB, 3, SPOKE_TARGET, HUB_TARGET, ['  label vpn export allocation-mode per-nexthop']),
];

let lab: Lab | undefined;
let topology: HostsTopology;
let probe: Probe;

beforeAll(async () => {
  lab = await openLab(ID);
  const portTables = Object.fromEntries(VRFS.flatMap(({ name, table }) => PORTS[name]!.map((port) => [port, table])));
  topology = await buildHostsTopology(lab, {
    ...{ hosts: 4, config: CONFIG, daemons: ['bgpd'], mpls: { vrfs: VRFS }, portTables },
    settings: ['fpm.sweep.idle=500ms', 'fpm.sweep.minimum=1s'],
  });
  await waitFor(async () => (await labels()).size === 4 && (await leaked()).length === 8, {
    timeoutMs: 60_000,
    what: 'four labels, and eight leaked routes in the vASIC',
  });
  probe = await Probe.open(topology.hosts);
});

afterAll(async () => {
  await probe?.close();
  await lab?.close();
  await stopLab(ID);
});

/** The labels that are in the vASIC, by what zebra's table has as their nexthop: an address, or a VRF's device. */
async function labels(): Promise<ReadonlyMap<string, number>> {
  const zebra = entries(await topology.frr.json('show mpls table json')).map(([label, lsp]) => {
    const [hop] = items(at(lsp, 'nexthops'));
    return [textAt(hop, 'nexthop') || textAt(hop, 'interface'), Number(label)] as const;
  });
  const shown = items(JSON.parse(await topology.router.must(['fpm2afi', 'show', 'lsps', '--json'])) as unknown);
  const offloaded = new Set(shown.flatMap((lsp) => (textAt(lsp, 'state') === 'offloaded' ? [at(lsp, 'label')] : [])));
  return new Map(zebra.filter(([, label]) => offloaded.has(label)));
}

/** Routes that bgpd has put into a VRF from another, in the vASIC: `spoke1 10.9.2.1/32 tap2`. */
async function leaked(): Promise<string[]> {
  const routes = await topology.bridge.routes();
  return routes
    .filter(({ protocol, state }) => protocol === 'bgp' && state === 'offloaded')
    .map(({ vrf, prefix, nexthops }) => `${vrf} ${prefix} ${nexthops.map((path) => path.interface).join()}`)
    .sort();
}

/** Pings from behind a host to behind another, and the TTL that the answers have. */
async function crossing(from: number, to: number): Promise<string> {
  const { stdout } = await topology.hosts[from]!.exec(['ping', '-c', '3', '-i', '0.2', '-W', '1', '-I', behind(from), behind(to)]); // prettier-ignore
  const ttls = [...stdout.matchAll(/ ttl=(\d+) /g)].map(([, ttl]) => ttl);
  return ttls.length < 3 ? `${ttls.length} answers` : `TTL ${[...new Set(ttls)].join()}`;
}

test('each VRF has what its route targets let in, by ports of the other VRF', async () => {
  expect(await leaked()).toEqual([
    ...['hub 10.9.0.1/32 tap0', 'hub 10.9.1.1/32 tap1'],
    ...SPOKES.flatMap((name) => [`${name} 0.0.0.0/0 tap2`, `${name} 10.9.2.1/32 tap2`, `${name} 10.9.3.1/32 tap3`]),
  ]);
});

test('spokes reach the hub and the hub them; each other only by way of the hub', async () => {
  expect([await crossing(0, 2), await crossing(1, 3), await crossing(2, 0)]).toEqual(Array(3).fill('TTL 63'));
  expect(await crossing(0, 1)).toBe('0 answers');
  // By the hub's router: two routers more. It is not to tell them of a shorter way.
  await topology.hosts[2]!.sysctl({ 'net.ipv4.conf.all.send_redirects': 0, 'net.ipv4.conf.veth.send_redirects': 0 });
  await topology.hosts[2]!.sysctl({ 'net.ipv4.ip_forward': 1 });
  expect(await crossing(0, 1)).toBe('TTL 61');
  await topology.hosts[2]!.sysctl({ 'net.ipv4.ip_forward': 0 });
});

test('a label of a VRF looks up there; one of a nexthop goes to that, whatever the destination', async () => {
  const known = await labels();
  const label = (of: string): number => known.get(of)!;
  expect([...known.keys()].sort()).toEqual([hostAddress(2), hostAddress(3), ...SPOKES]);
  for (const to of [2, 3, 0]) {
    for (const port of [2, 3]) {
      await probe.expectOut({ labels: [entry(label(hostAddress(port)), 9)], ...packet(behind(to)) }, port, [], 8);
    }
  }
  await probe.expectOut({ labels: [entry(label('spoke1'), 9)], ...packet(behind(0)) }, 0, [], 8);
  // The spoke's own table leads to the hub, and not to the other spoke.
  await probe.expectOut({ labels: [entry(label('spoke1'), 9)], ...packet(behind(3)) }, 3, [], 8);
  await probe.expectOut({ labels: [entry(label('spoke1'), 9)], ...packet(behind(1)) }, 2, [], 8);
});

test("a nexthop's label goes with its routes", async () => {
  const gone = (await labels()).get(hostAddress(3))!;
  const { frr } = topology;
  await frr.vtysh(`configure terminal\nvrf ${HUB}\nno ip route ${behind(3)}/32 ${hostAddress(3)}`);
  await waitFor(async () => !(await labels()).has(hostAddress(3)), { timeoutMs: 20_000, what: 'the label to go' });
  const [mark] = await probe.send([{ labels: [entry(gone, 9)], ...packet(behind(3)) }]);
  await probe.outcome({ labels: [entry((await labels()).get(hostAddress(2))!, 9)], ...packet(behind(2)) });
  expect(probe.heard(mark!)).toEqual([]);
  await frr.vtysh(`configure terminal\nvrf ${HUB}\nip route ${behind(3)}/32 ${hostAddress(3)}`);
  await waitFor(async () => (await labels()).has(hostAddress(3)), {
    timeoutMs: 20_000,
    what: 'the label to come back',
  });
});

test('the bridge is killed: what leaks goes on, and another one takes all tables and labels over', async () => {
  const { bridge } = topology;
  await bridge.process().kill('SIGKILL');
  expect([await crossing(0, 2), await crossing(1, 3)]).toEqual(Array(2).fill('TTL 63'));
  const known = hostAddress(2);
  await bridge.restart();
  await waitFor(async () => (await labels()).size === 4 && (await leaked()).length === 8, {
    timeoutMs: 60_000,
    what: 'labels and leaked routes after the restart',
  });
  await probe.expectOut({ labels: [entry((await labels()).get(known)!, 9)], ...packet(behind(3)) }, 2, [], 8);
  expect([await crossing(0, 2), await crossing(1, 3)]).toEqual(Array(2).fill('TTL 63'));
  // zebra has connected subnets in the VRFs that this kernel has in its main table: only the vASIC is compared.
  const audit = JSON.parse((await topology.router.exec(['fpm2afi', 'audit', '--json'])).stdout) as unknown;
  const vasic = items(at(audit, 'layers')).find((layer) => textAt(layer, 'layer') === 'vasic');
  expect([at(vasic, 'state'), at(vasic, 'shown')]).toEqual(['compared', []]);
});

test("a VRF's device is called otherwise: its label is Linux's, until the name is back", async () => {
  const { router } = topology;
  const label = (await labels()).get('spoke1')!;
  const lookedUp = { labels: [entry(label, 9)], ...packet(behind(0)) };
  const before = await passed(router, 'notAPort');
  await router.must(['ip', 'link', 'set', 'spoke1', 'name', 'renamed']);
  await waitFor(
    async () => {
      await probe.send([lookedUp]);
      return (await passed(router, 'notAPort')) > before;
    },
    { timeoutMs: 20_000, everyMs: 300, what: 'the label to lead to Linux' },
  );
  await router.must(['ip', 'link', 'set', 'renamed', 'name', 'spoke1']);
  await waitFor(
    async () => {
      const [mark] = await probe.send([lookedUp]);
      return probe.heard(mark!).some((out) => out.startsWith('0 '));
    },
    { timeoutMs: 30_000, everyMs: 300, what: 'the label to be looked up again' },
  );
});
