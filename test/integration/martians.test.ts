/**
 * Which packets are forwarded, whatever their addresses are: the same frames through a router with a vASIC and through one that
 * is Linux alone, which says what is right.
 */
import { buildHostsTopology } from '../../lab/hosts-topology';
import { labId, openLab, stopLab, type Lab } from '../../lab/lab';
import { link, type LabNode } from '../../lab/node';
import { portMac } from '../../lab/plan';
import type { Bridge } from '../../lab/programs';
import { capture } from '../../lab/traffic';
import { waitFor } from '../../lab/wait';
import { parseAddress, parseMac } from '../../src/net/address';
import { buildProbe } from '../../src/net/probe';

const ID = labId('martianstest');
const FIRST_PORT = 20_000;
const DESTINATION_PORT = 4242;
const FAR = '198.51.100.1';
const FAR6 = '2001:db8:99::1';
jest.setTimeout(120_000);

const SOURCES = [
  ...[
    '10.1.0.2',
    '0.0.0.0',
    '0.0.0.1',
    '0.255.255.255',
    '127.0.0.1',
    '127.255.255.255',
    '223.255.255.255',
    '224.0.0.1',
  ],
  ...['239.255.255.255', '240.0.0.1', '255.255.255.254', '255.255.255.255', '169.254.1.1', '10.1.0.255', '10.1.1.255'],
  ...['2001:db8::2', '::', '::1', '::2', '::1.2.3.4', '::ffff:1.2.3.4', '::ffff:127.0.0.1', 'ff02::1', 'ff05::5'],
  ...['ff0e::5', 'fe80::5', 'fec0::5', 'fc00::5', '100::1'],
];
const DESTINATIONS = [
  ...[FAR, '0.0.0.0', '0.0.0.1', '127.0.0.1', '127.9.9.9', '224.0.0.1', '224.0.1.1', '239.1.1.1', '240.0.0.1'],
  ...['255.255.255.254', '255.255.255.255', '169.254.1.1', '10.1.0.255', '10.1.1.255', '10.1.1.0'],
  ...[FAR6, '::', '::1', '::2', '::ffff:1.2.3.4', 'ff00::1', 'ff01::1', 'ff02::1', 'ff05::5', 'ff0e::5', 'fe80::77'],
  ...['fec0::5', 'fc00::5', '100::1', '2001:db8:1::'],
];
/** Each address as a source to far away, and as a destination from near. */
const PAIRS: readonly (readonly [string, string])[] = [
  ...SOURCES.map((source) => [source, source.includes(':') ? FAR6 : FAR] as const),
  ...DESTINATIONS.map((to) => [to.includes(':') ? '2001:db8::2' : '10.1.0.2', to] as const),
  ['0.0.0.0', '255.255.255.255'],
];

let lab: Lab | undefined;
let hosts: readonly LabNode[];
let bridge: Bridge;
let plainHosts: readonly LabNode[];

beforeAll(async () => {
  lab = await openLab(ID);
  const routes = ['ip route 0.0.0.0/0 10.1.1.2', 'ipv6 route ::/0 2001:db8:1::2'];
  ({ hosts, bridge } = await buildHostsTopology(lab, { hosts: 2, ip6: true, config: routes }));
  plainHosts = await buildPlainRouter(lab);
  await waitFor(
    async () =>
      (await bridge.routes()).filter(({ protocol, state }) => protocol === 'static' && state === 'offloaded').length ===
      2,
    { timeoutMs: 60_000, what: 'the default routes to be offloaded' },
  );
});

afterAll(async () => {
  await lab?.close();
  await stopLab(ID);
});

/** A router that is Linux alone, with the addresses and routes of the other; its hosts. */
async function buildPlainRouter(into: Lab): Promise<LabNode[]> {
  const linux = await into.node('linux');
  await linux.sysctl({
    ...{ 'net.ipv4.ip_forward': 1, 'net.ipv4.conf.all.rp_filter': 0, 'net.ipv4.conf.default.rp_filter': 0 },
    ...{ 'net.ipv6.conf.all.forwarding': 1, 'net.ipv6.conf.default.accept_dad': 0 },
  });
  const ends: LabNode[] = [];
  for (const port of [0, 1]) {
    const node = await into.node(`end${port}`);
    await node.sysctl({ 'net.ipv6.conf.default.accept_dad': 0 });
    ends.push(node);
    const net6 = port === 0 ? '2001:db8::' : '2001:db8:1::';
    await link(
      { node: linux, ifname: `p${port}`, mac: portMac(port), addresses: [`10.1.${port}.1/24`, `${net6}1/64`] },
      { node, ifname: 'veth', addresses: [`10.1.${port}.2/24`, `${net6}2/64`] },
    );
  }
  await linux.must(['ip', 'route', 'add', 'default', 'via', '10.1.1.2']);
  await linux.must(['ip', '-6', 'route', 'add', 'default', 'via', '2001:db8:1::2']);
  return ends;
}

function frameOf([from, to]: readonly [string, string], index: number): string {
  const source = parseAddress(from)!;
  const destination = parseAddress(to)!;
  const ports = { sourcePort: FIRST_PORT + index, destinationPort: DESTINATION_PORT };
  const query = { source, destination, ...ports, protocol: 'udp' as const, ttl: 9, flowLabel: 0, size: 0 };
  return buildProbe(query, parseMac(portMac(0))!).toString('hex');
}

/** Sends frames, given in hex, one after the other. */
async function send(from: LabNode, frames: readonly string[]): Promise<void> {
  const script =
    'import socket,sys,time; s=socket.socket(socket.AF_PACKET,socket.SOCK_RAW); s.bind(("veth",0))\n' +
    'for frame in sys.argv[1:]: s.send(bytes.fromhex(frame)); time.sleep(0.01)';
  await from.must(['python3', '-c', script, ...frames]);
}

/** Sends one packet of each pair from the first host, and says which of them arrived at the second. */
async function forwarded([from, to]: readonly LabNode[]): Promise<string[]> {
  const arriving = await capture(to!, 'veth', ['udp', 'and', 'dst', 'port', String(DESTINATION_PORT)]);
  await send(from!, PAIRS.map(frameOf));
  // The last one is forwarded by both, so the ones before it were seen to.
  await send(from!, [frameOf(['10.1.0.2', FAR], PAIRS.length)]);
  await waitFor(
    async () => (await to!.must(['cat', to!.logFile('tcpdump-veth')])).includes(`.${FIRST_PORT + PAIRS.length} >`),
    {
      timeoutMs: 10_000,
      what: 'the last packet',
    },
  );
  const lines = await arriving.stop();
  return PAIRS.filter((_, i) => lines.some((line) => line.includes(`.${FIRST_PORT + i} >`))).map((pair) =>
    pair.join(' > '),
  );
}

test('the vASIC forwards what Linux forwards', async () => {
  const expected = await forwarded(plainHosts);
  expect(expected).toContain(`10.1.0.2 > ${FAR}`);
  expect(expected).toContain(`2001:db8::2 > ${FAR6}`);
  expect(expected).not.toContain(`127.0.0.1 > ${FAR}`);
  expect(await forwarded(hosts)).toEqual(expected);
});

test('a link-local source is answered: beyond the scope of its address', async () => {
  const own = /inet6 (fe80::[0-9a-f:]+)/.exec(
    await hosts[0]!.must(['ip', '-6', 'address', 'show', 'dev', 'veth']),
  )![1]!;
  const answers = await capture(hosts[0]!, 'veth', ['icmp6', 'and', 'ip6[40]', '==', '1', 'and', 'ip6[41]', '==', '2']);
  await send(hosts[0]!, [frameOf([own, FAR6], 0)]);
  await waitFor(
    async () => (await hosts[0]!.must(['cat', hosts[0]!.logFile('tcpdump-veth')])).includes(`> ${own}: ICMP6`),
    {
      timeoutMs: 10_000,
      what: 'the answer',
    },
  );
  expect(await answers.stop()).toHaveLength(1);
});
