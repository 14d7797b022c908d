/**
 * A frame as it goes in and out of the engine: bytes in a buffer of the port's, room in front of them for new headers, and
 * beside them what the sender left to its receiver (checksums, segmentation), as Linux's virtio_net_hdr has it.
 */

/** `Offload.flags`: the checksum at csumStart + csumOffset is a partial sum that somebody still has to complete. */
export const OFFLOAD_NEEDS_CSUM = 1;

/** `Offload.gsoType` values (linux/virtio_net.h); ECN is a flag beside TCPV4 or TCPV6. */
export const GSO = { none: 0, tcpv4: 1, udp: 3, tcpv6: 4, udpL4: 5, ecn: 0x80 } as const;

/** Bytes that a PortIo leaves free before a received frame, so that headers can be put in front without a copy. */
export const HEADROOM = 64;

/**
 * Offload metadata of a struct virtio_net_hdr, kept beside a frame so that checksums and segmentation left to the
 * receiver survive. All zero: a complete frame. csumStart counts from the frame's first byte, hdrLen includes L2.
 */
export interface Offload {
  flags: number;
  gsoType: number;
  hdrLen: number;
  gsoSize: number;
  csumStart: number;
  csumOffset: number;
}

/** Offload metadata of a complete frame, as a fresh mutable object. */
export function noOffload(): Offload {
  return { flags: 0, gsoType: GSO.none, hdrLen: 0, gsoSize: 0, csumStart: 0, csumOffset: 0 };
}

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
