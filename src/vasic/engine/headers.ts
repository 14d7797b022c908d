/**
 * Packet headers as offsets into a frame: which ethertypes and protocols the engine knows, whether an IP header may be
 * routed by (RFC 1812 5.2.2), and where the transport header of an IP packet lies. Nothing here changes a byte.
 */
import { ETHERTYPE_QINQ, ETHERTYPE_VLAN } from '../../net/ethertypes';
import { read16, sumBytes } from '../../net/checksum';

export const PROTO = { hopByHop: 0, tcp: 6, udp: 17, icmp6: 58 } as const;
export const ETHER_HEADER = 14;
export const LABEL_BYTES = 4;

/** Ethertypes below this are IEEE 802.3 lengths. */
export const ETHERTYPE_MIN = 0x600;

export function isVlanType(type: number): boolean {
  return type === ETHERTYPE_VLAN || type === ETHERTYPE_QINQ;
}

export type IpProblem = 'badIpHeader' | 'badIpLength' | 'badIpChecksum';

/** What keeps the IPv4 packet at `ip` from being routed; undefined: sound. `end` is the frame's. */
export function checkIp4(buffer: Uint8Array, ip: number, end: number): IpProblem | undefined {
  if (end - ip < 20) return 'badIpHeader';
  const first = buffer[ip]!;
  const header = (first & 0x0f) * 4;
  if (first >> 4 !== 4 || header < 20 || ip + header > end) return 'badIpHeader';
  const total = read16(buffer, ip + 2);
  if (total < header || ip + total > end) return 'badIpLength';
  return sumBytes(buffer, ip, ip + header) === 0xffff ? undefined : 'badIpChecksum';
}

/** The same for IPv6, which has no header checksum. */
export function checkIp6(buffer: Uint8Array, ip: number, end: number): IpProblem | undefined {
  if (end - ip < 40 || buffer[ip]! >> 4 !== 6) return 'badIpHeader';
  return ip + 40 + read16(buffer, ip + 4) > end ? 'badIpLength' : undefined;
}

/** Where the transport header is. `at` -1: there is none (a later fragment, a header chain cut short or too long). */
export interface Transport {
  at: number;
  proto: number;
  /** Part of a fragmented datagram, the first fragment included. */
  fragment: boolean;
}

/** Most IPv6 extension headers followed; packets with more have no transport header for us. */
const MAX_EXTENSIONS = 8;

/** Fills `out` for an IPv4 packet whose 20 header bytes are present. */
export function findTransport4(buffer: Uint8Array, ip: number, end: number, out: Transport): void {
  const fragmentation = read16(buffer, ip + 6) & 0x3fff;
  const at = ip + (buffer[ip]! & 0x0f) * 4;
  out.proto = buffer[ip + 9]!;
  out.fragment = fragmentation !== 0;
  out.at = (fragmentation & 0x1fff) !== 0 || at > end || at < ip + 20 ? -1 : at;
}

/** Fills `out` for an IPv6 packet whose 40 header bytes are present, following its extension headers (RFC 8200 4). */
export function findTransport6(buffer: Uint8Array, ip: number, end: number, out: Transport): void {
  let next = buffer[ip + 6]!;
  let at = ip + 40;
  out.fragment = false;
  for (let i = 0; i < MAX_EXTENSIONS; i++) {
    out.proto = next;
    out.at = at;
    const isFragment = next === 44;
    const isOther = next === 0 || next === 43 || next === 60 || next === 51;
    if (!isFragment && !isOther) return;
    if (at + 8 > end) break;
    if (isFragment) {
      const field = read16(buffer, at + 2);
      if ((field & 0xfff9) !== 0) out.fragment = true;
      next = buffer[at]!;
      at += 8;
      if ((field & 0xfff8) !== 0) {
        out.proto = next;
        break;
      }
    } else {
      // RFC 4302: an authentication header counts its length in words, the others in 8 bytes.
      const size = next === 51 ? (buffer[at + 1]! + 2) * 4 : (buffer[at + 1]! + 1) * 8;
      next = buffer[at]!;
      at += size;
    }
    if (at > end) break;
  }
  out.at = -1;
}
