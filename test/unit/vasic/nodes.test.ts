/** One packet in, one packet out (or not): every node type by itself. Trees, load balancers and ports have files of their own. */
import { AftField } from '../../../src/aft/model';
import type { AftData, AftNode, MatchOp, WriteOp } from '../../../src/aft/model';
import { GSO, noOffload } from '../../../src/net/offload';
import { MAX_STEPS } from '../../../src/vasic/engine/walk';
import { parseAddress } from '../../../src/net/address';
import {
  checksum,
  entry,
  ether,
  ethernet,
  HOST_MAC,
  int,
  ip4,
  ip4Frame,
  ip6,
  ip6Frame,
  label,
  mac,
  out,
  PEER_MAC,
  PORT_MACS,
  prefix,
  PUNT,
  route,
  tcp,
  testbed,
  transportBytes,
  tree,
  udp,
  withChecksum,
} from './testbed';
import type { Testbed } from './testbed';

const receive = (token: number, code: number): AftNode => ({ type: 'receive', token, code, context: 0 });
const reasons = (bed: Testbed): number[] => bed.punted.map((punt) => punt.reason);
const frames = (bed: Testbed, port = 1): Buffer[] => bed.ports[port]!.sent.map((sent) => sent.frame);
const ip6Data = (text: string): AftData => ({ kind: 'ip6', bytes: parseAddress(text)! });
const ip4Data = (text: string): AftData => ({ kind: 'ip4', bytes: parseAddress(text)! });

describe('list', () => {
  test.each(['list', 'indexedList'] as const)('%s: each in turn, then next', (type) => {
    const bed = testbed();
    bed.run(
      [
        { type: 'counter', token: 2001, bytes: 0, packets: 0 },
        { type: 'counter', token: 2002, bytes: 100, packets: 10 },
        receive(2003, 9),
        { type, token: 2000, tokens: [2001, 2002, 2001], next: 2003 },
      ],
      2000,
    );
    bed.receive(ip4Frame());
    expect(bed.sandbox.nodeInfo([2001, 2002]).map((info) => info.packets)).toEqual([2, 11]);
    expect(reasons(bed)).toEqual([9]);
  });

  test('what disposes of the packet ends the list; lists nest', () => {
    const bed = testbed();
    bed.run(
      [
        { type: 'counter', token: 2001, bytes: 0, packets: 0 },
        receive(2003, 9),
        { type: 'list', token: 2004, tokens: [2001, 2003, 2001] },
        { type: 'list', token: 2000, tokens: [2004, 2001], next: 2001 },
      ],
      2000,
    );
    bed.receive(ip4Frame());
    expect(reasons(bed)).toEqual([9]);
    expect(bed.sandbox.nodeInfo([2001])[0]!.packets).toBe(1);
  });
});

describe('walks that lead nowhere', () => {
  test('an end without disposal, an unbound port, a frame too short', () => {
    const bed = testbed();
    bed.run([{ type: 'counter', token: 2001, bytes: 0, packets: 0 }]);
    bed.receive(ip4Frame());
    bed.receive(ip4Frame(), 1);
    bed.receive(Buffer.alloc(13));
    bed.receive(Buffer.alloc(0));
    expect(bed.sandbox.drops()).toEqual({ unfinished: 1, unbound: 1, malformed: 2 });
  });

  test('a loop ends, in nodes and in lists', () => {
    const bed = testbed();
    const counter: AftNode = { type: 'counter', token: 2001, bytes: 0, packets: 0 };
    bed.run([counter, { type: 'indirect', token: 2002, target: 2001 }, { ...counter, next: 2002 }], 2001);
    bed.receive(ip4Frame());
    expect(bed.sandbox.drops()).toEqual({ loop: 1 });
    expect(bed.sandbox.nodeInfo([2001])[0]!.packets).toBe(MAX_STEPS / 2);
    const list: AftNode = { type: 'list', token: 2003, tokens: [2001] };
    bed.insert({ nodes: [counter, list, { ...list, tokens: [2003, 2003] }], binds: [{ port: 0, next: 2003 }] });
    bed.receive(ip4Frame());
    expect(bed.sandbox.drops()).toEqual({ loop: 2 });
  });

  test('a route whose expired packets come back to it ends', () => {
    const bed = testbed();
    const first: AftNode = { type: 'indirect', token: 2001, target: PUNT };
    bed.run([first, tree(2000, { ttl: 2001 }), ethernet(2002, out(1)), { ...first, target: 2000 }], 2000, [
      route(2000, '0.0.0.0/0', 2002),
    ]);
    bed.receive(ip4Frame({ ttl: 1 }));
    expect(bed.sandbox.drops()).toEqual({ loop: 1 });
  });
});

describe('counter and policer', () => {
  test('a counter counts received bytes, also after encapsulation', () => {
    const bed = testbed();
    bed.run(
      [
        label(2000, 5, undefined),
        { type: 'counter', token: 2001, bytes: 0, packets: 0, next: PUNT },
        { type: 'list', token: 2002, tokens: [2000, 2001] },
      ],
      2002,
    );
    const frame = ip4Frame();
    bed.receive(frame);
    bed.receive(frame);
    expect(bed.sandbox.nodeInfo([2001])[0]).toMatchObject({ packets: 2, bytes: 2 * frame.length });
  });

  test('a policer in packets: the burst, then the rate', () => {
    let time = 0;
    const bed = testbed({ now: () => time });
    bed.run([{ type: 'policer', token: 2000, rate: 10, burst: 3, packetMode: true, next: PUNT }]);
    const offer = (packets: number): void => {
      for (let i = 0; i < packets; i++) bed.receive(ip4Frame());
    };
    offer(5);
    expect(bed.punted).toHaveLength(3);
    time += 200;
    offer(5);
    expect(bed.punted).toHaveLength(5);
    time += 60_000;
    offer(5);
    expect(bed.punted).toHaveLength(8);
    expect(bed.sandbox.nodeInfo([2000])[0]).toMatchObject({ packets: 8, drops: 7 });
    expect(bed.sandbox.drops()).toEqual({ policed: 7 });
  });

  test('a policer in bytes', () => {
    let time = 0;
    const bed = testbed({ now: () => time });
    const frame = ip4Frame({}, Buffer.alloc(58));
    expect(frame).toHaveLength(100);
    bed.run([{ type: 'policer', token: 2000, rate: 1000, burst: 250, packetMode: false, next: PUNT }]);
    for (let i = 0; i < 4; i++) bed.receive(frame);
    expect(bed.punted).toHaveLength(2);
    time += 50;
    bed.receive(frame);
    bed.receive(frame);
    expect(bed.punted).toHaveLength(3);
  });
});

describe('match', () => {
  const outcome = (field: AftField, op: MatchOp, value: AftData, frame: Buffer): boolean => {
    const bed = testbed();
    bed.run(
      [
        receive(2001, 1),
        receive(2002, 2),
        { type: 'match', token: 2000, field, op, value, trueNext: 2001, falseNext: 2002 },
      ],
      2000,
    );
    bed.receive(frame);
    return reasons(bed)[0] === 1;
  };

  test.each<[MatchOp, boolean[]]>([
    ['eq', [false, true, false]],
    ['ne', [true, false, true]],
    ['lt', [true, false, false]],
    ['le', [true, true, false]],
    ['gt', [false, false, true]],
    ['ge', [false, true, true]],
  ])('%s', (op, expected) => {
    expect([63, 64, 65].map((ttl) => outcome(AftField.Ip4Ttl, op, int(64), ip4Frame({ ttl })))).toEqual(expected);
  });

  const six = ether(0x86dd, ip6(udp(Buffer.alloc(0), 5, 6), { flow: 0x5abcde, from: 'fe80::1', to: '2001:db8:1::5' }));
  const mpls = ether(0x8847, Buffer.from('0000a1ff', 'hex'));
  test.each<[string, AftField, AftData, Buffer]>([
    ['packet.ether.saddr', AftField.EtherSaddr, mac(HOST_MAC), ip4Frame()],
    ['packet.ether.daddr', AftField.EtherDaddr, mac(PORT_MACS[0]!), ip4Frame()],
    ['packet.ether.group', AftField.EtherGroup, int(0), ip4Frame()],
    [
      'packet.ether.group',
      AftField.EtherGroup,
      int(1),
      ether(0x0800, Buffer.alloc(20), [], Buffer.from('01005e000005', 'hex')),
    ],
    ['packet.ether.type', AftField.EtherType, int(0x86dd), six],
    [
      'packet.ether.type of a tagged frame',
      AftField.EtherType,
      int(0x8100),
      ether(0x0800, ip4(udp(Buffer.alloc(0))), [5]),
    ],
    ['packet.ether.vlan1', AftField.EtherVlan1, int(5), ether(0x0800, ip4(udp(Buffer.alloc(0))), [5, 6])],
    ['packet.ether.vlan2', AftField.EtherVlan2, int(6), ether(0x0800, ip4(udp(Buffer.alloc(0))), [5, 6])],
    ['packet.ip4.saddr', AftField.Ip4Saddr, ip4Data('192.0.2.1'), ip4Frame()],
    ['packet.ip4.daddr', AftField.Ip4Daddr, prefix('198.51.100.0/24'), ip4Frame()],
    ['packet.ip4.proto', AftField.Ip4Proto, int(17), ip4Frame()],
    ['packet.ip6.saddr', AftField.Ip6Saddr, ip6Data('fe80::1'), six],
    ['packet.ip6.daddr', AftField.Ip6Daddr, prefix('2001:db8:1::/48'), six],
    ['packet.ip6.hoplimit', AftField.Ip6HopLimit, int(64), six],
    ['packet.ip6.nexthdr', AftField.Ip6NextHeader, int(17), six],
    ['packet.ip6.flowlabel', AftField.Ip6FlowLabel, int(0xabcde), six],
    ['packet.ip6.tclass', AftField.Ip6TrafficClass, int(5), six],
    ['packet.l4.sport', AftField.L4Sport, int(5), six],
    ['packet.l4.dport', AftField.L4Dport, int(2000), ip4Frame()],
    ['packet.mpls.label', AftField.MplsLabel, { kind: 'label', value: 10 }, mpls],
    ['packet.lookupkey', AftField.PacketLookupKey, ip6Data('2001:db8:1::5'), six],
    ['packet.lookupkey', AftField.PacketLookupKey, ip4Data('198.51.100.1'), ip4Frame()],
    ['meta.ifinput', AftField.MetaIfInput, int(0), six],
  ])('%s', (_name, field, value, frame) => {
    expect(outcome(field, 'eq', value, frame)).toBe(true);
    expect(outcome(field, 'ne', value, frame)).toBe(false);
  });

  test('a field that is not there matches nothing, not even ne', () => {
    for (const op of ['eq', 'ne', 'lt', 'ge'] as const) {
      expect(outcome(AftField.EtherVlan1, op, int(0), ip4Frame())).toBe(false);
      expect(outcome(AftField.Ip6HopLimit, op, int(64), ip4Frame())).toBe(false);
      expect(outcome(AftField.L4Dport, op, int(0), ether(0x0800, ip4(Buffer.alloc(8), { fragment: 1 })))).toBe(false);
    }
    expect(outcome(AftField.Ip6Daddr, 'ne', ip6Data('::1'), ip4Frame())).toBe(false);
    expect(outcome(AftField.PacketLookupKey, 'ne', prefix('10.0.0.0/8'), ether(0x0806, Buffer.alloc(28)))).toBe(false);
  });

  test('IPv6 addresses compare as numbers', () => {
    expect(outcome(AftField.Ip6Daddr, 'gt', ip6Data('2001:db8:1::4'), six)).toBe(true);
    expect(outcome(AftField.Ip6Daddr, 'lt', ip6Data('2001:db8:1:0:1::'), six)).toBe(true);
  });
});

describe('switch, table, lookup', () => {
  const codes = [receive(2001, 1), receive(2002, 2), receive(2003, 3)];

  test('switch: by value, else the default; entries replaced and removed', () => {
    const bed = testbed();
    bed.run([...codes, { type: 'switch', token: 2000, field: AftField.Ip4Proto, defaultNext: 2003 }], 2000, [
      entry(2000, 17, 2001, AftField.Ip4Proto),
    ]);
    bed.receive(ip4Frame());
    bed.receive(ether(0x0800, ip4(tcp(Buffer.alloc(0)), { proto: 6 })));
    bed.receive(ip6Frame());
    bed.insert({ entries: [entry(2000, 17, 2002)] });
    bed.receive(ip4Frame());
    expect(bed.tryRemove({ entries: [entry(2000, 17, 0)] })).toBeUndefined();
    bed.receive(ip4Frame());
    expect(reasons(bed)).toEqual([1, 3, 3, 2, 3]);
  });

  test('table: by index; empty places and absent fields to the default', () => {
    const bed = testbed();
    bed.run(
      [...codes, { type: 'table', token: 2000, fields: [AftField.EtherVlan1], size: 10, defaultNext: 2003 }],
      2000,
      [entry(2000, 9, 2001)],
    );
    for (const vlans of [[9], [8], [4095], []]) bed.receive(ether(0x0800, ip4(udp(Buffer.alloc(0))), vlans));
    expect(reasons(bed)).toEqual([1, 3, 3, 3]);
  });

  test('lookup: a tree by the source address, a table by its own field; replaced containers are seen', () => {
    const bed = testbed();
    bed.run(
      [
        ...codes,
        tree(2000, {}, 2003),
        { type: 'lookup', token: 2010, fields: [AftField.Ip4Saddr, AftField.Ip6Saddr], container: 2000 },
        { type: 'lookup', token: 2011, fields: [], container: 2000 },
      ],
      2010,
      [route(2000, '192.0.2.0/24', 2001), route(2000, '198.51.100.0/24', 2002)],
    );
    bed.receive(ip4Frame());
    bed.receive(ip6Frame());
    bed.insert({ nodes: [tree(2000, {}, 2002)], binds: [{ port: 0, next: 2011 }] });
    bed.receive(ip4Frame());
    bed.receive(ip6Frame());
    expect(reasons(bed)).toEqual([1, 3, 2, 2]);
    const table: AftNode = { type: 'table', token: 2020, fields: [AftField.EtherVlan1], size: 10, defaultNext: 2003 };
    const lookup: AftNode = { type: 'lookup', token: 2021, fields: [], container: 2020 };
    bed.insert({ nodes: [table, lookup], entries: [entry(2020, 3, 2001)], binds: [{ port: 0, next: 2021 }] });
    bed.receive(ether(0x0800, ip4(udp(Buffer.alloc(0))), [3]));
    expect(reasons(bed).at(-1)).toBe(1);
  });

  test('defaults of none go on with next, or end the branch', () => {
    const bed = testbed();
    bed.run([...codes, { type: 'switch', token: 2000, field: AftField.Ip4Proto, defaultNext: -1, next: 2002 }], 2000);
    bed.receive(ip4Frame());
    expect(reasons(bed)).toEqual([2]);
  });
});

describe('encapsulation', () => {
  const labeled = (bed: Testbed): Buffer => frames(bed)[0]!;

  test('counts the packets that got the header; written again in place it counts on', () => {
    const bed = testbed();
    const counted = (token: number): unknown => bed.sandbox.nodeInfo([token])[0];
    bed.run([ethernet(2001, out(1))], 2001);
    bed.receive(ip4Frame());
    bed.run([ethernet(2001, out(1), Uint8Array.of(2, 0, 0, 0, 0, 0x77))], 2001);
    bed.receive(ip4Frame());
    expect(counted(2001)).toMatchObject({ counted: true, packets: 2, drops: 0 });
    expect(counted(out(1))).toMatchObject({ counted: true, packets: 2 });
  });

  test('a node that counts nothing says so', () => {
    const bed = testbed();
    bed.run([ethernet(2001, out(1)), { type: 'indirect', token: 2002, target: 2001 }], 2002);
    bed.receive(ip4Frame());
    expect(bed.sandbox.nodeInfo([2002])[0]).toMatchObject({ counted: false, packets: 0 });
  });

  test('label on a routed packet: in front of the IP packet, whose TTL is decremented', () => {
    const bed = testbed();
    const labels = { type: 'list' as const, token: 2002, tokens: [2003, 2004, 2001] };
    bed.run([ethernet(2001, out(1)), label(2003, 100), label(2004, 200), labels, tree(2000, { ttl: PUNT })], 2000, [
      route(2000, '0.0.0.0/0', 2002),
    ]);
    const frame = ip4Frame({ ttl: 9 });
    bed.receive(frame);
    expect(labeled(bed).subarray(12, 22).toString('hex')).toBe('8847' + '000c80ff' + '000641ff');
    expect(labeled(bed).subarray(22)).toEqual(ip4(frame.subarray(34), { ttl: 8 }));
  });

  test('label after the Ethernet header was stripped: in front of the L3 packet', () => {
    const bed = testbed();
    bed.run(
      [
        ethernet(2001, out(1)),
        { type: 'decap', token: 2002, template: 'ethernet' },
        label(2003, 3, 2001),
        { type: 'list', token: 2004, tokens: [2002, 2003] },
      ],
      2004,
    );
    const frame = ip4Frame();
    bed.receive(frame);
    expect(labeled(bed).subarray(12, 18).toString('hex')).toBe('8847' + '000031ff');
    expect(labeled(bed).subarray(18)).toEqual(frame.subarray(14));
  });

  test('a label on top of a received label stack, once its Ethernet header is gone, is not the bottom', () => {
    const bed = testbed();
    bed.run(
      [
        ethernet(2001, out(1)),
        { type: 'decap', token: 2002, template: 'ethernet' },
        label(2003, 3, 2001),
        { type: 'list', token: 2004, tokens: [2002, 2003] },
      ],
      2004,
    );
    bed.receive(ether(0x8847, Buffer.from('000641ff45', 'hex')));
    expect(labeled(bed).subarray(12).toString('hex')).toBe('8847' + '000030ff' + '000641ff45');
  });

  test('ethernet takes the ether type from the packet', () => {
    for (const frame of [ip4Frame(), ip6Frame(), ether(0x0806, Buffer.alloc(28))]) {
      const bed = testbed();
      bed.run([ethernet(2001, out(1))]);
      bed.receive(frame);
      expect(labeled(bed)).toEqual(Buffer.concat([PEER_MAC, PORT_MACS[1]!, frame.subarray(12)]));
    }
  });

  test('an 802.3 frame has no ether type to give', () => {
    const bed = testbed();
    bed.run([ethernet(2001, out(1))]);
    bed.receive(ether(38, Buffer.alloc(38)));
    expect(bed.sandbox.drops()).toEqual({ noEtherType: 1 });
  });

  test('no room for more headers: dropped', () => {
    const bed = testbed();
    const tokens = Array<number>(17).fill(2001);
    bed.run([label(2001, 5), { type: 'list', token: 2002, tokens, next: out(1) }], 2002);
    bed.receive(ip4Frame());
    expect(bed.sandbox.drops()).toEqual({ noHeadroom: 1 });
  });

  test('large segments behind a label are cut here, where the kernel could not', () => {
    const bed = testbed();
    bed.run([ethernet(2001, out(1)), label(2002, 16, 2001)], 2002);
    const frame = ether(0x0800, ip4(tcp(Buffer.alloc(2500, 3)), { proto: 6 }));
    bed.receive(frame, 0, { flags: 1, gsoType: GSO.tcpv4, gsoSize: 1000, hdrLen: 54, csumStart: 34, csumOffset: 16 });
    expect(frames(bed).map((sent) => sent.length)).toEqual([1072, 1072, 572]);
    for (const { frame: sent, offload } of bed.ports[1]!.sent) {
      expect(offload).toEqual(noOffload());
      expect(sent.subarray(0, 18)).toEqual(
        Buffer.concat([PEER_MAC, PORT_MACS[1]!, Buffer.from('8847000101ff', 'hex')]),
      );
      expect(checksum(transportBytes(sent.subarray(32)))).toBe(0);
    }
    expect(bed.sandbox.info().outputPorts[1]).toMatchObject({ packets: 3, bytes: 2716 });
  });

  describe('VLAN tags', () => {
    const tagged = (params: Record<string, number>): AftNode => {
      const data = Object.entries(params).map(([name, id]) => [`encap.ether.${name}`, int(id)] as const);
      return { ...ethernet(2001, out(1)), params: Object.fromEntries(data) };
    };

    test.each([
      [{ ivlan: 5 }, '81000005'],
      [{ ovlan: 6 }, '81000006'],
      [{ ivlan: 5, ovlan: 4094 }, '81000ffe81000005'],
    ])('%j', (params, tags) => {
      const bed = testbed();
      bed.run([tagged(params)]);
      const frame = ip4Frame();
      bed.receive(frame);
      const header = Buffer.concat([PEER_MAC, PORT_MACS[1]!, Buffer.from(tags, 'hex')]);
      expect(frames(bed)).toEqual([Buffer.concat([header, frame.subarray(12)])]);
    });

    test('a routed packet as large as the MTU fits with its tags, in place of those it came with', () => {
      const bed = testbed();
      bed.run([tagged({ ivlan: 5, ovlan: 6 }), tree(2000, { ttl: PUNT, mtu: PUNT })], 2000, [
        route(2000, '0.0.0.0/0', 2001),
      ]);
      const packet = ip4(udp(Buffer.alloc(1472)));
      bed.receive(ether(0x0800, packet, [7]));
      expect(frames(bed)[0]!.subarray(12, 22).toString('hex')).toBe('81000006810000050800');
      expect(frames(bed)[0]!.length).toBe(22 + 1500);
    });

    test('they can be matched, and a large segment is cut here', () => {
      const bed = testbed();
      const match: AftNode = {
        ...{ type: 'match', token: 2002, field: AftField.EtherVlan2, op: 'eq', value: int(5) },
        ...{ trueNext: out(1), falseNext: 0 },
      };
      bed.run([match, { ...tagged({ ivlan: 5, ovlan: 6 }), next: 2002 }], 2001);
      const frame = ether(0x0800, ip4(tcp(Buffer.alloc(2500, 3)), { proto: 6 }));
      bed.receive(frame, 0, { flags: 1, gsoType: GSO.tcpv4, gsoSize: 1000, hdrLen: 54, csumStart: 34, csumOffset: 16 });
      expect(frames(bed).map((sent) => sent.length)).toEqual([1062, 1062, 562]);
    });

    test.each([0, 4095, 1.5])('an id of %d is refused', (id) => {
      expect(testbed().tryInsert({ nodes: [tagged({ ivlan: id })] })).toMatchObject({
        code: 'invalid',
        message: expect.stringContaining('encap.ether.ivlan has to be an int from 1 to 4094') as string,
      });
    });

    test('a packet that goes to the host after all is as it came', () => {
      const bed = testbed();
      bed.run([{ ...tagged({ ivlan: 5, ovlan: 6 }), next: PUNT }]);
      const frame = ether(0x0800, ip4(udp(Buffer.alloc(9))), [7, 8]);
      bed.receive(frame);
      expect(bed.punted).toEqual([{ port: 0, reason: 0, frame }]);
    });
  });

  test('meta.nhid is known further on', () => {
    const bed = testbed();
    const match: AftNode = {
      type: 'match',
      token: 2003,
      field: AftField.MetaNhId,
      op: 'eq',
      value: int(77),
      trueNext: 2004,
      falseNext: PUNT,
    };
    bed.run([receive(2004, 8), match, { ...ethernet(2001, 2003), params: { 'meta.nhid': int(77) } }], 2001);
    bed.receive(ip4Frame());
    expect(reasons(bed)).toEqual([8]);
  });
});

describe('decapsulation', () => {
  test('label: what is behind the stack can be routed', () => {
    const bed = testbed();
    bed.run(
      [
        tree(2000, { ttl: PUNT }),
        ethernet(2001, out(1)),
        { type: 'decap', token: 2002, template: 'label', next: 2000 },
      ],
      2002,
      [route(2000, '0.0.0.0/0', 2001)],
    );
    const inner = ip4Frame({ ttl: 33 });
    bed.receive(ether(0x8847, Buffer.concat([Buffer.from('0000000500000105', 'hex'), inner])));
    expect(frames(bed)[0]!.subarray(14)).toEqual(ip4(inner.subarray(34), { ttl: 32 }));
  });

  test('not MPLS, no end of the stack, nothing behind it: dropped', () => {
    const bed = testbed();
    bed.run([{ type: 'decap', token: 2002, template: 'label', next: PUNT }]);
    bed.receive(ip4Frame());
    bed.receive(ether(0x8847, Buffer.alloc(40)));
    bed.receive(ether(0x8847, Buffer.alloc(400)));
    bed.receive(ether(0x8847, Buffer.from('000001ff0000', 'hex')));
    expect(bed.sandbox.drops()).toEqual({ notMpls: 1, malformed: 3 });
  });

  test('ethernet: the L3 packet goes on', () => {
    const bed = testbed();
    bed.run([{ type: 'decap', token: 2002, template: 'ethernet', next: out(1) }]);
    bed.receive(ether(0x0800, ip4(udp(Buffer.alloc(3))), [5]));
    expect(frames(bed)).toEqual([ip4(udp(Buffer.alloc(3)))]);
  });
});

describe('write', () => {
  const written = (field: AftField, op: WriteOp, data: AftData, frame: Buffer): Buffer => {
    const bed = testbed();
    bed.run(
      [
        ethernet(2001, out(1), HOST_MAC, PORT_MACS[0]!),
        { type: 'write', token: 2000, key: { field, data }, op, next: 2001 },
      ],
      2000,
    );
    bed.receive(frame);
    return frames(bed)[0]!;
  };

  test('set, or, and, xor on a byte, with the header checksum', () => {
    const results = (['set', 'or', 'and', 'xor'] as const).map((op) =>
      written(AftField.Ip4Ttl, op, int(0x0f), ip4Frame({ ttl: 0x3c })),
    );
    expect(results.map((frame) => frame[22])).toEqual([0x0f, 0x3f, 0x0c, 0x33]);
    for (const frame of results) expect(checksum(frame.subarray(14, 34))).toBe(0);
  });

  test.each<[string, AftField, AftData, Buffer]>([
    ['IPv4 source, UDP', AftField.Ip4Saddr, ip4Data('10.1.2.3'), ip4Frame()],
    [
      'IPv4 destination, TCP',
      AftField.Ip4Daddr,
      ip4Data('10.1.2.3'),
      ether(0x0800, withChecksum(ip4(tcp(Buffer.alloc(9)), { proto: 6 }))),
    ],
    ['IPv6 source, UDP', AftField.Ip6Saddr, ip6Data('fd00::77'), ip6Frame()],
    [
      'IPv6 destination, ICMPv6',
      AftField.Ip6Daddr,
      ip6Data('fd00::77'),
      ether(0x86dd, withChecksum(ip6(Buffer.alloc(16, 1), { next: 58 }))),
    ],
    ['source port', AftField.L4Sport, int(4242), ip4Frame()],
    ['destination port', AftField.L4Dport, int(4242), ip6Frame()],
  ])('checksums follow: %s', (_what, field, data, frame) => {
    const result = written(field, 'set', data, frame);
    expect(result.subarray(14)).not.toEqual(frame.subarray(14));
    expect(checksum(transportBytes(result.subarray(14)))).toBe(0);
    if (frame[12] === 8) expect(checksum(result.subarray(14, 34))).toBe(0);
  });

  test('a UDP packet without a checksum stays without', () => {
    const result = written(AftField.L4Dport, 'set', int(5), ether(0x0800, ip4(udp(Buffer.alloc(3)))));
    expect(result.readUInt16BE(40)).toBe(0);
    expect(result.readUInt16BE(36)).toBe(5);
  });

  test('a partial checksum is kept partial, and comes out right in the end', () => {
    for (const [field, data] of [
      [AftField.Ip4Daddr, ip4Data('10.9.8.7')],
      [AftField.L4Dport, int(9)],
    ] as const) {
      const packet = ip4(udp(Buffer.from('hello')));
      packet.writeUInt16BE(0xffff - checksum(transportBytes(packet).subarray(0, 12)), 26);
      const bed = testbed();
      bed.run([{ type: 'write', token: 2000, key: { field, data }, op: 'set', next: out(1) }]);
      bed.receive(ether(0x0800, packet), 0, { ...noOffload(), flags: 1, csumStart: 34, csumOffset: 6 });
      const { frame, offload } = bed.ports[1]!.sent[0]!;
      const rest = frame.subarray(offload.csumStart);
      rest.writeUInt16BE(checksum(rest), offload.csumOffset);
      expect(checksum(transportBytes(frame))).toBe(0);
    }
  });

  test('fields narrower than bytes leave their neighbors alone', () => {
    const six = ether(0x86dd, ip6(udp(Buffer.alloc(0)), { flow: 0xff00000 | 0x12345 }));
    expect(written(AftField.Ip6FlowLabel, 'set', int(0xfffff), six).readUInt32BE(14)).toBe(0x6fffffff);
    expect(written(AftField.Ip6TrafficClass, 'set', int(0), six).readUInt32BE(14)).toBe(0x60012345);
    const bed = testbed();
    bed.run(
      [
        receive(2003, 3),
        {
          type: 'match',
          token: 2001,
          field: AftField.EtherVlan1,
          op: 'eq',
          value: int(0x123),
          trueNext: 2003,
          falseNext: PUNT,
        },
        { type: 'write', token: 2000, key: { field: AftField.EtherVlan1, data: int(0x123) }, op: 'set', next: 2001 },
      ],
      2000,
    );
    const frame = ether(0x0800, ip4(udp(Buffer.alloc(0))), [0xe005]);
    bed.receive(frame);
    expect(bed.punted).toEqual([{ port: 0, reason: 3, frame }]);
  });

  test('a packet without the field passes unchanged', () => {
    expect(written(AftField.Ip6HopLimit, 'set', int(1), ip4Frame())).toEqual(ip4Frame());
    expect(written(AftField.EtherVlan1, 'set', int(1), ip4Frame())).toEqual(ip4Frame());
    const fragment = ether(0x0800, ip4(Buffer.alloc(8), { fragment: 5 }));
    expect(written(AftField.L4Dport, 'set', int(1), fragment)).toEqual(fragment);
  });
});

describe('ports as nodes', () => {
  test('a client may have port nodes of its own', () => {
    const bed = testbed();
    bed.run(
      [
        { type: 'outputPort', token: 2000, index: 1 },
        { type: 'inputPort', token: 2001, index: 1 },
      ],
      2001,
    );
    bed.insert({ binds: [{ port: 1, next: 2000 }] });
    bed.receive(ip4Frame());
    expect(frames(bed)).toHaveLength(1);
  });

  test('sandbox link: accepted, its packets dropped', () => {
    const bed = testbed();
    bed.run([{ type: 'sandboxLink', token: 2000, sandbox: 'blue', port: 0 }]);
    bed.receive(ip4Frame());
    expect(bed.sandbox.drops()).toEqual({ sandboxLink: 1 });
    expect(bed.sandbox.nodeInfo([2000])[0]).toMatchObject({ drops: 1 });
  });

  test('indirect: replacing it moves all that point at it', () => {
    const bed = testbed();
    bed.run([receive(2001, 1), receive(2002, 2), { type: 'indirect', token: 2003, target: 2001 }, tree(2000)], 2000, [
      route(2000, '0.0.0.0/0', 2003),
      route(2000, '::/0', 2003),
    ]);
    bed.insert({ nodes: [{ type: 'indirect', token: 2003, target: 2002 }] });
    bed.receive(ip4Frame());
    bed.receive(ip6Frame());
    expect(reasons(bed)).toEqual([2, 2]);
  });
});
