/** Completing frames: partial checksums, and TCP and UDP segmentation, against properties of what must come out. */
import fc from 'fast-check';
import { GSO, noOffload } from '../../../src/net/offload';
import type { Offload } from '../../../src/net/offload';
import { completeFrames, wirePacketSize } from '../../../src/vasic/engine/segment';
import { checksum, ether, ip4, ip6, tcp, transportBytes, udp, withChecksum } from './testbed';

/** Segments a frame whose IP header is behind a plain Ethernet header; undefined when refused. */
function complete(frame: Buffer, offload: Offload, ip = 14): Buffer[] | undefined {
  const buffer = Buffer.concat([Buffer.alloc(64), frame]);
  const taken: Buffer[] = [];
  const unfinished = { buffer, frame: 64, receivedL3: 64 + ip, receivedIp: 64 + ip, end: buffer.length, offload };
  const done = completeFrames(unfinished, 64, (out, start, end) => {
    taken.push(Buffer.from(out.subarray(start, end)));
  });
  return done ? taken : undefined;
}

function wireSize(frame: Buffer, offload: Offload): number {
  return wirePacketSize({ buffer: frame, frame: 0, receivedL3: 14, receivedIp: 14, end: frame.length, offload });
}

const bytes = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, i) => (i * 7) & 0xff));
const csum = (start: number, offset: number): Offload => ({
  ...noOffload(),
  flags: 1,
  csumStart: start,
  csumOffset: offset,
});

/** An IP packet whose transport checksum field holds the pseudo header's sum, as a sender leaves it. */
function partial(packet: Buffer): Buffer {
  const all = transportBytes(packet);
  const version = packet[0]! >> 4;
  const pseudo = all.subarray(0, version === 4 ? 12 : 36);
  const start = version === 4 ? 20 : 40;
  const proto = version === 4 ? packet[9]! : packet[6]!;
  packet.writeUInt16BE(0xffff - checksum(pseudo), start + (proto === 6 ? 16 : 6));
  return packet;
}

describe('partial checksums', () => {
  test.each([
    ['UDP over IPv4', 0x0800, 34, 6, ip4(udp(bytes(33)))],
    ['TCP over IPv4', 0x0800, 34, 16, ip4(tcp(bytes(100)), { proto: 6 })],
    ['UDP over IPv6', 0x86dd, 54, 6, ip6(udp(bytes(1)))],
    ['TCP over IPv6', 0x86dd, 54, 16, ip6(tcp(bytes(0)), { next: 6 })],
  ])('%s', (_what, type, start, offset, packet) => {
    const frames = complete(ether(type, partial(Buffer.from(packet))), csum(start, offset))!;
    expect(frames).toEqual([ether(type, withChecksum(Buffer.from(packet)))]);
  });

  test('padding behind the packet is not summed', () => {
    const packet = partial(ip4(udp(bytes(3))));
    const padded = Buffer.concat([ether(0x0800, packet), Buffer.alloc(15, 0xee)]);
    const [frame] = complete(padded, csum(34, 6))!;
    expect(checksum(transportBytes(frame!.subarray(14)))).toBe(0);
  });

  test('a complete frame passes as it is; metadata beyond the frame are refused', () => {
    const frame = ether(0x0800, ip4(udp(bytes(3))));
    expect(complete(frame, noOffload())).toEqual([frame]);
    expect(complete(frame, csum(frame.length, 0))).toBeUndefined();
    expect(complete(frame, csum(34, 60))).toBeUndefined();
  });
});

const gso = (type: number, size: number, start: number, offset: number): Offload => ({
  ...csum(start, offset),
  gsoType: type,
  gsoSize: size,
  hdrLen: 0,
});

describe('segmentation', () => {
  const FIN = 1;
  const PSH = 8;
  const ACK = 16;
  const CWR = 0x80;

  test('TCP over both families: any payload, any size', () => {
    const cases = fc.record({ payload: fc.nat(9000), size: fc.integer({ min: 1, max: 3000 }), six: fc.boolean() });
    fc.assert(
      fc.property(cases, ({ payload, size, six }) => {
        const data = bytes(payload);
        const sequence = 0xfffffff0;
        const segment = tcp(data, FIN | PSH | ACK | CWR, sequence);
        const packet = six ? ip6(segment, { next: 6 }) : ip4(segment, { proto: 6, id: 0xffff });
        const start = six ? 40 : 20;
        const frames = complete(
          ether(six ? 0x86dd : 0x0800, partial(packet)),
          gso(six ? GSO.tcpv6 : GSO.tcpv4 | GSO.ecn, Math.max(size, Math.ceil(payload / 64)), 14 + start, 16),
        )!;
        const step = Math.max(size, Math.ceil(payload / 64));
        expect(frames).toHaveLength(Math.max(1, Math.ceil(payload / step)));
        const parts = frames.map((frame, i) => {
          const ip = frame.subarray(14);
          expect(checksum(transportBytes(ip))).toBe(0);
          if (six) expect(ip.readUInt16BE(4)).toBe(ip.length - 40);
          else {
            expect(checksum(ip.subarray(0, 20))).toBe(0);
            expect(ip.readUInt16BE(2)).toBe(ip.length);
            expect(ip.readUInt16BE(4)).toBe((0xffff + i) & 0xffff);
          }
          expect(ip.readUInt32BE(start + 4)).toBe((sequence + i * step) >>> 0);
          const last = i === frames.length - 1;
          expect(ip[start + 13]).toBe(ACK | (last ? FIN | PSH : 0) | (i === 0 ? CWR : 0));
          return ip.subarray(start + 20);
        });
        expect(Buffer.concat(parts)).toEqual(data);
        for (const part of parts) expect(part.length).toBeLessThanOrEqual(step);
      }),
      { numRuns: 100 },
    );
  });

  test('UDP: each datagram with its own length and checksum', () => {
    for (const six of [false, true]) {
      const data = bytes(2500);
      const packet = partial(six ? ip6(udp(data)) : ip4(udp(data)));
      const start = six ? 40 : 20;
      const frames = complete(ether(six ? 0x86dd : 0x0800, packet), gso(GSO.udpL4, 1000, 14 + start, 6))!;
      expect(frames.map((frame) => frame.length - 14 - start)).toEqual([1008, 1008, 508]);
      for (const frame of frames) {
        const ip = frame.subarray(14);
        expect(ip.readUInt16BE(start + 4)).toBe(ip.length - start);
        expect(checksum(transportBytes(ip))).toBe(0);
      }
    }
  });

  test('TCP options and a VLAN tag stay in each frame', () => {
    const header = tcp(Buffer.alloc(0));
    header[12] = 0x80;
    const segment = Buffer.concat([header, Buffer.from('01010101010101010101aaaa', 'hex'), bytes(100)]);
    const frame = ether(0x0800, ip4(segment, { proto: 6 }), [7]);
    const frames = complete(frame, gso(GSO.tcpv4, 60, 38, 16), 18)!;
    expect(frames.map((f) => f.length)).toEqual([18 + 20 + 32 + 60, 18 + 20 + 32 + 40]);
    for (const f of frames) {
      expect(f.subarray(0, 18)).toEqual(frame.subarray(0, 18));
      expect(f.subarray(58, 70).toString('hex')).toBe('01010101010101010101aaaa');
      expect(checksum(transportBytes(f.subarray(18)))).toBe(0);
    }
  });

  test.each([
    ['unknown type', gso(9, 100, 34, 16)],
    ['size 0', gso(GSO.tcpv4, 0, 34, 16)],
    ['transport header beyond the frame', gso(GSO.tcpv4, 100, 1000, 16)],
    ['transport header within the IP header', gso(GSO.tcpv4, 100, 20, 16)],
  ])('refused: %s', (_what, offload) => {
    const frame = ether(0x0800, ip4(tcp(bytes(500)), { proto: 6 }));
    expect(complete(frame, offload)).toBeUndefined();
    expect(wireSize(frame, offload)).toBe(-1);
  });

  test('size on the wire', () => {
    const frame = ether(0x0800, ip4(tcp(bytes(500)), { proto: 6 }));
    expect(wireSize(frame, noOffload())).toBe(540);
    expect(wireSize(frame, gso(GSO.tcpv4, 100, 34, 16))).toBe(140);
    expect(wireSize(frame, gso(GSO.tcpv4, 900, 34, 16))).toBe(540);
  });
});
