/**
 * Ways out, as netlink writes them: gateway and interface of a route, of a hop in RTA_MULTIPATH, of a nexthop object, and
 * the encapsulations that each may carry. What comes out shares no memory with the message. Malformed input throws
 * NetlinkFormatError with its offset in the buffer. Formats: linux/rtnetlink.h, linux/lwtunnel.h; FRR's rt_netlink.c.
 */
import type { Encap, NexthopLeg } from '../fib/updates';
import { AttributeTable, copyBytes, readU16, readU32, readU32BE } from '../netlink/attributes';
import { NetlinkFormatError } from '../netlink/codec';
import {
  AF_INET,
  AF_INET6,
  FRR_ENCAP_VXLAN,
  FRR_VXLAN_VNI,
  LWTUNNEL_ENCAP_IP,
  LWTUNNEL_ENCAP_IP6,
  LWTUNNEL_ENCAP_MPLS,
  LWTUNNEL_ENCAP_SEG6,
  LWTUNNEL_ENCAP_SEG6_LOCAL,
  LWTUNNEL_IP_ID,
  MPLS_IPTUNNEL_DST,
  RTA_ENCAP,
  RTA_ENCAP_TYPE,
  RTA_GATEWAY,
  RTA_MULTIPATH,
  RTA_NEWDST,
  RTA_OIF,
  RTA_VIA,
  RTNH_F_ONLINK,
  SEG6_IPTUNNEL_SRH,
  SEG6_LOCAL_ACTION,
} from '../netlink/constants';

const RTNEXTHOP_LEN = 8;
const MPLS_BOTTOM_OF_STACK = 0x100;

const hop = new AttributeTable();
const nested = new AttributeTable();

/** A leg, with the labels of RTA_NEWDST where an MPLS route has them. */
export type LabelledLeg = NexthopLeg & { readonly outLabels?: readonly number[] };

/**
 * The legs of a route: those of RTA_MULTIPATH, or the one of RTA_GATEWAY, RTA_VIA and RTA_OIF. Legs that have neither
 * gateway nor interface are among them; `isUsable` tells.
 *
 * @param onlink of the single leg; hops have a flag of their own
 * @param hopsAreWeights rtnh_hops holds the weight itself, not one less than it (see netlink-route.ts)
 */
export function decodeLegs(attributes: AttributeTable, onlink: boolean, hopsAreWeights: boolean): LabelledLeg[] {
  if (!attributes.has(RTA_MULTIPATH)) return [decodeLeg(attributes, attributes.u32(RTA_OIF, 0), 1, onlink)];
  const buffer = attributes.buffer;
  const end = attributes.end(RTA_MULTIPATH);
  const legs: LabelledLeg[] = [];
  const hops: number[] = [];
  let at = attributes.start(RTA_MULTIPATH);
  while (end - at >= RTNEXTHOP_LEN) {
    const length = readU16(buffer, at);
    if (length < RTNEXTHOP_LEN || length > end - at) {
      throw new NetlinkFormatError(`nexthop length ${length} of ${end - at} bytes`, at);
    }
    hop.parse(buffer, at + RTNEXTHOP_LEN, at + length);
    const isOnlink = (buffer[at + 2]! & RTNH_F_ONLINK) !== 0;
    legs.push(decodeLeg(hop, readU32(buffer, at + 4), buffer[at + 3]! + 1, isOnlink));
    hops.push(buffer[at + 3]!);
    at += (length + 3) & ~3;
  }
  if (!hopsAreWeights || hops.includes(0)) return legs;
  return legs.map((leg, i) => ({ ...leg, weight: hops[i]! }));
}

export function isUsable(leg: NexthopLeg): boolean {
  return leg.gateway !== undefined || leg.ifindex !== 0;
}

function decodeLeg(attributes: AttributeTable, ifindex: number, weight: number, onlink: boolean): LabelledLeg {
  const gateway = attributes.has(RTA_VIA) ? decodeVia(attributes) : decodeGateway(attributes, RTA_GATEWAY);
  const encap = decodeEncap(attributes, RTA_ENCAP_TYPE, RTA_ENCAP);
  const leg = makeLeg(gateway, ifindex, weight, onlink, encap);
  if (!attributes.has(RTA_NEWDST)) return leg;
  const outLabels = decodeLabels(attributes.buffer, attributes.start(RTA_NEWDST), attributes.end(RTA_NEWDST));
  return { ...leg, outLabels };
}

/** A leg without properties that are undefined. The plain ones are most by far, and spreading is slow. */
export function makeLeg(
  gateway: Uint8Array | undefined,
  ifindex: number,
  weight: number,
  onlink: boolean,
  encap: Encap | undefined,
): NexthopLeg {
  if (!onlink && encap === undefined) {
    return gateway === undefined ? { ifindex, weight } : { gateway, ifindex, weight };
  }
  return { ...(gateway && { gateway }), ifindex, weight, ...(onlink && { onlink }), ...(encap && { encap }) };
}

/** A gateway of 4 or 16 bytes; undefined when there is none, or it is all zero, which means the same. */
export function decodeGateway(attributes: AttributeTable, type: number): Uint8Array | undefined {
  const size = attributes.size(type);
  if (size < 0) return undefined;
  return gatewayAt(attributes.buffer, attributes.start(type), size);
}

/** struct rtvia: a family in host order, and an address of it. */
function decodeVia(attributes: AttributeTable): Uint8Array | undefined {
  const start = attributes.start(RTA_VIA);
  const size = attributes.size(RTA_VIA);
  const family = size < 2 ? 0 : readU16(attributes.buffer, start);
  if ((family === AF_INET && size === 6) || (family === AF_INET6 && size === 18)) {
    return gatewayAt(attributes.buffer, start + 2, size - 2);
  }
  throw new NetlinkFormatError(`RTA_VIA of family ${family} and ${size} bytes`, start);
}

/** A copy of the 4 or 16 bytes at `start`; IPv4-mapped IPv6 becomes IPv4; undefined when they are all zero. */
export function gatewayAt(buffer: Uint8Array, start: number, size: number): Uint8Array | undefined {
  if (size !== 4 && size !== 16) throw new NetlinkFormatError(`gateway of ${size} bytes`, start);
  let zeros = 0;
  while (zeros < size && buffer[start + zeros] === 0) zeros++;
  if (zeros === size) return undefined;
  const mapped = size === 16 && zeros === 10 && buffer[start + 10] === 0xff && buffer[start + 11] === 0xff;
  return copyBytes(buffer, mapped ? start + 12 : start, start + size);
}

/** Labels of a stack in network order, outermost first, up to the bottom of stack. */
function decodeLabels(buffer: Uint8Array, start: number, end: number): number[] {
  if (end === start || (end - start) % 4 !== 0)
    throw new NetlinkFormatError(`label stack of ${end - start} bytes`, start);
  const labels: number[] = [];
  for (let at = start; at < end; at += 4) {
    const entry = readU32BE(buffer, at);
    labels.push(entry >>> 12);
    if ((entry & MPLS_BOTTOM_OF_STACK) !== 0) break;
  }
  return labels;
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
  if (!attributes.has(bodyAt)) throw new NetlinkFormatError(`encapsulation ${type} is empty`, attributes.start(typeAt));
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
    case LWTUNNEL_ENCAP_SEG6:
      return decodeSeg6(buffer, need(SEG6_IPTUNNEL_SRH, 12), nested.end(SEG6_IPTUNNEL_SRH));
    case LWTUNNEL_ENCAP_SEG6_LOCAL:
      return {
        kind: 'seg6local',
        action: readU32(buffer, need(SEG6_LOCAL_ACTION, 4)),
        attributes: copyBytes(buffer, start, end),
      };
    case LWTUNNEL_ENCAP_IP:
    case LWTUNNEL_ENCAP_IP6:
      return { kind: 'vxlan', vni: readU32BE(buffer, need(LWTUNNEL_IP_ID, 8) + 4) };
    case FRR_ENCAP_VXLAN:
      return { kind: 'vxlan', vni: readU32(buffer, need(FRR_VXLAN_VNI, 4)) };
    default:
      return { kind: 'unknown', type, bytes: copyBytes(buffer, start, end) };
  }
}

/** struct seg6_iptunnel_encap: mode, and a segment routing header (RFC 8754) whose list runs from the last segment. */
function decodeSeg6(buffer: Uint8Array, start: number, end: number): Encap {
  const list = start + 4 + 8;
  const count = buffer[start + 4 + 4]! + 1;
  if (list + 16 * count > end) throw new NetlinkFormatError(`${count} segments in ${end - list} bytes`, start);
  const segments: Uint8Array[] = [];
  for (let i = count - 1; i >= 0; i--) segments.push(copyBytes(buffer, list + 16 * i, list + 16 * (i + 1)));
  return { kind: 'seg6', mode: readU32(buffer, start), segments };
}
