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
}

const UDP = 17;
const PAYLOAD = Buffer.from('0123456789abcdef', 'latin1');

function ip({ to, from, ttl, marker }: Packet): Buffer {
  const destination = parseAddress(to)!;
  const udp = Buffer.alloc(8 + PAYLOAD.length);
  udp.writeUInt16BE(marker, 0);
  udp.writeUInt16BE(4242, 2);
  udp.writeUInt16BE(udp.length, 4);
  // Nobody on the way looks at it, but IPv6 wants one.
  udp.writeUInt16BE(0x1234, 6);
  PAYLOAD.copy(udp, 8);
  if (destination.length === 16) {
    const header = Buffer.alloc(40);
    header.writeUInt32BE(0x60000000, 0);
    header.writeUInt16BE(udp.length, 4);
    header.set([UDP, ttl], 6);
    header.set(parseAddress(from ?? '2001:db8::2')!, 8);
    header.set(destination, 24);
    return Buffer.concat([header, udp]);
  }
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header.writeUInt16BE(20 + udp.length, 2);
  header.writeUInt16BE(marker, 4);
  header.set([ttl, UDP], 8);
  header.set(parseAddress(from ?? '10.1.0.2')!, 12);
  header.set(destination, 16);
  finishIpv4(header);
  return Buffer.concat([header, udp]);
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
