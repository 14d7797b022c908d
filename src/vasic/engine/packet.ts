/**
 * A frame as it goes in and out of the engine: bytes in a buffer of the port's, room in front of them for new headers, and
 * beside them what the sender left to its receiver.
 */
import { noOffload } from '../../net/offload';
import type { Offload } from '../../net/offload';

/** Bytes that a PortIo leaves free before a received frame, so that headers can be put in front without a copy. */
export const HEADROOM = 64;

/**
 * A frame in a buffer that the port owns; valid only during receive(). At least HEADROOM bytes before `offset` are free
 * to overwrite, and the engine may overwrite the frame's own bytes and its offload metadata.
 */
export interface Packet {
  readonly buffer: Buffer;
  readonly offset: number;
  readonly length: number;
  readonly offload: Offload;
}

/** A received frame as a port would pass it on: a copy, with headroom. */
export function packetOf(frame: Uint8Array, offload: Offload = noOffload()): Packet {
  const buffer = Buffer.alloc(HEADROOM + frame.length);
  buffer.set(frame, HEADROOM);
  return { buffer, offset: HEADROOM, length: frame.length, offload: { ...offload } };
}
