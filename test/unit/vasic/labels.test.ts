/**
 * A label switching router's table in the engine: swap, pop, push, TTL and traffic class by RFC 3443 as Linux does it, what
 * expires, what is unknown, flows. Labels as a vMX was captured to treat them: vmx.test.ts and nodes.test.ts.
 */
import { AftField, FLOW_FIELDS, LABEL_FLOW_FIELDS } from '../../../src/aft/model';
import type { AftData, AftEntry, AftNode } from '../../../src/aft/model';
import { GSO, noOffload } from '../../../src/net/offload';
import {
  checksum,
  entry,
  ether,
  ethernet,
  int,
  ip4,
  ip6,
  out,
  PEER_MAC,
  PORT_MACS,
  route,
  tcp,
  testbed,
  transportBytes,
  tree,
  udp,
} from './testbed';
import type { Testbed } from './testbed';

const TABLE = 2000;
const UNKNOWN = 2001;
const EXPIRED = 2002;
const NEIGHBOR = 2003;
const ROUTES = 2004;
const MTU = 2005;
const OP = 2100;

const yes: AftData = { kind: 'bool', value: true };
const no: AftData = { kind: 'bool', value: false };

const LABEL_TTL = 25;
/** What a label's node leads to in all tests: a neighbor on port 1, a tree, receive nodes. */
const BASE: AftNode[] = [
  { type: 'discard', token: UNKNOWN },
  { type: 'receive', token: EXPIRED, code: LABEL_TTL, context: 0 },
  { type: 'receive', token: MTU, code: 12, context: 0 },
  ethernet(NEIGHBOR, out(1)),
  tree(ROUTES, { ttl: MTU, mtu: MTU }),
  {
    type: 'table',
    token: TABLE,
    fields: [AftField.MplsLabel],
    size: 0x100000,
    defaultNext: UNKNOWN,
    params: { 'mpls.ttlExpired': int(EXPIRED) },
  },
];

const encap = (token: number, params: Record<string, AftData>, next: number): AftNode => ({
  ...{ type: 'encap', token, template: 'label', keys: [], params, next },
});
const swapTo = (token: number, label: number, next: number): AftNode =>
  encap(token, { 'label.value': int(label), 'label.swap': yes }, next);
const push = (token: number, label: number, next: number, ttl?: number): AftNode =>
  encap(
    token,
    { 'label.value': int(label), ...(ttl === undefined ? { 'label.ttlPropagate': yes } : { 'label.ttl': int(ttl) }) },
    next,
  );
const pop = (
  token: number,
  next: number,
  params: Record<string, AftData> = { 'label.ttlPropagate': yes },
): AftNode => ({
  ...{ type: 'decap', token, template: 'label', params: { 'label.count': int(1), ...params }, next },
});

function bedOf(nodes: AftNode[], entries: AftEntry[] = [entry(TABLE, 100, OP)], start = TABLE): Testbed {
  const bed = testbed();
  bed.run([...BASE, ...nodes], start, entries);
  return bed;
}

/** A stack: label, TTL and traffic class of each, outermost first. */
function stack(...labels: (readonly [label: number, ttl: number, tc?: number])[]): Buffer {
  const bytes = Buffer.alloc(4 * labels.length);
  labels.forEach(([label, ttl, tc = 0], i) => {
    bytes.writeUInt32BE(label * 4096 + tc * 512 + (i === labels.length - 1 ? 0x100 : 0) + ttl, 4 * i);
  });
  return bytes;
}
const labelled = (labels: Buffer, packet: Buffer): Buffer => ether(0x8847, Buffer.concat([labels, packet]));
const sent = (bed: Testbed): Buffer[] => bed.ports[1]!.sent.map(({ frame }) => frame);
/** The one frame that was sent, behind its addresses. */
function only(bed: Testbed): Buffer {
  expect(sent(bed)).toHaveLength(1);
  expect(sent(bed)[0]!.subarray(0, 12)).toEqual(Buffer.concat([PEER_MAC, PORT_MACS[1]!]));
  return sent(bed)[0]!.subarray(12);
}
const mpls = (labels: Buffer, packet: Buffer): Buffer => Buffer.concat([Buffer.from('8847', 'hex'), labels, packet]);
const ipv4 = (packet: Buffer): Buffer => Buffer.concat([Buffer.from('0800', 'hex'), packet]);
const ipv6 = (packet: Buffer): Buffer => Buffer.concat([Buffer.from('86dd', 'hex'), packet]);

const body = udp(Buffer.from('payload!'));
const four = (ttl = 64): Buffer => ip4(body, { ttl });
const six = (hopLimit = 64): Buffer => ip6(body, { hopLimit });

describe('swap', () => {
  test('the TTL is one less, class and bottom stay, nothing behind the label changes', () => {
    const bed = bedOf([swapTo(OP, 200, NEIGHBOR)]);
    bed.receive(labelled(stack([100, 9, 5]), four()));
    expect(only(bed)).toEqual(mpls(stack([200, 8, 5]), four()));
  });

  test('the top label alone is swapped', () => {
    const bed = bedOf([swapTo(OP, 200, NEIGHBOR)]);
    bed.receive(labelled(stack([100, 9], [17, 3, 2]), six()));
    expect(only(bed)).toEqual(mpls(stack([200, 8], [17, 3, 2]), six()));
  });

  test('for several: each has the TTL and class of the one it came for', () => {
    const bed = bedOf([push(OP + 2, 400, NEIGHBOR), push(OP + 1, 300, OP + 2), swapTo(OP, 200, OP + 1)]);
    bed.receive(labelled(stack([100, 64, 3]), four()));
    expect(only(bed)).toEqual(mpls(stack([400, 63, 3], [300, 63, 3], [200, 63, 3]), four()));
  });

  test('for several with a TTL of their own', () => {
    const bed = bedOf([push(OP + 1, 300, NEIGHBOR, 255), swapTo(OP, 200, OP + 1)]);
    bed.receive(labelled(stack([100, 64, 3]), four()));
    expect(only(bed)).toEqual(mpls(stack([300, 255, 3], [200, 63, 3]), four()));
  });

  test('of something that has no label: dropped', () => {
    const bed = bedOf([swapTo(OP, 200, NEIGHBOR)], [], OP);
    bed.receive(ether(0x0800, four()));
    bed.receive(ether(0x8847, Buffer.alloc(3)));
    expect(bed.sandbox.drops()).toEqual({ notMpls: 2 });
  });
});

describe('pop', () => {
  test('the last label: the IP packet has its TTL, less one, and a right checksum', () => {
    for (const [packet, expected] of [
      [four(64), ipv4(four(19))],
      [six(64), ipv6(six(19))],
      // As in Linux, also where the label's is the larger one.
      [four(3), ipv4(four(19))],
    ] as const) {
      const bed = bedOf([pop(OP, NEIGHBOR)]);
      bed.receive(labelled(stack([100, 20]), packet));
      expect(only(bed)).toEqual(expected);
    }
  });

  test("without propagation the packet's own TTL is one less", () => {
    for (const [packet, expected] of [
      [four(64), ipv4(four(63))],
      [six(64), ipv6(six(63))],
    ] as const) {
      const bed = bedOf([pop(OP, NEIGHBOR, { 'label.ttlPropagate': no })]);
      bed.receive(labelled(stack([100, 20]), packet));
      expect(only(bed)).toEqual(expected);
    }
    const bed = bedOf([pop(OP, NEIGHBOR, { 'label.ttlPropagate': no })]);
    const frame = labelled(stack([100, 20]), four(1));
    bed.receive(frame);
    expect(bed.punted).toEqual([{ port: 0, reason: LABEL_TTL, frame }]);
    const plain = bedOf([pop(OP, NEIGHBOR, { 'label.ttlPropagate': no })], [], OP);
    plain.receive(frame);
    expect(plain.sandbox.drops()).toEqual({ ttlExpired: 1 });
  });

  test('without a word on TTLs nothing behind the label changes', () => {
    const bed = bedOf([pop(OP, NEIGHBOR, {})]);
    bed.receive(labelled(stack([100, 20]), four()));
    expect(only(bed)).toEqual(ipv4(four()));
  });

  test('a label with others behind it: those stay as they are, as in Linux', () => {
    const bed = bedOf([pop(OP, NEIGHBOR)]);
    bed.receive(labelled(stack([100, 20, 1], [17, 3, 2]), four()));
    expect(only(bed)).toEqual(mpls(stack([17, 3, 2]), four()));
  });

  test('with others behind it, to another node; the table again, for one', () => {
    const nodes = [pop(OP, ROUTES, { 'label.stack': int(TABLE) }), swapTo(OP + 1, 200, NEIGHBOR)];
    const bed = bedOf(nodes, [entry(TABLE, 100, OP), entry(TABLE, 17, OP + 1)]);
    bed.receive(labelled(stack([100, 20], [17, 9]), four()));
    expect(only(bed)).toEqual(mpls(stack([200, 8]), four()));
  });

  test.each([
    ['neither IPv4 nor IPv6', labelled(stack([100, 20]), Buffer.alloc(40, 0x55))],
    ['an IPv4 header that is cut', labelled(stack([100, 20]), four().subarray(0, 19))],
    ['an IPv6 header that is cut', labelled(stack([100, 20]), six().subarray(0, 39))],
    ['nothing', labelled(stack([100, 20]), Buffer.alloc(0))],
    ['a label that is cut', ether(0x8847, Buffer.from('00064014' + '000110', 'hex'))],
  ])('%s behind it: dropped', (_what, frame) => {
    const bed = bedOf([pop(OP, NEIGHBOR)]);
    bed.receive(frame);
    expect(bed.sandbox.drops()).toEqual({ malformed: 1 });
  });

  test('explicit null says which IP version follows', () => {
    const bed = bedOf([pop(OP, NEIGHBOR, { 'label.payload': int(4), 'label.ttlPropagate': yes })]);
    bed.receive(labelled(stack([100, 20]), six()));
    expect(bed.sandbox.drops()).toEqual({ malformed: 1 });
    bed.receive(labelled(stack([100, 20]), four()));
    expect(only(bed)).toEqual(ipv4(four(19)));
  });
});

describe('pop and look up', () => {
  const egress = (params?: Record<string, AftData>): Testbed =>
    bedOf([pop(OP, ROUTES, params)], [entry(TABLE, 100, OP), route(ROUTES, '198.51.100.0/24', NEIGHBOR)]);

  test("the hop counts once: by the label's TTL, or by the packet's own", () => {
    const uniform = egress();
    uniform.receive(labelled(stack([100, 20]), four()));
    expect(only(uniform)).toEqual(ipv4(four(19)));
    const pipe = egress({ 'label.ttlPropagate': no });
    pipe.receive(labelled(stack([100, 20]), four()));
    expect(only(pipe)).toEqual(ipv4(four(63)));
    // A TTL of one is the next router's to answer.
    const last = egress();
    last.receive(labelled(stack([100, 2]), four()));
    expect(only(last)).toEqual(ipv4(four(1)));
  });

  test('what goes to the host goes as it came, with its labels', () => {
    const frame = labelled(stack([100, 20]), ip4(body, { to: '203.0.113.1' }));
    const bed = egress();
    bed.receive(frame);
    expect(bed.punted.map(({ frame: bytes }) => bytes)).toEqual([frame]);
  });

  test('an IP packet that no router forwards is dropped there', () => {
    const bed = egress();
    bed.receive(labelled(stack([100, 20]), ip4(body, { from: '127.0.0.1' })));
    expect(bed.sandbox.drops()).toEqual({ martianSource: 1 });
  });
});

describe('push', () => {
  const edge = (ttl?: number): Testbed =>
    bedOf(
      [push(OP + 1, 300, NEIGHBOR, ttl), push(OP, 200, OP + 1, ttl)],
      [route(ROUTES, '198.51.100.0/24', OP), route(ROUTES, '2001:db8:1::/48', OP)],
      ROUTES,
    );

  test('the labels have the TTL that the packet has behind them; class 0', () => {
    const bed = edge();
    bed.receive(ether(0x0800, four(9)));
    expect(only(bed)).toEqual(mpls(stack([300, 8], [200, 8]), four(8)));
    const bed6 = edge();
    bed6.receive(ether(0x86dd, six(9)));
    expect(only(bed6)).toEqual(mpls(stack([300, 8], [200, 8]), six(8)));
  });

  test('or the one that they are given', () => {
    const bed = edge(255);
    bed.receive(ether(0x0800, four(9)));
    expect(only(bed)).toEqual(mpls(stack([300, 255], [200, 255]), four(8)));
  });

  test('what expires goes to the host as it came', () => {
    const frame = ether(0x0800, four(1));
    const bed = edge();
    bed.receive(frame);
    expect(bed.punted.map((punt) => punt.frame)).toEqual([frame]);
  });

  test('16 labels fit', () => {
    const nodes = Array.from({ length: 16 }, (_, i) => push(OP + i, 500 + i, i === 0 ? NEIGHBOR : OP + i - 1));
    const bed = bedOf(nodes, [route(ROUTES, '0.0.0.0/0', OP + 15)], ROUTES);
    bed.receive(ether(0x0800, four()));
    expect(only(bed).subarray(0, 2 + 64)).toEqual(
      mpls(stack(...nodes.map((_, i) => [500 + i, 63] as const)), Buffer.alloc(0)),
    );
  });

  test('the hop of a packet that came with a label counts once, when it is labelled again', () => {
    const nodes = [push(OP + 1, 300, NEIGHBOR), pop(OP, ROUTES)];
    const bed = bedOf(nodes, [entry(TABLE, 100, OP), route(ROUTES, '0.0.0.0/0', OP + 1)]);
    bed.receive(labelled(stack([100, 20]), four()));
    expect(only(bed)).toEqual(mpls(stack([300, 19]), four(19)));
  });
});

describe('what does not leave', () => {
  test.each([0, 1])('TTL %i: to the host with all its labels, whatever would be done to the top one', (ttl) => {
    for (const node of [swapTo(OP, 200, NEIGHBOR), pop(OP, NEIGHBOR), pop(OP, ROUTES)]) {
      const bed = bedOf([node]);
      const frame = labelled(stack([100, ttl], [17, 9]), four());
      bed.receive(frame);
      expect(bed.punted).toEqual([{ port: 0, reason: LABEL_TTL, frame }]);
    }
  });

  test('an unknown label is dropped and counted, with any TTL', () => {
    const bed = bedOf([swapTo(OP, 200, NEIGHBOR)]);
    bed.receive(labelled(stack([101, 9]), four()));
    bed.receive(labelled(stack([101, 1]), four()));
    bed.receive(labelled(stack([0xfffff, 9]), four()));
    expect(bed.sandbox.nodeInfo([UNKNOWN])[0]).toMatchObject({ counted: true, packets: 3 });
    expect(bed.punted).toEqual([]);
  });

  test('the labels count towards the MTU: a routed packet goes to its token, a labelled one is dropped', () => {
    const large = (size: number): Buffer => ip4(udp(Buffer.alloc(size - 28)), { ttl: 9 });
    const bed = bedOf([push(OP, 200, NEIGHBOR)], [route(ROUTES, '0.0.0.0/0', OP)], ROUTES);
    bed.receive(ether(0x0800, large(1496)));
    expect(sent(bed)).toHaveLength(1);
    bed.receive(ether(0x0800, large(1497)));
    expect(bed.punted).toEqual([{ port: 0, reason: 12, frame: ether(0x0800, large(1497)) }]);
    const nodes = [push(OP + 1, 300, NEIGHBOR), swapTo(OP, 200, OP + 1)];
    const transit = bedOf(nodes);
    transit.receive(labelled(stack([100, 9]), large(1492)));
    expect(sent(transit)).toHaveLength(1);
    transit.receive(labelled(stack([100, 9]), large(1493)));
    expect(transit.sandbox.drops()).toEqual({ mtu: 1 });
  });
});

describe('large segments', () => {
  const packet = ip4(tcp(Buffer.alloc(2500, 3)), { proto: 6 });
  const offload = (start: number): ReturnType<typeof noOffload> => ({
    ...{ flags: 1, gsoType: GSO.tcpv4, gsoSize: 1000, hdrLen: start + 20, csumStart: start, csumOffset: 16 },
  });

  test('that came with labels and leave with labels are cut, each part with the stack', () => {
    const bed = bedOf([swapTo(OP, 200, NEIGHBOR)]);
    bed.receive(labelled(stack([100, 9], [17, 3]), packet), 0, offload(14 + 8 + 20));
    expect(sent(bed).map((frame) => frame.length)).toEqual([1062, 1062, 562]);
    for (const frame of sent(bed)) {
      expect(frame.subarray(12, 22)).toEqual(mpls(stack([200, 8], [17, 3]), Buffer.alloc(0)));
      expect(checksum(frame.subarray(22, 42))).toBe(0);
      expect(checksum(transportBytes(frame.subarray(22)))).toBe(0);
    }
  });

  test('that came with a label and leave without one are left to the port', () => {
    const bed = bedOf([pop(OP, NEIGHBOR)]);
    bed.receive(labelled(stack([100, 9]), packet), 0, offload(14 + 4 + 20));
    expect(bed.ports[1]!.sent).toHaveLength(1);
    expect(bed.ports[1]!.sent[0]!.offload).toMatchObject({ gsoType: GSO.tcpv4, gsoSize: 1000, csumStart: 34 });
  });
});

describe('flows', () => {
  const PATHS = 64;
  const spread = (frames: Buffer[], fields: readonly AftField[]): number[] => {
    const bed = testbed();
    // Each path has a counter; what is sent is not looked at.
    const counters: AftNode[] = Array.from({ length: PATHS }, (_, i) => ({
      ...{ type: 'counter', token: 3000 + i, bytes: 0, packets: 0, next: 0 },
    }));
    const balancer: AftNode = { type: 'loadBalance', token: 2500, max: PATHS, fields };
    bed.run(
      [...counters, balancer],
      2500,
      counters.map(({ token }, i) => entry(2500, i, token)),
    );
    return frames.map((frame) => {
      const before = bed.sandbox.nodeInfo(counters.map(({ token }) => token)).map(({ packets }) => packets);
      bed.receive(frame);
      const after = bed.sandbox.nodeInfo(counters.map(({ token }) => token)).map(({ packets }) => packets);
      return after.findIndex((packets, i) => packets !== before[i]);
    });
  };
  const paths = (frames: Buffer[]): number => new Set(spread(frames, LABEL_FLOW_FIELDS)).size;
  const many = (frame: (i: number) => Buffer): Buffer[] => Array.from({ length: 64 }, (_, i) => frame(i));
  const to = (i: number): string => `198.51.100.${i}`;

  test.each<[string, (i: number) => Buffer]>([
    ['labels', (i) => labelled(stack([100, 9], [1000 + i, 9]), Buffer.alloc(40))],
    ['IPv4 addresses behind them', (i) => labelled(stack([100, 9], [17, 9]), ip4(body, { to: to(i) }))],
    ['IPv6 addresses behind them', (i) => labelled(stack([100, 9]), ip6(body, { to: `2001:db8::${i}` }))],
    ['protocols', (i) => labelled(stack([100, 9]), ip4(body, { proto: i }))],
    ['entropy labels', (i) => labelled(stack([100, 9], [7, 9], [5000 + i, 0]), four())],
  ])('%s tell flows apart', (_what, frame) => {
    expect(paths(many(frame))).toBeGreaterThan(25);
  });

  test.each<[string, (i: number) => Buffer]>([
    ['TTL and class', (i) => labelled(stack([100, i + 2, i % 8]), four())],
    ['ports', (i) => labelled(stack([100, 9]), ip4(udp(Buffer.alloc(8), i, i)))],
    ['reserved labels', (i) => labelled(stack([100, 9], [i % 7, 9]), four())],
    ['what is behind an entropy label', (i) => labelled(stack([100, 9], [7, 9], [5000, 0]), ip4(body, { to: to(i) }))],
    ['labels beyond the fourth', (i) => labelled(stack([16, 9], [17, 9], [18, 9], [19, 9], [1000 + i, 9]), four())],
  ])('%s do not', (_what, frame) => {
    expect(paths(many(frame))).toBe(1);
  });

  test('packets without labels go the way that they go by the plain fields', () => {
    const frames = many((i) => ether(0x0800, ip4(body, { to: to(i) })));
    expect(spread(frames, LABEL_FLOW_FIELDS)).toEqual(spread(frames, FLOW_FIELDS));
  });
});

describe('what is refused', () => {
  test.each<[RegExp, AftNode]>([
    [/label.swap has to be a bool/, encap(OP, { 'label.value': int(5), 'label.swap': int(1) }, 0)],
    [/label.ttlPropagate has to be a bool/, encap(OP, { 'label.value': int(5), 'label.ttlPropagate': int(1) }, 0)],
    [/label.ttl has to be an int from 1 to 255/, encap(OP, { 'label.value': int(5), 'label.ttl': int(256) }, 0)],
    [/has its TTL/, encap(OP, { 'label.value': int(5), 'label.swap': yes, 'label.ttl': int(9) }, 0)],
    [/label.count has to be the int 1/, pop(OP, 0, { 'label.count': int(2) })],
    [/label.ttlPropagate has to be a bool/, pop(OP, 0, { 'label.ttlPropagate': int(1) })],
    [/label.payload has to be 4 or 6/, pop(OP, 0, { 'label.payload': int(5) })],
    [/999/, pop(OP, 0, { 'label.stack': int(999_999) })],
    [
      /tables by packet.mpls.label/,
      {
        ...{ type: 'table', token: OP, fields: [AftField.Ip4Ttl], size: 9, defaultNext: 0 },
        params: { 'mpls.ttlExpired': int(EXPIRED) },
      },
    ],
  ])('%s', (message, node) => {
    const bed = bedOf([], []);
    expect(bed.tryInsert({ nodes: [node] })?.message).toMatch(message);
  });

  test('the node that expired packets go to stays while the table names it', () => {
    const bed = bedOf([], []);
    expect(bed.tryRemove({ tokens: [EXPIRED] })?.code).toBe('inUse');
  });
});

describe('in a trace', () => {
  const steps = (bed: Testbed, frame: Buffer): string[] =>
    bed.sandbox
      .test(0, frame)
      .steps.slice(1)
      .map(({ type, detail }) => `${type}: ${detail}`);

  test('swap, push, pop', () => {
    const bed = bedOf(
      [
        ...[push(OP + 1, 300, NEIGHBOR), swapTo(OP, 200, OP + 1), pop(OP + 2, NEIGHBOR)],
        pop(OP + 3, NEIGHBOR, { 'label.stack': int(TABLE) }),
      ],
      [entry(TABLE, 100, OP), entry(TABLE, 101, OP + 2), entry(TABLE, 102, OP + 3)],
    );
    const neighbor = `encap: from 32:26:0a:2e:aa:f1 to 32:26:0a:2e:cc:f1`;
    expect(steps(bed, labelled(stack([100, 9]), four()))).toEqual([
      ...['table: packet.mpls.label is 100', 'encap: label 100 becomes 200, TTL 8', 'encap: label 300, TTL 8'],
      ...[neighbor, 'outputPort: ge-0/0/1'],
    ]);
    expect(steps(bed, labelled(stack([102, 9], [101, 5]), four()))).toEqual([
      ...['table: packet.mpls.label is 102', 'decap: label 102, label 101 follows'],
      ...['table: packet.mpls.label is 101', 'decap: label 101, IPv4 follows, TTL 4', neighbor, 'outputPort: ge-0/0/1'],
    ]);
    expect(steps(bed, labelled(stack([100, 1]), four()))).toEqual([
      'table: packet.mpls.label is 100, its TTL expires',
      'receive: to the host: LabelTtl',
    ]);
    expect(steps(bed, labelled(stack([101, 9]), Buffer.alloc(40)))).toContain(
      'decap: label 101: what is behind it is neither a label nor IP',
    );
    expect(steps(bed, labelled(stack([77, 9]), four()))).toEqual([
      'table: packet.mpls.label is 77: no entry, default',
      'discard: ',
    ]);
  });
});
