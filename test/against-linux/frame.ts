/**
 * A frame as a description, and its bytes. The bytes carry an id by which everything that comes of the frame is known again: all
 * over the payload, so also in fragments and in what ICMP errors quote, and in the IPv4 identification or IPv6 flow label.
 */
import { parseAddress, parseMac } from '../../src/net/address';
import { pseudoHeaderSum, sumBytes, write16, write32 } from '../../src/net/checksum';

export const PROTO_ICMP = 1;
export const PROTO_TCP = 6;
export const PROTO_UDP = 17;
export const PROTO_ICMP6 = 58;

/** What is above IP. `length`: bytes of payload. */
export type Body =
  | { readonly proto: 'udp'; readonly port: number; readonly length: number; readonly badChecksum?: boolean }
  | { readonly proto: 'tcp'; readonly port: number; readonly flags: number; readonly length: number }
  | { readonly proto: 'icmp'; readonly type: number; readonly code: number; readonly length: number }
  | { readonly proto: number; readonly length: number };

/** A part of the body, in bytes. */
export interface Part {
  readonly offset: number;
  readonly length: number;
  readonly more: boolean;
}

export interface IpPacket {
  readonly src: string;
  readonly dst: string;
  readonly ttl: number;
  readonly trafficClass?: number;
  readonly body: Body;
  /** The last 16 bits of the source come from the id: Linux counts errors by whom they go to. */
  readonly spread?: boolean;
  /** Sent as these fragments, each a frame; absent: whole. */
  readonly parts?: readonly Part[];
  /** Added to the length that the header tells. */
  readonly lengthDelta?: number;
  /** In place of 4 or 6. */
  readonly versionField?: number;
}

export interface Packet4 extends IpPacket {
  readonly family: 4;
  readonly dontFragment?: boolean;
  /** Hex, a multiple of four bytes. */
  readonly options?: string;
  /** In place of the true header length, in words. */
  readonly headerWords?: number;
  readonly badChecksum?: boolean;
}

export interface Packet6 extends IpPacket {
  readonly family: 6;
  /** Extension headers: hex without the first byte, which is made. */
  readonly extensions?: readonly { readonly header: number; readonly hex: string }[];
}

export interface OtherPacket {
  readonly family: 'other';
  readonly hex: string;
}

export interface FrameSpec {
  /** What of the generator made it. */
  readonly kind: string;
  readonly port: number;
  readonly dstMac: string;
  readonly srcMac: string;
  /** VLAN tags, outermost first: TPID and TCI. */
  readonly tags?: readonly (readonly [tpid: number, tci: number])[];
  /** In place of the packet's. */
  readonly etherType?: number;
  readonly packet: Packet4 | Packet6 | OtherPacket;
  /** Bytes behind the packet; negative: so many are missing. */
  readonly trailer?: number;
}

const MAGIC = Buffer.from('f2af1a57', 'hex');
const FRAGMENT = 44;

/** The id that the payload of a frame shows. */
export function idIn(frame: Buffer): number | undefined {
  const at = frame.indexOf(MAGIC, 14);
  return at < 0 || at + 8 > frame.length ? undefined : frame.readUInt32BE(at + 4);
}

/** Source port of the packet with an id. */
export const portOf = (id: number): number => 0x4000 + (id & 0x3fff);

function filler(length: number, id: number): Buffer {
  const bytes = Buffer.alloc(length + 8);
  for (let at = 0; at < length; at += 8) {
    bytes.set(MAGIC, at);
    bytes.writeUInt32BE(id >>> 0, at + 4);
  }
  return bytes.subarray(0, length);
}

const protoOf = ({ proto }: Body, family: 4 | 6): number => {
  switch (proto) {
    case 'udp':
      return PROTO_UDP;
    case 'tcp':
      return PROTO_TCP;
    case 'icmp':
      return family === 4 ? PROTO_ICMP : PROTO_ICMP6;
    default:
      return proto;
  }
};

function header(body: Body, id: number): Buffer {
  switch (body.proto) {
    case 'udp': {
      const udp = Buffer.alloc(8);
      udp.writeUInt16BE(portOf(id), 0);
      udp.writeUInt16BE(body.port, 2);
      udp.writeUInt16BE(8 + body.length, 4);
      return udp;
    }
    case 'tcp': {
      const tcp = Buffer.alloc(20);
      tcp.writeUInt16BE(portOf(id), 0);
      tcp.writeUInt16BE(body.port, 2);
      tcp.writeUInt32BE(id >>> 0, 4);
      tcp[12] = 0x50;
      tcp[13] = body.flags;
      tcp.writeUInt16BE(4096, 14);
      return tcp;
    }
    case 'icmp':
      return Buffer.from([body.type, body.code, 0, 0, (id >> 8) & 0xff, id & 0xff, 0, 1]);
    default:
      return Buffer.alloc(0);
  }
}

/** Header and payload; `ip` is an IP header with the addresses, for the checksum. */
function encodeBody(body: Body, id: number, ip: Buffer, family: 4 | 6): Buffer {
  const bytes = Buffer.concat([header(body, id), filler(body.length, id)]);
  const proto = protoOf(body, family);
  const at = { [PROTO_UDP]: 6, [PROTO_TCP]: 16, [PROTO_ICMP]: 2, [PROTO_ICMP6]: 2 }[proto];
  if (at === undefined || typeof body.proto === 'number') return bytes;
  const pseudo = proto === PROTO_ICMP ? 0 : pseudoHeaderSum(ip, 0, family, proto, bytes.length);
  const sum = ~sumBytes(bytes, 0, bytes.length, pseudo) & 0xffff;
  const wrong = body.proto === 'udp' && body.badChecksum === true ? 0x5555 : 0;
  write16(bytes, at, (sum === 0 && proto === PROTO_UDP ? 0xffff : sum) ^ wrong);
  return bytes;
}

function source(packet: Packet4 | Packet6, id: number): Uint8Array {
  const bytes = Uint8Array.from(parseAddress(packet.src)!);
  // 1 to 254 in the last byte: never a network's or a broadcast address.
  if (packet.spread === true) write16(bytes, bytes.length - 2, ((Math.floor(id / 254) & 0xff) << 8) | ((id % 254) + 1));
  return bytes;
}

function ip4(packet: Packet4, id: number): readonly Buffer[] {
  const options = Buffer.from(packet.options ?? '', 'hex');
  const ip = Buffer.alloc(20 + options.length);
  ip[0] = ((packet.versionField ?? 4) << 4) | (packet.headerWords ?? ip.length / 4);
  ip[1] = packet.trafficClass ?? 0;
  ip.writeUInt16BE(id & 0xffff, 4);
  ip[8] = packet.ttl;
  ip[9] = protoOf(packet.body, 4);
  ip.set(source(packet, id), 12);
  ip.set(parseAddress(packet.dst)!, 16);
  ip.set(options, 20);
  const body = encodeBody(packet.body, id, ip, 4);
  return (packet.parts ?? [{ offset: 0, length: body.length, more: false }]).map(({ offset, length, more }) => {
    const part = Buffer.concat([ip, body.subarray(offset, offset + length)]);
    write16(part, 2, (part.length + (packet.lengthDelta ?? 0)) & 0xffff);
    write16(part, 6, (packet.dontFragment === true ? 0x4000 : 0) | (more ? 0x2000 : 0) | (offset >> 3));
    const sum = ~sumBytes(part, 0, ip.length) & 0xffff;
    write16(part, 10, packet.badChecksum === true ? sum ^ 0x5555 : sum);
    return part;
  });
}

function ip6(packet: Packet6, id: number): readonly Buffer[] {
  const ip = Buffer.alloc(40);
  write32(ip, 0, (((packet.versionField ?? 6) << 28) | ((packet.trafficClass ?? 0) << 20) | (id & 0xfffff)) >>> 0);
  ip[7] = packet.ttl;
  ip.set(source(packet, id), 8);
  ip.set(parseAddress(packet.dst)!, 24);
  const body = encodeBody(packet.body, id, ip, 6);
  const proto = protoOf(packet.body, 6);
  const chain = (last: number): { readonly first: number; readonly bytes: Buffer } => {
    const extensions = packet.extensions ?? [];
    const bytes = extensions.map(({ hex }, i) =>
      Buffer.concat([Buffer.from([extensions[i + 1]?.header ?? last]), Buffer.from(hex, 'hex')]),
    );
    return { first: extensions[0]?.header ?? last, bytes: Buffer.concat(bytes) };
  };
  const whole = packet.parts === undefined;
  return (packet.parts ?? [{ offset: 0, length: body.length, more: false }]).map(({ offset, length, more }) => {
    const { first, bytes } = chain(whole ? proto : FRAGMENT);
    const fragment = Buffer.from([
      proto,
      0,
      offset >> 8,
      (offset & 0xf8) | (more ? 1 : 0),
      0,
      0,
      (id >> 8) & 0xff,
      id & 0xff,
    ]);
    const part = Buffer.concat([ip, bytes, ...(whole ? [] : [fragment]), body.subarray(offset, offset + length)]);
    write16(part, 4, (part.length - 40 + (packet.lengthDelta ?? 0)) & 0xffff);
    part[6] = first;
    return part;
  });
}

const tag = ([tpid, tci]: readonly [number, number]): Buffer =>
  Buffer.from([tpid >> 8, tpid & 0xff, tci >> 8, tci & 0xff]);

function packets({ packet }: FrameSpec, id: number): readonly Buffer[] {
  switch (packet.family) {
    case 4:
      return ip4(packet, id);
    case 6:
      return ip6(packet, id);
    case 'other':
      return [Buffer.concat([Buffer.from(packet.hex, 'hex'), filler(32, id)])];
  }
}

/** The frames of a description: one, or one for each fragment. */
export function encode(spec: FrameSpec, id: number): readonly Buffer[] {
  const family = spec.packet.family;
  const type = spec.etherType ?? (family === 6 ? 0x86dd : family === 4 ? 0x0800 : 0x88b5);
  const head = Buffer.concat([
    ...[parseMac(spec.dstMac)!, parseMac(spec.srcMac)!],
    ...(spec.tags ?? []).map(tag),
    Buffer.from([type >> 8, type & 0xff]),
  ]);
  const trailer = spec.trailer ?? 0;
  return packets(spec, id).map((packet) =>
    trailer < 0
      ? Buffer.concat([head, packet.subarray(0, Math.max(0, packet.length + trailer))])
      : Buffer.concat([head, packet, Buffer.alloc(trailer, 0xa5)]),
  );
}

/** In one line, for people. */
export function describeFrame(spec: FrameSpec): string {
  const { packet } = spec;
  const tags = (spec.tags ?? []).map(([tpid, tci]) => ` tag ${tpid.toString(16)}:${tci}`).join('');
  const l2 = `port ${spec.port} to ${spec.dstMac}${tags}`;
  const trailer = spec.trailer === undefined ? '' : ` trailer ${spec.trailer}`;
  if (packet.family === 'other')
    return `${l2} ethertype ${(spec.etherType ?? 0x88b5).toString(16)} ${packet.hex}${trailer}`;
  const { src, dst, spread, ...rest } = packet;
  return `${l2} ${src}${spread === true ? '+id' : ''} > ${dst} ${JSON.stringify(rest)}${trailer}`;
}
