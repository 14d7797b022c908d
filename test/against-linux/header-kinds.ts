/** Frames whose IP headers are the question: options, lengths, fragments, sizes. */
import type { Choice, Kinds } from './choice';
import type { Body, Packet4, Packet6 } from './frame';

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

export const HEADER_KINDS = {
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
} as const satisfies Kinds;
