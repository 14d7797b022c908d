/** What an Ethernet frame says of itself, as far as it is told of one that leaves a vASIC. */
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_MPLS } from './ethertypes';

/** Bytes of the header, without tags. */
export const ETHER_HEADER = 14;

const LABEL_BYTES = 4;
const BOTTOM_OF_STACK = 0x100;

export interface FrameFacts {
  /** Hardware addresses. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  /** TTL or hop limit of an IP packet, or of the outermost label. */
  readonly ttl?: number;
  /** The outermost first; absent: the frame has none. */
  readonly labels?: readonly number[];
}

/** Where the TTL or hop limit is, the outermost label's of labelled frames. */
const TTL_AT: ReadonlyMap<number, number> = new Map([
  [ETHERTYPE_IPV4, ETHER_HEADER + 8],
  [ETHERTYPE_IPV6, ETHER_HEADER + 7],
  [ETHERTYPE_MPLS, ETHER_HEADER + 3],
]);

/** Of a frame without VLAN tags; what is too short for a header has no facts but addresses cut short. */
export function frameFacts(frame: Uint8Array): FrameFacts {
  const type = frame.length < ETHER_HEADER ? 0 : frame[12]! * 256 + frame[13]!;
  const ttl = frame[TTL_AT.get(type) ?? -1];
  return {
    source: frame.subarray(6, 12),
    destination: frame.subarray(0, 6),
    ...(ttl !== undefined && { ttl }),
    ...(type === ETHERTYPE_MPLS && { labels: labelsOf(frame) }),
  };
}

function labelsOf(frame: Uint8Array): number[] {
  const labels: number[] = [];
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  for (let at = ETHER_HEADER; at + LABEL_BYTES <= frame.length; at += LABEL_BYTES) {
    const entry = view.getUint32(at);
    labels.push(entry >>> 12);
    if ((entry & BOTTOM_OF_STACK) !== 0) break;
  }
  return labels;
}
