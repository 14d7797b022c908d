/**
 * Packets that no router may forward because of their addresses, "martians" (RFC 1812 5.3.7, RFC 4291 2.5 and 2.7). Which
 * those are is as Linux 6.18 has it, found out by sending it one of each kind: 240.0.0.0/4, what else is in 0.0.0.0/8,
 * 169.254.0.0/16 and the destination :: it does forward.
 *
 * Only what would leave is looked at: whatever leads to the host gets there with any addresses (DHCP needs 0.0.0.0).
 */
import { read32 } from '../../net/checksum';
import type { PortState } from './ports';
import type { Walk } from './walk';

export type Martian = 'martianSource' | 'martianDestination' | 'linkLocalSource';

/** As a trace says it. */
export function describeMartian(martian: Martian): string {
  switch (martian) {
    case 'martianSource':
      return 'no packet comes from such a source';
    case 'martianDestination':
      return 'its destination is none beyond its link';
    case 'linkLocalSource':
      return 'its source is known on its link alone';
  }
}

/** What keeps the routed packet from leaving through the port; undefined: its addresses don't. */
export function findMartian(walk: Walk, port: PortState): Martian | undefined {
  const { buffer, routedIp } = walk;
  if (buffer[routedIp]! >> 4 === 4) {
    if (isMartian4(buffer, routedIp + 12)) return 'martianSource';
    return isMartian4(buffer, routedIp + 16) ? 'martianDestination' : undefined;
  }
  const source = routedIp + 8;
  const destination = routedIp + 24;
  const from = buffer[source]!;
  if (from === 0xff || (from === 0 && isAlmostZero(buffer, source))) return 'martianSource';
  const to = buffer[destination]!;
  if (to === 0xff || (to === 0 && buffer[destination + 15] === 1 && isAlmostZero(buffer, destination)))
    return 'martianDestination';
  if (from === 0xfe && isLinkLocal6(buffer, source)) return 'linkLocalSource';
  // Back to the link that it came from is no other link.
  if (to === 0xfe && isLinkLocal6(buffer, destination) && port !== walk.port) return 'martianDestination';
  return undefined;
}

/** 0.0.0.0, 127.0.0.0/8, 224.0.0.0/4, 255.255.255.255. */
function isMartian4(buffer: Uint8Array, at: number): boolean {
  const first = buffer[at]!;
  if (first < 224) return first === 127 || (first === 0 && read32(buffer, at) === 0);
  return first < 240 || read32(buffer, at) === 0xffffffff;
}

/** :: or ::1 */
function isAlmostZero(buffer: Uint8Array, at: number): boolean {
  for (let i = 0; i < 15; i++) if (buffer[at + i] !== 0) return false;
  return buffer[at + 15]! <= 1;
}

/** fe80::/10 */
function isLinkLocal6(buffer: Uint8Array, at: number): boolean {
  return (buffer[at + 1]! & 0xc0) === 0x80;
}
