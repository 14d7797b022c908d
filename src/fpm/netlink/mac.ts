/**
 * RTM_NEWNEIGH and RTM_DELNEIGH of family AF_BRIDGE to updates: MAC addresses behind EVPN tunnels, which zebra sends for the
 * routers' own ones (RMAC). Three encoders write them: zebra_fpm_netlink.c (zfpm_netlink_encode_mac, NDA_VNI) and
 * rt_netlink.c of older and newer FRR (netlink_macfdb_update_ctx, NDA_SRC_VNI since there is one, before that none).
 */
import type { MacAdd, MacDelete } from '../../fib/updates';
import { AttributeTable, readU16, readU32 } from '../../netlink/attributes';
import { NetlinkFormatError } from '../../netlink/codec';
import {
  NDA_DST,
  NDA_LLADDR,
  NDA_MASTER,
  NDA_NH_ID,
  NDA_SRC_VNI,
  NDA_VLAN,
  NDA_VNI,
  NDMSG_LEN,
  NTF_STICKY,
  NUD_NOARP,
  RTM_DELNEIGH,
} from '../../netlink/constants';
import { gatewayAt } from '../../netlink/gateways';

const MAC_LENGTH = 6;
const MAX_INDEX = 0x7fffffff;

const attributes = new AttributeTable();

/**
 * Decodes one message, from struct ndmsg at `start` to `end`; the caller has seen that the struct is there. Throws
 * NetlinkFormatError where it is malformed, with the offset in `buffer`.
 */
export function decodeMac(type: number, buffer: Buffer, start: number, end: number): MacAdd | MacDelete {
  attributes.parse(buffer, start + NDMSG_LEN, end);
  if (attributes.size(NDA_LLADDR) !== MAC_LENGTH) {
    throw new NetlinkFormatError(`MAC address of ${attributes.size(NDA_LLADDR)} bytes`, start);
  }
  const ifindex = readU32(buffer, start + 4);
  if (ifindex > MAX_INDEX) throw new NetlinkFormatError(`MAC address on interface ${ifindex}`, start + 4);
  const name = {
    ifindex,
    mac: attributes.copy(NDA_LLADDR),
    vlan: attributes.u16(NDA_VLAN, 0),
    vni: attributes.u32(NDA_VNI, attributes.u32(NDA_SRC_VNI, 0)),
  };
  if (type === RTM_DELNEIGH) return { kind: 'macDelete', ...name };
  const vtep = attributes.has(NDA_DST)
    ? gatewayAt(buffer, attributes.start(NDA_DST), attributes.size(NDA_DST))
    : undefined;
  const nexthopId = attributes.u32(NDA_NH_ID, 0);
  return {
    kind: 'macAdd',
    ...name,
    ...(vtep && { vtep }),
    ...(nexthopId !== 0 && { nexthopId }),
    bridge: attributes.u32(NDA_MASTER, 0),
    sticky: (buffer[start + 10]! & NTF_STICKY) !== 0 || (readU16(buffer, start + 8) & NUD_NOARP) !== 0,
  };
}
