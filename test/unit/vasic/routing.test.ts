/** Route trees: lookups, unsound packets, TTL and hop limit, MTU, what is punted and how. */
import { AftField, PuntReason } from '../../../src/aft/model';
import type { AftNode } from '../../../src/aft/model';
import { GSO, noOffload } from '../../../src/net/offload';
import {
  checksum,
  ether,
  ethernet,
  ip4,
  ip4Frame,
  ip6,
  ip6Frame,
  out,
  PEER_MAC,
  PORT_MACS,
  PUNT,
  route,
  tcp,
  testbed,
  transportBytes,
  tree,
  udp,
} from './testbed';
import type { Testbed } from './testbed';

const TREE = 3000;
const NEXTHOP = 3001;
const EXPIRED = 3002;
const TOO_BIG = 3003;
const LOCAL = 3004;

const receive = (token: number, code: number): AftNode => ({ type: 'receive', token, code, context: 0 });

/** A router: default to punt, one route of each family out of port 1, one local address. */
function router(policy: { ttl?: number; mtu?: number; options?: number } = { ttl: EXPIRED, mtu: TOO_BIG }): Testbed {
  const bed = testbed();
  bed.run(
    [
      receive(EXPIRED, PuntReason.TtlExpired),
      receive(TOO_BIG, PuntReason.Mtu),
      receive(LOCAL, PuntReason.Local),
      tree(TREE, policy),
      ethernet(NEXTHOP, out(1)),
    ],
    TREE,
    [
      route(TREE, '198.51.100.0/24', NEXTHOP),
      route(TREE, '198.51.100.9/32', LOCAL),
      route(TREE, '2001:db8:1::/48', NEXTHOP),
      route(TREE, '2001:db8:1::9/128', LOCAL),
    ],
  );
  return bed;
}

const sentBy = (bed: Testbed): Buffer[] => bed.ports[1]!.sent.map((sent) => sent.frame);

describe('forwarding', () => {
  test('IPv6 with payload length 0: the header alone, unless options may have the length, as Linux does it', () => {
    const sent = (packet: Buffer): Buffer => {
      const bed = router();
      packet.writeUInt16BE(0, 4);
      bed.receive(ether(0x86dd, packet));
      return sentBy(bed)[0]!.subarray(14);
    };
    expect(sent(ip6(udp(Buffer.alloc(30)))).length).toBe(40);
    const options = Buffer.from([17, 0, 1, 4, 0, 0, 0, 0]);
    expect(sent(ip6(Buffer.concat([options, udp(Buffer.alloc(30))]), { next: 60 })).length).toBe(40);
    expect(sent(ip6(Buffer.concat([options, udp(Buffer.alloc(30))]), { next: 0 })).length).toBe(86);
  });

  test('IPv4: new Ethernet header, TTL one less, header checksum right, the rest as received', () => {
    for (const ttl of [255, 64, 2]) {
      const bed = router();
      const frame = ip4Frame({ ttl });
      bed.receive(frame);
      const expected = ether(0x0800, ip4(frame.subarray(34), { ttl: ttl - 1 }));
      expected.set(PEER_MAC, 0);
      expected.set(PORT_MACS[1]!, 6);
      expect(sentBy(bed)).toEqual([expected]);
    }
  });

  test('the fixed header checksum is right for every TTL and many packets', () => {
    const bed = router();
    let packets = 0;
    for (let ttl = 2; ttl < 256; ttl++) {
      for (const id of [0, 1, 0x00ff, 0xfeff, 0xff00, 0xffff, ttl * 257]) {
        bed.receive(ip4Frame({ ttl, id: id & 0xffff }));
        packets++;
      }
    }
    expect(bed.ports[1]!.sent).toHaveLength(packets);
    for (const frame of sentBy(bed)) expect(checksum(frame.subarray(14, 34))).toBe(0);
  });

  test('IPv6: hop limit one less, the rest as received', () => {
    const bed = router();
    const frame = ip6Frame({ hopLimit: 64, flow: 0x12345 });
    bed.receive(frame);
    const expected = Buffer.from(frame);
    expected.set(PEER_MAC, 0);
    expected.set(PORT_MACS[1]!, 6);
    expected[14 + 7] = 63;
    expect(sentBy(bed)).toEqual([expected]);
  });

  test('without rt.ttlExpired nothing is decremented and nothing expires', () => {
    const bed = router({});
    bed.receive(ip4Frame({ ttl: 1 }));
    bed.receive(ip6Frame({ hopLimit: 0 }));
    const [four, six] = sentBy(bed);
    expect(four![14 + 8]).toBe(1);
    expect(six![14 + 7]).toBe(0);
  });

  test('longest prefix wins, in both families', () => {
    const bed = router();
    bed.receive(ip4Frame({ to: '198.51.100.9' }));
    bed.receive(ip6Frame({ to: '2001:db8:1::9' }));
    bed.receive(ip4Frame({ to: '198.51.100.8' }));
    bed.receive(ip6Frame({ to: '2001:db8:1::8' }));
    expect(bed.punted.map((punt) => punt.reason)).toEqual([PuntReason.Local, PuntReason.Local]);
    expect(bed.ports[1]!.sent).toHaveLength(2);
  });

  test('replacing a route and removing it', () => {
    const bed = router();
    bed.insert({ nodes: [ethernet(3010, out(2))], entries: [route(TREE, '198.51.100.0/24', 3010)] });
    bed.receive(ip4Frame());
    expect(bed.ports[2]!.sent).toHaveLength(1);
    expect(bed.tryRemove({ entries: [route(TREE, '198.51.100.0/24', 0)] })).toBeUndefined();
    bed.receive(ip4Frame());
    expect(bed.punted.map((punt) => punt.reason)).toEqual([PuntReason.Unspecified + 1]);
  });

  test('Ethernet padding does not travel', () => {
    const bed = router();
    const frame = ip4Frame({}, Buffer.from('x'));
    bed.receive(Buffer.concat([frame, Buffer.alloc(60 - frame.length, 0xee)]));
    expect(sentBy(bed)[0]).toHaveLength(frame.length);
  });

  test('IP options are carried along', () => {
    const bed = router();
    bed.receive(ether(0x0800, ip4(udp(Buffer.from('x')), { options: [0x94, 4, 0, 0] })));
    const [frame] = sentBy(bed);
    expect(frame![14]).toBe(0x46);
    expect(checksum(frame!.subarray(14, 38))).toBe(0);
  });

  test('a tagged frame is routed by the packet behind its tags, and leaves untagged', () => {
    const bed = router();
    const packet = ip4(udp(Buffer.from('x')));
    bed.receive(ether(0x0800, packet, [5]));
    bed.receive(ether(0x0800, packet, [5, 6]));
    bed.receive(ether(0x86dd, ip6(udp(Buffer.from('x'))), [5]));
    expect(sentBy(bed).map((frame) => frame.readUInt16BE(12))).toEqual([0x0800, 0x0800, 0x86dd]);
    expect(sentBy(bed)[0]!.subarray(34)).toEqual(packet.subarray(20));
  });
});

describe('expiry', () => {
  test.each([0, 1])('IPv4 TTL %i: punted untouched, not forwarded', (ttl) => {
    const bed = router();
    const frame = ip4Frame({ ttl });
    bed.receive(frame);
    expect(bed.punted).toEqual([{ port: 0, reason: PuntReason.TtlExpired, frame }]);
    expect(bed.ports[1]!.sent).toEqual([]);
  });

  test.each([0, 1])('IPv6 hop limit %i: punted untouched, not forwarded', (hopLimit) => {
    const bed = router();
    const frame = ip6Frame({ hopLimit });
    bed.receive(frame);
    expect(bed.punted).toEqual([{ port: 0, reason: PuntReason.TtlExpired, frame }]);
    expect(bed.ports[1]!.sent).toEqual([]);
  });

  test('a packet for the host arrives whatever its TTL, and with it', () => {
    const bed = router();
    const frames = [ip4Frame({ to: '198.51.100.9', ttl: 1 }), ip6Frame({ to: '2001:db8:1::9', hopLimit: 1 })];
    for (const frame of frames) bed.receive(frame);
    expect(bed.punted.map((punt) => [punt.reason, punt.frame])).toEqual(frames.map((f) => [PuntReason.Local, f]));
  });

  test('rt.ttlExpired may lead to the punt port, which tells the reason', () => {
    const bed = router({ ttl: PUNT });
    bed.receive(ip4Frame({ ttl: 1 }));
    expect(bed.punted.map((punt) => punt.reason)).toEqual([PuntReason.TtlExpired]);
  });
});

describe('what the tree does not route', () => {
  test('no route and no address: to the default, with the reason', () => {
    const bed = router();
    const arp = ether(0x0806, Buffer.alloc(28, 1));
    bed.receive(ip4Frame({ to: '203.0.113.1' }));
    bed.receive(arp);
    expect(bed.punted.map((punt) => punt.reason)).toEqual([PuntReason.NoRoute, PuntReason.NonIp]);
    expect(bed.punted[1]!.frame).toEqual(arp);
  });

  const good = ip4(udp(Buffer.from('payload!')));
  const broken = (change: (packet: Buffer) => void, packet = good): Buffer => {
    const copy = Buffer.from(packet);
    change(copy);
    return copy;
  };
  const resum = (packet: Buffer): void => {
    packet.writeUInt16BE(0, 10);
    packet.writeUInt16BE(checksum(packet.subarray(0, 20)), 10);
  };

  test.each([
    ['version', 'badIpHeader', 0x0800, broken((p) => (p[0] = 0x55))],
    ['header length below 5', 'badIpHeader', 0x0800, broken((p) => (p[0] = 0x44))],
    ['header length beyond the frame', 'badIpHeader', 0x0800, broken((p) => (p[0] = 0x4f))],
    ['shorter than a header', 'badIpHeader', 0x0800, good.subarray(0, 19)],
    [
      'total length beyond the frame',
      'badIpLength',
      0x0800,
      broken((p) => {
        p.writeUInt16BE(good.length + 1, 2);
        resum(p);
      }),
    ],
    [
      'total length within the header',
      'badIpLength',
      0x0800,
      broken((p) => {
        p.writeUInt16BE(19, 2);
        resum(p);
      }),
    ],
    ['checksum', 'badIpChecksum', 0x0800, broken((p) => (p[11]! ^= 1))],
    ['IPv6 version', 'badIpHeader', 0x86dd, broken((p) => (p[0] = 0x40), ip6(udp(Buffer.from('x'))))],
    ['IPv6 shorter than a header', 'badIpHeader', 0x86dd, ip6(Buffer.alloc(0)).subarray(0, 39)],
    [
      'IPv6 payload beyond the frame',
      'badIpLength',
      0x86dd,
      broken((p) => p.writeUInt16BE(99, 4), ip6(udp(Buffer.from('x')))),
    ],
  ])('unsound IP header (%s): dropped as %s', (_what, reason, type, packet) => {
    const bed = router();
    bed.receive(ether(type, packet));
    expect(bed.sandbox.drops()).toEqual({ [reason]: 1 });
    expect(bed.punted).toEqual([]);
    expect(bed.ports[1]!.sent).toEqual([]);
    expect(bed.sandbox.info().inputPorts[0]).toMatchObject({ packets: 1, drops: 1 });
  });

  test('frames of every length up to a whole one never crash or pass as something else', () => {
    const bed = router();
    for (const frame of [ip4Frame(), ip6Frame(), ether(0x0800, good, [5, 6])]) {
      for (let length = 0; length < frame.length; length++) bed.receive(frame.subarray(0, length));
    }
    expect(bed.ports[1]!.sent).toEqual([]);
    expect(bed.punted).toEqual([]);
  });
});

describe('MTU', () => {
  const payload = (bytes: number): Buffer => Buffer.alloc(bytes - 28, 7);

  test('a packet of exactly the MTU passes; one byte more goes to rt.mtuExceeded, untouched', () => {
    const bed = router();
    bed.receive(ip4Frame({}, payload(1500)));
    expect(bed.ports[1]!.sent).toHaveLength(1);
    const frame = ip4Frame({}, payload(1501));
    bed.receive(frame);
    expect(bed.punted).toEqual([{ port: 0, reason: PuntReason.Mtu, frame }]);
    expect(bed.ports[1]!.sent).toHaveLength(1);
  });

  test('without the parameter it is dropped and counted', () => {
    const bed = router({ ttl: EXPIRED });
    bed.receive(ip4Frame({}, payload(1501)));
    expect(bed.sandbox.drops()).toEqual({ mtu: 1 });
    expect(bed.sandbox.info().outputPorts[1]).toMatchObject({ packets: 0, drops: 1 });
  });

  test('a large TCP segment passes when its wire segments fit, and not when they do not', () => {
    const offload = { ...noOffload(), flags: 1, gsoType: GSO.tcpv4, hdrLen: 54, csumStart: 34, csumOffset: 16 };
    const frame = ether(0x0800, ip4(tcp(Buffer.alloc(20000, 1)), { proto: 6 }));
    const bed = router();
    bed.receive(frame, 0, { ...offload, gsoSize: 1460 });
    expect(bed.ports[1]!.sent).toHaveLength(1);
    expect(bed.ports[1]!.sent[0]!.frame).toHaveLength(frame.length);
    expect(bed.ports[1]!.sent[0]!.offload).toEqual({ ...offload, gsoSize: 1460 });
    bed.receive(frame, 0, { ...offload, gsoSize: 1461 });
    expect(bed.ports[1]!.sent).toHaveLength(1);
    expect(bed.punted.length).toBeGreaterThan(1);
    for (const punt of bed.punted) {
      expect(punt.reason).toBe(PuntReason.Mtu);
      expect(checksum(transportBytes(punt.frame.subarray(14)))).toBe(0);
      expect(punt.frame[14 + 8]).toBe(64);
    }
  });
});

describe('ports', () => {
  test('offload metadata move with the start of the frame', () => {
    const bed = router();
    const offload = { ...noOffload(), flags: 1, hdrLen: 46, csumStart: 38, csumOffset: 6 };
    bed.receive(ether(0x0800, ip4(udp(Buffer.from('x'))), [5]), 0, offload);
    expect(bed.ports[1]!.sent[0]!.offload).toEqual({ ...offload, csumStart: 34, hdrLen: 42 });
  });

  test('a port that is down or refuses: counted there', () => {
    const bed = router();
    bed.ports[1]!.up = false;
    bed.receive(ip4Frame());
    bed.ports[1]!.up = true;
    bed.ports[1]!.full = true;
    bed.receive(ip4Frame());
    expect(bed.sandbox.drops()).toEqual({ portDown: 1, sendFailed: 1 });
    expect(bed.sandbox.info().outputPorts[1]).toMatchObject({ packets: 0, bytes: 0, drops: 2, up: true });
  });

  test('counters of both directions and of the punt port', () => {
    const bed = router();
    const frame = ip4Frame();
    bed.receive(frame);
    bed.receive(ip4Frame({ to: '203.0.113.1' }));
    const info = bed.sandbox.info();
    expect(info.inputPorts[0]).toMatchObject({
      packets: 2,
      bytes: 2 * frame.length,
      drops: 0,
      name: 'ge-0/0/0',
      mtu: 1500,
    });
    expect(info.outputPorts[1]).toMatchObject({ packets: 1, bytes: frame.length, drops: 0 });
    expect(info.outputPorts[3]).toMatchObject({ name: 'punt', packets: 1, bytes: frame.length });
  });

  test('inject: straight out of the port, counted; not for ports that are not there', () => {
    const bed = router();
    const buffer = Buffer.concat([Buffer.alloc(10), ip4Frame()]);
    expect(bed.sandbox.inject(2, buffer, 10, buffer.length - 10)).toBe(true);
    expect(bed.ports[2]!.sent[0]!.frame).toEqual(ip4Frame());
    expect(bed.sandbox.info().outputPorts[2]).toMatchObject({ packets: 1, bytes: ip4Frame().length });
    expect(bed.sandbox.inject(3, buffer, 10, 20)).toBe(false);
    bed.ports[2]!.up = false;
    expect(bed.sandbox.inject(2, buffer, 10, 20)).toBe(false);
    expect(bed.sandbox.info().outputPorts[2]).toMatchObject({ drops: 1 });
  });
});

describe('punted frames are as received', () => {
  test('after encapsulation, label push and writes', () => {
    const bed = testbed();
    const nodes: AftNode[] = [
      {
        type: 'write',
        token: 3020,
        key: { field: AftField.Ip4Daddr, data: { kind: 'ip4', bytes: Uint8Array.of(9, 9, 9, 9) } },
        op: 'set',
      },
      {
        type: 'write',
        token: 3021,
        key: { field: AftField.EtherDaddr, data: { kind: 'ether', bytes: PEER_MAC } },
        op: 'set',
      },
      { type: 'encap', token: 3022, template: 'label', keys: [], params: { 'label.value': { kind: 'int', value: 5 } } },
      { ...ethernet(3023, out(1)), next: undefined },
      { type: 'list', token: 3024, tokens: [3020, 3021, 3022, 3023, PUNT] },
    ];
    bed.run(nodes, 3024);
    const frame = ip4Frame();
    bed.receive(frame);
    expect(bed.punted).toEqual([{ port: 0, reason: 0, frame }]);
  });

  test('an expired packet too, when the tree comes after other changes', () => {
    const bed = router();
    bed.insert({
      nodes: [
        {
          type: 'write',
          token: 3020,
          key: { field: AftField.Ip4Tos, data: { kind: 'int', value: 0xb8 } },
          op: 'set',
          next: TREE,
        },
      ],
      binds: [{ port: 0, next: 3020 }],
    });
    const frame = ip4Frame({ ttl: 1 });
    bed.receive(frame);
    bed.receive(ip4Frame({ ttl: 9 }));
    expect(bed.punted).toEqual([{ port: 0, reason: PuntReason.TtlExpired, frame }]);
    const [sent] = sentBy(bed);
    expect([sent![15], sent![22]]).toEqual([0xb8, 8]);
    expect(checksum(sent!.subarray(14, 34))).toBe(0);
  });

  test('a partial checksum is filled in', () => {
    const bed = router();
    const packet = ip4(udp(Buffer.from('abc')), { to: '198.51.100.9' });
    const bytes = transportBytes(packet);
    packet.writeUInt16BE(0xffff - checksum(bytes.subarray(0, 12)), 26);
    bed.receive(ether(0x0800, packet), 0, { ...noOffload(), flags: 1, csumStart: 34, csumOffset: 6 });
    expect(checksum(transportBytes(bed.punted[0]!.frame.subarray(14)))).toBe(0);
  });

  test('metadata that do not fit the frame: dropped', () => {
    const bed = router();
    bed.receive(ip4Frame({ to: '198.51.100.9' }), 0, { ...noOffload(), flags: 1, csumStart: 5000, csumOffset: 6 });
    bed.receive(ip4Frame(), 0, { ...noOffload(), flags: 1, csumStart: 5000, csumOffset: 6 });
    bed.receive(ip4Frame(), 0, { ...noOffload(), gsoType: 77, gsoSize: 100, csumStart: 34, csumOffset: 6 });
    expect(bed.sandbox.drops()).toEqual({ badOffload: 3 });
  });
});

describe('IPv4 options', () => {
  const withOptions = (to: string): Buffer =>
    ether(0x0800, ip4(udp(Buffer.from('x')), { to, options: [7, 7, 4, 0, 0, 0, 0, 0] }));

  test('without rt.ipOptions they are forwarded like any other', () => {
    const bed = router();
    bed.receive(withOptions('198.51.100.1'));
    expect(sentBy(bed)).toHaveLength(1);
  });

  test('with it they go to its token, untouched, whatever their address; others do not', () => {
    const bed = router({ ttl: EXPIRED, mtu: TOO_BIG, options: TOO_BIG });
    const frames = ['198.51.100.1', '203.0.113.1', '198.51.100.9'].map(withOptions);
    for (const frame of frames) bed.receive(frame);
    expect(bed.punted.map(({ reason, frame }) => [reason, frame])).toEqual(frames.map((f) => [PuntReason.Mtu, f]));
    bed.receive(ip4Frame());
    bed.receive(ip6Frame());
    expect(sentBy(bed)).toHaveLength(2);
  });

  test("IPv6's hop-by-hop options are options, other extension headers are not", () => {
    const bed = router({ ttl: EXPIRED, mtu: TOO_BIG, options: TOO_BIG });
    const extension = Buffer.of(59, 0, 0x1e, 4, 0, 0, 0, 0);
    const withHeader = (next: number): Buffer => {
      const frame = ip6Frame({}, extension);
      frame.writeUInt16BE(extension.length, 14 + 4);
      frame[14 + 6] = next;
      return frame;
    };
    bed.receive(withHeader(0));
    expect(bed.punted.map(({ reason }) => reason)).toEqual([PuntReason.Mtu]);
    expect(sentBy(bed)).toHaveLength(0);
    bed.receive(withHeader(60));
    expect(bed.punted).toHaveLength(1);
    expect(sentBy(bed)).toHaveLength(1);
  });

  test('naming no node is refused', () => {
    const bed = testbed();
    const error = bed.tryInsert({ nodes: [tree(TREE, { options: 9999 })] });
    expect(error?.code).toBe('unknownToken');
  });
});
