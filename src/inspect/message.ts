/**
 * One netlink message in words: its headers, all its attributes, and what this project's own decoder made of it (the
 * verdict), so that the tool shows both what zebra said and what was understood.
 */
import type { FpmUpdate } from '../fib/updates';
import { decodeNetlink } from '../fpm/netlink/decoder';
import { protocolName } from '../net/protocol';
import { readU16, readU32, readU32BE } from '../netlink/attributes';
import { AF_MPLS, NLMSG_HEADER, RTM_DELNEIGH, RTM_DELNEXTHOP, RTM_DELROUTE } from '../netlink/constants';
import { RTM_NEWNEIGH, RTM_NEWNEXTHOP, RTM_NEWROUTE } from '../netlink/constants';
import * as kinds from './attributes';
import { describeAttributes, hexOf, type AttributeView } from './attributes';
import * as names from './names';
import { bitNames, nameOf } from './names';

/** What the decoder made of a message: kinds of updates, or why there are none. */
export interface Verdict {
  readonly updates?: readonly FpmUpdate['kind'][];
  readonly skipped?: string;
  readonly malformed?: string;
  /** Where it is malformed, counted from the start of the stream. */
  readonly offset?: number;
  readonly hex?: string;
}

/** One path, as routes and nexthop objects name it. */
export interface WayView {
  readonly gateway?: string;
  readonly ifindex?: number;
  readonly weight?: number;
  readonly encap?: string;
}

/** A message in words; what a kind of message doesn't have is absent. */
export interface MessageView {
  readonly message: string;
  /** From the start of the stream to the message's header. */
  readonly offset: number;
  readonly length: number;
  readonly flags: readonly string[];
  readonly seq: number;
  readonly pid: number;
  readonly family?: string;
  readonly prefix?: string;
  readonly label?: number;
  readonly table?: number;
  readonly protocol?: string;
  readonly routeType?: string;
  readonly scope?: string;
  readonly routeFlags?: readonly string[];
  /** Of a route with status flags: what the vASIC says of it. */
  readonly status?: 'offloaded' | 'trapped' | 'unresolved' | 'failed';
  readonly nexthopId?: number;
  readonly ways?: readonly WayView[];
  readonly group?: string;
  readonly neighbor?: string;
  readonly mac?: string;
  readonly state?: readonly string[];
  readonly ifindex?: number;
  readonly attributes: readonly AttributeView[];
  /** What stopped the reading of the attributes. */
  readonly fault?: string;
  /** Of messages that are too short for their kind, or of no known one. */
  readonly hex?: string;
  readonly decoder: Verdict;
}

type Head = Pick<MessageView, 'message' | 'offset' | 'length' | 'flags' | 'seq' | 'pid' | 'decoder'>;

/**
 * Describes the message at `start`, whose length has been checked.
 *
 * @param offset of the message in the stream
 */
export function describeMessage(buffer: Buffer, start: number, end: number, offset: number): MessageView {
  const type = readU16(buffer, start + 4);
  const head: Head = {
    message: names.MESSAGES[type] ?? `message type ${type}`,
    offset,
    length: end - start,
    flags: messageFlags(type, readU16(buffer, start + 6)),
    seq: readU32(buffer, start + 8),
    pid: readU32(buffer, start + 12),
    decoder: verdictOf(buffer, start, end, offset),
  };
  const body = buffer.subarray(start + NLMSG_HEADER, end);
  const tooShort = { ...head, attributes: [], hex: hexOf(body) };
  switch (type) {
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
      return body.length < 12 ? tooShort : describeRoute(head, body);
    case RTM_NEWNEXTHOP:
    case RTM_DELNEXTHOP:
      return body.length < 8 ? tooShort : describeNexthop(head, body);
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
      return body.length < 12 ? tooShort : describeNeighbor(head, body);
    default:
      return tooShort;
  }
}

function messageFlags(type: number, flags: number): string[] {
  const isDelete = type >= 16 && (type & 3) === 1;
  return bitNames([...names.MESSAGE_FLAGS, ...(isDelete ? names.DELETE_FLAGS : names.NEW_FLAGS)], flags);
}

function verdictOf(buffer: Buffer, start: number, end: number, offset: number): Verdict {
  const updates: FpmUpdate['kind'][] = [];
  let verdict: Verdict = { updates };
  decodeNetlink(buffer, start, end, {
    update: (update) => void updates.push(update.kind),
    message: () => undefined,
    skipped: (reason) => (verdict = { skipped: reason }),
    malformed: (reason, at) =>
      (verdict = { malformed: reason, offset: offset + at, hex: hexOf(buffer.subarray(start + at, end)) }),
  });
  return verdict;
}

const find = (attributes: readonly AttributeView[], type: number): AttributeView | undefined =>
  attributes.findLast((attribute) => attribute.type === type);
const textOf = (attributes: readonly AttributeView[], type: number): string | undefined => {
  const value = find(attributes, type)?.value;
  return value === undefined ? undefined : String(value);
};
const numberOf = (attributes: readonly AttributeView[], type: number): number | undefined => {
  const value = find(attributes, type)?.value;
  return typeof value === 'number' ? value : undefined;
};

function describeRoute(head: Head, body: Buffer): MessageView {
  const family = body[0]!;
  const isLabel = family === AF_MPLS;
  const { attributes, fault } = describeAttributes(body.subarray(12), isLabel ? kinds.LSP : kinds.ROUTE);
  const flags = readU32(body, 8);
  const nexthopId = numberOf(attributes, 30);
  const ways = waysOf(attributes, head.flags.includes('REPLACE'));
  const status = statusOf(flags);
  return {
    ...head,
    family: nameOf(names.FAMILIES, family),
    ...(isLabel ? labelOf(body) : { prefix: prefixOf(family, body[1]!, textOf(attributes, 1)) }),
    table: numberOf(attributes, 15) ?? body[4]!,
    protocol: protocolName(body[5]!),
    routeType: nameOf(names.ROUTE_TYPES, body[7]!),
    scope: nameOf(names.SCOPES, body[6]!),
    routeFlags: bitNames(names.ROUTE_FLAGS, flags),
    ...(status !== undefined && { status }),
    ...(nexthopId !== undefined && { nexthopId }),
    ...(ways.length > 0 && { ways }),
    attributes,
    ...(fault !== undefined && { fault }),
  };
}

/** The label of an AF_MPLS route, which stands where other routes have their destination. */
function labelOf(body: Buffer): { readonly label?: number } {
  for (let at = 12; body.length - at >= 8;) {
    const length = readU16(body, at);
    if (length < 4) break;
    if ((readU16(body, at + 2) & 0x3fff) === 1) return length === 8 ? { label: readU32BE(body, at + 4) >>> 12 } : {};
    at += (length + 3) & ~3;
  }
  return {};
}

function prefixOf(family: number, length: number, destination: string | undefined): string {
  const all = family === 10 ? '::' : family === 2 ? '0.0.0.0' : 'default';
  return `${destination ?? all}/${length}`;
}

/** What the server tells zebra by rtm_flags. */
function statusOf(flags: number): MessageView['status'] {
  if ((flags & 0x20000000) !== 0) return 'failed';
  const isOffloaded = (flags & 0x4000) !== 0;
  if ((flags & 0x8000) !== 0) return isOffloaded ? 'trapped' : 'unresolved';
  return isOffloaded ? 'offloaded' : undefined;
}

/** Weights are as the decoder has them: without NLM_F_REPLACE rtnh_hops holds the weight (see fpm/netlink/route.ts). */
function waysOf(attributes: readonly AttributeView[], isReplace: boolean): WayView[] {
  const hops = find(attributes, 9)?.hops;
  if (hops === undefined) {
    const way = wayOf(attributes, numberOf(attributes, 4), 5, 21, 22);
    return Object.keys(way).length === 0 ? [] : [way];
  }
  const more = isReplace || hops.some((hop) => hop.hops === 0) ? 1 : 0;
  return hops.map((hop) => ({ ...wayOf(hop.attributes, hop.ifindex, 5, 21, 22), weight: hop.hops + more }));
}

/** @param gatewayAt, typeAt, bodyAt the attributes' types, which differ between routes and nexthop objects */
function wayOf(
  attributes: readonly AttributeView[],
  ifindex: number | undefined,
  gatewayAt: number,
  typeAt: number,
  bodyAt: number,
): WayView {
  const via = gatewayAt === 5 ? textOf(attributes, 18)?.split(' ')[1] : undefined;
  const gateway = via ?? textOf(attributes, gatewayAt);
  const type = textOf(attributes, typeAt);
  const parts = find(attributes, bodyAt)?.inside ?? [];
  const inside = parts.map(({ name, value, hex }) => {
    return `${parts.length > 1 ? name : ''} ${value ?? hex ?? ''}`.trim();
  });
  const swap = gatewayAt === 5 ? textOf(attributes, 19) : undefined;
  const encaps = [
    ...(type === undefined || type === 'none' ? [] : [`${type} ${inside.join(', ')}`.trim()]),
    ...(swap === undefined ? [] : [`labels ${swap}`]),
  ];
  return {
    ...(gateway !== undefined && { gateway }),
    ...(ifindex !== undefined && { ifindex }),
    ...(encaps.length > 0 && { encap: encaps.join(', ') }),
  };
}

function describeNexthop(head: Head, body: Buffer): MessageView {
  const { attributes, fault } = describeAttributes(body.subarray(8), kinds.NEXTHOP);
  const group = textOf(attributes, 2);
  const nexthopId = numberOf(attributes, 1);
  const way = wayOf(attributes, numberOf(attributes, 5), 6, 7, 8);
  return {
    ...head,
    family: nameOf(names.FAMILIES, body[0]!),
    protocol: protocolName(body[2]!),
    scope: nameOf(names.SCOPES, body[1]!),
    routeFlags: bitNames(names.HOP_FLAGS, readU32(body, 4)),
    ...(find(attributes, 4) !== undefined && { routeType: 'blackhole' }),
    ...(nexthopId !== undefined && { nexthopId }),
    ...(group !== undefined && { group }),
    ...(Object.keys(way).length > 0 && { ways: [way] }),
    attributes,
    ...(fault !== undefined && { fault }),
  };
}

function describeNeighbor(head: Head, body: Buffer): MessageView {
  const { attributes, fault } = describeAttributes(body.subarray(12), kinds.NEIGHBOR);
  const neighbor = textOf(attributes, 1);
  const mac = textOf(attributes, 2);
  return {
    ...head,
    family: nameOf(names.FAMILIES, body[0]!),
    ...(neighbor !== undefined && { neighbor }),
    ...(mac !== undefined && { mac }),
    ifindex: readU32(body, 4),
    state: bitNames(names.NEIGHBOR_STATES, readU16(body, 8)),
    routeFlags: bitNames(names.NEIGHBOR_FLAGS, body[10]!),
    attributes,
    ...(fault !== undefined && { fault }),
  };
}
