/**
 * The UDP packets in frames of 64 bytes (and the checksum that the wire adds) that the data-plane bench sends: IPv4 or IPv6, to destinations spread
 * over the made-up table, no two of them of one flow. Made before the clock starts.
 */
import { sumBytes, write16, write32 } from '../../src/net/checksum';
import { ETHERTYPE_IPV4, ETHERTYPE_MPLS } from '../../src/net/ethertypes';
import { destinationsIn, destinationsIn6 } from './prefixes';

export const FRAME_BYTES = 64;
const SOURCE4 = 0x0a010002;
const SOURCE_MAC = [2, 0, 0, 0, 0, 0x77];
const UDP_PORT = 0x1388;
const ETHER_BYTES = 14;
const LABEL_BYTES = 4;
const TTL = 64;

/** Writes a frame with an IPv4 packet, behind labels if there are any. */
export function fill4(
  frame: Buffer,
  portMac: Uint8Array,
  destination: number,
  sourcePort: number,
  labels: readonly number[] = [],
): void {
  const ip = ETHER_BYTES + LABEL_BYTES * labels.length;
  frame.set(portMac, 0);
  frame.set(SOURCE_MAC, 6);
  write16(frame, 12, labels.length > 0 ? ETHERTYPE_MPLS : ETHERTYPE_IPV4);
  labels.forEach((label, i) => {
    const bottom = i === labels.length - 1 ? 0x100 : 0;
    write32(frame, ETHER_BYTES + LABEL_BYTES * i, label * 4096 + bottom + TTL);
  });
  frame.set([0x45, 0, 0, FRAME_BYTES - ip, 0, 0, 0, 0, TTL, 17], ip);
  write32(frame, ip + 12, SOURCE4);
  write32(frame, ip + 16, destination);
  write16(frame, ip + 10, ~sumBytes(frame, ip, ip + 20) & 0xffff);
  write16(frame, ip + 20, sourcePort);
  write16(frame, ip + 22, UDP_PORT);
  write16(frame, ip + 24, FRAME_BYTES - ip - 20);
}

function fill6(frame: Buffer, portMac: Uint8Array, [high, low]: readonly [number, number], sourcePort: number): void {
  frame.set(portMac, 0);
  frame.set([...SOURCE_MAC, 0x86, 0xdd, 0x60, 0, 0, 0, 0, FRAME_BYTES - 54, 17, 64], 6);
  // 2001:db8:1::2
  frame.set([0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2], 22);
  write32(frame, 38, high);
  write32(frame, 42, low);
  frame[53] = 1;
  write16(frame, 54, sourcePort);
  write16(frame, 56, UDP_PORT);
  write16(frame, 58, FRAME_BYTES - 54);
  // A UDP checksum of zero is not permitted over IPv6; routers don't look at it.
  write16(frame, 60, 0xffff);
}

/** Writes one frame into each slot. @param portMac of the port that they are sent to */
export function fillFrames(slots: readonly Buffer[], family: 4 | 6, portMac: Uint8Array, routes: number): void {
  if (family === 4) {
    const destinations = destinationsIn(routes, slots.length);
    slots.forEach((slot, i) => fill4(slot, portMac, destinations[i]!, i));
  } else {
    const destinations = destinationsIn6(routes, slots.length);
    slots.forEach((slot, i) => fill6(slot, portMac, destinations[i]!, i));
  }
}
