/**
 * Labels with real zebra, staticd and bgpd, on a kernel that may have no MPLS (lab/mpls/zebra-view.ts): frames are sent in at port 0, and
 * what comes out of the others is compared byte by byte. Port 3 is in the VRF red, whose VPN label bgpd gives out.
 */
import { vpnLabelSection } from '../../../lab/bgp-section';
import { buildHostsTopology, hostAddress, hostAddress6, type HostsTopology } from '../../../lab/hosts-topology';
import { labId, openLab, stopLab, type Lab } from '../../../lab/lab';
import type { LinuxVrf } from '../../../lab/mpls/linux-vrfs';
import { tapName } from '../../../lab/plan';
import { waitFor } from '../../../lab/wait';
import type { LspView } from '../../../src/control/types';
import { faultsOf } from '../../schemas';
import type { Label } from './frames';
import { entry, packet, passed, Probe, type Case } from './probe';

const ID = labId('mplstest');
const RED = 1001;
const VPN_LABEL = 800;
const LOWEST = 16;
/** 20 bits. */
const HIGHEST = 1_048_575;
const VRFS: readonly LinuxVrf[] = [{ name: 'red', table: RED, taps: [tapName(3)] }];
jest.setTimeout(180_000);

/** zebra looks once, when it is told of such an LSP, whether its nexthop is there: these come after the interfaces' addresses. */
const LSPS = [
  // The two ends of the space that is not reserved.
  `mpls lsp ${LOWEST} ${hostAddress(1)} ${HIGHEST}`,
  `mpls lsp ${HIGHEST} ${hostAddress(2)} ${LOWEST}`,
  `mpls lsp 100 ${hostAddress(1)} 200`,
  `mpls lsp 101 ${hostAddress(1)} implicit-null`,
  `mpls lsp 102 ${hostAddress(1)} explicit-null`,
  ...[1, 2].map((port) => `mpls lsp 103 ${hostAddress(port)} ${203 + port}`),
  `mpls lsp 104 ${hostAddress6(1)} 206`,
  `mpls lsp 105 ${hostAddress6(1)} explicit-null`,
];
/** Of the labelled paths of one route, by port. */
const WEIGHTS: Readonly<Record<number, number>> = { 1: 3, 2: 1 };
const CONFIG = [
  `ip route 10.50.0.0/16 ${hostAddress(1)} label 300`,
  `ip route 10.51.0.0/16 ${hostAddress(1)} label 300/301`,
  `ipv6 route 2001:db8:50::/48 ${hostAddress6(1)} label 310`,
  `ip route 10.54.0.0/16 ${hostAddress(1)} label ${HIGHEST}/${LOWEST}`,
  `ip route 10.53.0.0/16 ${hostAddress(1)} label 330`,
  `ip route 10.53.0.0/16 ${hostAddress(2)}`,
  ...[1, 2].map((port) => `ip route 10.52.0.0/16 ${hostAddress(port)} label ${320 + port} weight ${WEIGHTS[port]}`),
  `ip route 10.9.2.1/32 ${hostAddress(2)}`,
  `ipv6 route 2001:db8:9:2::1/128 ${hostAddress6(2)}`,
  'vrf red',
  ` ip route 10.9.3.1/32 ${hostAddress(3)}`,
  'exit-vrf',
  ...vpnLabelSection('red', VPN_LABEL),
];
const LABELS = [LOWEST, 100, 101, 102, 103, 104, 105, VPN_LABEL, HIGHEST];
const ROUTES = [
  '10.50.0.0/16',
  '10.51.0.0/16',
  '10.52.0.0/16',
  '10.53.0.0/16',
  '10.54.0.0/16',
  '2001:db8:50::/48',
  '10.9.2.1/32',
  '10.9.3.1/32',
];

let lab: Lab | undefined;
let topology: HostsTopology;
let probe: Probe;

beforeAll(async () => {
  lab = await openLab(ID);
  topology = await buildHostsTopology(lab, {
    ...{ hosts: 4, ip6: true, config: CONFIG, daemons: ['bgpd'], mpls: { vrfs: VRFS }, portTables: { 3: RED } },
    settings: ['fpm.sweep.idle=500ms', 'fpm.sweep.minimum=1s'],
  });
  await topology.frr.vtysh(['configure terminal', ...LSPS].join('\n'));
  await offloaded();
  probe = await Probe.open(topology.hosts);
});

afterAll(async () => {
  await probe?.close();
  await lab?.close();
  await stopLab(ID);
});

async function lsps(): Promise<readonly LspView[]> {
  const shown = JSON.parse(await topology.router.must(['fpm2afi', 'show', 'lsps', '--json'])) as LspView[];
  expect(faultsOf('lsps', shown)).toEqual([]);
  return shown;
}

/** All labels and routes of the configuration are in the vASIC, by all of their paths. */
async function offloaded(): Promise<void> {
  await waitFor(
    async () => {
      const found = await lsps();
      const ready = found.every(
        ({ state, legs }) => state === 'offloaded' && legs.every((leg) => leg.state !== 'unresolved'),
      );
      const states = new Map((await topology.bridge.routes()).map(({ prefix, state }) => [prefix, state]));
      const labels = found.map(({ label }) => label);
      return ready && labels.join() === LABELS.join() && ROUTES.every((prefix) => states.get(prefix) === 'offloaded');
    },
    { timeoutMs: 60_000, what: 'LSPs and routes to be offloaded' },
  );
}

const FAR = '198.51.100.1';
const FAR6 = '2001:db8:99::1';

test('swap: TTL less one, class and what is behind it stay; to an IPv6 nexthop', async () => {
  await probe.expectOut({ labels: [entry(100, 9, 5)], ...packet(FAR) }, 1, [entry(200, 8, 5)], 64);
  await probe.expectOut({ labels: [entry(100, 9, 5), entry(555, 40, 3)], ...packet(FAR) }, 1, [entry(200, 8, 5), entry(555, 40, 3)], 64); // prettier-ignore
  await probe.expectOut({ labels: [entry(104, 255)], ...packet(FAR6) }, 1, [entry(206, 254)], 64);
});

test('the lowest and the highest label, received and sent, 20 bits wide; one beside either is another', async () => {
  await probe.expectOut({ labels: [entry(LOWEST, 9, 5)], ...packet(FAR) }, 1, [entry(HIGHEST, 8, 5)], 64);
  await probe.expectOut({ labels: [entry(HIGHEST, 9, 5)], ...packet(FAR) }, 2, [entry(LOWEST, 8, 5)], 64);
  const stack = [entry(HIGHEST, 19), entry(LOWEST, 19)];
  await probe.expectOut({ labels: [], ...packet('10.54.0.1', 20) }, 1, stack, 19);
  await probe.expectOut({ labels: [entry(LOWEST, 9), entry(HIGHEST, 7)], ...packet(FAR) }, 1, [entry(HIGHEST, 8), entry(HIGHEST, 7)], 64); // prettier-ignore
  const beside = await probe.send([17, HIGHEST - 1].map((label) => ({ labels: [entry(label, 9)], ...packet(FAR) })));
  await probe.outcome({ labels: [entry(100, 9)], ...packet(FAR) });
  expect(beside.flatMap((mark) => probe.heard(mark))).toEqual([]);
});

test('every traffic class stays, in a swap and on the label that a pop uncovers', async () => {
  for (let tc = 0; tc < 8; tc++) {
    await probe.expectOut({ labels: [entry(100, 9, tc)], ...packet(FAR) }, 1, [entry(200, 8, tc)], 64);
    const below = entry(555, 40, 7 - tc);
    await probe.expectOut({ labels: [entry(101, 9, tc), below], ...packet(FAR) }, 1, [below], 64);
  }
});

test("pop: the IP packet gets the label's TTL less one; another label stays as it is", async () => {
  await probe.expectOut({ labels: [entry(101, 9)], ...packet(FAR) }, 1, [], 8);
  await probe.expectOut({ labels: [entry(101, 9)], ...packet(FAR6) }, 1, [], 8);
  await probe.expectOut({ labels: [entry(101, 9, 7), entry(555, 40, 3)], ...packet(FAR) }, 1, [entry(555, 40, 3)], 64);
});

test('explicit null: sent where it is asked for; received, it is taken off and the packet looked up', async () => {
  await probe.expectOut({ labels: [entry(102, 9, 5)], ...packet(FAR) }, 1, [entry(0, 8, 5)], 64);
  await probe.expectOut({ labels: [entry(105, 9, 5)], ...packet(FAR6) }, 1, [entry(2, 8, 5)], 64);
  await probe.expectOut({ labels: [entry(0, 9)], ...packet('10.9.2.1') }, 2, [], 8);
  await probe.expectOut({ labels: [entry(2, 9)], ...packet('2001:db8:9:2::1') }, 2, [], 8);
});

test('push of one and two labels, on IPv4 and IPv6', async () => {
  await probe.expectOut({ labels: [], ...packet('10.50.0.1', 20) }, 1, [entry(300, 19)], 19);
  await probe.expectOut({ labels: [], ...packet('10.51.0.1', 20) }, 1, [entry(300, 19), entry(301, 19)], 19);
  await probe.expectOut({ labels: [], ...packet('2001:db8:50::1', 20) }, 1, [entry(310, 19)], 19);
});

test("a VPN's label: taken off and looked up in the VRF, which another label does not reach", async () => {
  await probe.expectOut({ labels: [entry(VPN_LABEL, 9)], ...packet('10.9.3.1') }, 3, [], 8);
  await probe.expectOut({ labels: [entry(0, 9), entry(VPN_LABEL, 30)], ...packet('10.9.3.1') }, 3, [], 29);
});

const times = (count: number, one: (i: number) => Case): Case[] => Array.from({ length: count }, (_, i) => one(i));

test('flows spread over both paths of an LSP', async () => {
  const outs = await probe.outcomes(times(40, (i) => ({ labels: [entry(103, 9)], ...packet(`198.51.100.${i}`) })));
  expect([...new Set(outs)].sort()).toEqual(['1 204', '2 205']);
});

test('flows are told apart by the addresses behind the stack, IPv6 too, and by the labels in it; a flow keeps its path', async () => {
  const bothWays = async (one: (i: number) => Case): Promise<void> =>
    expect([...new Set(await probe.outcomes(times(40, one)))].sort()).toEqual(['1 204', '2 205']);
  const stack = [entry(103, 9, 2), entry(555, 40)];
  await bothWays((i) => ({ labels: [entry(103, 9)], ...packet(`2001:db8:99::${i.toString(16)}`) }));
  await bothWays((i) => ({ labels: stack, ...packet(`198.51.100.${i}`) }));
  await bothWays((i) => ({ labels: [entry(103, 9), entry(600 + i, 40)], ...packet(FAR) }));
  // What tells packets apart here is the port that they are known by, which belongs to the flow: under an entropy label it doesn't.
  const marked = [entry(103, 9, 6), entry(7, 9), entry(2000, 0)];
  const frames = await Promise.all(Array.from({ length: 3 }, () => probe.outcome({ labels: marked, ...packet(FAR) })));
  const tops = frames.map(([out]) => out!.split(' ')[1]!.slice(28, 36));
  expect(new Set(tops).size).toBe(1);
  expect(tops[0]).toMatch(/^000c[cd]c08$/);
});

test('an entropy label says which flow it is, whatever is behind it (RFC 6790)', async () => {
  const entropy = (value: number): Label[] => [entry(103, 9), entry(7, 9), entry(value, 0)];
  const spread = await probe.outcomes(times(40, (i) => ({ labels: entropy(1000 + i), ...packet(FAR) })));
  expect([...new Set(spread)].sort()).toEqual(['1 204', '2 205']);
  const one = await probe.outcomes(times(40, (i) => ({ labels: entropy(1000), ...packet(`198.51.100.${i}`) })));
  expect(new Set(one).size).toBe(1);
});

test('labelled paths of a route by their weights', async () => {
  const route = (await topology.bridge.routes()).find(({ prefix }) => prefix === '10.52.0.0/16')!;
  // zebra scales them up.
  const weightOf = (port: number): number => route.nexthops.find((path) => path.interface === tapName(port))!.weight;
  expect(weightOf(1) / weightOf(2)).toBe(WEIGHTS[1]! / WEIGHTS[2]!);
  const outs = await probe.outcomes(times(200, (i) => ({ labels: [], ...packet(`10.52.${i}.1`) })));
  expect([...new Set(outs)].sort()).toEqual(['1 321', '2 322']);
  const first = outs.filter((out) => out === '1 321').length;
  expect(first).toBeGreaterThan(120);
  expect(first).toBeLessThan(180);
});

test('a labelled path beside a plain one', async () => {
  const outs = new Set<string>();
  for (let i = 1; i <= 20; i++) {
    const [out] = await probe.outcome({ labels: [], ...packet(`10.53.0.${i}`) });
    const [port, frame] = out!.split(' ');
    outs.add(`${port} ${frame!.slice(24, 28)}`);
  }
  expect([...outs].sort()).toEqual(['1 8847', '2 0800']);
});

test('an unknown label, and one whose TTL runs out: nothing comes out, and each is counted for what it is', async () => {
  const { router, bridge } = topology;
  const dropped = async (): Promise<number> => (await bridge.status()).afi.unknownLabels!;
  const before = await passed(router, 'labelTtl');
  const droppedBefore = await dropped();
  const stacks = [[entry(999, 64)], [entry(100, 1)], [entry(VPN_LABEL, 1)]];
  const lost = await probe.send(stacks.map((labels) => ({ labels, ...packet(FAR) })));
  await waitFor(async () => (await passed(router, 'labelTtl')) === before + 2, {
    timeoutMs: 20_000,
    what: 'two expired labels',
  });
  await probe.outcome({ labels: [entry(100, 9)], ...packet(FAR) });
  expect(lost.flatMap((mark) => probe.heard(mark))).toEqual([]);
  expect((await dropped()) - droppedBefore).toBe(1);
  expect((await bridge.status()).fib.lsps).toMatchObject({ offloaded: LABELS.length });
});

test('router alert goes to Linux with its stack', async () => {
  const { router } = topology;
  const before = await passed(router, 'routerAlert');
  const [mark] = await probe.send([{ labels: [entry(1, 9), entry(100, 9)], ...packet(FAR) }]);
  await waitFor(async () => (await passed(router, 'routerAlert')) === before + 1, {
    timeoutMs: 20_000,
    what: 'the router alert',
  });
  expect(probe.heard(mark!)).toEqual([]);
});

/** The first four cells of each row; what a row leaves out is that of the row above, and of a row without a label its type, too. */
function tableRows(table: string): string[][] {
  let [label, type] = ['', ''];
  return table.split('\n').flatMap((line) => {
    const cells = line.trim().split(/ {2,}/);
    if (/^\d+$/.test(cells[0]!)) [label, type] = cells.splice(0, 2) as [string, string];
    else if (!cells[0]!.startsWith('via ')) return [];
    return [[label, type, ...cells.slice(0, 2)]];
  });
}

test("show lsps is zebra's show mpls table; why and show routes have the labels", async () => {
  const { router, frr, bridge } = topology;
  const zebra = tableRows(await frr.vtysh('show mpls table'));
  const ours = tableRows(await router.must(['fpm2afi', 'show', 'lsps'])).map(([label, type, hop, out]) => {
    const address = /^via ([^,]+), /.exec(hop!)?.[1] ?? hop!;
    return [label, type, address, out];
  });
  const sorted = (rows: readonly (readonly (string | undefined)[])[]): string[] => rows.map((row) => row.join(' | ')).sort(); // prettier-ignore
  expect(sorted(ours)).toEqual(sorted(zebra));
  expect(sorted(ours)).toContain(`102 | Static | ${hostAddress(1)} | IPv4 Explicit Null`);
  const why = await router.must(['fpm2afi', 'why', '100']);
  expect(why).toContain(`packets     the vASIC forwards them: via ${hostAddress(1)}, tap1, swap 200`);
  const routes = await bridge.routes();
  const encap = (prefix: string): unknown => routes.find((route) => route.prefix === prefix)?.nexthops[0]?.encap;
  expect(['10.50.0.0/16', '10.51.0.0/16', '2001:db8:50::/48'].map(encap)).toEqual([
    'label 300',
    'label 300/301',
    'label 310',
  ]);
});

test("the neighbor's new MAC address is one operation under all labels", async () => {
  const { router, bridge } = topology;
  const operations = async (): Promise<number> => (await bridge.status()).afi.opsSent;
  const before = await operations();
  const mac = '02:00:00:00:77:01';
  await router.must(['ip', 'neigh', 'replace', hostAddress(1), 'lladdr', mac, 'dev', tapName(1)]);
  const ways: readonly Case[] = [
    { labels: [entry(100, 9)], ...packet(FAR) },
    { labels: [entry(102, 9)], ...packet(FAR) },
    { labels: [], ...packet('10.51.0.1') },
  ];
  const bytes = mac.replaceAll(':', '');
  await waitFor(async () => (await probe.outcome(ways[0]!))[0]!.startsWith(`1 ${bytes}`), {
    timeoutMs: 20_000,
    what: 'the new address',
  });
  for (const way of ways) expect((await probe.outcome(way))[0]).toMatch(new RegExp(`^1 ${bytes}`));
  expect((await operations()) - before).toBe(1);
});

test('trace tells the way of a labelled packet', async () => {
  const shown = await topology.router.must([
    'fpm2afi',
    'trace',
    hostAddress(0),
    FAR,
    '--labels',
    '103/17',
    '--ttl',
    '9',
  ]);
  expect(shown).toMatch(/^label 103\/17, /);
  expect(shown).toMatch(/leaves by port [12] \(tap[12]\), .*, label 20[45]\/17, with TTL 8/);
});

test('what zebra withdraws is gone, what it changes is changed', async () => {
  const { frr } = topology;
  await frr.vtysh(`configure terminal\nno mpls lsp 100 ${hostAddress(1)} 200\nmpls lsp 101 ${hostAddress(1)} 210`);
  await waitFor(
    async () => {
      const found = await lsps();
      return (
        !found.some(({ label }) => label === 100) &&
        found.find(({ label }) => label === 101)?.legs[0]?.outbound === '210'
      );
    },
    { timeoutMs: 20_000, what: 'the changed LSPs' },
  );
});
