/** Frames by kind: each kind is one question about forwarding, with the details chosen at random. */
import type { Random } from '../fuzz/random';
import type { Body, FrameSpec, IpPacket, Packet4, Packet6 } from './frame';
import { farNet4, farNet6, hostMac, PORTS, routerMac, subnet4, subnet6 } from './plan';
import { isFamily, type World } from './world';

type Family = 4 | 6;

/** What the kinds choose with. */
class Choice {
  constructor(
    readonly random: Random,
    readonly world: World,
    readonly port: number,
  ) {}

  pick<T>(...list: readonly T[]): T {
    return this.random.pick(list);
  }

  get mtu(): number {
    return this.world.ports[this.port]!.mtu;
  }

  /** Where a packet may be from. */
  source(family: Family): { readonly src: string; readonly spread?: boolean } {
    const { port } = this;
    if (this.random.below(5) === 0) return { src: family === 4 ? `${subnet4(port)}.2` : `${subnet6(port)}::2` };
    return { src: family === 4 ? `${farNet4(port)}.0.0` : `${farNet6(port)}::1:0`, spread: true };
  }

  length(): number {
    return this.pick(8, 16, 24, 32, 33, 64, 128, 300, 700);
  }

  body(): Body {
    const length = this.length();
    switch (this.random.below(6)) {
      case 0:
        return { proto: 'tcp', port: this.pick(9, 80, 443), flags: this.pick(0x02, 0x10, 0x11), length };
      case 1:
        return { proto: 'icmp', type: 0, code: 0, length };
      case 2:
        return { proto: this.pick(47, 50, 89, 132, 253), length };
      default:
        return { proto: 'udp', port: this.pick(9, 33434, 4789), length };
    }
  }

  echo(family: Family, length = this.length()): Body {
    return { proto: 'icmp', type: family === 4 ? 8 : 128, code: 0, length };
  }

  /** An address of the routers', of any port or of the loopback. */
  own(family: Family): string {
    const own = this.world.addresses
      .filter(({ cidr }) => isFamily(cidr, family))
      .map(({ cidr }) => cidr.split('/')[0]!);
    return own.length === 0 ? (family === 4 ? '10.0.255.1' : '2001:db8:255::1') : this.random.pick(own);
  }

  net(): number {
    return this.pick(0, 1, 2, 3);
  }

  host(family: Family, host: number): string {
    const net = this.net();
    return family === 4 ? `${subnet4(net)}.${host}` : `${subnet6(net)}::${host}`;
  }

  /** Inside what routes lead to. */
  routed(family: Family): string {
    const low = this.random.below(200) + 10;
    return family === 4
      ? this.pick(
          `10.50.1.${low}`,
          `10.51.1.${low}`,
          '10.60.1.1',
          `10.60.7.${low}`,
          '10.60.7.9',
          `10.77.3.${low}`,
          `10.1.1.2${low % 50}`,
        )
      : this.pick(
          `2001:db8:50::${low}`,
          `2001:db8:51::${low}`,
          '2001:db8:60::1',
          '2001:db8:60:7::7',
          '2001:db8:60:7::9',
          '2001:db8:54::1',
          '2001:db8:1::8000:77',
          `2001:db8:77::${low}`,
        );
  }

  /** A destination of an ordinary packet. */
  anywhere(family: Family): string {
    switch (this.random.below(4)) {
      case 0:
        return this.host(family, this.pick(2, 3));
      case 1:
        return family === 4 ? `${farNet4(this.pick(...PORTS))}.9.9` : `${farNet6(this.pick(...PORTS))}::9`;
      default:
        return this.routed(family);
    }
  }

  v4(packet: Partial<Packet4>): Packet4 {
    return {
      family: 4,
      ttl: this.pick(64, 64, 255, 3),
      dst: this.anywhere(4),
      body: this.body(),
      ...this.source(4),
      ...packet,
    };
  }

  v6(packet: Partial<Packet6>): Packet6 {
    return {
      family: 6,
      ttl: this.pick(64, 64, 255, 3),
      dst: this.anywhere(6),
      body: this.body(),
      ...this.source(6),
      ...packet,
    };
  }

  either(packet: Partial<Omit<IpPacket, 'src' | 'dst'>>, dst: (family: Family) => string): Packet4 | Packet6 {
    return this.random.below(2) === 0 ? this.v4({ ...packet, dst: dst(4) }) : this.v6({ ...packet, dst: dst(6) });
  }
}

type Made = Pick<FrameSpec, 'packet'> & Partial<FrameSpec>;
type Maker = (choice: Choice) => Made;

const plain =
  (dst: (choice: Choice, family: Family) => string): Maker =>
  (choice) => ({ packet: choice.either({}, (family) => dst(choice, family)) });

const MARTIANS4 = [
  '0.0.0.0',
  '0.1.2.3',
  '127.0.0.1',
  '127.9.9.9',
  '240.1.2.3',
  '255.255.255.255',
  '224.0.0.5',
  '239.1.1.1',
];
const MARTIANS6 = ['::', '::1', 'ff02::1', '::ffff:10.1.0.2', 'fec0::1', 'fc00::1', 'ff05::2'];

/** Around the MTU of some port, and not above what its own port receives. */
function sizeNear(choice: Choice, overhead: number): number {
  const mtu = choice.pick(...choice.world.ports).mtu;
  const total = Math.min(choice.mtu, mtu + choice.pick(-1, 0, 1, 8, 40, 100, 400));
  return total - overhead;
}

const fragmentsOf = (length: number, at: number): FrameSpecParts => [
  { offset: 0, length: at, more: true },
  { offset: at, length: length - at, more: false },
];
type FrameSpecParts = NonNullable<Packet4['parts']>;

/** Kinds with their weight. */
const KINDS = {
  'host known': [6, plain((choice, family) => choice.host(family, choice.pick(2, 3)))],
  'host unknown': [2, plain((choice, family) => choice.host(family, choice.pick(4, 5, 77)))],
  routed: [9, plain((choice, family) => choice.routed(family))],
  'no route': [2, plain((_, family) => (family === 4 ? '192.0.2.7' : '2001:db8:dead::7'))],
  'own address': [
    4,
    (choice) => ({ packet: choice.either({ ttl: choice.pick(64, 1) }, (family) => choice.own(family)) }),
  ],
  'own address, echo': [
    3,
    (choice) => {
      const six = choice.random.below(2) === 1;
      return {
        packet: six
          ? choice.v6({ dst: choice.own(6), body: choice.echo(6), ttl: choice.pick(64, 1, 0) })
          : choice.v4({ dst: choice.own(4), body: choice.echo(4), ttl: choice.pick(64, 1, 0) }),
      };
    },
  ],
  'network and broadcast': [
    3,
    (choice) => ({
      packet: choice.v4({
        dst: choice.pick(`${subnet4(choice.net())}.0`, `${subnet4(choice.net())}.255`, '255.255.255.255', '10.1.1.127'),
        body: choice.pick(choice.body(), choice.echo(4)),
      }),
      ...(choice.random.below(2) === 0 ? { dstMac: 'ff:ff:ff:ff:ff:ff' } : {}),
    }),
  ],
  'subnet router anycast': [
    1,
    (choice) => ({
      packet: choice.v6({
        dst: choice.pick(`${subnet6(choice.net())}::`, '2001:db8:255::'),
        body: choice.pick(choice.echo(6), choice.body()),
      }),
    }),
  ],
  'martian destination': [
    2,
    (choice) => ({
      packet:
        choice.random.below(2) === 0
          ? choice.v4({ dst: choice.pick(...MARTIANS4) })
          : choice.v6({ dst: choice.pick(...MARTIANS6) }),
    }),
  ],
  'martian source': [
    4,
    (choice) => ({
      packet:
        choice.random.below(2) === 0
          ? choice.v4({
              src: choice.pick(
                ...MARTIANS4,
                choice.own(4),
                `${subnet4(choice.net())}.255`,
                `${subnet4(choice.net())}.0`,
              ),
              spread: false,
            })
          : choice.v6({ src: choice.pick(...MARTIANS6, choice.own(6), `${subnet6(choice.net())}::`), spread: false }),
    }),
  ],
  multicast: [
    2,
    (choice) => {
      if (choice.random.below(2) === 0) {
        const dst = choice.pick('224.0.0.1', '224.0.0.2', '224.0.0.5', '224.0.1.1', '239.1.2.3');
        return {
          packet: choice.v4({ dst, body: choice.pick(choice.echo(4), choice.body()) }),
          dstMac: `01:00:5e:00:00:0${dst.at(-1)!}`,
        };
      }
      const dst = choice.pick('ff02::1', 'ff02::2', 'ff02::5', 'ff05::2', 'ff0e::1');
      return {
        packet: choice.v6({ dst, body: choice.pick(choice.echo(6), choice.body()) }),
        dstMac: `33:33:00:00:00:0${dst.at(-1)!}`,
      };
    },
  ],
  'link-local': [
    3,
    (choice) =>
      choice.random.below(3) === 0
        ? {
            packet: choice.v4(
              choice.pick<Partial<Packet4>>({ dst: '169.254.1.1' }, { src: '169.254.1.1', spread: false }),
            ),
          }
        : {
            packet: choice.v6(
              choice.pick<Partial<Packet6>>(
                { dst: 'fe80::2' },
                { src: 'fe80::2', spread: false },
                { src: 'fe80::2', spread: false, dst: choice.own(6), body: choice.echo(6) },
                { dst: 'fe80::77' },
              ),
            ),
          },
  ],
  ttl: [
    5,
    (choice) => ({ packet: choice.either({ ttl: choice.pick(0, 1, 1, 2) }, (family) => choice.anywhere(family)) }),
  ],
  'ttl, host unknown': [
    1,
    (choice) => ({
      packet: choice.either({ ttl: choice.pick(0, 1, 2) }, (family) =>
        choice.pick(choice.host(family, 4), family === 4 ? '192.0.2.7' : '2001:db8:dead::7'),
      ),
    }),
  ],
  options: [
    4,
    (choice) => ({
      packet: choice.v4({
        // No-ops, record route, timestamp, router alert, loose source route, end of list, one unknown, one with a bad length.
        options: choice.pick(
          '01010101',
          '0707040000000001',
          '440c0d000000000000000000',
          '94040000',
          '8307040a01000200',
          '00000000',
          '1e04abcd',
          '07ff0401',
          '440405f0',
        ),
        dst: choice.pick(choice.anywhere(4), choice.anywhere(4), choice.own(4)),
        ttl: choice.pick(64, 64, 1),
      }),
    }),
  ],
  'extension headers': [
    4,
    (choice) => ({
      packet: choice.v6({
        // Padding, router alert, unknown options of all four classes, jumbo payload; destination options, routing header, no next header.
        extensions: choice.pick<NonNullable<Packet6['extensions']>>(
          [{ header: 0, hex: '00010400000000' }],
          [{ header: 0, hex: '00050200000100' }],
          [{ header: 0, hex: '001e0400000000' }],
          [{ header: 0, hex: '005e0400000000' }],
          [{ header: 0, hex: '009e0400000000' }],
          [{ header: 0, hex: '00de0400000000' }],
          [{ header: 0, hex: '00c20400010000' }],
          [{ header: 60, hex: '00010400000000' }],
          [{ header: 43, hex: '00000100000000' }],
          [{ header: 43, hex: '00040000000000' }],
          [
            { header: 0, hex: '00010400000000' },
            { header: 60, hex: '00010400000000' },
          ],
          [
            { header: 60, hex: '00010400000000' },
            { header: 0, hex: '00010400000000' },
          ],
        ),
        dst: choice.pick(choice.anywhere(6), choice.own(6)),
        ttl: choice.pick(64, 64, 1),
        ...(choice.random.below(6) === 0 ? { body: { proto: 59, length: 16 } } : {}),
      }),
    }),
  ],
  lengths: [
    5,
    (choice) => ({
      packet: choice.either({ lengthDelta: choice.pick(-8, -1, 1, 8, 0, 0) }, (family) =>
        choice.pick(choice.anywhere(family), choice.own(family)),
      ),
      trailer: choice.pick(0, 1, 6, 18, -1, -8),
    }),
  ],
  'length zero': [
    2,
    (choice) => {
      const length = choice.length();
      const six = choice.random.below(2) === 1;
      return {
        packet: six
          ? choice.v6({ lengthDelta: -(8 + length), body: { proto: 'udp', port: 9, length } })
          : choice.v4({ lengthDelta: -(28 + length), body: { proto: 'udp', port: 9, length } }),
      };
    },
  ],
  'header fields': [
    3,
    (choice) => ({
      packet: choice.pick<Packet4 | Packet6>(
        choice.v4({ headerWords: choice.pick(0, 4, 6, 15) }),
        choice.v4({ badChecksum: true }),
        choice.v4({ versionField: choice.pick(0, 5, 6) }),
        choice.v6({ versionField: choice.pick(0, 4, 7) }),
        choice.v4({ trafficClass: choice.pick(0x02, 0x03, 0xb8, 0xff) }),
        choice.v6({ trafficClass: choice.pick(0x02, 0x03, 0xb8, 0xff) }),
      ),
    }),
  ],
  'cut short': [
    2,
    (choice) => {
      const keep = choice.pick(0, 1, 10, 19, 20, 27, 39);
      const packet = choice.either({ body: { proto: 'udp', port: 9, length: 32 } }, (family) =>
        choice.anywhere(family),
      );
      return { packet, trailer: keep - (packet.family === 4 ? 60 : 80) };
    },
  ],
  fragments: [
    3,
    (choice) => {
      const length = choice.pick(64, 256);
      const at = choice.pick(16, 24, 48);
      const parts = fragmentsOf(length + 8, at);
      const body: Body = { proto: 'udp', port: 9, length };
      return {
        packet: choice.either(
          { body, parts: choice.pick(parts, parts.slice(1), parts.slice(0, 1)), ttl: choice.pick(64, 1) },
          (family) => choice.anywhere(family),
        ),
      };
    },
  ],
  'fragments to the router': [
    2,
    (choice) => {
      const length = choice.pick(64, 256, 1200);
      const parts = fragmentsOf(length + 8, choice.pick(16, 24, 48));
      const ordered = choice.pick(parts, [...parts].reverse());
      return choice.random.below(2) === 0
        ? { packet: choice.v4({ dst: choice.own(4), body: choice.echo(4, length), parts: ordered }) }
        : { packet: choice.v6({ dst: choice.own(6), body: choice.echo(6, length), parts: ordered }) };
    },
  ],
  mtu: [
    5,
    (choice) => {
      const six = choice.random.below(3) === 0;
      if (six) return { packet: choice.v6({ body: { proto: 'udp', port: 9, length: sizeNear(choice, 48) } }) };
      const dontFragment = choice.random.below(2) === 0;
      const ttl = choice.pick(64, 64, 64, 1);
      const options = choice.pick(undefined, undefined, undefined, '01010101');
      const length = sizeNear(choice, options === undefined ? 28 : 32);
      return {
        packet: choice.v4({
          dontFragment,
          ttl,
          body: { proto: 'udp', port: 9, length },
          ...(options === undefined ? {} : { options }),
        }),
      };
    },
  ],
  'large echo': [
    1,
    (choice) => ({ packet: choice.v4({ dst: choice.own(4), body: choice.echo(4, sizeNear(choice, 28)) }) }),
  ],
  'icmp errors': [
    2,
    (choice) => ({
      packet: choice.either(
        { body: { proto: 'icmp', type: choice.pick(3, 1, 11, 2), code: 0, length: 64 } },
        (family) => choice.pick(choice.anywhere(family), choice.own(family)),
      ),
    }),
  ],
  'transport checksum': [
    1,
    (choice) => ({
      packet: choice.either({ body: { proto: 'udp', port: 9, length: 32, badChecksum: true } }, (family) =>
        choice.pick(choice.anywhere(family), choice.own(family)),
      ),
    }),
  ],
  tags: [
    3,
    (choice) => ({
      packet: choice.either({}, (family) => choice.pick(choice.anywhere(family), choice.own(family))),
      tags: choice.pick<NonNullable<FrameSpec['tags']>>(
        [[0x8100, 0]],
        [[0x8100, 0xe000]],
        [[0x8100, 5]],
        [[0x88a8, 7]],
        [
          [0x8100, 0],
          [0x8100, 5],
        ],
        [[0x88a8, 0]],
      ),
    }),
  ],
  'group and foreign mac': [
    4,
    (choice) => ({
      packet: choice.either({}, (family) => choice.pick(choice.anywhere(family), choice.own(family))),
      dstMac: choice.pick(
        ...[
          'ff:ff:ff:ff:ff:ff',
          '01:00:5e:00:00:05',
          '33:33:00:00:00:01',
          '01:80:c2:00:00:00',
          '02:02:02:02:02:02',
          '00:00:00:00:00:00',
        ],
        ...choice.world.ports.map(({ mac }) => mac),
        ...choice.world.formerMacs,
      ),
    }),
  ],
  'source mac': [
    1,
    (choice) => ({
      packet: choice.either({}, (family) => choice.anywhere(family)),
      srcMac: choice.pick(
        'ff:ff:ff:ff:ff:ff',
        '01:00:5e:00:00:01',
        '00:00:00:00:00:00',
        choice.world.ports[choice.port]!.mac,
      ),
    }),
  ],
  ethertype: [
    1,
    (choice) =>
      choice.pick<Made>(
        { packet: choice.v4({}), etherType: 0x86dd },
        { packet: choice.v6({}), etherType: 0x0800 },
        { packet: choice.v4({}), etherType: 60 },
        { packet: { family: 'other', hex: '0001' } },
        { packet: { family: 'other', hex: '0100' }, etherType: 0x8847 },
      ),
  ],
} as const satisfies Record<string, readonly [number, Maker]>;

export type FrameKind = keyof typeof KINDS;
export const FRAME_KINDS = Object.keys(KINDS) as readonly FrameKind[];
const WEIGHTED: readonly FrameKind[] = FRAME_KINDS.flatMap((kind) => new Array<FrameKind>(KINDS[kind][0]).fill(kind));

/** The next frame, on any port that has a link. */
export function nextFrame(random: Random, world: World): FrameSpec {
  const ports = PORTS.filter((port) => world.ports[port]!.carrier);
  const port = random.pick(ports.length === 0 ? PORTS : ports);
  const kind = random.pick(WEIGHTED);
  const made = KINDS[kind][1](new Choice(random, world, port));
  return {
    kind,
    port,
    dstMac: world.ports[port]!.mac,
    srcMac: hostMac(port, made.packet.family === 6 ? '::2' : '0.0.0.2'),
    ...made,
  };
}

/** A packet to each host that there may be. */
export function greetings(): readonly FrameSpec[] {
  const port = 0;
  const to = (family: Family, dst: string): FrameSpec => ({
    kind: 'greeting',
    port,
    dstMac: routerMac(port),
    srcMac: hostMac(port, family === 6 ? '::2' : '0.0.0.2'),
    packet: {
      ...{ family, dst, ttl: 64, spread: true, body: { proto: 'udp', port: 9, length: 16 } },
      src: family === 4 ? `${farNet4(port)}.0.0` : `${farNet6(port)}::1:0`,
    },
  });
  return [0, 1, 2, 3].flatMap((net) =>
    [2, 3].flatMap((host) => [to(4, `${subnet4(net)}.${host}`), to(6, `${subnet6(net)}::${host}`)]),
  );
}
