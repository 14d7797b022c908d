/** Ethernet frames with labels, as bytes: what is sent into a port, and what has to come out of another. */
import { parseAddress, parseMac } from '../../../src/net/address';
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_MPLS } from '../../../src/net/ethertypes';
import { finishIpv4 } from '../../bed/ipv4-header';
import { stackBytes } from '../../bed/labelled';

/** One entry of a label stack. */
export interface Label {
  readonly label: number;
  readonly tc: number;
  readonly ttl: number;
}

/** An IP packet: UDP from a port by which it is known again. */
export interface Packet {
  readonly to: string;
  readonly from?: string;
  readonly ttl: number;
  readonly marker: number;
  /** TOS or traffic class. */
  readonly tos?: number;
  /** Bytes with the IP header. */
  readonly size?: number;
  /** IPv4: may not be cut. */
  readonly dontFragment?: boolean;
}

const UDP = 17;
const PAYLOAD = Buffer.from('0123456789abcdef', 'latin1');

function ip({ to, from, ttl, marker, tos = 0, size, dontFragment = false }: Packet): Buffer {
  const destination = parseAddress(to)!;
  const header = destination.length === 16 ? 40 : 20;
  const udp = Buffer.alloc(size === undefined ? 8 + PAYLOAD.length : size - header);
  udp.writeUInt16BE(marker, 0);
  udp.writeUInt16BE(4242, 2);
  udp.writeUInt16BE(udp.length, 4);
  // Nobody on the way looks at it, but IPv6 wants one.
  udp.writeUInt16BE(0x1234, 6);
  PAYLOAD.copy(udp, 8);
  const bytes = Buffer.alloc(header);
  if (header === 40) {
    bytes.writeUInt32BE(0x60000000 + tos * 0x100000);
    bytes.writeUInt16BE(udp.length, 4);
    bytes.set([UDP, ttl], 6);
    bytes.set(parseAddress(from ?? '2001:db8::2')!, 8);
    bytes.set(destination, 24);
    return Buffer.concat([bytes, udp]);
  }
  bytes.set([0x45, tos]);
  bytes.writeUInt16BE(20 + udp.length, 2);
  bytes.writeUInt16BE(marker, 4);
  if (dontFragment) bytes[6] = 0x40;
  bytes.set([ttl, UDP], 8);
  bytes.set(parseAddress(from ?? '10.1.0.2')!, 12);
  bytes.set(destination, 16);
  finishIpv4(bytes);
  return Buffer.concat([bytes, udp]);
}

/** A whole frame in hex; without labels it is a plain IP packet. */
export function frameOf(to: string, from: string, labels: readonly Label[], packet: Packet): string {
  const stack = stackBytes(labels.map(({ label, tc, ttl }) => [label, ttl, tc]));
  const type = Buffer.alloc(2);
  type.writeUInt16BE(labels.length > 0 ? ETHERTYPE_MPLS : packet.to.includes(':') ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);
  return Buffer.concat([parseMac(to)!, parseMac(from)!, type, stack, ip(packet)]).toString('hex');
}

/** Bytes, in hex, by which a packet is known wherever it is, whatever was done to its labels and TTL. */
export function markOf(marker: number): string {
  return `${marker.toString(16).padStart(4, '0')}1092`;
}
