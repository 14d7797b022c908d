/**
 * A captured packet's way down to its TCP segment: link headers (Ethernet with VLAN tags, Linux cooked 1 and 2, null and
 * loop, raw), IPv4 and IPv6 with extension headers, TCP. Anything else is no concern here; what ends too early is what
 * the capture cut off.
 */
import { ETHERTYPE_IPV4 as IPV4, ETHERTYPE_IPV6 as IPV6, ETHERTYPE_QINQ, ETHERTYPE_VLAN } from '../net/ethertypes';
import { formatAddress } from '../net/address';

export interface Segment {
  /** `address:port` */
  readonly from: string;
  readonly to: string;
  readonly fromPort: number;
  readonly toPort: number;
  readonly seq: number;
  readonly syn: boolean;
  readonly fin: boolean;
  readonly rst: boolean;
  readonly payload: Buffer;
}

/** Why a packet gave no segment, where somebody may wonder. */
export type Packetless = 'not TCP' | 'IP fragment' | 'cut off' | `link type ${number}`;

const VLANS = [ETHERTYPE_VLAN, ETHERTYPE_QINQ, 0x9100];
const TCP = 6;

/** A read beyond the end of what was captured. */
class CutOff extends Error {}

function u8(bytes: Buffer, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new CutOff();
  return byte;
}

function u16(bytes: Buffer, at: number): number {
  return u8(bytes, at) * 256 + u8(bytes, at + 1);
}

/** The TCP segment in a packet. */
export function segmentOf(linkType: number, bytes: Buffer): Segment | Packetless {
  try {
    const at = networkHeader(linkType, bytes);
    return typeof at === 'number' ? ipSegment(bytes.subarray(at)) : at;
  } catch (error) {
    if (error instanceof CutOff) return 'cut off';
    throw error;
  }
}

/** Where the IP header starts. */
function networkHeader(linkType: number, bytes: Buffer): number | Packetless {
  switch (linkType) {
    case 0: // DLT_NULL: a family in the byte order of the machine that captured
    case 108:
      return 4;
    case 1:
      return etherType(bytes, 12);
    case 12:
    case 14:
    case 101:
    case 228:
    case 229:
      return 0;
    case 113:
      return etherType(bytes, 14);
    case 276:
      return [IPV4, IPV6].includes(u16(bytes, 0)) ? 20 : 'not TCP';
    default:
      return `link type ${linkType}`;
  }
}

/** Where the header behind the EtherType at `at` and VLAN tags starts, if it is IP. */
function etherType(bytes: Buffer, at: number): number | Packetless {
  while (VLANS.includes(u16(bytes, at))) at += 4;
  return [IPV4, IPV6].includes(u16(bytes, at)) ? at + 2 : 'not TCP';
}

function ipSegment(ip: Buffer): Segment | Packetless {
  const version = u8(ip, 0) >> 4;
  if (version === 4) {
    const header = (ip[0]! & 15) * 4;
    if (u8(ip, 9) !== TCP) return 'not TCP';
    if ((u16(ip, 6) & 0x3fff) !== 0) return 'IP fragment';
    // 0: more than the field can say, as offloading to the network card makes them.
    const length = u16(ip, 2) || ip.length;
    return tcpSegment(ip.subarray(header, length), address(ip, 12, 4), address(ip, 16, 4), length - header);
  }
  if (version !== 6) return 'not TCP';
  const length = 40 + u16(ip, 4);
  let next = u8(ip, 6);
  let at = 40;
  // Hop-by-hop, routing, destination options, authentication; a fragment header with nothing but one fragment.
  while ([0, 43, 44, 51, 60].includes(next)) {
    if (next === 44 && (u16(ip, at + 2) & 0xfff9) !== 0) return 'IP fragment';
    const size = next === 44 ? 8 : next === 51 ? 4 * (u8(ip, at + 1) + 2) : 8 * (u8(ip, at + 1) + 1);
    next = u8(ip, at);
    at += size;
  }
  if (next !== TCP) return 'not TCP';
  const end = length === 40 ? ip.length : length;
  return tcpSegment(ip.subarray(at, end), address(ip, 8, 16), address(ip, 24, 16), end - at);
}

function address(ip: Buffer, at: number, size: 4 | 16): string {
  if (at + size > ip.length) throw new CutOff();
  const text = formatAddress(ip.subarray(at, at + size));
  return size === 4 ? text : `[${text}]`;
}

function tcpSegment(tcp: Buffer, from: string, to: string, length: number): Segment | Packetless {
  const [fromPort, toPort] = [u16(tcp, 0), u16(tcp, 2)];
  const header = (u8(tcp, 12) >> 4) * 4;
  if (header < 20 || header > length) return 'not TCP';
  const flags = u8(tcp, 13);
  return {
    from: `${from}:${fromPort}`,
    to: `${to}:${toPort}`,
    fromPort,
    toPort,
    seq: u16(tcp, 4) * 65536 + u16(tcp, 6),
    syn: (flags & 2) !== 0,
    fin: (flags & 1) !== 0,
    rst: (flags & 4) !== 0,
    payload: tcp.subarray(header),
  };
}
