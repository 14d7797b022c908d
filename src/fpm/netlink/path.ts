/**
 * Ways out, as netlink writes them: gateway, interface and encapsulation of a route, of a hop in RTA_MULTIPATH, of a nexthop
 * object. What comes out shares no memory with the message. Malformed input throws NetlinkFormatError with its offset in
 * the buffer. Formats: linux/rtnetlink.h; FRR's rt_netlink.c.
 */
import type { Encap, NexthopPath } from '../../fib/updates';
import type { AttributeTable } from '../../netlink/attributes';
import { RTA_ENCAP, RTA_ENCAP_TYPE, RTA_MULTIPATH, RTA_NEWDST, RTA_OIF, RTNH_F_ONLINK } from '../../netlink/constants';
import { eachHop, gatewayOf } from '../../netlink/gateways';
import { decodeEncap, decodeLabels } from './encap';

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
  const paths: NexthopPath[] = [];
  const hops: number[] = [];
  eachHop(attributes, (hop, ifindex, flags, value) => {
    paths.push(decodePath(hop, ifindex, value + 1, (flags & RTNH_F_ONLINK) !== 0));
    hops.push(value);
  });
  if (style === 'kernel' || hops.includes(0)) return paths;
  if (style === 'unclear' && hops.some((value) => value !== hops[0])) return paths;
  return paths.map((path, i) => ({ ...path, weight: hops[i]! }));
}

/** Whether a path says where to; one that only encapsulates is a path too, for those who know how. */
export function isUsable(path: NexthopPath): boolean {
  return path.gateway !== undefined || path.ifindex !== 0 || path.encap !== undefined;
}

function decodePath(attributes: AttributeTable, ifindex: number, weight: number, onlink: boolean): NexthopPath {
  const gateway = gatewayOf(attributes);
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
