/**
 * What the sender of a frame left to its receiver (checksums, segmentation), as a struct virtio_net_hdr says it. Kept
 * beside the frame on its way, it makes the next device do that work.
 */

/** `Offload.flags`: the checksum at csumStart + csumOffset is a partial sum that somebody still has to complete. */
export const OFFLOAD_NEEDS_CSUM = 1;

/** `Offload.gsoType` values (linux/virtio_net.h); ECN is a flag beside TCPV4 or TCPV6. */
export const GSO = { none: 0, tcpv4: 1, udp: 3, tcpv6: 4, udpL4: 5, ecn: 0x80 } as const;

/** All zero: a complete frame. csumStart counts from the frame's first byte, hdrLen includes L2. */
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
