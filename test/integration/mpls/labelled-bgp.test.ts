/**
 * BGP labelled unicast (RFC 8277): two neighbors, each FRR at a host behind a port of the vASIC, and our router between them. The first asks for
 * explicit null in front of its prefix, the second for none. The topology is that of lab/hosts-topology.ts.
 */
import { startFrr } from '../../../lab/frr';
import { buildHostsTopology, hostAddress, type HostsTopology } from '../../../lab/hosts-topology';
import { at, items, numberAt, textAt } from '../../../lab/json';
import { labId, openLab, stopLab, type Lab } from '../../../lab/lab';
import { waitFor } from '../../../lab/wait';
import { entry, packet, Probe } from './probe';

const ID = labId('mplslu');
const AS = 65000;
const PEERS = [1, 2] as const;
const prefix = (port: number): string => `10.9.${port}.1`;
jest.setTimeout(180_000);

const session = (address: string, as: number): string[] => [
  ...[
    ` neighbor ${address} remote-as ${as}`,
    ` neighbor ${address} timers 3 9`,
    ` neighbor ${address} timers connect 1`,
  ],
];
const speaker = (as: number, number: number, lines: readonly string[], labelled: readonly string[]): string[] => [
  ...[
    `router bgp ${as}`,
    ` bgp router-id 10.0.0.${number}`,
    ' no bgp ebgp-requires-policy',
    ' no bgp default ipv4-unicast',
  ],
  ...lines,
  ...[' address-family ipv4 labeled-unicast', ...labelled, ' exit-address-family', 'exit'],
];
const CONFIG = speaker(
  AS,
  10,
  PEERS.flatMap((port) => session(hostAddress(port), AS + port)),
  PEERS.map((port) => `  neighbor ${hostAddress(port)} activate`),
);
/** bgpd announces in the labelled family what the plain one has, too. */
const network = (port: number): string => `network ${prefix(port)}/32`;
const peerConfig = (port: number): string[] =>
  speaker(
    AS + port,
    port,
    [
      ...(port === 1 ? [' bgp labeled-unicast explicit-null'] : []),
      ...session(hostAddress(port, 1), AS),
      ...[' address-family ipv4 unicast', `  ${network(port)}`, ' exit-address-family'],
    ],
    [`  ${network(port)}`, `  neighbor ${hostAddress(port, 1)} activate`],
  );

let lab: Lab | undefined;
let topology: HostsTopology;
let probe: Probe;

beforeAll(async () => {
  lab = await openLab(ID);
  topology = await buildHostsTopology(lab, {
    ...{ hosts: 3, config: CONFIG, daemons: ['bgpd'], mpls: { vrfs: [] } },
    settings: ['fpm.sweep.idle=500ms', 'fpm.sweep.minimum=1s'],
  });
  for (const port of PEERS)
    await startFrr(lab, topology.hosts[port]!, {
      ...{ daemons: ['bgpd'], pretendMpls: true, config: [...peerConfig(port), ''].join('\n') },
    });
  await waitFor(async () => (await labels()).size === PEERS.length && (await routes()).length === PEERS.length, {
    timeoutMs: 60_000,
    what: 'the labels of both neighbors',
  });
  probe = await Probe.open(topology.hosts);
});

afterAll(async () => {
  await probe?.close();
  await lab?.close();
  await stopLab(ID);
});

/** What our router told the other neighbor, as bgpd has it: the label in front of a prefix. */
async function told(port: number): Promise<number | undefined> {
  const shown = await topology.frr.vtysh(`show bgp ipv4 labeled-unicast ${prefix(port)}/32`);
  const found = /^Local label: (\d+)$/m.exec(shown);
  return found === null ? undefined : Number(found[1]);
}

/** The LSPs in the vASIC: what each label becomes. */
async function labels(): Promise<ReadonlyMap<number, string>> {
  const shown = items(JSON.parse(await topology.router.must(['fpm2afi', 'show', 'lsps', '--json'])) as unknown);
  const offloaded = shown.filter((lsp) => textAt(lsp, 'state') === 'offloaded');
  return new Map(offloaded.map((lsp) => [numberAt(lsp, 'label')!, textAt(at(lsp, 'legs', 0), 'outbound')]));
}

async function routes(): Promise<string[]> {
  const all = await topology.bridge.routes();
  const offloaded = all.filter(({ protocol, state }) => protocol === 'bgp' && state === 'offloaded');
  return offloaded.map(({ prefix: to, nexthops: [hop] }) => `${to} ${hop?.encap ?? 'no label'}`).sort();
}

test('labelled routes have the labels that the neighbors asked for, as FRR writes them', async () => {
  expect(await routes()).toEqual([`${prefix(1)}/32 label IPv4 Explicit Null`, `${prefix(2)}/32 no label`]);
  await probe.expectOut({ labels: [], ...packet(prefix(1), 20) }, 1, [entry(0, 19)], 19);
  await probe.expectOut({ labels: [], ...packet(prefix(2), 20) }, 2, [], 19);
});

test('the labels that it gave out itself are swapped, or taken off', async () => {
  const [first, second] = [(await told(1))!, (await told(2))!];
  expect(await labels()).toEqual(
    new Map([
      [first, 'IPv4 Explicit Null'],
      [second, 'implicit-null'],
    ]),
  );
  await probe.expectOut({ labels: [entry(first, 9, 5)], ...packet(prefix(1)) }, 1, [entry(0, 8, 5)], 64);
  await probe.expectOut({ labels: [entry(second, 9)], ...packet(prefix(2)) }, 2, [], 8);
});

test('a neighbor that withdraws its prefix takes label and route with it', async () => {
  const gone = (await told(1))!;
  const families = ['unicast', 'labeled-unicast'].flatMap((name) => [
    `address-family ipv4 ${name}`,
    `no ${network(1)}`,
  ]);
  const lines = ['configure terminal', `router bgp ${AS + 1}`, ...families];
  await topology.hosts[1]!.must(['vtysh', ...lines.flatMap((line) => ['-c', line])]);
  await waitFor(async () => !(await labels()).has(gone) && (await routes()).length === 1, {
    timeoutMs: 20_000,
    what: 'the label to go',
  });
});
