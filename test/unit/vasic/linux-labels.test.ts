/**
 * Labels as Linux treats them: what a Linux with MPLS sent for each frame, recorded in a virtual machine (test/fixtures/mpls/linux.json, made by
 * test/tools/record-linux-mpls.ts), is what the vASIC has to send, byte for byte behind the MAC addresses. Where it differs on purpose,
 * DIFFERENT says how and why.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PuntReason } from '../../../src/aft/model';
import type { LabelTtl } from '../../../src/afi/label-graph';
import type { LspPath } from '../../../src/fib/updates';
import { ETHERTYPE_MPLS } from '../../../src/net/ethertypes';
import { Bed, macOfPort, pathOf, Server } from '../../bed/bed';
import { finishIpv4 } from '../../bed/ipv4-header';
import { readStack } from '../../bed/labelled';

interface Recorded {
  readonly name: string;
  readonly model: 'uniform' | 'pipe';
  readonly in: string;
  readonly out: readonly string[];
}
const FILE = join(__dirname, '../../../../test/fixtures/mpls/linux.json');
const { cases, pipeTtl } = JSON.parse(readFileSync(FILE, 'utf8')) as {
  readonly cases: readonly Recorded[];
  readonly pipeTtl: number;
};

const EAST_MAC = '02:00:00:00:02:02';
const RED = 100;
const MAC_BYTES = 12;
const ETHER_BYTES = 14;

/** What the recording's set-up says, as zebra would say it: west is port 0, east port 1. */
async function router(labelTtl: LabelTtl): Promise<Bed> {
  const bed = new Bed(new Server(), { labelTtl, vrfs: [{ name: 'red', table: RED }] });
  for (const port of [0, 1]) bed.fib.setLabelInput(port, true);
  bed.neighbor(1, '10.1.2.1', EAST_MAC).neighbor(1, '2001:db8:2::1', EAST_MAC);
  bed.vrf(98, 'red', RED);
  bed.fib.applyKernel({ kind: 'link', ifindex: 1, name: 'lo', present: true, up: true, master: 0 });
  await bed.up();
  const east = (...outLabels: number[]): LspPath => ({ ...pathOf('10.1.2.1@1'), outLabels });
  const east6 = (...outLabels: number[]): LspPath => ({ ...pathOf('2001:db8:2::1@1'), outLabels });
  const onto = (ifindex: number): LspPath => ({ ifindex, weight: 1, outLabels: [] });
  const lsps: readonly (readonly [number, LspPath])[] = [
    ...([[100, east(200)], [101, east()], [102, east(0)], [103, east6(2)], [104, east(300, 400)]] as const), // prettier-ignore
    ...([[105, onto(1)], [106, onto(98)], [107, east6()]] as const), // prettier-ignore
  ];
  for (const [label, path] of lsps) bed.apply({ kind: 'lspAdd', label, protocol: 196, paths: [path] });
  bed.via('203.0.113.0/24', '10.1.2.1@1').via('2001:db8:99::/48', '2001:db8:2::1@1');
  bed.viaIn(RED, '198.51.100.0/24', '10.1.2.1@1').viaIn(RED, '2001:db8:77::/48', '2001:db8:2::1@1');
  const push = (prefix: string, hop: string, ...labels: number[]): Bed =>
    bed.route(prefix, { kind: 'paths', paths: [{ ...pathOf(hop), encap: { kind: 'mpls', labels } }] });
  push('192.0.2.0/24', '10.1.2.1@1', 500);
  push('192.0.3.0/24', '10.1.2.1@1', 501, 502);
  push('192.0.4.0/24', '10.1.2.1@1', 0);
  push('2001:db8:50::/48', '2001:db8:2::1@1', 510);
  return bed.settle();
}

/** What is behind the MAC addresses of what came out in the east; `host REASON`, or `dropped`. */
function ours(bed: Bed, frame: Buffer): string {
  const said = bed.frame(Buffer.concat([macOfPort(0), frame.subarray(6)]));
  if (!said.startsWith('p1 '))
    return said.replace(/^punt (\d+)$/, (_all, reason) => `host ${PuntReason[Number(reason)]}`);
  return `east ${bed.server.ports[1]!.sent[0]!.frame.subarray(MAC_BYTES).toString('hex')}`;
}

/** What Linux made of it: the same, or `answered` where the sender got an ICMP error, or `nothing`. */
function linux({ out }: Recorded): string {
  if (out.length === 0) return 'nothing';
  expect(out).toHaveLength(1);
  const [side, hex] = out[0]!.split(' ');
  return side === 'west' ? 'answered' : `east ${hex!.slice(2 * MAC_BYTES)}`;
}

/** In a packet that Linux sent, what is to be another: the class of the first labels, the TTL of the IP packet. */
function changed(sent: string, { classes = 0, labels = 0, hops = 0 }): string {
  const frame = Buffer.from(sent.slice(5), 'hex');
  const isLabelled = frame.readUInt16BE(0) === ETHERTYPE_MPLS;
  for (let i = 0; i < labels; i++) frame.writeUInt32BE(frame.readUInt32BE(2 + 4 * i) + classes * 512, 2 + 4 * i);
  const packet = frame.subarray(isLabelled ? readStack(frame, 2)!.end : 2);
  if (packet[0]! >> 4 === 6) packet[7]! += hops;
  else {
    packet[8]! += hops;
    packet.fill(0, 10, 12);
    finishIpv4(packet.subarray(0, 20));
  }
  return `east ${frame.toString('hex')}`;
}

/** What the IP packet of a frame is when it leaves with this TTL and no label. */
function plainOut(frame: string, ttl: number): string {
  const bytes = Buffer.from(frame, 'hex');
  const packet = bytes.subarray(readStack(bytes, ETHER_BYTES)!.end);
  const isIp6 = packet[0]! >> 4 === 6;
  const out = `east ${isIp6 ? '86dd' : '0800'}${packet.toString('hex')}`;
  return changed(out, { hops: ttl - packet[isIp6 ? 7 : 8]! });
}

interface Difference {
  readonly cases: RegExp;
  readonly model?: Recorded['model'];
  readonly why: string;
  readonly ours: (linux: string, recorded: Recorded) => string;
}
const DIFFERENT: readonly Difference[] = [
  {
    cases: /^swap, class 5$/,
    why: 'RFC 3270: the class stays. Linux sends class 0',
    ours: (sent) => changed(sent, { labels: 1, classes: 5 }),
  },
  {
    cases: /^swap for two labels, class 3$/,
    why: 'the same',
    ours: (sent) => changed(sent, { labels: 2, classes: 3 }),
  },
  {
    cases: /^(swap|penultimate hop|explicit null|VPN label)(, IPv6)?, TTL [10]$/,
    why: 'Linux drops it without a word. Here it goes to the Linux that is the router, with its stack, and so can be answered',
    ours: () => 'host LabelTtl',
  },
  { cases: /^router alert$/, why: 'RFC 3032: to the router itself. Linux drops it', ours: () => 'host RouterAlert' },
  {
    cases: /^(penultimate hop|VPN label|explicit null)(, IPv6)?,? (IP TTL|hop limit) 1$/,
    model: 'pipe',
    why: 'Linux sends a TTL of 0, but for explicit null, where it answers',
    ours: () => 'host LabelTtl',
  },
  {
    cases: /^explicit null, (IPv6, )?TTL 2$/,
    model: 'uniform',
    why: 'a router is one hop (RFC 3443). Linux counts two where it takes a packet in by a label of its own: one by the label, one as it routes it',
    ours: (_sent, recorded) => plainOut(recorded.in, 1),
  },
  {
    cases: /^(explicit null(?!.*label below)(?!.*TTL [012]$)|label of lo, TTL)/,
    why: 'the same',
    ours: (sent) => changed(sent, { hops: 1 }),
  },
  {
    cases: /^explicit null, (IPv6, )?TTL 2$|^explicit null, IP TTL 1$/,
    why: 'the same',
    ours: (sent) => changed(sent, { hops: 1 }),
  },
];

/** What is the same as Linux, as one tells it of the vASIC. */
function same(sent: string, { name }: Recorded): string {
  if (sent === 'nothing') return 'dropped';
  if (sent !== 'answered') return sent;
  return / bytes/.test(name) ? 'host Mtu' : 'host TtlExpired';
}

const find = ({ name, model }: Recorded): Difference | undefined =>
  DIFFERENT.find((one) => one.cases.test(name) && (one.model === undefined || one.model === model));

describe.each([
  ['uniform', { propagate: true, initial: 255 }],
  ['pipe', { propagate: false, initial: pipeTtl }],
] as const)('TTLs %s', (model, labelTtl) => {
  let bed: Bed;
  beforeAll(async () => {
    bed = await router(labelTtl);
  });

  test.each(cases.filter((one) => one.model === model).map((one) => [one.name, one] as const))(
    '%s',
    (_name, recorded) => {
      const sent = linux(recorded);
      const difference = find(recorded);
      const expected = difference === undefined ? same(sent, recorded) : difference.ours(sent, recorded);
      expect(ours(bed, Buffer.from(recorded.in, 'hex'))).toBe(expected);
      // What is called a difference has to be one.
      if (difference !== undefined) expect(expected).not.toBe(same(sent, recorded));
    },
  );
});

test('every difference is one of a recorded case', () => {
  const found = new Set(cases.map(find));
  expect(DIFFERENT.filter((one) => !found.has(one)).map(({ cases: which }) => String(which))).toEqual([]);
});
