/**
 * Frames for the comparison of the two engines: sound packets to the addresses that a graph has routes for, and ones with anything
 * wrong with them.
 */
import { sumBytes, write16, write32 } from '../../../src/net/checksum';
import type { Random } from '../random';
import { address, MACS, PORTS, type Prefixed } from './graph-parts';
import { someLabel } from './label-graphs';

export interface TestFrame {
  readonly port: number;
  readonly frame: Uint8Array;
}

/** Sources and destinations that aren't forwarded, or nearly so. */
const ODD4 = [0, 0x7f000001, 0xe0000005, 0xefffffff, 0xf0000001, 0xffffffff, 0xfffffffe, 0xa9fe0101, 0x00000001];
const ODD6 = [
  ...['00000000000000000000000000000000', '00000000000000000000000000000001', '00000000000000000000000000000002'],
  ...['ff020000000000000000000000000001', 'fe800000000000000000000000000001', 'febf0000000000000000000000000001'],
  ...['fec00000000000000000000000000001', '0000000000000000000000000000ffff'],
];

function target(random: Random, prefixes: readonly Prefixed[], size: 4 | 16): Uint8Array {
  const fitting = prefixes.filter(({ bytes }) => bytes.length === size);
  const found = address(random, size);
  if (fitting.length === 0 || random.below(5) === 0) return found;
  const { bytes, length } = random.pick(fitting);
  for (let bit = 0; bit < length; bit++) {
    const mask = 0x80 >> (bit & 7);
    found[bit >> 3] = (found[bit >> 3]! & ~mask) | (bytes[bit >> 3]! & mask);
  }
  return found;
}

function payloadSize(random: Random): number {
  if (random.below(6) === 0) return random.below(9200);
  return random.below(12) === 0 ? random.pick([1252, 1260, 1380, 1472, 1480, 1481]) : random.below(64);
}

function ip4(random: Random, prefixes: readonly Prefixed[]): Uint8Array {
  const payload = payloadSize(random);
  const packet = new Uint8Array(20 + payload);
  packet[0] = 0x45;
  packet[1] = random.below(256);
  write16(packet, 2, packet.length);
  write16(packet, 4, random.below(65536));
  if (random.below(8) === 0) write16(packet, 6, random.pick([0x4000, 0x2000, 0x2001, 0x0003, 0x8000]));
  packet[8] = random.below(6) === 0 ? random.below(3) : 2 + random.below(254);
  packet[9] = random.pick([1, 6, 17, 17, 33, 132, 136, 47, 255]);
  packet.set(address(random, 4), 12);
  packet.set(target(random, prefixes, 4), 16);
  if (random.below(12) === 0) write32(packet, 12 + 4 * random.below(2), random.pick(ODD4));
  for (let i = 20; i < Math.min(packet.length, 60); i++) packet[i] = random.below(256);
  write16(packet, 10, ~sumBytes(packet, 0, 20) & 0xffff);
  return packet;
}

function ip6(random: Random, prefixes: readonly Prefixed[]): Uint8Array {
  const payload = payloadSize(random);
  const packet = new Uint8Array(40 + payload);
  write32(packet, 0, (0x60000000 | (random.below(256) << 20) | random.below(1 << 20)) >>> 0);
  write16(packet, 4, payload);
  packet[6] = random.pick([6, 17, 17, 58, 33, 132, 136, 0, 43, 44, 51, 59, 60]);
  packet[7] = random.below(6) === 0 ? random.below(3) : 2 + random.below(254);
  packet.set(address(random, 16), 8);
  packet.set(target(random, prefixes, 16), 24);
  if (random.below(12) === 0) packet.set(Buffer.from(random.pick(ODD6), 'hex'), 8 + 16 * random.below(2));
  for (let i = 40; i < Math.min(packet.length, 80); i++) packet[i] = random.below(256);
  return packet;
}

/** Something that is wrong, or unusual. */
function spoil(random: Random, frame: Uint8Array): Uint8Array {
  const at = (limit: number): number => random.below(Math.min(limit, frame.length));
  switch (random.below(8)) {
    case 0:
      return frame.subarray(0, random.below(frame.length + 1));
    case 1: {
      const padded = new Uint8Array(frame.length + 1 + random.below(60)).fill(0xa5);
      padded.set(frame);
      return padded;
    }
    case 2:
      frame[at(60)]! ^= 1 << random.below(8);
      return frame;
    case 3:
      // The right checksum with the wrong version, header length, or length.
      if (frame.length < 34) return frame;
      frame[random.pick([14, 16, 17, 20])] = random.below(256);
      write16(frame, 24, 0);
      write16(frame, 24, ~sumBytes(frame, 14, 34) & 0xffff);
      return frame;
    case 4:
      if (frame.length >= 14)
        write16(frame, 12, random.pick([0x0806, 0x8100, 0x88a8, 0x8847, 0x05dc, 0x0800, 0x86dd, 0x0600]));
      return frame;
    case 5: {
      const tagged = new Uint8Array(frame.length + 4);
      tagged.set(frame.subarray(0, 12));
      tagged.set([0x81, 0, 0, random.below(8)], 12);
      tagged.set(frame.subarray(12), 16);
      return tagged;
    }
    case 6:
      for (let i = 0; i < 4; i++) frame[at(80)] = random.below(256);
      return frame;
    default:
      return Uint8Array.from({ length: random.below(100) }, () => random.below(256));
  }
}

/** Labels in front of a packet, or of anything. */
function labelled(random: Random, packet: Uint8Array): Uint8Array {
  const count = random.pick([1, 1, 1, 2, 2, 3, 4, 5]);
  const payload =
    random.below(12) === 0 ? Uint8Array.from({ length: random.below(60) }, () => random.below(256)) : packet;
  const out = new Uint8Array(4 * count + payload.length);
  for (let i = 0; i < count; i++) {
    const label = random.below(6) === 0 ? random.below(2 ** 20) : someLabel(random);
    const bottom = Number(i === count - 1 ? random.below(30) > 0 : random.below(30) === 0);
    const ttl = random.below(8) === 0 ? random.below(3) : 2 + random.below(254);
    write32(out, 4 * i, (label * 0x1000 + random.below(8) * 0x200 + bottom * 0x100 + ttl) >>> 0);
  }
  out.set(payload, 4 * count);
  return out;
}

/** A frame and the port that it comes in at. */
export function makeFrame(random: Random, prefixes: readonly Prefixed[]): TestFrame {
  const port = random.below(PORTS);
  const is4 = random.below(2) === 0;
  const plain = is4 ? ip4(random, prefixes) : ip6(random, prefixes);
  const hasLabels = random.below(3) === 0;
  const packet = hasLabels ? labelled(random, plain) : plain;
  const frame = new Uint8Array(14 + packet.length);
  frame.set(
    random.below(16) === 0 ? random.pick([MACS[(port + 1) % PORTS]!, new Uint8Array(6).fill(255)]) : MACS[port]!,
  );
  frame.set([2, 0, 0, 0, 9, 9], 6);
  write16(frame, 12, hasLabels ? 0x8847 : is4 ? 0x0800 : 0x86dd);
  frame.set(packet, 14);
  return { port, frame: random.below(5) === 0 ? spoil(random, frame) : frame };
}
