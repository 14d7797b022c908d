/**
 * RTM_NEWNEIGH and RTM_DELNEIGH in the FPM stream to updates. No released zebra sends neighbors of IPv4 or IPv6 over
 * FPM; those that are built to do so use the kernel's format (linux/neighbor.h). Family AF_BRIDGE, which zebra does
 * send, is netlink-mac.ts's.
 */
import type { MacUpdate, NeighborAdd, NeighborDelete } from '../../fib/updates';
import { AttributeTable, readU16, readU32 } from '../../netlink/attributes';
import { NetlinkFormatError } from '../../netlink/codec';
import {
  AF_BRIDGE,
  AF_INET,
  AF_INET6,
  NDA_DST,
  NDA_LLADDR,
  NDMSG_LEN,
  NTF_PROXY,
  RTM_DELNEIGH,
} from '../../netlink/constants';
import { neighborState } from '../../netlink/neighbor-state';
import { decodeMac } from './mac';

const MAC_LENGTH = 6;

const attributes = new AttributeTable();

/**
 * Decodes one neighbor message, from struct ndmsg at `start` to `end`. Returns the update, or why the message is of no
 * use to us. Throws NetlinkFormatError where it is malformed, with the offset in `buffer`.
 */
export function decodeNeighbor(
  type: number,
  buffer: Buffer,
  start: number,
  end: number,
): NeighborAdd | NeighborDelete | MacUpdate | string {
  if (end - start < NDMSG_LEN) throw new NetlinkFormatError(`neighbor message of ${end - start} bytes`, start);
  const family = buffer[start]!;
  if (family === AF_BRIDGE) return decodeMac(type, buffer, start, end);
  if (family !== AF_INET && family !== AF_INET6) return `neighbor of address family ${family}`;
  if ((buffer[start + 10]! & NTF_PROXY) !== 0) return 'proxy neighbor';
  attributes.parse(buffer, start + NDMSG_LEN, end);
  const ifindex = readU32(buffer, start + 4);
  if (ifindex === 0 || ifindex > 0x7fffffff)
    throw new NetlinkFormatError(`neighbor on interface ${ifindex}`, start + 4);
  if (attributes.size(NDA_DST) !== (family === AF_INET ? 4 : 16)) {
    throw new NetlinkFormatError(`neighbor address of ${attributes.size(NDA_DST)} bytes`, start);
  }
  const address = attributes.copy(NDA_DST);
  if (type === RTM_DELNEIGH) return { kind: 'neighborDelete', source: 'fpm', ifindex, address };
  const state = neighborState(readU16(buffer, start + 8));
  if (!attributes.has(NDA_LLADDR)) return { kind: 'neighborAdd', source: 'fpm', ifindex, address, state };
  const mac = attributes.copy(NDA_LLADDR);
  if (mac.length !== MAC_LENGTH) {
    throw new NetlinkFormatError(`hardware address of ${mac.length} bytes`, attributes.start(NDA_LLADDR));
  }
  return { kind: 'neighborAdd', source: 'fpm', ifindex, address, mac, state };
}

/** Of a message that `decodeNeighbor` refuses: the neighbor, as one without a hardware address. Undefined without an address. */
export function decodeMalformedNeighbor(
  type: number,
  buffer: Buffer,
  start: number,
  end: number,
): NeighborAdd | NeighborDelete | undefined {
  if (end - start < NDMSG_LEN) return undefined;
  const family = buffer[start]!;
  const ifindex = readU32(buffer, start + 4);
  if ((family !== AF_INET && family !== AF_INET6) || (buffer[start + 10]! & NTF_PROXY) !== 0) return undefined;
  if (ifindex === 0 || ifindex > 0x7fffffff) return undefined;
  attributes.parsePart(buffer, start + NDMSG_LEN, end);
  if (attributes.size(NDA_DST) !== (family === AF_INET ? 4 : 16)) return undefined;
  const address = attributes.copy(NDA_DST);
  if (type === RTM_DELNEIGH) return { kind: 'neighborDelete', source: 'fpm', ifindex, address };
  return { kind: 'neighborAdd', source: 'fpm', ifindex, address, state: 'none' };
}
