/**
 * Encapsulations that a route, a hop or a nexthop object carries (lightweight tunnels), from their two attributes. What
 * comes out shares no memory with the message. Malformed input throws NetlinkFormatError with its offset in the buffer.
 * Formats: linux/lwtunnel.h, mpls_iptunnel.h, seg6_iptunnel.h, seg6_local.h; FRR's rt_netlink.c.
 */
import type { Encap, SegmentEndpoint } from '../../fib/updates';
import { AttributeTable, copyBytes, readU32, readU32BE } from '../../netlink/attributes';
import { NetlinkFormatError } from '../../netlink/codec';
import {
  FRR_ENCAP_VXLAN,
  FRR_VXLAN_VNI,
  LWTUNNEL_ENCAP_IP,
  LWTUNNEL_ENCAP_IP6,
  LWTUNNEL_ENCAP_MPLS,
  LWTUNNEL_ENCAP_SEG6,
  LWTUNNEL_ENCAP_SEG6_LOCAL,
  LWTUNNEL_IP_ID,
  MPLS_IPTUNNEL_DST,
  SEG6_IPTUNNEL_SRH,
  SEG6_LOCAL_ACTION,
  SEG6_LOCAL_FLAVORS,
  SEG6_LOCAL_FLV_OPERATION,
  SEG6_LOCAL_NH4,
  SEG6_LOCAL_NH6,
  SEG6_LOCAL_OIF,
  SEG6_LOCAL_SRH,
  SEG6_LOCAL_TABLE,
  SEG6_LOCAL_VRFTABLE,
} from '../../netlink/constants';

const MPLS_BOTTOM_OF_STACK = 0x100;
/** zebra's own limit (MPLS_MAX_LABELS); what is longer can't be from one that works. */
const MAX_LABELS = 16;
/** Bytes of a segment routing header (RFC 8754) before its segments. */
const SRH_LEN = 8;
const SEGMENT_LEN = 16;

const nested = new AttributeTable();
const flavors = new AttributeTable();

/**
 * Labels of a stack in network order, outermost first, up to the bottom of stack. A stack without a bottom, or of more
 * than 16 labels, is malformed: what of it was cut off can't be known.
 */
export function decodeLabels(buffer: Uint8Array, start: number, end: number): number[] {
  if (end === start || (end - start) % 4 !== 0)
    throw new NetlinkFormatError(`label stack of ${end - start} bytes`, start);
  const labels: number[] = [];
  for (let at = start; at < end; at += 4) {
    const entry = readU32BE(buffer, at);
    labels.push(entry >>> 12);
    if (labels.length > MAX_LABELS) throw new NetlinkFormatError(`more than ${MAX_LABELS} labels in a stack`, start);
    if ((entry & MPLS_BOTTOM_OF_STACK) !== 0) return labels;
  }
  throw new NetlinkFormatError(`label stack ${labels.join('/')} without a bottom`, start);
}

/** The encapsulation that these two attributes describe, or none. */
export function decodeEncap(attributes: AttributeTable, typeAt: number, bodyAt: number): Encap | undefined {
  if (!attributes.has(typeAt)) {
    // To forward without an encapsulation that was meant would be a wrong route.
    if (attributes.has(bodyAt)) throw new NetlinkFormatError('encapsulation without type', attributes.start(bodyAt));
    return undefined;
  }
  const type = attributes.u16(typeAt, 0);
  if (type === 0) return undefined;
  // The kernel takes a type without a body, and then encapsulates nothing: that is left to it.
  if (!attributes.has(bodyAt)) return { kind: 'unknown', type, bytes: new Uint8Array(0) };
  const buffer = attributes.buffer;
  const start = attributes.start(bodyAt);
  const end = attributes.end(bodyAt);
  const need = (inner: number, size: number): number => {
    if (nested.parse(buffer, start, end).size(inner) < size) {
      throw new NetlinkFormatError(`encapsulation ${type} lacks attribute ${inner}`, start);
    }
    return nested.start(inner);
  };
  switch (type) {
    case LWTUNNEL_ENCAP_MPLS: {
      const at = need(MPLS_IPTUNNEL_DST, 4);
      return { kind: 'mpls', labels: decodeLabels(buffer, at, nested.end(MPLS_IPTUNNEL_DST)) };
    }
    case LWTUNNEL_ENCAP_SEG6: {
      // struct seg6_iptunnel_encap: the mode, then the header.
      const at = need(SEG6_IPTUNNEL_SRH, 4 + SRH_LEN);
      const segments = decodeSegments(buffer, at + 4, nested.end(SEG6_IPTUNNEL_SRH));
      return { kind: 'seg6', mode: readU32(buffer, at), segments };
    }
    case LWTUNNEL_ENCAP_SEG6_LOCAL:
      return {
        kind: 'seg6local',
        action: readU32(buffer, need(SEG6_LOCAL_ACTION, 4)),
        attributes: copyBytes(buffer, start, end),
        endpoint: decodeEndpoint(buffer),
      };
    case LWTUNNEL_ENCAP_IP:
    case LWTUNNEL_ENCAP_IP6:
      // All attributes of these are optional; without an id it is no VNI that FRR means.
      if (!nested.parse(buffer, start, end).has(LWTUNNEL_IP_ID)) {
        return { kind: 'unknown', type, bytes: copyBytes(buffer, start, end) };
      }
      return { kind: 'vxlan', vni: readU32BE(buffer, need(LWTUNNEL_IP_ID, 8) + 4) };
    case FRR_ENCAP_VXLAN:
      return { kind: 'vxlan', vni: readU32(buffer, need(FRR_VXLAN_VNI, 4)) };
    default:
      return { kind: 'unknown', type, bytes: copyBytes(buffer, start, end) };
  }
}

/** The segments of a segment routing header at `start`, in the order of travel: the header's list is the other way round. */
function decodeSegments(buffer: Uint8Array, start: number, end: number): Uint8Array[] {
  const list = start + SRH_LEN;
  const count = list > end ? 0 : buffer[start + 4]! + 1;
  if (count === 0 || list + SEGMENT_LEN * count > end) {
    throw new NetlinkFormatError(`${count} segments in ${end - start} bytes`, start);
  }
  const segments: Uint8Array[] = [];
  for (let i = count - 1; i >= 0; i--) {
    segments.push(copyBytes(buffer, list + SEGMENT_LEN * i, list + SEGMENT_LEN * (i + 1)));
  }
  return segments;
}

/** What `nested`, parsed over a seg6local encapsulation, says besides the action. */
function decodeEndpoint(buffer: Buffer): SegmentEndpoint {
  const endpoint: { -readonly [K in keyof SegmentEndpoint]: SegmentEndpoint[K] } = {};
  if (nested.has(SEG6_LOCAL_TABLE)) endpoint.table = nested.u32(SEG6_LOCAL_TABLE, 0);
  if (nested.has(SEG6_LOCAL_VRFTABLE)) endpoint.vrfTable = nested.u32(SEG6_LOCAL_VRFTABLE, 0);
  if (nested.has(SEG6_LOCAL_OIF)) endpoint.ifindex = nested.u32(SEG6_LOCAL_OIF, 0);
  for (const [type, size] of [
    [SEG6_LOCAL_NH4, 4],
    [SEG6_LOCAL_NH6, 16],
  ] as const) {
    if (!nested.has(type)) continue;
    if (nested.size(type) !== size) {
      throw new NetlinkFormatError(`nexthop of ${nested.size(type)} bytes in a local segment`, nested.start(type));
    }
    endpoint.nexthop = nested.copy(type);
  }
  if (nested.has(SEG6_LOCAL_SRH)) {
    endpoint.segments = decodeSegments(buffer, nested.start(SEG6_LOCAL_SRH), nested.end(SEG6_LOCAL_SRH));
  }
  if (nested.has(SEG6_LOCAL_FLAVORS)) {
    flavors.parse(buffer, nested.start(SEG6_LOCAL_FLAVORS), nested.end(SEG6_LOCAL_FLAVORS));
    endpoint.flavors = flavors.u32(SEG6_LOCAL_FLV_OPERATION, 0);
  }
  return endpoint;
}
