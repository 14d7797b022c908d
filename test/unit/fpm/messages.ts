/** Netlink messages for tests, as zebra or the kernel would write them. */
import { NetlinkWriter } from '../../../src/netlink/codec';
import { RTM_NEWNEIGH, RTM_NEWNEXTHOP, RTM_NEWROUTE } from '../../../src/netlink/constants';
import { parseAddress } from '../../../src/net/address';

/** Attribute type → value: bytes, a number (32 bits), or an address as text. */
export type Attributes = readonly (readonly [number, Uint8Array | number | string])[];

export function bytesOf(value: Uint8Array | number | string): Uint8Array {
  if (typeof value === 'string') return parseAddress(value)!;
  if (typeof value !== 'number') return value;
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function u16(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, value >> 8);
}

/** Attributes one after the other, as they are nested in another one. */
export function attributes(list: Attributes): Buffer {
  const writer = new NetlinkWriter();
  for (const [type, value] of list) writer.attribute(type, bytesOf(value));
  return writer.toBuffer();
}

export function message(type: number, body: Uint8Array, list: Attributes, flags = 0x501): Buffer {
  return new NetlinkWriter().begin(type, flags).bytes(body).bytes(attributes(list)).end().toBuffer();
}

export interface RouteHeader {
  readonly message?: number;
  readonly family?: number;
  readonly length?: number;
  readonly sourceLength?: number;
  readonly tos?: number;
  readonly table?: number;
  readonly protocol?: number;
  readonly type?: number;
  readonly rtmFlags?: number;
  readonly flags?: number;
}

/** A route message; of an IPv4 unicast /24 in table 254 from BGP where nothing else is said. */
export function route(header: RouteHeader, list: Attributes): Buffer {
  const { family = 2, length = 24, sourceLength = 0, tos = 0, table = 254, protocol = 186, type = 1 } = header;
  const body = Buffer.from([family, length, sourceLength, tos, table, protocol, 0, type, 0, 0, 0, 0]);
  body.writeUInt32LE(header.rtmFlags ?? 0, 8);
  return message(header.message ?? RTM_NEWROUTE, body, list, header.flags);
}

export function nexthop(list: Attributes, type = RTM_NEWNEXTHOP, family = 2, flags = 0): Buffer {
  return message(type, Buffer.from([family, 0, 11, 0, flags, 0, 0, 0]), list);
}

export function neighbor(list: Attributes, state = 2, family = 2, ifindex = 7, type = RTM_NEWNEIGH, flags = 0): Buffer {
  const body = Buffer.from([family, 0, 0, 0, 0, 0, 0, 0, state, 0, flags, 0]);
  body.writeInt32LE(ifindex, 4);
  return message(type, body, list);
}

/** One hop of RTA_MULTIPATH. */
export function hop(ifindex: number, hops: number, list: Attributes, flags = 0): Buffer {
  const inner = attributes(list);
  const header = Buffer.from([0, 0, flags, hops, 0, 0, 0, 0]);
  header.writeUInt16LE(8 + inner.length, 0);
  header.writeUInt32LE(ifindex, 4);
  return Buffer.concat([header, inner]);
}

/** struct rtvia. */
export function via(address: string): Uint8Array {
  const bytes = parseAddress(address)!;
  return Buffer.from([bytes.length === 4 ? 2 : 10, 0, ...bytes]);
}

/** A label stack as on the wire. */
export function labels(...values: number[]): Uint8Array {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => {
    bytes.writeUInt32BE(value * 4096 + (i === values.length - 1 ? 0x100 : 0), 4 * i);
  });
  return bytes;
}
