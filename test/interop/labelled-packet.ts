/**
 * Packets with MPLS labels, read and told in words, and made: an independent reading of the bytes, that shares nothing with the
 * engine under test.
 *
 *   `700:63 701:62/5 IP 63`    label, TTL, traffic class where it isn't 0, outermost first; then the IP packet's TTL
 */
import { formatAddress, parseAddress } from '../../src/net/address';
import { fold, pseudoHeaderSum, sumBytes, write16 } from '../../src/net/checksum';
import { readStack, type ReadLabel } from '../bed/labelled';
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_MPLS } from '../../src/net/ethertypes';

export interface IpPacket {
  readonly ttl: number;
  readonly source: string;
  readonly target: string;
  /** `request`, `reply`, or protocol, ICMP type and code as numbers: `1 11 0`. */
  readonly kind: string;
  readonly bytes: Buffer;
}

/** `ip` undefined: what is behind the labels is neither IPv4 nor IPv6. */
export interface LabelledPacket {
  readonly stack: readonly ReadLabel[];
  readonly ip: IpPacket | undefined;
}

/** Reads a packet whose network header begins at `at`; undefined: neither MPLS nor IP, or cut off. */
export function readPacket(bytes: Buffer, at: number, etherType: number): LabelledPacket | undefined {
  if (etherType === ETHERTYPE_MPLS) {
    const read = readStack(bytes, at);
    return read && { stack: read.stack, ip: readIp(bytes.subarray(read.end)) };
  }
  if (etherType !== ETHERTYPE_IPV4 && etherType !== ETHERTYPE_IPV6) return undefined;
  return { stack: [], ip: readIp(bytes.subarray(at)) };
}

function readIp(bytes: Buffer): IpPacket | undefined {
  const version = (bytes[0] ?? 0) >> 4;
  if (version === 4 && bytes.length >= 20) {
    const packet = bytes.subarray(0, bytes.readUInt16BE(2));
    const inner = packet.subarray((packet[0]! & 15) * 4);
    return {
      ...{ ttl: packet[8]!, kind: kindOf(packet[9]!, inner), bytes: packet },
      ...{ source: formatAddress(packet.subarray(12, 16)), target: formatAddress(packet.subarray(16, 20)) },
    };
  }
  if (version !== 6 || bytes.length < 40) return undefined;
  const packet = bytes.subarray(0, 40 + bytes.readUInt16BE(4));
  return {
    ...{ ttl: packet[7]!, kind: kindOf(packet[6]!, packet.subarray(40)), bytes: packet },
    ...{ source: formatAddress(packet.subarray(8, 24)), target: formatAddress(packet.subarray(24, 40)) },
  };
}

function kindOf(protocol: number, inner: Buffer): string {
  const kind = `${protocol} ${inner[0] ?? '-'} ${inner[1] ?? '-'}`;
  if (kind === '1 8 0' || kind === '58 128 0') return 'request';
  return kind === '1 0 0' || kind === '58 129 0' ? 'reply' : kind;
}

/** A packet in words. */
export function describePacket({ stack, ip }: LabelledPacket): string {
  const entries = stack.map(
    ({ label, ttl, trafficClass }) => `${label}:${ttl}${trafficClass === 0 ? '' : `/${trafficClass}`}`,
  );
  return [...entries, ip === undefined ? 'no IP' : `IP ${ip.ttl}`].join(' ');
}

/** An IP packet with what a router may change left out: TTL, and IPv4's checksum; also whether that is right. */
export function unchanging(bytes: Buffer): { readonly hex: string; readonly checksumRight: boolean } {
  const copy = Buffer.from(bytes);
  if (copy[0]! >> 4 === 6) {
    copy[7] = 0;
    return { hex: copy.toString('hex'), checksumRight: true };
  }
  const header = (copy[0]! & 15) * 4;
  const checksumRight = sumBytes(copy, 0, header) === 0xffff;
  copy[8] = 0;
  copy.fill(0, 10, 12);
  return { hex: copy.toString('hex'), checksumRight };
}

export interface EchoOptions {
  readonly ttl?: number;
  /** Bytes behind the ICMP header. */
  readonly payload?: number;
  readonly id?: number;
  /** Of the IPv4 header: 0x4000 is "don't fragment". */
  readonly flags?: number;
  /** TOS or traffic class. */
  readonly tos?: number;
}

/** An ICMP or ICMPv6 echo request. */
export function echoRequest(from: string, to: string, options: EchoOptions = {}): Buffer {
  const { ttl = 64, payload = 8, id = 1, flags = 0, tos = 0 } = options;
  const [source, target] = [parseAddress(from)!, parseAddress(to)!];
  const icmp = Buffer.alloc(8 + payload, 0x61);
  icmp.writeUInt32BE(source.length === 4 ? 0x08000000 : 0x80000000, 0);
  icmp.writeUInt32BE(id * 0x10000 + 1, 4);
  if (source.length === 4) {
    const ip = Buffer.alloc(20);
    ip.set([0x45, tos, (20 + icmp.length) >> 8, (20 + icmp.length) & 0xff]);
    ip.writeUInt16BE(flags, 6);
    ip.set([ttl, 1], 8);
    ip.set(source, 12);
    ip.set(target, 16);
    write16(ip, 10, ~sumBytes(ip, 0, 20) & 0xffff);
    write16(icmp, 2, ~sumBytes(icmp, 0, icmp.length) & 0xffff);
    return Buffer.concat([ip, icmp]);
  }
  const ip = Buffer.alloc(40);
  ip.writeUInt32BE(0x60000000 + tos * 0x100000, 0);
  ip.writeUInt16BE(icmp.length, 4);
  ip.set([58, ttl], 6);
  ip.set(source, 8);
  ip.set(target, 24);
  const sum = fold(pseudoHeaderSum(ip, 0, 6, 58, icmp.length) + sumBytes(icmp, 0, icmp.length));
  write16(icmp, 2, ~sum & 0xffff);
  return Buffer.concat([ip, icmp]);
}
