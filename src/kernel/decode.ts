/**
 * rtnetlink messages of the kernel, decoded to what the mirror keeps: links, addresses, neighbors (struct ifinfomsg,
 * ifaddrmsg, ndmsg and their attributes). Pure functions over bytes; results own their bytes.
 *
 * What is of no use to routing is left out here: other families (bridge forwarding entries), proxy entries, and the
 * kernel's pseudo neighbors for multicast and broadcast.
 */
import type { NeighborState, VlanRole } from '../fib/updates';
import { maskAddress, sameBytes, type Prefix } from '../net/address';
import { type NetlinkMessage, NetlinkFormatError, eachAttribute } from '../netlink/codec';
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  IFADDRMSG_LEN,
  IFA_ADDRESS,
  IFA_BROADCAST,
  IFA_FLAGS,
  IFA_F_NOPREFIXROUTE,
  IFA_LOCAL,
  IFF_ALLMULTI,
  IFF_LOWER_UP,
  IFF_UP,
  IFINFOMSG_LEN,
  IFLA_ADDRESS,
  IFLA_ALLMULTI,
  IFLA_IFNAME,
  IFLA_INFO_DATA,
  IFLA_INFO_KIND,
  IFLA_LINK,
  IFLA_LINKINFO,
  IFLA_MASTER,
  IFLA_MTU,
  IFLA_PROMISCUITY,
  IFLA_VLAN_ID,
  IFLA_VRF_TABLE,
  NDA_DST,
  NDA_LLADDR,
  NDMSG_LEN,
  RTM_DELADDR,
  RTM_DELLINK,
  RTM_DELNEIGH,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTM_NEWNEIGH,
  RTN_BROADCAST,
  RTN_MULTICAST,
} from '../netlink/constants';
import { neighborState } from '../netlink/neighbor-state';

/** `present` is false for a deletion. */
export interface LinkMessage {
  readonly kind: 'link';
  readonly present: boolean;
  readonly ifindex: number;
  readonly name: string;
  /** Administratively up and with carrier. */
  readonly up: boolean;
  readonly mac?: Uint8Array;
  readonly mtu?: number;
  readonly master: number;
  /** These as in LinkChange; only what is so is there. */
  readonly adminDown?: boolean;
  readonly promiscuous?: boolean;
  readonly allMulticast?: boolean;
  readonly vlan?: VlanRole;
  readonly vrfTable?: number;
}

export interface AddressMessage {
  readonly kind: 'address';
  readonly present: boolean;
  readonly ifindex: number;
  readonly address: Uint8Array;
  readonly length: number;
  /** These as in AddressAdd. */
  readonly peer?: Uint8Array;
  readonly broadcast?: Uint8Array;
  /** The kernel has a route for this subnet of the address. */
  readonly subnet?: Prefix;
}

export interface NeighborMessage {
  readonly kind: 'neighbor';
  readonly present: boolean;
  readonly ifindex: number;
  readonly address: Uint8Array;
  readonly mac?: Uint8Array;
  readonly state: NeighborState;
}

export type KernelMessage = LinkMessage | AddressMessage | NeighborMessage;

/** linux/neighbor.h: an entry of the proxy table, no neighbor. */
const NTF_PROXY = 0x08;
const MAC_BYTES = 6;

/**
 * Decodes one message; undefined for one that says nothing of interest.
 * @throws NetlinkFormatError for one that is cut or contradicts itself
 */
export function decodeKernelMessage(message: NetlinkMessage): KernelMessage | undefined {
  switch (message.type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      return decodeLink(message, message.type === RTM_NEWLINK);
    case RTM_NEWADDR:
    case RTM_DELADDR:
      return decodeAddress(message, message.type === RTM_NEWADDR);
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
      return decodeNeighbor(message, message.type === RTM_NEWNEIGH);
    default:
      return undefined;
  }
}

function needBytes(message: NetlinkMessage, bytes: number): Buffer {
  if (message.body.length < bytes) {
    throw new NetlinkFormatError(`message type ${message.type} of ${message.body.length} bytes`, message.offset);
  }
  return message.body;
}

function copy(body: Buffer, start: number, end: number): Uint8Array {
  return Uint8Array.from(body.subarray(start, end));
}

function decodeLink(message: NetlinkMessage, present: boolean): LinkMessage | undefined {
  const body = needBytes(message, IFINFOMSG_LEN);
  // The bridge and other families tell of a link's membership with the same message types.
  if (body[0] !== AF_UNSPEC) return undefined;
  const flags = body.readUInt32LE(8);
  let name = '';
  let mac: Uint8Array | undefined;
  let mtu: number | undefined;
  let master = 0;
  let below = 0;
  let allMulticast = flags & IFF_ALLMULTI;
  let promiscuity = 0;
  const role: LinkRole = {};
  eachAttribute(body, IFINFOMSG_LEN, (type, start, end) => {
    const size = end - start;
    if (type === IFLA_IFNAME) name = body.toString('utf8', start, end).replace(/\0.*$/s, '');
    else if (type === IFLA_ADDRESS && size === MAC_BYTES) mac = copy(body, start, end);
    else if (type === IFLA_MTU && size === 4) mtu = body.readUInt32LE(start);
    else if (type === IFLA_MASTER && size === 4) master = body.readUInt32LE(start);
    else if (type === IFLA_LINK && size === 4) below = body.readUInt32LE(start);
    // The flag in the header is the operator's alone; the counts are everybody's.
    else if (type === IFLA_PROMISCUITY && size === 4) promiscuity = body.readUInt32LE(start);
    else if (type === IFLA_ALLMULTI && size === 4) allMulticast |= body.readUInt32LE(start);
    else if (type === IFLA_LINKINFO) decodeRole(body.subarray(start, end), role);
  });
  return {
    kind: 'link',
    present,
    ifindex: body.readInt32LE(4),
    name,
    up: (flags & IFF_UP) !== 0 && (flags & IFF_LOWER_UP) !== 0,
    ...(mac !== undefined && { mac }),
    ...(mtu !== undefined && { mtu }),
    master,
    ...((flags & IFF_UP) === 0 && { adminDown: true }),
    ...(promiscuity > 0 && { promiscuous: true }),
    ...(allMulticast !== 0 && { allMulticast: true }),
    ...(role.vlanId !== undefined && below !== 0 && { vlan: { parent: below, id: role.vlanId } }),
    ...(role.vrfTable !== undefined && { vrfTable: role.vrfTable }),
  };
}

interface LinkRole {
  vlanId?: number;
  vrfTable?: number;
}

/** What IFLA_LINKINFO says of VLAN and VRF devices. */
function decodeRole(info: Buffer, role: LinkRole): void {
  let kind = '';
  let data: Buffer | undefined;
  eachAttribute(info, 0, (type, start, end) => {
    if (type === IFLA_INFO_KIND) kind = info.toString('latin1', start, end).replace(/\0.*$/s, '');
    else if (type === IFLA_INFO_DATA) data = info.subarray(start, end);
  });
  if (data === undefined) return;
  const values = data;
  eachAttribute(values, 0, (type, start, end) => {
    if (kind === 'vlan' && type === IFLA_VLAN_ID && end - start >= 2) role.vlanId = values.readUInt16LE(start);
    else if (kind === 'vrf' && type === IFLA_VRF_TABLE && end - start >= 4) role.vrfTable = values.readUInt32LE(start);
  });
}

/** Bytes of an address of an AF_ number; 0 for other families. */
function familyBytes(family: number): number {
  if (family === AF_INET) return 4;
  return family === AF_INET6 ? 16 : 0;
}

function decodeAddress(message: NetlinkMessage, present: boolean): AddressMessage | undefined {
  const body = needBytes(message, IFADDRMSG_LEN);
  const bytes = familyBytes(body[0]!);
  if (bytes === 0) return undefined;
  const length = body[1]!;
  let own: Uint8Array | undefined;
  let local: Uint8Array | undefined;
  let broadcast: Uint8Array | undefined;
  let flags = body[2]!;
  eachAttribute(body, IFADDRMSG_LEN, (type, start, end) => {
    if (type === IFA_FLAGS && end - start === 4) flags = body.readUInt32LE(start);
    if (type === IFA_FLAGS || end - start !== bytes) return;
    if (type === IFA_ADDRESS) own = copy(body, start, end);
    else if (type === IFA_LOCAL) local = copy(body, start, end);
    else if (type === IFA_BROADCAST) broadcast = copy(body, start, end);
  });
  // On point-to-point links IFA_ADDRESS is the peer's and IFA_LOCAL ours.
  const address = local ?? own;
  if (address === undefined || length > bytes * 8) {
    throw new NetlinkFormatError(`address message without a valid address, prefix length ${length}`, message.offset);
  }
  const subnet = (flags & IFA_F_NOPREFIXROUTE) === 0 ? subnetOf(address, own ?? address, length) : undefined;
  return {
    kind: 'address',
    present,
    ifindex: body.readUInt32LE(4),
    address,
    length,
    // An IPv6 address is once on an interface, whatever its peer, which may change.
    ...(own !== undefined && bytes === 4 && !sameBytes(own, address) && { peer: own }),
    ...(broadcast !== undefined && { broadcast }),
    ...(subnet !== undefined && { subnet }),
  };
}

/**
 * The subnet that the kernel makes a route for when an interface gets this address (net/ipv4/fib_frontend.c, fib_add_ifaddr): the peer's where there is one,
 * none within 0.0.0.0/8, and none that is the address itself. An IPv6 peer's is another address, and a route of its own.
 */
function subnetOf(address: Uint8Array, peer: Uint8Array, length: number): Prefix | undefined {
  const family = address.length === 4 ? 4 : 6;
  const base = family === 4 ? peer : address;
  const bytes = maskAddress(base, length);
  if (length === 8 * bytes.length && sameBytes(bytes, address)) return undefined;
  return family === 4 && bytes[0] === 0 ? undefined : { family, bytes, length };
}

function decodeNeighbor(message: NetlinkMessage, present: boolean): NeighborMessage | undefined {
  const body = needBytes(message, NDMSG_LEN);
  const bytes = familyBytes(body[0]!);
  const flags = body[10]!;
  const type = body[11]!;
  if (bytes === 0 || (flags & NTF_PROXY) !== 0 || type === RTN_MULTICAST || type === RTN_BROADCAST) return undefined;
  let address: Uint8Array | undefined;
  let mac: Uint8Array | undefined;
  eachAttribute(body, NDMSG_LEN, (attribute, start, end) => {
    if (attribute === NDA_DST && end - start === bytes) address = copy(body, start, end);
    else if (attribute === NDA_LLADDR && end - start === MAC_BYTES) mac = copy(body, start, end);
  });
  if (address === undefined) throw new NetlinkFormatError('neighbor message without an address', message.offset);
  if (isMulticast(address)) return undefined;
  return {
    kind: 'neighbor',
    present,
    ifindex: body.readInt32LE(4),
    address,
    ...(mac !== undefined && { mac }),
    state: neighborState(body.readUInt16LE(8)),
  };
}

/** 224.0.0.0/4 with everything above (limited broadcast too), ff00::/8. */
function isMulticast(address: Uint8Array): boolean {
  return address.length === 4 ? address[0]! >= 224 : address[0] === 0xff;
}
