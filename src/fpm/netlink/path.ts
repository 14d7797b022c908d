/**
 * Ways out, as netlink writes them: gateway, interface and encapsulation of a route, of a hop in RTA_MULTIPATH, of a nexthop
 * object. What comes out shares no memory with the message. Malformed input throws NetlinkFormatError with its offset in
 * the buffer. Formats: linux/rtnetlink.h; FRR's rt_netlink.c.
 */
import type { Encap, NexthopPath } from '../../fib/updates';
import { AttributeTable, copyBytes, readU16, readU32 } from '../../netlink/attributes';
import { NetlinkFormatError } from '../../netlink/codec';
import {
  AF_INET,
  AF_INET6,
  RTA_ENCAP,
  RTA_ENCAP_TYPE,
  RTA_GATEWAY,
  RTA_MULTIPATH,
  RTA_NEWDST,
  RTA_OIF,
  RTA_VIA,
  RTNH_F_ONLINK,
} from '../../netlink/constants';
import { decodeEncap, decodeLabels } from './encap';

const RTNEXTHOP_LEN = 8;

const hop = new AttributeTable();

/**
 * What rtnh_hops holds: one less than the weight, or (zebra's module `fpm`) the weight itself. Where it can't be told, the
 * former is assumed unless all are alike, when it makes no difference.
 */
export type HopStyle = 'kernel' | 'fpm' | 'unclear';

/**
 * The paths of a route: those of RTA_MULTIPATH, or the one of RTA_GATEWAY, RTA_VIA and RTA_OIF. Paths that have neither
 * gateway nor interface are among them; `isUsable` tells.
 *
 * @param onlink of the single path; hops have a flag of their own
 * @param style of rtnh_hops
 */
export function decodePaths(attributes: AttributeTable, onlink: boolean, style: HopStyle): NexthopPath[] {
  if (!attributes.has(RTA_MULTIPATH)) return [decodePath(attributes, attributes.u32(RTA_OIF, 0), 1, onlink)];
  const buffer = attributes.buffer;
  const end = attributes.end(RTA_MULTIPATH);
  const paths: NexthopPath[] = [];
  const hops: number[] = [];
  let at = attributes.start(RTA_MULTIPATH);
  while (end - at >= RTNEXTHOP_LEN) {
    const length = readU16(buffer, at);
    if (length < RTNEXTHOP_LEN || length > end - at) {
      throw new NetlinkFormatError(`nexthop length ${length} of ${end - at} bytes`, at);
    }
    hop.parse(buffer, at + RTNEXTHOP_LEN, at + length);
    const isOnlink = (buffer[at + 2]! & RTNH_F_ONLINK) !== 0;
    paths.push(decodePath(hop, readU32(buffer, at + 4), buffer[at + 3]! + 1, isOnlink));
    hops.push(buffer[at + 3]!);
    at += (length + 3) & ~3;
  }
  if (style === 'kernel' || hops.includes(0)) return paths;
  if (style === 'unclear' && hops.some((value) => value !== hops[0])) return paths;
  return paths.map((path, i) => ({ ...path, weight: hops[i]! }));
}

/** Whether a path says where to; one that only encapsulates is a path too, for those who know how. */
export function isUsable(path: NexthopPath): boolean {
  return path.gateway !== undefined || path.ifindex !== 0 || path.encap !== undefined;
}

function decodePath(attributes: AttributeTable, ifindex: number, weight: number, onlink: boolean): NexthopPath {
  const gateway = attributes.has(RTA_VIA) ? decodeVia(attributes) : decodeGateway(attributes, RTA_GATEWAY);
  const encap = decodeEncap(attributes, RTA_ENCAP_TYPE, RTA_ENCAP);
  const path = makePath(gateway, ifindex, weight, onlink, encap);
  if (!attributes.has(RTA_NEWDST)) return path;
  const outLabels = decodeLabels(attributes.buffer, attributes.start(RTA_NEWDST), attributes.end(RTA_NEWDST));
  return { ...path, outLabels };
}

/** A path without properties that are undefined. The plain ones are most by far, and spreading is slow. */
export function makePath(
  gateway: Uint8Array | undefined,
  ifindex: number,
  weight: number,
  onlink: boolean,
  encap: Encap | undefined,
): NexthopPath {
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
