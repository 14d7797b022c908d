/** Linux's word on a port, live: what a frame meets in the vASIC is what Linux would have done with it. */
import { PuntReason } from '../../../src/aft/model';
import { policerToken } from '../../../src/afi/policers';
import type { LinkChange } from '../../../src/fib/updates';
import { parseMac } from '../../../src/net/address';
import { packetOf } from '../../../src/vasic/engine/packet';
import { Bed, Server, ifindexOf } from '../../bed/bed';

const MINE = '32260a2eaaf0';
const OTHER = '020000000077';
const GROUP = '01005e0a0b0c';
const NEIGHBOR = '02:00:00:00:00:0a';
const BRIDGE = 90;

function frameOf(to: string, rest: string): Buffer {
  return Buffer.concat([Buffer.from(`${to}0200000000aa${rest}`, 'hex'), Buffer.alloc(60, 7)]);
}

/** IPv4 with this protocol (hex) to 224.10.11.12, and the ports behind it. */
const ip4 = (protocol: string, ports = '03e807d0'): string =>
  `08004500003c00000000ff${protocol}0000c0000201e00a0b0c${ports}`;
/** IPv6 with this next header and hop limit (hex). */
const ip6 = (header: string, hops: string): string =>
  `86dd60000000003c${header}${hops}${'fe80'.padEnd(32, '1')}${'ff02'.padEnd(32, '0')}03e807d0`;
const tag = (id: number, rest: string): string => `8100${id.toString(16).padStart(4, '0')}${rest}`;

async function forwarding(server?: Server): Promise<Bed> {
  const bed = await new Bed(server).up();
  bed.neighbor(1, '10.0.1.2', NEIGHBOR).via('192.0.2.0/24', '10.0.1.2@1');
  return bed.settle();
}

const link = (bed: Bed, over: Partial<LinkChange>, port = 0): Bed => bed.link(port, true, over.up ?? true, over);
const groups = (bed: Bed, ...macs: string[]): void =>
  bed.fib.applyKernel({
    kind: 'groups',
    ifindex: ifindexOf(0),
    groups: macs.map((mac) => Uint8Array.from(Buffer.from(mac, 'hex'))),
  });
/** The source address and TTL's owner: bytes 6 to 11 of what left port 1. */
const sourceOf = (bed: Bed): string => bed.server.ports[1]!.sent[0]!.frame.subarray(6, 12).toString('hex');

test('another hardware address: taken at once, and the old one is nobody', async () => {
  const bed = await forwarding();
  const operations = bed.operationsFor(() => link(bed, { mac: parseMac('02:00:00:00:00:77')! }));
  expect(operations).toHaveLength(1);
  expect(bed.packet('192.0.2.9', 0, { to: '02:00:00:00:00:77' })).toMatch(/^p1/);
  expect(bed.packet('192.0.2.9')).toBe('dropped');
});

test('what leaves by a port has its new address, in one operation for all its neighbors', async () => {
  const bed = await forwarding();
  for (let i = 3; i < 40; i++) bed.neighbor(1, `10.0.1.${i}`, NEIGHBOR).via(`192.0.${i}.0/24`, `10.0.1.${i}@1`);
  bed.settle();
  const operations = bed.operationsFor(() => link(bed, { mac: parseMac('02:00:00:00:00:77')! }, 1));
  // The port, and its neighbors.
  expect(operations).toHaveLength(2);
  expect(bed.packet('192.0.9.9')).toMatch(/^p1/);
  expect(sourceOf(bed)).toBe(OTHER);
});

test('a smaller MTU: larger packets go to Linux, which answers; the full MTU again', async () => {
  const bed = await forwarding();
  bed.fib.portOwn(1, { mtu: 1500 }, 'foreign');
  link(bed, { mtu: 60 }, 1).settle();
  expect(bed.packet('192.0.2.9')).toMatch(/^p1/);
  link(bed, { mtu: 47 }, 1).settle();
  expect(bed.packet('192.0.2.9')).toBe(`punt ${PuntReason.Mtu}`);
  link(bed, { mtu: 1500 }, 1).settle();
  expect(bed.packet('192.0.2.9')).toMatch(/^p1/);
});

test('set down: nothing that comes in is taken, as Linux would take nothing', async () => {
  const bed = await forwarding();
  link(bed, { up: false, adminDown: true }).settle();
  for (const frame of [frameOf(MINE, ip4('11')), frameOf('ffffffffffff', '0806'), frameOf(GROUP, ip4('59'))]) {
    expect(bed.frame(frame)).toBe('dropped');
  }
  link(bed, {}).settle();
  expect(bed.packet('192.0.2.9')).toMatch(/^p1/);
});

test("a TAP just made is not set down, and its address is not the port's", async () => {
  const bed = await forwarding();
  bed.fib.portOwn(0, { mac: Uint8Array.from(Buffer.from(MINE, 'hex')) }, 'ours');
  link(bed, { present: false });
  link(bed, { up: false, adminDown: true, mac: parseMac('02:00:00:00:00:77')! }).settle();
  expect(bed.packet('192.0.2.9')).toMatch(/^p1/);
  link(bed, {}).settle();
  expect(bed.packet('192.0.2.9')).toMatch(/^p1/);
  link(bed, { up: false, adminDown: true }).settle();
  expect(bed.packet('192.0.2.9')).toBe('dropped');
});

test('a TAP that is renamed and comes back is what it was made since', async () => {
  const bed = await forwarding();
  const given = '02:00:00:00:00:77';
  bed.fib.portOwn(0, { mac: Uint8Array.from(Buffer.from(MINE, 'hex')) }, 'ours');
  link(bed, { mac: parseMac(given)! }).settle();
  link(bed, { mac: parseMac(given)!, name: 'other' }).settle();
  link(bed, { mac: parseMac(given)! }).settle();
  expect(bed.packet('192.0.2.9', 0, { to: given })).toMatch(/^p1/);
  expect(bed.packet('192.0.2.9')).toBe('dropped');
});

test('a TAP that an earlier bridge made what the port is: what it is by now counts at once, until it is made anew', async () => {
  const bed = await forwarding();
  const given = '02:00:00:00:00:77';
  bed.fib.portOwn(0, { mac: Uint8Array.from(Buffer.from(MINE, 'hex')) }, 'kept');
  link(bed, { mac: parseMac(given)! }).settle();
  expect(bed.packet('192.0.2.9', 0, { to: given })).toMatch(/^p1/);
  expect(bed.packet('192.0.2.9')).toBe('dropped');
  link(bed, { present: false });
  link(bed, { up: false, adminDown: true, mac: parseMac('02:00:00:00:00:78')! }).settle();
  expect(bed.packet('192.0.2.9')).toMatch(/^p1/);
});

test("a port in a bridge is Linux's: all that comes in, and nothing goes out by the vASIC", async () => {
  const bed = await forwarding();
  const whole = `punt ${PuntReason.HostPort}`;
  link(bed, { master: BRIDGE }).settle();
  expect(bed.packet('192.0.2.9')).toBe(whole);
  expect(bed.packet('192.0.2.9', 0, { to: '02:00:00:00:00:77' })).toBe(whole);
  expect(bed.frame(frameOf(GROUP, tag(7, ip4('11'))))).toBe(whole);
  expect(bed.frame(frameOf(OTHER, '0806'))).toBe(`punt ${PuntReason.Arp}`);
  expect(bed.frame(frameOf(GROUP, ip4('59')))).toBe(`punt ${PuntReason.Ospf}`);
  link(bed, { master: BRIDGE }, 1).settle();
  expect(bed.packet('192.0.2.9', 2)).toBe(`punt ${PuntReason.NotAPort}`);
  link(bed, {}).settle();
  link(bed, {}, 1).settle();
  expect(bed.packet('192.0.2.9')).toMatch(/^p1/);
});

test("a port in a VRF is forwarded for by the VRF's table, and is Linux's as long as its master is not known", async () => {
  const bed = await forwarding();
  const vrf = (vrfTable: number): void =>
    bed.fib.applyKernel({ kind: 'link', ifindex: BRIDGE, name: 'red', present: true, up: true, master: 0, vrfTable });
  link(bed, { master: BRIDGE }).settle();
  expect(bed.packet('192.0.2.9')).toBe(`punt ${PuntReason.HostPort}`);
  vrf(254);
  bed.settle();
  expect(bed.packet('192.0.2.9')).toMatch(/^p1/);
  vrf(10);
  bed.settle();
  expect(bed.packet('192.0.2.9')).toBe(`punt ${PuntReason.NoRoute}`);
});

describe('what a network card would not deliver', () => {
  test('groups: those that Linux takes, and all where it takes all', async () => {
    const bed = await forwarding();
    const toGroup = frameOf(GROUP, ip4('11'));
    expect(bed.frame(toGroup)).toBe(`punt ${PuntReason.Multicast}`);
    groups(bed, '01005e000001', GROUP);
    bed.settle();
    expect(bed.frame(toGroup)).toBe(`punt ${PuntReason.Multicast}`);
    groups(bed, '01005e000001');
    bed.settle();
    expect(bed.frame(toGroup)).toBe('dropped');
    expect(bed.frame(frameOf('ffffffffffff', ip4('11')))).toBe(`punt ${PuntReason.Broadcast}`);
    link(bed, { allMulticast: true }).settle();
    expect(bed.frame(toGroup)).toBe(`punt ${PuntReason.Multicast}`);
    expect(bed.frame(frameOf(OTHER, ip4('11')))).toBe('dropped');
    link(bed, { promiscuous: true }).settle();
    expect(bed.frame(toGroup)).toBe(`punt ${PuntReason.Multicast}`);
    expect(bed.frame(frameOf(OTHER, ip4('11')))).toBe(`punt ${PuntReason.OtherAddress}`);
  });

  test('entries of groups that were left are removed, and come back', async () => {
    const bed = await forwarding();
    groups(bed, '01005e000001');
    const { entries } = bed.settle().server.sandbox.info();
    for (let round = 0; round < 5; round++) {
      groups(bed, '01005e000001', GROUP, `01005e0000${round}9`);
      bed.settle();
      expect(bed.frame(frameOf(GROUP, ip4('11')))).toBe(`punt ${PuntReason.Multicast}`);
      groups(bed, '01005e000001');
      // Back before the removal is answered.
      bed.programmer.pump();
      groups(bed, '01005e000001', GROUP);
      bed.settle();
      expect(bed.frame(frameOf(GROUP, ip4('11')))).toBe(`punt ${PuntReason.Multicast}`);
      groups(bed, '01005e000001');
      expect(bed.settle().server.sandbox.info().entries).toBe(entries);
    }
    expect(bed.programmer.counters).toMatchObject({ failed: 0, retried: 0 });
  });

  test('groups that an earlier bridge left are none', async () => {
    const server = new Server();
    const first = await forwarding(server);
    groups(first, GROUP);
    first.settle();
    const { entries } = server.sandbox.info();
    const second = new Bed(server);
    groups(second, '01005e000001');
    await second.up();
    expect(second.frame(frameOf(GROUP, ip4('11')))).toBe('dropped');
    expect(server.sandbox.info().entries).toBe(entries);
  });

  test('tags: those that Linux has a device for', async () => {
    const bed = await forwarding();
    const tagged = (id: number, to = MINE): string => bed.frame(frameOf(to, tag(id, ip4('11'))));
    expect(tagged(7)).toBe('dropped');
    expect(tagged(7, 'ffffffffffff')).toBe('dropped');
    expect(tagged(0)).toBe(`punt ${PuntReason.Tagged}`);
    const vlan = { kind: 'link', ifindex: 91, name: 'tap0.7', up: true, master: 0 } as const;
    bed.fib.applyKernel({ ...vlan, present: true, vlan: { parent: ifindexOf(0), id: 7 } });
    bed.settle();
    expect(tagged(7)).toBe(`punt ${PuntReason.Tagged}`);
    expect(tagged(8)).toBe('dropped');
    expect(bed.frame(frameOf('3333ff000001', tag(7, ip6('3a', 'ff'))))).toBe(`punt ${PuntReason.NeighborDiscovery}`);
    bed.fib.applyKernel({ ...vlan, present: false });
    bed.settle();
    expect(tagged(7)).toBe('dropped');
  });
});

test.each([
  ['OSPF', ip4('59'), PuntReason.Ospf],
  ['OSPFv3', ip6('59', '01'), PuntReason.Ospf],
  ['neighbor discovery', ip6('3a', 'ff'), PuntReason.NeighborDiscovery],
  ['other ICMPv6', ip6('3a', '40'), PuntReason.Multicast],
  ['BGP, to its port', ip4('06', '03e800b3'), PuntReason.Bgp],
  ['BGP, from its port', ip6('06', '01').replace(/03e807d0$/, '00b307d0'), PuntReason.Bgp],
  ['other TCP', ip4('06'), PuntReason.Multicast],
  ['BFD', ip4('11', 'c0000ec8'), PuntReason.Bfd],
  ['BFD over several hops', ip6('11', 'ff').replace(/03e807d0$/, 'c00012b0'), PuntReason.Bfd],
  ['PIM', ip4('67'), PuntReason.Control],
  ['an LDP hello', ip4('11', '02860286'), PuntReason.Control],
  ['an LDP session, to its port', ip4('06', 'c0000286'), PuntReason.Control],
  ['an LDP session, from its port', ip6('06', '01').replace(/03e807d0$/, '0286c000'), PuntReason.Control],
  ['RIPng', ip6('11', 'ff').replace(/03e807d0$/, '02090209'), PuntReason.Control],
  ['other UDP', ip4('11'), PuntReason.Multicast],
])('%s has the reason %#', async (_name, rest, reason) => {
  const bed = await forwarding();
  expect(bed.frame(frameOf(GROUP, rest))).toBe(`punt ${reason}`);
});

test('no port takes from another, and no data from control protocols', async () => {
  const limits = { [PuntReason.Multicast]: 10, [PuntReason.NeighborDiscovery]: 10, [PuntReason.Arp]: 10 };
  const bed = await new Bed(new Server({ now: () => 0 }), { limits }).up();
  const { sandbox } = bed.server;
  const solicitation = frameOf('3333ff000001', ip6('3a', 'ff'));
  for (let i = 0; i < 1000; i++) {
    sandbox.receive(0, packetOf(frameOf(GROUP, ip4('11'))));
    sandbox.receive(1, packetOf(solicitation));
  }
  for (const frame of [solicitation, frameOf('ffffffffffff', '0806')]) {
    expect(bed.frame(frame, 0)).toMatch(/^punt/);
  }
  for (let i = 0; i < 9; i++) expect(bed.frame(frameOf(GROUP, ip4('11')), 1)).toBe(`punt ${PuntReason.Multicast}`);
  expect(sandbox.nodeInfo([policerToken(PuntReason.Multicast, 0)])).toMatchObject([{ packets: 10, drops: 990 }]);
});

test('a refused change is shown, and tried again', async () => {
  const bed = await forwarding();
  link(bed, { mac: parseMac('02:00:00:00:00:77')! });
  bed.programmer.pump();
  bed.answer({ code: 'refused', message: 'not today' });
  expect([...bed.programmer.tables.portFailures()]).toEqual([[0, 'refused: not today']]);
  bed.programmer.retry();
  bed.settle();
  expect([...bed.programmer.tables.portFailures()]).toEqual([]);
  expect(bed.packet('192.0.2.9', 0, { to: '02:00:00:00:00:77' })).toMatch(/^p1/);
});

test("a neighbor's interface becomes another port with the same address and MTU: frames leave by that", async () => {
  const bed = new Bed();
  const mac = parseMac('02:00:00:00:00:77')!;
  for (const port of [0, 1, 2, 3]) bed.link(port, true, true, { mac });
  await bed.neighbor(1, '10.0.1.2', NEIGHBOR).via('192.0.2.0/24', '10.0.1.2@1').up();
  const way = (): string => bed.packet('192.0.2.9', 0, { to: '02:00:00:00:00:77' });
  expect(way()).toMatch(/^p1/);
  bed.link(2, false, false, { mac }).link(1, true, true, { mac, name: 'tap2' }).settle();
  expect(way()).toMatch(/^p2/);
});

test('a refused change that Linux takes back is no problem any more', async () => {
  const bed = await forwarding();
  groups(bed);
  bed.settle();
  groups(bed, GROUP);
  bed.programmer.pump();
  bed.answer({ code: 'refused', message: 'not today' });
  expect([...bed.programmer.tables.portFailures()]).toHaveLength(1);
  groups(bed);
  const operations = bed.operationsFor(() => undefined);
  expect([...bed.programmer.tables.portFailures(), ...operations]).toEqual([]);
});

test('what changes while the connection is down is written when it is back', async () => {
  const bed = await forwarding();
  bed.programmer.down('gone');
  link(bed, { mac: parseMac('02:00:00:00:00:77')! });
  await bed.up();
  expect(bed.packet('192.0.2.9', 0, { to: '02:00:00:00:00:77' })).toMatch(/^p1/);
});
