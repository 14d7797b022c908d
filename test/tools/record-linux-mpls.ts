/**
 * Makes test/fixtures/mpls/linux.json: what a Linux with MPLS does to labelled packets, frame by frame.
 * Usage: scripts/mpls-machine.sh && node dist/test/tools/record-linux-mpls.js OUTPUT-FILE   (as root)
 *
 * The machine of `make mpls-interop` stands between two hosts, west (eth0) and east (eth1), with static neighbors. For each case one frame goes in
 * from the west; noted is what comes out at either side. All cases are played as Linux is by default (`uniform`), and again with
 * net.mpls.ip_ttl_propagate 0 (`pipe`). test/unit/vasic/linux-labels.test.ts holds the engine to it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { labId, openLab } from '../../lab/lab';
import { sleep } from '../../lab/wait';
import { frameOf, markOf, type Label, type Packet } from '../integration/mpls/frames';
import { Ears, send } from '../integration/mpls/wire';
import { machineMac, startMachine, type Machine } from '../interop/machine';

const WEST_MAC = '02:00:00:00:02:01';
const EAST_MAC = '02:00:00:00:02:02';
/** Of pipe-mode labels. */
const PIPE_TTL = 77;
/** How long nothing more has to come out for a frame to count as dropped. */
const SILENCE_MS = 700;

const WEST = '10.1.1.1';
const WEST6 = '2001:db8:1::1';
const EAST = 'via inet 10.1.2.1 dev eth1';
const EAST6 = 'via inet6 2001:db8:2::1 dev eth1';
/** Where packets to these go: by the default VRF's table, by red's, and by neither. */
const KNOWN = '203.0.113.1';
const KNOWN6 = '2001:db8:99::1';
const RED = '198.51.100.1';
const RED6 = '2001:db8:77::1';

const SETUP: readonly string[] = [
  'sysctl -w net.mpls.platform_labels=1048575',
  'sysctl -w net.mpls.conf.lo.input=1',
  'sysctl -w net.ipv4.ip_forward=1',
  'sysctl -w net.ipv6.conf.all.forwarding=1',
  'sysctl -w net.ipv4.conf.all.rp_filter=0',
  'sysctl -w net.ipv4.icmp_ratelimit=0',
  'sysctl -w net.ipv6.icmp.ratelimit=0',
  ...[1, 2].flatMap((side) => [
    `ip address add 10.1.${side}.2/24 dev eth${side - 1}`,
    `ip address add 2001:db8:${side}::2/64 dev eth${side - 1} nodad`,
    `ip link set eth${side - 1} up`,
    `ip neigh replace 10.1.${side}.1 lladdr ${side === 1 ? WEST_MAC : EAST_MAC} dev eth${side - 1} nud permanent`,
    `ip -6 neigh replace 2001:db8:${side}::1 lladdr ${side === 1 ? WEST_MAC : EAST_MAC} dev eth${side - 1} nud permanent`,
  ]),
  'sysctl -w net.mpls.conf.eth0.input=1',
  'ip link add red type vrf table 100',
  'ip link set red up',
  'ip route add 203.0.113.0/24 via 10.1.2.1',
  'ip -6 route add 2001:db8:99::/48 via 2001:db8:2::1',
  'ip route add 198.51.100.0/24 via 10.1.2.1 dev eth1 table 100',
  'ip -6 route add 2001:db8:77::/48 via 2001:db8:2::1 dev eth1 table 100',
  `ip -f mpls route add 100 as 200 ${EAST}`,
  `ip -f mpls route add 101 ${EAST}`,
  `ip -f mpls route add 102 as 0 ${EAST}`,
  `ip -f mpls route add 103 as 2 ${EAST6}`,
  `ip -f mpls route add 104 as 300/400 ${EAST}`,
  'ip -f mpls route add 105 dev lo',
  'ip -f mpls route add 106 dev red',
  `ip -f mpls route add 107 ${EAST6}`,
  'ip route add 192.0.2.0/24 encap mpls 500 via 10.1.2.1',
  'ip route add 192.0.3.0/24 encap mpls 501/502 via 10.1.2.1',
  'ip route add 192.0.4.0/24 encap mpls 0 via 10.1.2.1',
  'ip -6 route add 2001:db8:50::/48 encap mpls 510 via 2001:db8:2::1',
];

interface Case {
  readonly name: string;
  readonly labels: readonly Label[];
  readonly packet: Omit<Packet, 'marker' | 'from'>;
}

const entry = (label: number, ttl = 64, tc = 0): Label => ({ label, ttl, tc });
function plain(name: string, to: string, over: Partial<Case['packet']> = {}): Case {
  return { name, labels: [], packet: { to, ttl: 64, ...over } };
}
function labelled(name: string, labels: readonly Label[], to = KNOWN, over: Partial<Case['packet']> = {}): Case {
  return { name, labels, packet: { to, ttl: 64, ...over } };
}
const TTLS = [64, 20, 2, 1, 0];

const CASES: readonly Case[] = [
  ...TTLS.map((ttl) => labelled(`swap, TTL ${ttl}`, [entry(100, ttl)])),
  labelled('swap, IPv6 behind it', [entry(100, 20)], KNOWN6),
  labelled('swap, IP TTL 1 behind it', [entry(100, 20)], KNOWN, { ttl: 1 }),
  labelled('swap, class 5', [entry(100, 20, 5)]),
  labelled('swap, another label below', [entry(100, 20), entry(17, 9, 2)]),
  labelled('swap for two labels', [entry(104, 20)]),
  labelled('swap for two labels, class 3', [entry(104, 20, 3)]),
  labelled('swap for explicit null', [entry(102, 20)]),
  labelled('swap for explicit null, IPv6', [entry(103, 20)], KNOWN6),
  ...TTLS.map((ttl) => labelled(`penultimate hop, TTL ${ttl}`, [entry(101, ttl)])),
  ...TTLS.map((ttl) => labelled(`penultimate hop, IPv6, TTL ${ttl}`, [entry(107, ttl)], KNOWN6)),
  labelled('penultimate hop, IP TTL 3', [entry(101, 20)], KNOWN, { ttl: 3 }),
  labelled('penultimate hop, IP TTL 1', [entry(101, 20)], KNOWN, { ttl: 1 }),
  labelled('penultimate hop, IPv6 hop limit 1', [entry(107, 20)], KNOWN6, { ttl: 1 }),
  labelled('penultimate hop, class 5', [entry(101, 20, 5)]),
  labelled('penultimate hop, class 5, TOS 0xb8', [entry(101, 20, 5)], KNOWN, { tos: 0xb8 }),
  labelled('penultimate hop, another label below', [entry(101, 20, 5), entry(17, 9, 2)]),
  ...TTLS.map((ttl) => labelled(`explicit null, TTL ${ttl}`, [entry(0, ttl)])),
  ...TTLS.map((ttl) => labelled(`explicit null, IPv6, TTL ${ttl}`, [entry(2, ttl)], KNOWN6)),
  labelled('explicit null, IP TTL 1', [entry(0, 20)], KNOWN, { ttl: 1 }),
  labelled('explicit null, class 3, TOS 0', [entry(0, 20, 3)]),
  labelled('explicit null, another label below', [entry(0, 20), entry(100, 9)]),
  ...TTLS.map((ttl) => labelled(`VPN label, TTL ${ttl}`, [entry(106, ttl)], RED)),
  labelled('VPN label, IPv6', [entry(106, 20)], RED6),
  labelled('VPN label, IP TTL 1', [entry(106, 20)], RED, { ttl: 1 }),
  labelled('label of lo, TTL 20', [entry(105, 20)]),
  labelled('label of lo, a VPN label below', [entry(105, 20), entry(106, 9)], RED),
  labelled('router alert', [entry(1, 20), entry(100, 9)]),
  ...[3, 4, 7, 13, 14, 15].map((label) => labelled(`reserved label ${label}`, [entry(label, 20), entry(100, 9)])),
  labelled('a label that nobody gave out', [entry(999, 20)]),
  labelled('the last label, which nobody gave out', [entry(0xfffff, 20)]),
  ...[64, 2, 1].map((ttl) => plain(`push, TTL ${ttl}`, '192.0.2.1', { ttl })),
  ...[64, 2, 1].map((ttl) => plain(`push, IPv6, hop limit ${ttl}`, '2001:db8:50::1', { ttl })),
  plain('push, TOS 0xb8', '192.0.2.1', { tos: 0xb8 }),
  plain('push, IPv6, traffic class 0xb8', '2001:db8:50::1', { tos: 0xb8 }),
  plain('push of two labels', '192.0.3.1'),
  plain('push of explicit null', '192.0.4.1'),
  plain('push, 1496 bytes', '192.0.2.1', { size: 1496, dontFragment: true }),
  plain('push, 1497 bytes that may not be cut', '192.0.2.1', { size: 1497, dontFragment: true }),
  plain('push, IPv6, 1496 bytes', '2001:db8:50::1', { size: 1496 }),
  plain('push, IPv6, 1497 bytes', '2001:db8:50::1', { size: 1497 }),
  plain('push of two labels, 1492 bytes', '192.0.3.1', { size: 1492, dontFragment: true }),
  plain('push of two labels, 1493 bytes that may not be cut', '192.0.3.1', { size: 1493, dontFragment: true }),
  labelled('swap, 1500 bytes with the label', [entry(100, 20)], KNOWN, { size: 1496 }),
  labelled('swap for two labels, 1500 bytes with them', [entry(104, 20)], KNOWN, { size: 1492 }),
  labelled('swap for two labels, 1504 bytes with them', [entry(104, 20)], KNOWN, { size: 1496 }),
];

const MODELS = [
  { model: 'uniform', commands: ['sysctl -w net.mpls.ip_ttl_propagate=1'] },
  { model: 'pipe', commands: ['sysctl -w net.mpls.ip_ttl_propagate=0', `sysctl -w net.mpls.default_ttl=${PIPE_TTL}`] },
];

interface Recorded {
  readonly name: string;
  readonly model: string;
  readonly in: string;
  /** `west` or `east`, and the frame. */
  readonly out: readonly string[];
}

async function record(machine: Machine, hosts: Parameters<typeof Ears.open>[0]): Promise<Recorded[]> {
  const ears = await Ears.open(hosts);
  const recorded: Recorded[] = [];
  let marker = 30_000;
  for (const { model, commands } of MODELS) {
    await machine.mustAll(commands);
    const sent = CASES.map(({ name, labels, packet }) => {
      const mine = marker++;
      const from = packet.to.includes(':') ? WEST6 : WEST;
      return { name, mine, hex: frameOf(machineMac(0), WEST_MAC, labels, { ...packet, from, marker: mine }) };
    });
    for (const { hex } of sent) await send(hosts[0]!, [hex]);
    await sleep(SILENCE_MS);
    const side = (heard: string): string => heard.replace(/^0 /, 'west ').replace(/^1 /, 'east ');
    for (const { name, mine, hex } of sent)
      recorded.push({ name, model, in: hex, out: ears.heard(markOf(mine)).map(side) });
  }
  await ears.close();
  return recorded;
}

async function main(file: string): Promise<void> {
  const lab = await openLab(labId('mplsrecord'));
  try {
    const hosts = [await lab.node('west'), await lab.node('east')];
    const macs = [WEST_MAC, EAST_MAC];
    const ports = hosts.map((node, i) => ({ node, ifname: 'veth', mac: macs[i]! }));
    // The hosts only look on: whatever they answered would be in the way.
    for (const node of hosts) await node.sysctl({ 'net.ipv6.conf.default.disable_ipv6': 1 });
    const machine = await startMachine(lab, ports);
    await machine.mustAll(SETUP);
    const cases = await record(machine, hosts);
    const head = { kernel: machine.kernel, command: 'node dist/test/tools/record-linux-mpls.js', pipeTtl: PIPE_TTL };
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify({ ...head, setup: SETUP, cases }, undefined, 1)}\n`);
    process.stdout.write(`${file}: ${cases.length} cases beside Linux ${machine.kernel}\n`);
  } finally {
    await lab.close();
  }
}

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: record-linux-mpls.js OUTPUT-FILE');
main(file).then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`record-linux-mpls: ${String(error)}\n`);
    process.exit(1);
  },
);
