/**
 * struct virtio_net_hdr (linux/virtio_net.h) as Linux puts it in front of a frame, of AF_PACKET with PACKET_VNET_HDR and of TAPs with
 * IFF_VNET_HDR: the offload metadata, in the machine's byte order, without num_buffers.
 */
import type { Offload } from '../net/offload';

export const VNET_HDR = 10;

export function readVnetHeader(from: Uint8Array, at: number, into: Offload): void {
  into.flags = from[at]!;
  into.gsoType = from[at + 1]!;
  into.hdrLen = from[at + 2]! | (from[at + 3]! << 8);
  into.gsoSize = from[at + 4]! | (from[at + 5]! << 8);
  into.csumStart = from[at + 6]! | (from[at + 7]! << 8);
  into.csumOffset = from[at + 8]! | (from[at + 9]! << 8);
}

/** To the first bytes of `into`. */
export function writeVnetHeader(into: Uint8Array, from: Offload): void {
  into[0] = from.flags;
  into[1] = from.gsoType;
  into[2] = from.hdrLen;
  into[3] = from.hdrLen >> 8;
  into[4] = from.gsoSize;
  into[5] = from.gsoSize >> 8;
  into[6] = from.csumStart;
  into[7] = from.csumStart >> 8;
  into[8] = from.csumOffset;
  into[9] = from.csumOffset >> 8;
}
