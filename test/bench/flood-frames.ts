/**
 * The UDP packets in frames of 64 bytes (and the checksum that the wire adds) that the data-plane bench sends: IPv4 or IPv6, to destinations spread
 * over the made-up table, no two of them of one flow. Made before the clock starts.
 */
import { sumBytes, write16, write32 } from '../../src/net/checksum';
import { destinationsIn, destinationsIn6 } from './prefixes';

export const FRAME_BYTES = 64;
const SOURCE4 = 0x0a010002;
const SOURCE_MAC = [2, 0, 0, 0, 0, 0x77];
const UDP_PORT = 0x1388;

function fill4(frame: Buffer, portMac: Uint8Array, destination: number, sourcePort: number): void {
  frame.set(portMac, 0);
  frame.set([...SOURCE_MAC, 0x08, 0, 0x45, 0, 0, FRAME_BYTES - 14, 0, 0, 0, 0, 64, 17], 6);
  write32(frame, 26, SOURCE4);
  write32(frame, 30, destination);
  write16(frame, 24, ~sumBytes(frame, 14, 34) & 0xffff);
  write16(frame, 34, sourcePort);
  write16(frame, 36, UDP_PORT);
  write16(frame, 38, FRAME_BYTES - 34);
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
