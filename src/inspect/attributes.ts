/**
 * Netlink attributes as a tree that can be read: every attribute is in it, with its value in words where its meaning is
 * known, and in hex where it isn't or where the bytes don't fit the meaning. Nothing in the bytes makes this throw, and
 * the tree's depth is that of the kinds below, not of the bytes.
 */
import { formatAddress, formatMac } from '../net/address';
import { readU16, readU32, readU32BE } from '../netlink/attributes';
import { eachAttribute, NetlinkFormatError } from '../netlink/codec';
import * as names from './names';
import type { Names } from './names';

/** One attribute. `value` in words, or `hex`; `inside` where it holds attributes, `hops` where it is a multipath. */
export interface AttributeView {
  readonly type: number;
  readonly name: string;
  readonly value?: string | number;
  readonly hex?: string;
  readonly inside?: readonly AttributeView[];
  readonly hops?: readonly HopView[];
  /** What is wrong inside, with what could not be read. */
  readonly fault?: string;
}

/** One hop of RTA_MULTIPATH. */
export interface HopView {
  readonly ifindex: number;
  /** rtnh_hops as it is on the wire. */
  readonly hops: number;
  readonly flags: readonly string[];
  readonly attributes: readonly AttributeView[];
  readonly fault?: string;
}

/** Attributes, and the fault that ended them. */
export interface AttributeList {
  readonly attributes: readonly AttributeView[];
  readonly fault?: string;
}

/** The most bytes that are shown in hex. */
const MAX_HEX = 64;

/** Bytes in hex, shortened when they are many. */
export function hexOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.subarray(0, MAX_HEX)).toString('hex');
  return bytes.length > MAX_HEX ? `${text}… (${bytes.length} bytes)` : text;
}

type Body = Omit<AttributeView, 'type' | 'name'>;
/** Reads a value; undefined when the bytes can't be one. `siblings` are the attributes around it. */
type Reader = (bytes: Buffer, siblings: ReadonlyMap<number, Buffer>) => Body | undefined;
interface Kind {
  readonly names: Names;
  readonly readers: Readonly<Record<number, Reader>>;
}

const word = (value: string | number | undefined): Body | undefined => (value === undefined ? undefined : { value });

const u32: Reader = (b) => (b.length === 4 ? word(readU32(b, 0)) : undefined);
const u16: Reader = (b) => (b.length === 2 ? word(readU16(b, 0)) : undefined);
const u8: Reader = (b) => (b.length === 1 ? word(b[0]) : undefined);
const flag: Reader = (b) => (b.length === 0 ? word('yes') : undefined);
const address: Reader = (b) => (b.length === 4 || b.length === 16 ? word(formatAddress(b)) : undefined);
const named =
  (table: Names): Reader =>
  (b) =>
    b.length === 2
      ? word(names.nameOf(table, readU16(b, 0)))
      : b.length === 4
        ? word(names.nameOf(table, readU32(b, 0)))
        : undefined;
const nested =
  (kind: Kind): Reader =>
  (b) => {
    const { attributes, fault } = describeAttributes(b, kind);
    return { inside: attributes, ...(fault !== undefined && { fault }) };
  };

/** A label stack: label, and traffic class and TTL where they say anything. */
export function describeLabels(bytes: Buffer): string | undefined {
  if (bytes.length === 0 || bytes.length % 4 !== 0) return undefined;
  const labels: string[] = [];
  for (let at = 0; at < bytes.length; at += 4) {
    const entry = readU32BE(bytes, at);
    const [tc, ttl] = [(entry >>> 9) & 7, entry & 0xff];
    labels.push(`${entry >>> 12}${tc === 0 ? '' : ` tc ${tc}`}${ttl === 0 ? '' : ` ttl ${ttl}`}`);
  }
  return labels.join('/');
}
const labels: Reader = (b) => word(describeLabels(b));

const via: Reader = (b) => {
  const family = b.length < 2 ? 0 : readU16(b, 0);
  const size = family === 2 ? 6 : family === 10 ? 18 : -1;
  return b.length === size ? word(`${names.FAMILIES[family]} ${formatAddress(b.subarray(2))}`) : undefined;
};

/** struct seg6_iptunnel_encap; the list runs from the last segment. */
const segments: Reader = (b) => {
  const count = b.length < 12 ? 0 : b[8]! + 1;
  if (count === 0 || 12 + 16 * count > b.length) return undefined;
  const list = Array.from({ length: count }, (_, i) => formatAddress(b.subarray(12 + 16 * i, 28 + 16 * i))).reverse();
  return word(`mode ${names.nameOf(names.SEG6_MODES, readU32(b, 0))} segments ${list.join(' ')}`);
};

/** A routing header alone. */
const routingHeader: Reader = (b) => segments(Buffer.concat([Buffer.alloc(4), b]), new Map());

const group: Reader = (b) => {
  if (b.length === 0 || b.length % 8 !== 0) return undefined;
  const members: string[] = [];
  for (let at = 0; at < b.length; at += 8) {
    members.push(`${readU32(b, at)} weight ${(b[at + 4]! | (b[at + 5]! << 8)) + 1}`);
  }
  return word(members.join(', '));
};

const METRICS: Kind = {
  names: names.METRICS,
  readers: Object.fromEntries(Object.keys(names.METRICS).map((type) => [type, u32])),
};
const MPLS: Kind = { names: { 1: 'MPLS_IPTUNNEL_DST', 2: 'MPLS_IPTUNNEL_TTL' }, readers: { 1: labels, 2: u8 } };
const SEG6: Kind = { names: { 1: 'SEG6_IPTUNNEL_SRH' }, readers: { 1: segments } };
const VXLAN: Kind = { names: { 0: 'VNI' }, readers: { 0: u32 } };
const LWTUNNEL_IP: Kind = {
  names: { 1: 'ID', 2: 'DST', 3: 'SRC', 4: 'TTL', 5: 'TOS', 6: 'FLAGS', 7: 'PAD', 8: 'OPTS' },
  readers: {
    1: (b) => (b.length === 8 ? word(String(b.readBigUInt64BE(0))) : undefined),
    2: address,
    3: address,
    4: u8,
    5: u8,
  },
};
const FLAVORS: Kind = {
  names: { 1: 'OPERATION', 2: 'LCBLOCK_BITS', 3: 'LCNODE_FN_BITS' },
  readers: { 1: u32, 2: u8, 3: u8 },
};
const SEG6_LOCAL: Kind = {
  names: names.SEG6_LOCAL_ATTRIBUTES,
  readers: {
    1: (b) => (b.length === 4 ? word(names.nameOf(names.SEG6_LOCAL_ACTIONS, readU32(b, 0))) : undefined),
    2: routingHeader,
    3: u32,
    4: address,
    5: address,
    6: u32,
    7: u32,
    9: u32,
    11: nested(FLAVORS),
  },
};
const ENCAPS: Readonly<Record<number, Kind>> = {
  1: MPLS,
  2: LWTUNNEL_IP,
  4: LWTUNNEL_IP,
  5: SEG6,
  7: SEG6_LOCAL,
  100: VXLAN,
};

/** An encapsulation, whose kind stands in another attribute. */
const encap =
  (typeAt: number): Reader =>
  (b, siblings) => {
    const type = siblings.get(typeAt);
    const kind = type?.length === 2 ? ENCAPS[readU16(type, 0)] : undefined;
    return kind && nested(kind)(b, siblings);
  };

const multipath: Reader = (b) => {
  const hops: HopView[] = [];
  let at = 0;
  while (b.length - at >= 8) {
    const length = readU16(b, at);
    if (length < 8 || length > b.length - at) {
      return { hops, fault: `nexthop length ${length} of ${b.length - at} bytes: ${hexOf(b.subarray(at))}` };
    }
    hops.push({
      ifindex: readU32(b, at + 4),
      hops: b[at + 3]!,
      flags: names.bitNames(names.HOP_FLAGS, b[at + 2]!),
      ...describeAttributes(b.subarray(at + 8, at + length), HOP),
    });
    at += (length + 3) & ~3;
  }
  return { hops };
};

const hopReaders: Readonly<Record<number, Reader>> = {
  5: address,
  11: u32,
  18: via,
  19: labels,
  21: named(names.ENCAPS),
  22: encap(21),
};
const HOP: Kind = { names: names.ROUTE_ATTRIBUTES, readers: hopReaders };

/** Attributes of a route of IPv4 or IPv6. */
export const ROUTE: Kind = {
  names: names.ROUTE_ATTRIBUTES,
  readers: {
    ...hopReaders,
    1: address,
    2: address,
    3: u32,
    4: u32,
    6: u32,
    7: address,
    8: nested(METRICS),
    9: multipath,
    15: u32,
    16: u32,
    20: u8,
    23: u32,
    25: u32,
    26: u8,
    27: u8,
    28: u16,
    29: u16,
    30: u32,
  },
};
/** Of a label's route: the destination is a label. */
export const LSP: Kind = { names: names.ROUTE_ATTRIBUTES, readers: { ...ROUTE.readers, 1: labels } };

export const NEXTHOP: Kind = {
  names: names.NEXTHOP_ATTRIBUTES,
  readers: {
    1: u32,
    2: group,
    3: named(names.GROUP_TYPES),
    4: flag,
    5: u32,
    6: address,
    7: named(names.ENCAPS),
    8: encap(7),
    9: flag,
    10: u32,
    11: flag,
  },
};

export const NEIGHBOR: Kind = {
  names: names.NEIGHBOR_ATTRIBUTES,
  readers: {
    1: address,
    2: (b) => (b.length === 6 ? word(formatMac(b)) : undefined),
    4: u32,
    5: u16,
    6: (b) => (b.length === 2 ? word(b.readUInt16BE(0)) : undefined),
    7: u32,
    8: u32,
    9: u32,
    10: u32,
    11: u32,
    12: u8,
    13: u32,
    15: u32,
  },
};

/** Messages whose attributes mean nothing to us. */
export const UNKNOWN: Kind = { names: {}, readers: {} };

/** All attributes in `bytes`. */
export function describeAttributes(bytes: Buffer, kind: Kind): AttributeList {
  const found: (readonly [number, Buffer])[] = [];
  let fault: string | undefined;
  try {
    eachAttribute(bytes, 0, (type, start, end) => found.push([type, bytes.subarray(start, end)]));
  } catch (error) {
    if (!(error instanceof NetlinkFormatError)) throw error;
    fault = `${error.reason}: ${hexOf(bytes.subarray(error.offset))}`;
  }
  const siblings = new Map(found);
  const attributes = found.map(([type, value]): AttributeView => {
    const name = kind.names[type] ?? `attribute ${type}`;
    return { type, name, ...(kind.readers[type]?.(value, siblings) ?? { hex: hexOf(value) }) };
  });
  return { attributes, ...(fault !== undefined && { fault }) };
}
