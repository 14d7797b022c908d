/** Where a route leads by the kernel's own word, as far as it can be held against what zebra took from it. */
import type { AttributeTable } from '../netlink/attributes';
import { RTA_MULTIPATH, RTA_NH_ID, RTA_OIF, RTN_BLACKHOLE, RTN_PROHIBIT, RTN_UNREACHABLE } from '../netlink/constants';
import { eachHop, gatewayOf } from '../netlink/gateways';

/** One way out: a gateway of 4 or 16 bytes, or none, by an interface. */
export interface KernelPath {
  readonly gateway?: Uint8Array;
  readonly ifindex: number;
}

export type RouteLeads =
  | { readonly kind: 'paths'; readonly paths: readonly KernelPath[] }
  /** Blackhole, unreachable, prohibit. */
  | { readonly kind: 'drop' }
  /** By a nexthop object that the kernel doesn't spell out (net.ipv4.nexthop_compat_mode=0). */
  | { readonly kind: 'unknown' };

/**
 * Reads the attributes of a route.
 * @param type rtm_type
 * @throws NetlinkFormatError
 */
export function leadsOf(attributes: AttributeTable, type: number): RouteLeads {
  if (type === RTN_BLACKHOLE || type === RTN_UNREACHABLE || type === RTN_PROHIBIT) return { kind: 'drop' };
  const paths: KernelPath[] = [];
  if (attributes.has(RTA_MULTIPATH)) eachHop(attributes, (hop, ifindex) => paths.push(pathOf(hop, ifindex)));
  else if (attributes.has(RTA_OIF)) paths.push(pathOf(attributes, attributes.u32(RTA_OIF, 0)));
  else if (attributes.has(RTA_NH_ID)) return { kind: 'unknown' };
  return { kind: 'paths', paths };
}

function pathOf(attributes: AttributeTable, ifindex: number): KernelPath {
  const gateway = gatewayOf(attributes);
  return gateway === undefined ? { ifindex } : { gateway, ifindex };
}
