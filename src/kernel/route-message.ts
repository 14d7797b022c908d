/** What the kernel's messages on routes and nexthops say, as far as a check of the routes that zebra has from it wants to know. */
import { readU32, type AttributeTable } from '../netlink/attributes';
import {
  AF_INET,
  AF_INET6,
  NHA_ID,
  NHMSG_LEN,
  RTA_DST,
  RTA_TABLE,
  RTMSG_LEN,
  RTM_F_CLONED,
} from '../netlink/constants';

/** Takes a route: its table, its destination (4 or 16 bytes) with the prefix length in bits, and rtm_protocol. */
export type RouteVisitor = (table: number, address: Uint8Array, length: number, protocol: number) => void;

/**
 * Reads struct rtmsg, from `body` to `end`, and its attributes into `attributes`, which `visit` finds filled. Does nothing for
 * routes that FPM has none of: cached ones, those by source, other families.
 * @throws NetlinkFormatError
 */
export function readRoute(
  attributes: AttributeTable,
  buffer: Buffer,
  body: number,
  end: number,
  visit: RouteVisitor,
): void {
  if (end - body < RTMSG_LEN) return;
  const family = buffer[body]!;
  const bytes = family === AF_INET ? 4 : family === AF_INET6 ? 16 : 0;
  const isForSource = buffer[body + 2] !== 0;
  if (bytes === 0 || isForSource || (readU32(buffer, body + 8) & RTM_F_CLONED) !== 0) return;
  attributes.parse(buffer, body + RTMSG_LEN, end);
  const length = buffer[body + 1]!;
  const hasAddress = attributes.size(RTA_DST) === bytes;
  if (length > 8 * bytes || (!hasAddress && length > 0)) return;
  const table = attributes.u32(RTA_TABLE, buffer[body + 4]!);
  visit(table, hasAddress ? attributes.copy(RTA_DST) : new Uint8Array(bytes), length, buffer[body + 5]!);
}

/**
 * The id of a nexthop object, from its struct nhmsg on; 0 where there is none.
 * @throws NetlinkFormatError
 */
export function nexthopIdOf(attributes: AttributeTable, buffer: Buffer, body: number, end: number): number {
  return attributes.parse(buffer, Math.min(body + NHMSG_LEN, end), end).u32(NHA_ID, 0);
}
