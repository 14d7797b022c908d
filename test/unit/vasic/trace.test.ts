/** A trial of a packet: it says what forwarding then does, and leaves no trace of itself. */
import * as fc from 'fast-check';
import { AftField, PuntReason } from '../../../src/aft/model';
import type { AftData, AftEntry, AftNode } from '../../../src/aft/model';
import type { TestOutcome } from '../../../src/aft/wire';
import { parsePrefix } from '../../../src/net/address';
import {
  entry,
  ether,
  ethernet,
  int,
  ip4,
  ip4Frame,
  ip6Frame,
  label,
  out,
  PEER_MAC,
  PORT_MACS,
  prefix,
  PUNT,
  route,
  testbed,
  tree,
  udp,
} from './testbed';
import type { Testbed } from './testbed';

const TREE = 3000;
const BALANCER = 3010;
const POLICER = 3020;
const COUNTER = 3030;
const receive = (token: number, code: number): AftNode => ({ type: 'receive', token, code, context: 0 });

/** A router with everything that a packet may meet: paths of unequal weight, glean, refused, discarded, policed prefixes. */
function router(): Testbed {
  const bed = testbed({ refuse: [parsePrefix('10.66.0.0/16')!], now: () => 0 });
  bed.run(
    [
      receive(3001, PuntReason.TtlExpired),
      receive(3002, PuntReason.Mtu),
      receive(3003, PuntReason.Glean),
      tree(TREE, { ttl: 3001, mtu: 3002 }),
      ethernet(3004, out(1)),
      ethernet(3005, out(2), undefined, PEER_MAC),
      { type: 'loadBalance', token: BALANCER, max: 8, fields: [] },
      { type: 'policer', token: POLICER, rate: 0, burst: 3, packetMode: true, next: 3004 },
      { type: 'counter', token: COUNTER, packets: 0, bytes: 0, next: 3004 },
      { type: 'list', token: 3040, tokens: [COUNTER], next: 3005 },
      { type: 'loadBalance', token: 3050, max: 2, fields: [] },
    ],
    TREE,
    [
      ...Array.from({ length: 8 }, (_, place) => entry(BALANCER, place, place < 6 ? 3004 : 3005)),
      route(TREE, '10.0.0.0/8', 3005),
      route(TREE, '10.1.0.0/24', 3003),
      route(TREE, '10.20.0.0/16', BALANCER),
      route(TREE, '2001:db8:1::/48', BALANCER),
      route(TREE, '10.30.0.0/16', 0),
      route(TREE, '10.40.0.0/16', POLICER),
      route(TREE, '10.41.0.0/16', COUNTER),
      route(TREE, '10.42.0.0/16', 3040),
      route(TREE, '10.43.0.0/16', 3050),
    ],
  );
  expect(bed.tryInsert({ entries: [route(TREE, '10.66.0.0/16', 3004)] })?.code).toBe('refused');
  return bed;
}

/** All that a packet may change. */
function stateOf(bed: Testbed): unknown {
  const tokens = bed.sandbox.find({}).map(({ token }) => token);
  const counts = bed.sandbox.nodeInfo([0, 1, 2, 3, 512, 513, 514, 515, ...tokens]);
  const sent = bed.ports.map((port) => port.sent.length);
  return structuredClone([bed.sandbox.info(), bed.sandbox.drops(), counts, sent, bed.punted.length]);
}

/** What forwarding does with the frame. */
function reality(bed: Testbed, frame: Buffer): TestOutcome {
  bed.ports.forEach((port) => port.sent.splice(0));
  bed.punted.splice(0);
  const before = bed.sandbox.drops();
  bed.receive(frame);
  const port = bed.ports.findIndex(({ sent }) => sent.length > 0);
  if (port >= 0) return { kind: 'output', port, frame: Uint8Array.from(bed.ports[port]!.sent[0]!.frame) };
  const punted = bed.punted[0];
  if (punted !== undefined) return { kind: 'punt', reason: punted.reason, frame: Uint8Array.from(punted.frame) };
  const reason = Object.entries(bed.sandbox.drops()).find(([name, count]) => count !== (before[name] ?? 0));
  return { kind: 'discard', reason: reason![0] };
}

/** Tries a frame, checks that nothing changed by it, then sends it: both have to come to the same. */
function agree(bed: Testbed, frame: Buffer): { outcome: TestOutcome; details: string[]; tokens: number[] } {
  const before = stateOf(bed);
  const given = Uint8Array.from(frame);
  const { steps, outcome } = bed.sandbox.test(0, given);
  expect(Buffer.from(given).equals(frame)).toBe(true);
  expect(stateOf(bed)).toEqual(before);
  expect(reality(bed, frame)).toEqual(outcome);
  return { outcome, details: steps.map(({ detail }) => detail), tokens: steps.map(({ token }) => token) };
}

test('load-balanced flows: the path tried is the path taken, by weight', () => {
  const bed = router();
  const paths = new Map<number, number>();
  for (let flow = 0; flow < 2000; flow++) {
    const from = `192.0.${flow >> 8}.${flow & 255}`;
    const { outcome, tokens } =
      flow % 2 === 0
        ? agree(bed, ip4Frame({ from, to: '10.20.3.4' }))
        : agree(bed, ip6Frame({ to: '2001:db8:1::7', flow }));
    if (outcome.kind !== 'output') throw new Error(`flow ${flow} didn't leave: ${outcome.kind}`);
    expect(tokens).toEqual([1, TREE, BALANCER, outcome.port === 1 ? 3004 : 3005, out(outcome.port)]);
    paths.set(outcome.port, (paths.get(outcome.port) ?? 0) + 1);
  }
  expect([...paths.keys()].sort()).toEqual([1, 2]);
  expect(paths.get(1)! / 2000).toBeCloseTo(0.75, 1);
});

test.each([
  ['TTL 1', ip4Frame({ to: '10.20.0.1', ttl: 1 }), { kind: 'punt', reason: PuntReason.TtlExpired }],
  ['hop limit 1', ip6Frame({ to: '2001:db8:1::1', hopLimit: 1 }), { kind: 'punt', reason: PuntReason.TtlExpired }],
  ['glean', ip4Frame({ to: '10.1.0.77' }), { kind: 'punt', reason: PuntReason.Glean }],
  ['refused: by the covering route', ip4Frame({ to: '10.66.1.1' }), { kind: 'output', port: 2 }],
  ['too large', ip4Frame({ to: '10.20.0.1' }, Buffer.alloc(1600)), { kind: 'punt', reason: PuntReason.Mtu }],
  ['no route', ip4Frame({ to: '172.16.0.1' }), { kind: 'punt', reason: PuntReason.NoRoute }],
  ['no IP', ether(0x88cc, Buffer.alloc(46)), { kind: 'punt', reason: PuntReason.NonIp }],
  ['discarded', ip4Frame({ to: '10.30.0.1' }), { kind: 'discard', reason: 'discard' }],
  ['a list of nodes', ip4Frame({ to: '10.42.0.1' }), { kind: 'output', port: 1 }],
  ['no paths', ip4Frame({ to: '10.43.0.1' }), { kind: 'discard', reason: 'noLegs' }],
  [
    'a wrong header checksum',
    ether(0x0800, ip4(udp(Buffer.alloc(9))).fill(0, 10, 12)),
    { kind: 'discard', reason: 'badIpChecksum' },
  ],
  ['too short', Buffer.alloc(13), { kind: 'discard', reason: 'malformed' }],
])('%s', (_what, frame, expected) => {
  expect(agree(router(), frame).outcome).toMatchObject(expected);
});

test('a port whose link is down, and an unbound port', () => {
  const bed = router();
  bed.ports[2]!.up = false;
  const { outcome, details } = agree(bed, ip4Frame({ to: '10.66.1.1' }));
  expect(outcome).toEqual({ kind: 'discard', reason: 'portDown' });
  expect(details.at(-1)).toBe('ge-0/0/2: its link is down');
  expect(bed.sandbox.test(1, ip4Frame()).outcome).toEqual({ kind: 'discard', reason: 'unbound' });
  expect(() => bed.sandbox.test(3, ip4Frame())).toThrow('no input port 3');
});

test('trying costs a policer nothing', () => {
  const bed = router();
  const frame = ip4Frame({ to: '10.40.0.1' });
  for (let i = 0; i < 10; i++) expect(bed.sandbox.test(0, frame).outcome).toMatchObject({ kind: 'output' });
  for (let i = 0; i < 3; i++) expect(agree(bed, frame).outcome).toMatchObject({ kind: 'output', port: 1 });
  expect(agree(bed, frame).outcome).toEqual({ kind: 'discard', reason: 'policed' });
});

test('steps say what nodes made of the packet', () => {
  const bed = router();
  const described = (frame: Buffer): string[] =>
    bed.sandbox.test(0, frame).steps.map(({ token, type, detail }) => `${token} ${type} ${detail}`);
  expect(described(ip4Frame({ to: '10.1.0.77' }))).toEqual([
    '1 inputPort ge-0/0/0',
    '3000 tree 10.1.0.0/24',
    '3003 receive to the host: Glean',
  ]);
  expect(described(ip4Frame({ to: '10.20.0.1', ttl: 1 })).slice(-2)).toEqual([
    expect.stringMatching(/^51[34] outputPort its TTL or hop limit would expire$/) as string,
    '3001 receive to the host: TtlExpired',
  ]);
  expect(described(ip4Frame({ to: '10.20.0.1' }))[2]).toMatch(
    /^3010 loadBalance path [12] of 2, which has [62] of 8 places$/,
  );
});

test('hardware addresses and ether types are written as people do', () => {
  const bed = testbed();
  const mac = { kind: 'ether' as const, bytes: PORT_MACS[0]! };
  bed.run(
    [
      { type: 'match', token: 3001, field: AftField.EtherDaddr, op: 'eq', value: mac, trueNext: 3002, falseNext: 0 },
      { type: 'switch', token: 3002, field: AftField.EtherType, defaultNext: out(1) },
    ].reverse() as AftNode[],
    3001,
  );
  const details = bed.sandbox.test(0, ip4Frame()).steps.map(({ detail }) => detail);
  expect(details.slice(1, 3)).toEqual([
    'packet.ether.daddr is 32:26:0a:2e:aa:f0: yes',
    'packet.ether.type is 0x0800: no entry, default',
  ]);
});

test('any bytes: tried and sent come to the same', () => {
  const bed = router();
  const base = fc.constantFrom(
    ip4Frame({ to: '10.20.0.1' }),
    ip6Frame({ to: '2001:db8:1::1' }),
    ip4Frame({ to: '10.66.0.1' }),
  );
  fc.assert(
    fc.property(base, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat(), (frame, changes, cut) => {
      const bytes = Buffer.from(cut % 3 === 0 ? frame.subarray(0, cut % frame.length) : frame);
      for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
      agree(bed, bytes);
    }),
    { numRuns: 500 },
  );
});

describe('each kind of node says what it made of the packet', () => {
  const step = (nodes: AftNode[], frame = ip4Frame(), entries: AftEntry[] = [], start?: number): string[] => {
    const bed = testbed();
    bed.run(nodes, start, entries);
    return bed.sandbox
      .test(0, frame)
      .steps.slice(1)
      .map(({ type, detail }) => `${type}: ${detail}`);
  };
  const match = (field: AftField, value: AftData): AftNode => {
    return { type: 'match', token: 3000, field, op: 'eq', value, trueNext: out(1), falseNext: 0 };
  };

  test.each<[string[], AftNode[]]>([
    [
      ['match: packet.ip4.saddr is 192.0.2.1: yes', 'outputPort: ge-0/0/1'],
      [match(AftField.Ip4Saddr, prefix('192.0.2.0/24'))],
    ],
    [['match: packet.ip4.ttl is 64: no', 'discard: '], [match(AftField.Ip4Ttl, int(1))]],
    [['match: packet.ether.vlan1 is absent: no', 'discard: '], [match(AftField.EtherVlan1, int(1))]],
    [['match: packet.ip6.daddr is absent: no', 'discard: '], [match(AftField.Ip6Daddr, prefix('::/0'))]],
    [
      ['write: set packet.ip4.tos', 'discard: '],
      [{ type: 'write', token: 3000, key: { field: AftField.Ip4Tos, data: int(8) }, op: 'set', next: 0 }],
    ],
    [['encap: from 32:26:0a:2e:aa:f1 to 32:26:0a:2e:cc:f1', 'outputPort: to the host'], [ethernet(3000, PUNT)]],
    [['encap: label', 'discard: '], [label(3000, 17, 0)]],
    [['decap: ethernet', 'discard: '], [{ type: 'decap', token: 3000, template: 'ethernet', next: 0 }]],
    [['receive: to the host: reason 250'], [receive(3000, 250)]],
    [
      ['policer: within its rate', 'discard: '],
      [{ type: 'policer', token: 3000, rate: 1, burst: 1e6, packetMode: false, next: 0 }],
    ],
    [['policer: above its rate'], [{ type: 'policer', token: 3000, rate: 1, burst: 1, packetMode: false, next: 0 }]],
    [['sandboxLink: sandbox red'], [{ type: 'sandboxLink', token: 3000, sandbox: 'red', port: 1 }]],
    [['loadBalance: no paths'], [{ type: 'loadBalance', token: 3000, max: 2, fields: [] }]],
    [['indirect: ', 'discard: '], [{ type: 'indirect', token: 3000, target: 0 }]],
    [['tree: no route: default', 'discard: '], [tree(3000, {}, 0)]],
    [
      ['lookup: in node 3001', 'discard: '],
      [tree(3001, {}, 0), { type: 'lookup', token: 3000, container: 3001, fields: [], next: 0 }],
    ],
  ])('%j', (expected, nodes) => {
    expect(step(nodes, ip4Frame(), [], 3000)).toEqual(expected);
  });

  test('a table, a switch and a tree by their entries', () => {
    const table: AftNode = { type: 'table', token: 3000, size: 256, fields: [AftField.Ip4Ttl], defaultNext: 0 };
    expect(step([table])[0]).toBe('table: packet.ip4.ttl is 64: no entry, default');
    expect(step([table], ip4Frame(), [entry(3000, 64, out(1))])[0]).toBe('table: packet.ip4.ttl is 64');
    const bySource: AftNode = { type: 'switch', token: 3000, field: AftField.EtherSaddr, defaultNext: 0 };
    expect(step([bySource])[0]).toBe('switch: packet.ether.saddr is 02:00:00:00:00:01: no entry, default');
    expect(step([tree(3000)], ip6Frame(), [route(3000, '2001:db8::/32', out(1))])[0]).toBe('tree: 2001:db8::/32');
    expect(step([tree(3000)], ether(0x88cc, Buffer.alloc(46)))[0]).toBe('tree: no address to look up: default');
    expect(step([tree(3000)], ether(0x0800, Buffer.alloc(46)))).toEqual(['tree: the IP header is not sound']);
  });

  test('a number of four bytes is no address', () => {
    const frame = ip6Frame({ flow: 0x12345 });
    expect(step([match(AftField.Ip6FlowLabel, int(0x12345))], frame)[0]).toBe(
      'match: packet.ip6.flowlabel is 74565: yes',
    );
  });

  test('a packet too large for its port', () => {
    const nodes = [receive(3001, PuntReason.Mtu), ethernet(3002, out(1)), tree(3000, { ttl: 3001, mtu: 3001 })];
    const large = ip4Frame({ to: '10.0.0.1' }, Buffer.alloc(1600));
    expect(step(nodes, large, [route(3000, '10.0.0.0/8', 3002)], 3000).slice(2)).toEqual([
      'outputPort: larger than its MTU 1500',
      'receive: to the host: Mtu',
    ]);
  });
});
