/** Builds packets to try the vASIC's graph with: Ethernet, MPLS labels, IPv4 or IPv6, and UDP, TCP or an ICMP echo. */
import { formatAddress } from './address';
import { sumBytes } from './checksum';
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_MPLS } from './ethertypes';
import { stackText } from './labels';

export const PROBE_PROTOCOLS = ['udp', 'tcp', 'icmp'] as const;
export type ProbeProtocol = (typeof PROBE_PROTOCOLS)[number];

/** What a packet is to be. */
export interface Probe {
  /** Both 4 or both 16 bytes. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly protocol: ProbeProtocol;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** TTL or hop limit. */
  readonly ttl: number;
  /** Of IPv6. */
  readonly flowLabel: number;
  /** Bytes of the IP packet; what is missing is filled up. */
  readonly size: number;
  /** MPLS labels in front of it, outermost first, each with the packet's TTL; absent: none. */
  readonly labels?: readonly number[];
}

const BOTTOM_OF_STACK = 0x100;
/** Bytes of the headers. */
const TRANSPORT_HEADER = { udp: 8, tcp: 20, icmp: 8 } as const;
const IP4_HEADER = 20;
const IP6_HEADER = 40;
const PROTO = { tcp: 6, udp: 17, icmp: 1, icmp6: 58 } as const;
/** Locally administered; the source address of received frames decides nothing. */
const FROM_MAC = Uint8Array.of(0x02, 0, 0, 0, 0, 0x01);

/** The ones' complement sum of RFC 1071 over all parts, each of an even length but the last. */
function internetChecksum(...parts: readonly Uint8Array[]): number {
  const sum = parts.reduce((before, part) => sumBytes(part, 0, part.length, before), 0);
  return ~sum & 0xffff;
}

function transport(query: Probe, proto: number, ipHeader: number): Buffer {
  const header = TRANSPORT_HEADER[query.protocol];
  const bytes = Buffer.alloc(Math.max(header, query.size - ipHeader));
  const { source, destination } = query;
  const pseudo = Buffer.alloc(4);
  pseudo.writeUInt16BE(bytes.length, 0);
  pseudo[3] = proto;
  switch (query.protocol) {
    case 'udp':
    case 'tcp':
      bytes.writeUInt16BE(query.sourcePort, 0);
      bytes.writeUInt16BE(query.destinationPort, 2);
      if (query.protocol === 'udp') bytes.writeUInt16BE(bytes.length, 4);
      else bytes.set([0x50, 0x02], 12);
      bytes.writeUInt16BE(
        internetChecksum(source, destination, pseudo, bytes) || 0xffff,
        query.protocol === 'udp' ? 6 : 16,
      );
      return bytes;
    case 'icmp':
      bytes[0] = source.length === 4 ? 8 : 128;
      bytes.writeUInt16BE(
        source.length === 4 ? internetChecksum(bytes) : internetChecksum(source, destination, pseudo, bytes),
        2,
      );
      return bytes;
  }
}

/** RFC 3032: the last label has the bottom-of-stack bit; class 0. */
function labelStack({ labels = [], ttl }: Probe): Buffer {
  const stack = Buffer.alloc(4 * labels.length);
  labels.forEach((label, i) =>
    stack.writeUInt32BE(label * 0x1000 + (i === labels.length - 1 ? BOTTOM_OF_STACK : 0) + ttl, 4 * i),
  );
  return stack;
}

/** The frame to this hardware address, such as that of the port that it comes in by. */
export function buildProbe(query: Probe, to: Uint8Array, from: Uint8Array = FROM_MAC): Buffer {
  const { source, destination, ttl } = query;
  const isIp4 = source.length === 4;
  const proto = query.protocol === 'icmp' && !isIp4 ? PROTO.icmp6 : PROTO[query.protocol];
  const ip = Buffer.alloc(isIp4 ? IP4_HEADER : IP6_HEADER);
  const payload = transport(query, proto, ip.length);
  if (isIp4) {
    ip[0] = 0x45;
    ip.writeUInt16BE(ip.length + payload.length, 2);
    ip[8] = ttl;
    ip[9] = proto;
    ip.set(source, 12);
    ip.set(destination, 16);
    ip.writeUInt16BE(internetChecksum(ip), 10);
  } else {
    ip.writeUInt32BE((0x60000000 | query.flowLabel) >>> 0, 0);
    ip.writeUInt16BE(payload.length, 4);
    ip[6] = proto;
    ip[7] = ttl;
    ip.set(source, 8);
    ip.set(destination, 24);
  }
  const type = Buffer.alloc(2);
  type.writeUInt16BE(query.labels !== undefined ? ETHERTYPE_MPLS : isIp4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
  return Buffer.concat([to, from, type, labelStack(query), ip, payload]);
}

/** The packet in a line. */
export function probeText(query: Probe): string {
  const { source, destination, protocol, sourcePort, destinationPort, ttl } = query;
  const headers = source.length === 4 ? IP4_HEADER : IP6_HEADER;
  const size = Math.max(query.size, headers + TRANSPORT_HEADER[protocol]);
  const [from, to] = [formatAddress(source), formatAddress(destination)];
  const ports = protocol === 'icmp' ? 'icmp echo' : `${protocol} ${sourcePort} > ${destinationPort}`;
  const label = query.flowLabel === 0 ? '' : `, flow label ${query.flowLabel}`;
  const labels = query.labels === undefined ? '' : `label ${stackText(query.labels)}, `;
  return `${labels}${from} > ${to}, ${ports}, ${source.length === 4 ? 'TTL' : 'hop limit'} ${ttl}${label}, ${size} bytes`;
}
