/**
 * RTM_NEWNEXTHOP and RTM_DELNEXTHOP to updates: a path, a weighted group of other ids, or a blackhole.
 * Formats: linux/nexthop.h; FRR's rt_netlink.c (netlink_nexthop_msg_encode).
 */
import { MALFORMED, type NexthopAdd, type NexthopContent, type NexthopDelete } from '../../fib/updates';
import { AttributeTable, readU32 } from '../../netlink/attributes';
import { NetlinkFormatError } from '../../netlink/codec';
import {
  NEXTHOP_GRP_TYPE_MPATH,
  NEXTHOP_GRP_TYPE_RES,
  NHA_BLACKHOLE,
  NHA_ENCAP,
  NHA_ENCAP_TYPE,
  NHA_FDB,
  NHA_GATEWAY,
  NHA_GROUP,
  NHA_GROUP_TYPE,
  NHA_ID,
  NHA_OIF,
  NHMSG_LEN,
  RTM_DELNEXTHOP,
  RTNH_F_ONLINK,
} from '../../netlink/constants';
import { decodeEncap } from './encap';
import { gatewayIn } from '../../netlink/gateways';
import { isUsable, makePath } from './path';

/** struct nexthop_grp: id, weight less one (its low byte), the weight's high byte, 16 bits unused. */
const MEMBER_LEN = 8;

const attributes = new AttributeTable();

/**
 * Decodes one nexthop message, from struct nhmsg at `start` to `end`.
 * Throws NetlinkFormatError where it is malformed, with the offset in `buffer`.
 */
export function decodeNexthop(type: number, buffer: Buffer, start: number, end: number): NexthopAdd | NexthopDelete {
  if (end - start < NHMSG_LEN) throw new NetlinkFormatError(`nexthop message of ${end - start} bytes`, start);
  attributes.parse(buffer, start + NHMSG_LEN, end);
  const id = attributes.u32(NHA_ID, 0);
  if (id === 0) throw new NetlinkFormatError('nexthop without id', start);
  if (type === RTM_DELNEXTHOP) return { kind: 'nexthopDelete', id };
  const onlink = (readU32(buffer, start + 4) & RTNH_F_ONLINK) !== 0;
  return {
    kind: 'nexthopAdd',
    id,
    family: buffer[start]!,
    protocol: buffer[start + 2]!,
    content: decodeContent(onlink),
  };
}

/** Of a message that `decodeNexthop` refuses: the id, and that its content isn't known. Undefined without an id. */
export function decodeMalformedNexthop(
  type: number,
  buffer: Buffer,
  start: number,
  end: number,
): NexthopAdd | NexthopDelete | undefined {
  if (end - start < NHMSG_LEN) return undefined;
  attributes.parsePart(buffer, start + NHMSG_LEN, end);
  const id = attributes.u32(NHA_ID, 0);
  if (id === 0) return undefined;
  if (type === RTM_DELNEXTHOP) return { kind: 'nexthopDelete', id };
  const content = { kind: 'unsupported', reason: MALFORMED } as const;
  return { kind: 'nexthopAdd', id, family: buffer[start]!, protocol: buffer[start + 2]!, content };
}

function decodeContent(onlink: boolean): NexthopContent {
  if (attributes.has(NHA_FDB)) return { kind: 'unsupported', reason: 'nexthop of a bridge (FDB)' };
  if (attributes.has(NHA_GROUP)) return decodeGroup();
  if (attributes.has(NHA_BLACKHOLE)) return { kind: 'drop', drop: 'blackhole' };
  const gateway = gatewayIn(attributes, NHA_GATEWAY);
  const encap = decodeEncap(attributes, NHA_ENCAP_TYPE, NHA_ENCAP);
  const path = makePath(gateway, attributes.u32(NHA_OIF, 0), 1, onlink, encap);
  return isUsable(path) ? { kind: 'path', path } : { kind: 'unsupported', reason: 'neither gateway nor interface' };
}

/** A resilient group spreads flows by the same weights; only its behavior at changes differs. */
function decodeGroup(): NexthopContent {
  const groupType = attributes.u16(NHA_GROUP_TYPE, NEXTHOP_GRP_TYPE_MPATH);
  if (groupType !== NEXTHOP_GRP_TYPE_MPATH && groupType !== NEXTHOP_GRP_TYPE_RES) {
    return { kind: 'unsupported', reason: `nexthop group type ${groupType}` };
  }
  const buffer = attributes.buffer;
  const start = attributes.start(NHA_GROUP);
  const size = attributes.size(NHA_GROUP);
  if (size === 0 || size % MEMBER_LEN !== 0) throw new NetlinkFormatError(`nexthop group of ${size} bytes`, start);
  const members: { id: number; weight: number }[] = [];
  for (let at = start; at < start + size; at += MEMBER_LEN) {
    members.push({ id: readU32(buffer, at), weight: (buffer[at + 4]! | (buffer[at + 5]! << 8)) + 1 });
  }
  return { kind: 'group', members };
}
