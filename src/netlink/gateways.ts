/**
 * Where a route's ways out lead, as RTA_GATEWAY, RTA_VIA and RTA_MULTIPATH say it (linux/rtnetlink.h): the same from zebra over FPM
 * and from the kernel. What comes out shares no memory with the message; malformed input throws NetlinkFormatError with its offset.
 */
import { copyBytes, readU16, readU32, AttributeTable } from './attributes';
import { NetlinkFormatError } from './codec';
import { AF_INET, AF_INET6, RTA_GATEWAY, RTA_MULTIPATH, RTA_VIA } from './constants';

const RTNEXTHOP_LEN = 8;

const hop = new AttributeTable();

/**
 * Visits each struct rtnexthop of RTA_MULTIPATH, which has to be there.
 *
 * @param visit gets the hop's attributes (good until the next visit), interface, rtnh_flags and rtnh_hops
 */
export function eachHop(
  attributes: AttributeTable,
  visit: (hop: AttributeTable, ifindex: number, flags: number, hops: number) => void,
): void {
  const { buffer } = attributes;
  const end = attributes.end(RTA_MULTIPATH);
  let at = attributes.start(RTA_MULTIPATH);
  while (end - at >= RTNEXTHOP_LEN) {
    const length = readU16(buffer, at);
    if (length < RTNEXTHOP_LEN || length > end - at) {
      throw new NetlinkFormatError(`nexthop length ${length} of ${end - at} bytes`, at);
    }
    hop.parse(buffer, at + RTNEXTHOP_LEN, at + length);
    visit(hop, readU32(buffer, at + 4), buffer[at + 2]!, buffer[at + 3]!);
    at += (length + 3) & ~3;
  }
}

/** The gateway by RTA_VIA or RTA_GATEWAY; undefined when there is none, or it is all zero, which means the same. */
export function gatewayOf(attributes: AttributeTable): Uint8Array | undefined {
  return attributes.has(RTA_VIA) ? via(attributes) : gatewayIn(attributes, RTA_GATEWAY);
}

/** A gateway of 4 or 16 bytes in the attribute; undefined as above. */
export function gatewayIn(attributes: AttributeTable, type: number): Uint8Array | undefined {
  const size = attributes.size(type);
  if (size < 0) return undefined;
  return gatewayAt(attributes.buffer, attributes.start(type), size);
}

/** struct rtvia: a family in host order, and an address of it. */
function via(attributes: AttributeTable): Uint8Array | undefined {
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
