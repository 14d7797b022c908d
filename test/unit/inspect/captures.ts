/** Capture files for tests, written byte by byte: link headers, IP, TCP, and both file formats. */
import { parseAddress } from '../../../src/net/address';

export interface TcpPacket {
  readonly from: string;
  readonly to: string;
  readonly fromPort: number;
  readonly toPort: number;
  readonly seq: number;
  /** TCP flags: 1 FIN, 2 SYN, 4 RST, 16 ACK. */
  readonly flags?: number;
  readonly payload?: Uint8Array;
  /** Microseconds since 1970. */
  readonly time?: number;
}

export type LinkLayer = 'ethernet' | 'vlan' | 'sll' | 'sll2' | 'null' | 'raw';
export const LINK_TYPES: Readonly<Record<LinkLayer, number>> = {
  ethernet: 1,
  vlan: 1,
  sll: 113,
  sll2: 276,
  null: 0,
  raw: 101,
};

function linkHeader(layer: LinkLayer, family: 4 | 6): Buffer {
  const type = family === 4 ? '0800' : '86dd';
  switch (layer) {
    case 'ethernet':
      return Buffer.from(`32260a2eaaf032260a2eaaf1${type}`, 'hex');
    case 'vlan':
      return Buffer.from(`32260a2eaaf032260a2eaaf188a8000581000007${type}`, 'hex');
    case 'sll':
      return Buffer.from(`0000000100060000000000000000${type}`, 'hex');
    case 'sll2':
      return Buffer.from(`${type}0000000000010001000600000000000000000000`.slice(0, 40), 'hex');
    case 'null':
      return Buffer.from([family === 4 ? 2 : 10, 0, 0, 0]);
    case 'raw':
      return Buffer.alloc(0);
  }
}

/** A packet with this segment. An IPv6 packet has a hop-by-hop header, which is to be passed over. */
export function packetOf(layer: LinkLayer, packet: TcpPacket): Buffer {
  const { payload = new Uint8Array(0), flags = 16 } = packet;
  const [from, to] = [parseAddress(packet.from)!, parseAddress(packet.to)!];
  // Twelve bytes of options.
  const tcp = Buffer.alloc(32, 1);
  tcp.writeUInt16BE(packet.fromPort, 0);
  tcp.writeUInt16BE(packet.toPort, 2);
  tcp.writeUInt32BE(packet.seq >>> 0, 4);
  tcp[12] = 8 << 4;
  tcp[13] = flags;
  const family = from.length === 4 ? 4 : 6;
  let ip: Buffer;
  if (family === 4) {
    ip = Buffer.alloc(20);
    ip[0] = 0x45;
    ip.writeUInt16BE(20 + 32 + payload.length, 2);
    ip.writeUInt16BE(0x4000, 6);
    ip[9] = 6;
    ip.set(from, 12);
    ip.set(to, 16);
  } else {
    ip = Buffer.alloc(48);
    ip[0] = 0x60;
    ip.writeUInt16BE(8 + 32 + payload.length, 4);
    ip.set(from, 8);
    ip.set(to, 24);
    ip[40] = 6;
  }
  // A short frame is padded on the wire; the padding is no payload.
  return Buffer.concat([linkHeader(layer, family), ip, tcp, payload, Buffer.alloc(payload.length === 0 ? 6 : 0)]);
}

export interface PcapOptions {
  readonly layer?: LinkLayer;
  readonly big?: boolean;
  readonly nano?: boolean;
}

/** A classic pcap file. */
export function pcapOf(packets: readonly TcpPacket[], options: PcapOptions = {}): Buffer {
  const { layer = 'ethernet', big = false, nano = false } = options;
  const words = (...values: number[]): Buffer => {
    const bytes = Buffer.alloc(4 * values.length);
    values.forEach((value, i) => (big ? bytes.writeUInt32BE(value, 4 * i) : bytes.writeUInt32LE(value, 4 * i)));
    return bytes;
  };
  const header = words(nano ? 0xa1b23c4d : 0xa1b2c3d4, big ? 0x00020004 : 0x00040002, 0, 0, 262144, LINK_TYPES[layer]);
  const records = packets.map((packet) => {
    const bytes = packetOf(layer, packet);
    const time = packet.time ?? 0;
    const seconds = Math.floor(time / 1e6);
    const fraction = Math.round((time - seconds * 1e6) * (nano ? 1000 : 1));
    return Buffer.concat([words(seconds, fraction, bytes.length, bytes.length), bytes]);
  });
  return Buffer.concat([header, ...records]);
}

/** A pcapng file: a section, an interface with nanoseconds and an offset of 1000 s, a block to pass over, packets. */
export function pcapngOf(packets: readonly TcpPacket[], options: PcapOptions = {}): Buffer {
  const { layer = 'ethernet', big = false } = options;
  const u32 = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    if (big) bytes.writeUInt32BE(value);
    else bytes.writeUInt32LE(value);
    return bytes;
  };
  const u16 = (value: number): Buffer => Buffer.from(big ? [value >> 8, value & 255] : [value & 255, value >> 8]);
  const u64 = (value: bigint): Buffer => {
    const bytes = Buffer.alloc(8);
    if (big) bytes.writeBigUInt64BE(value);
    else bytes.writeBigUInt64LE(value);
    return bytes;
  };
  const block = (type: number, ...parts: Buffer[]): Buffer => {
    const body = Buffer.concat(parts);
    const padding = Buffer.alloc((4 - (body.length % 4)) % 4);
    const length = u32(12 + body.length + padding.length);
    return Buffer.concat([u32(type), length, body, padding, length]);
  };
  const option = (code: number, value: Buffer): Buffer =>
    Buffer.concat([u16(code), u16(value.length), value, Buffer.alloc((4 - (value.length % 4)) % 4)]);
  return Buffer.concat([
    block(0x0a0d0d0a, u32(0x1a2b3c4d), u16(1), u16(0), u64(0xffff_ffff_ffff_ffffn)),
    block(
      1,
      u16(LINK_TYPES[layer]),
      u16(0),
      u32(0),
      option(2, Buffer.from('lo')),
      option(9, Buffer.from([9])),
      option(14, u64(1000n)),
      option(0, Buffer.alloc(0)),
    ),
    block(5, u32(0), u32(0), u32(0)),
    ...packets.map((packet) => {
      const bytes = packetOf(layer, packet);
      const units = BigInt(Math.round((packet.time ?? 0) - 1000e6)) * 1000n;
      const [high, low] = [Number(units >> 32n), Number(units & 0xffff_ffffn)];
      return block(6, u32(0), u32(high), u32(low), u32(bytes.length), u32(bytes.length), bytes);
    }),
  ]);
}

/** A whole connection of `client` bytes to port 2620 in segments of `size`, and `server` bytes back. */
export function connectionOf(client: Buffer, server: Buffer, size = 100, v6 = false): TcpPacket[] {
  const [a, b] = v6 ? ['2001:db8::1', '2001:db8::2'] : ['10.0.0.1', '10.0.0.2'];
  const there = { from: a, to: b, fromPort: 40000, toPort: 2620 };
  const back = { from: b, to: a, fromPort: 2620, toPort: 40000 };
  // Near the wrap of the sequence numbers.
  const [clientSeq, serverSeq] = [0xffff_ff00, 7];
  let time = 1_763_800_000_000_000;
  const at = (): number => (time += 1000);
  const data = (from: typeof there, start: number, bytes: Buffer): TcpPacket[] =>
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => ({
      ...from,
      seq: (start + 1 + i * size) >>> 0,
      payload: bytes.subarray(i * size, (i + 1) * size),
      time: at(),
    }));
  return [
    { ...there, seq: clientSeq, flags: 2, time: at() },
    { ...back, seq: serverSeq, flags: 18, time: at() },
    ...data(there, clientSeq, client),
    ...data(back, serverSeq, server),
    { ...there, seq: (clientSeq + 1 + client.length) >>> 0, flags: 17, time: at() },
    { ...back, seq: serverSeq + 1 + server.length, flags: 17, time: at() },
  ];
}
