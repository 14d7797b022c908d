/**
 * RTM_NEWROUTE and RTM_DELROUTE to updates, for IPv4, IPv6 and MPLS.
 *
 * The commonest message by far, a route with RTA_DST and RTA_NH_ID, is decoded without allocating: the update returned is
 * the same object each time, filled anew. `fib` copies what it keeps (see fib/updates.ts).
 *
 * What zebra writes: FRR's rt_netlink.c (netlink_route_multipath_msg_encode, netlink_mpls_multipath_msg_encode) for
 * `dplane_fpm_nl`, zebra_fpm_netlink.c for `fpm`. The latter differs from the kernel's format in two ways that are minded
 * here: its deletes name no table, which is passed on as that, and its rtnh_hops holds the weight itself. It is told by the absence of NLM_F_REPLACE, and,
 * as FRR 8.4's `dplane_fpm_nl` leaves that out for IPv6, by another RTA_PRIORITY than the one that `dplane_fpm_nl` always gives.
 */
import {
  MALFORMED,
  NO_TABLE,
  type LspAdd,
  type LspDelete,
  type RouteAdd,
  type RouteDelete,
  type RouteTarget,
} from '../../fib/updates';
import type { Family, Prefix } from '../../net/address';
import { AttributeTable, readU32, readU32BE } from '../../netlink/attributes';
import { NetlinkFormatError } from '../../netlink/codec';
import {
  AF_INET,
  AF_INET6,
  AF_MPLS,
  NLM_F_REPLACE,
  RT_TABLE_MAIN,
  RTA_DST,
  RTA_METRICS,
  RTA_NH_ID,
  RTA_PREFSRC,
  RTA_PRIORITY,
  RTA_TABLE,
  RTM_DELROUTE,
  RTM_F_CLONED,
  RTMSG_LEN,
  RTN_ANYCAST,
  RTN_BLACKHOLE,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_PROHIBIT,
  RTN_UNICAST,
  RTN_UNREACHABLE,
  RTNH_F_ONLINK,
} from '../../netlink/constants';
import { decodePaths, isUsable, type HopStyle } from './path';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** RTA_PRIORITY of all routes of `dplane_fpm_nl` (ROUTE_INSTALLATION_METRIC). */
const DPLANE_METRIC = 20;

const attributes = new AttributeTable();
const metrics = new AttributeTable();
/** Types of RTA_METRICS that are numbers of 32 bits end below this; the one text (RTAX_CC_ALGO) is passed over. */
const RTAX_END = 18;

const prefixes: Readonly<Record<Family, Mutable<Prefix>>> = {
  4: { family: 4, bytes: new Uint8Array(4), length: 0 },
  6: { family: 6, bytes: new Uint8Array(16), length: 0 },
};
const BLACKHOLE: RouteTarget = { kind: 'drop', drop: 'blackhole' };
const UNREACHABLE: RouteTarget = { kind: 'drop', drop: 'unreachable' };
const PROHIBIT: RouteTarget = { kind: 'drop', drop: 'prohibit' };
const HOST: RouteTarget = { kind: 'host' };
const UNREADABLE: RouteTarget = { kind: 'unsupported', reason: MALFORMED };
const NO_NEXTHOP: RouteTarget = { kind: 'unsupported', reason: 'no usable nexthop' };

const byId: Mutable<Extract<RouteTarget, { kind: 'nexthopId' }>> = { kind: 'nexthopId', id: 0 };
const added: Mutable<RouteAdd> = {
  kind: 'routeAdd',
  table: 0,
  prefix: prefixes[4],
  protocol: 0,
  metric: 0,
  target: HOST,
  prefsrc: undefined,
  metrics: undefined,
};
const deleted: Mutable<RouteDelete> = { kind: 'routeDelete', table: 0, prefix: prefixes[4] };

/**
 * Decodes one route message.
 *
 * @param type RTM_NEWROUTE or RTM_DELROUTE
 * @param flags the message's nlmsg_flags
 * @param start of struct rtmsg in `buffer`
 * @param end of the message
 * @returns the update, valid until the next call; or why the message is of no use to us
 * @throws NetlinkFormatError where the message is malformed, with the offset in `buffer`
 */
export function decodeRoute(
  type: number,
  flags: number,
  buffer: Buffer,
  start: number,
  end: number,
): RouteAdd | RouteDelete | LspAdd | LspDelete | string {
  if (end - start < RTMSG_LEN) throw new NetlinkFormatError(`route message of ${end - start} bytes`, start);
  const family = buffer[start]!;
  if (family !== AF_INET && family !== AF_INET6 && family !== AF_MPLS) return `route of address family ${family}`;
  attributes.parse(buffer, start + RTMSG_LEN, end);
  if (family === AF_MPLS) return decodeLsp(type, buffer, start);

  const rtmFlags = readU32(buffer, start + 8);
  if ((rtmFlags & RTM_F_CLONED) !== 0) return 'cached route';
  // To take these for routes of the destination alone would be wrong for all other packets.
  if (buffer[start + 2] !== 0) return 'route for one source prefix';
  if (buffer[start + 3] !== 0) return 'route for one type of service';

  const prefix = decodePrefix(buffer, start, family === AF_INET ? 4 : 6);
  const table = attributes.u32(RTA_TABLE, buffer[start + 4]!) || RT_TABLE_MAIN;
  if (type === RTM_DELROUTE) return fillDeleted(table, prefix, buffer, start);
  added.table = table;
  added.prefix = prefix;
  added.protocol = buffer[start + 5]!;
  added.metric = attributes.u32(RTA_PRIORITY, 0);
  const isReplace = (flags & NLM_F_REPLACE) !== 0;
  const style = isReplace ? 'kernel' : family === AF_INET6 && added.metric === DPLANE_METRIC ? 'unclear' : 'fpm';
  added.target = decodeTarget(buffer[start + 7]!, (rtmFlags & RTNH_F_ONLINK) !== 0, style);
  added.prefsrc = attributes.has(RTA_PREFSRC) ? decodeSource(prefix.bytes.length) : undefined;
  added.metrics = attributes.has(RTA_METRICS) ? decodeMetrics(buffer) : undefined;
  return added;
}

/**
 * Of a message that `decodeRoute` refuses: the route, and that its target isn't known, or that it is gone. Undefined where the
 * message doesn't say which route, or is none for us. May throw NetlinkFormatError, too.
 */
export function decodeMalformedRoute(
  type: number,
  buffer: Buffer,
  start: number,
  end: number,
): RouteAdd | RouteDelete | LspAdd | LspDelete | undefined {
  if (end - start < RTMSG_LEN) return undefined;
  const family = buffer[start]!;
  const isWhole = attributes.parsePart(buffer, start + RTMSG_LEN, end);
  if (family === AF_MPLS) return decodeMalformedLsp(type, buffer, start);
  const isOther =
    (readU32(buffer, start + 8) & RTM_F_CLONED) !== 0 || buffer[start + 2] !== 0 || buffer[start + 3] !== 0;
  if ((family !== AF_INET && family !== AF_INET6) || isOther) return undefined;
  const prefix = decodePrefix(buffer, start, family === AF_INET ? 4 : 6);
  const table = attributes.u32(RTA_TABLE, buffer[start + 4]!);
  // Its number may have come behind the fault.
  if (table === 0 && !isWhole) return undefined;
  if (type === RTM_DELROUTE) return fillDeleted(table || RT_TABLE_MAIN, prefix, buffer, start);
  added.table = table || RT_TABLE_MAIN;
  added.prefix = prefix;
  added.protocol = buffer[start + 5]!;
  added.metric = attributes.size(RTA_PRIORITY) === 4 ? attributes.u32(RTA_PRIORITY, 0) : 0;
  added.target = UNREADABLE;
  added.prefsrc = undefined;
  added.metrics = undefined;
  return added;
}

/** `fpm` of FRR 10.7 names no table in any withdrawal. `dplane_fpm_nl` always does. */
function fillDeleted(table: number, prefix: Prefix, buffer: Buffer, start: number): RouteDelete {
  deleted.table = buffer[start + 4] === 0 && !attributes.has(RTA_TABLE) ? NO_TABLE : table;
  deleted.prefix = prefix;
  return deleted;
}

function decodeMalformedLsp(type: number, buffer: Buffer, start: number): LspAdd | LspDelete | undefined {
  if (attributes.size(RTA_DST) !== 4) return undefined;
  const label = readU32BE(buffer, attributes.start(RTA_DST)) >>> 12;
  return type === RTM_DELROUTE
    ? { kind: 'lspDelete', label }
    : { kind: 'lspAdd', label, protocol: buffer[start + 5]!, paths: [], unreadable: true };
}

function decodeSource(size: number): Uint8Array {
  if (attributes.size(RTA_PREFSRC) !== size) {
    const at = attributes.start(RTA_PREFSRC);
    throw new NetlinkFormatError(`source address of ${attributes.size(RTA_PREFSRC)} bytes`, at);
  }
  return attributes.copy(RTA_PREFSRC);
}

function decodeMetrics(buffer: Buffer): [number, number][] {
  metrics.parse(buffer, attributes.start(RTA_METRICS), attributes.end(RTA_METRICS));
  const values: [number, number][] = [];
  for (let type = 1; type < RTAX_END; type++) if (metrics.size(type) === 4) values.push([type, metrics.u32(type, 0)]);
  return values;
}

/** Fills and returns the prefix object of this family, host bits cleared. */
function decodePrefix(buffer: Buffer, start: number, family: Family): Prefix {
  const prefix = prefixes[family];
  const bytes = prefix.bytes;
  const length = buffer[start + 1]!;
  if (length > 8 * bytes.length) throw new NetlinkFormatError(`prefix length ${length} of IPv${family}`, start + 1);
  const at = attributes.start(RTA_DST);
  if (at < 0 && length > 0) throw new NetlinkFormatError(`no destination for prefix length ${length}`, start + 1);
  if (at >= 0 && attributes.size(RTA_DST) !== bytes.length) {
    throw new NetlinkFormatError(`IPv${family} destination of ${attributes.size(RTA_DST)} bytes`, at);
  }
  for (let i = 0, bits = length; i < bytes.length; i++, bits -= 8) {
    const mask = bits >= 8 ? 0xff : bits > 0 ? 0xff00 >> bits : 0;
    bytes[i] = mask === 0 ? 0 : buffer[at + i]! & mask;
  }
  prefix.length = length;
  return prefix;
}

function decodeTarget(routeType: number, onlink: boolean, style: HopStyle): RouteTarget {
  switch (routeType) {
    case RTN_UNICAST:
      break;
    case RTN_BLACKHOLE:
      return BLACKHOLE;
    case RTN_UNREACHABLE:
      return UNREACHABLE;
    case RTN_PROHIBIT:
      return PROHIBIT;
    case RTN_LOCAL:
    case RTN_BROADCAST:
    case RTN_ANYCAST:
    case RTN_MULTICAST:
      return HOST;
    default:
      return { kind: 'unsupported', reason: `route type ${routeType}` };
  }
  const id = attributes.u32(RTA_NH_ID, 0);
  if (id !== 0) {
    byId.id = id;
    return byId;
  }
  const paths = decodePaths(attributes, onlink, style);
  return paths.length > 0 && paths.every(isUsable) ? { kind: 'paths', paths } : NO_NEXTHOP;
}

/** An AF_MPLS route: RTA_DST is a label stack entry. */
function decodeLsp(type: number, buffer: Buffer, start: number): LspAdd | LspDelete {
  if (attributes.size(RTA_DST) !== 4) throw new NetlinkFormatError('MPLS route without a label', start);
  const label = readU32BE(buffer, attributes.start(RTA_DST)) >>> 12;
  if (type === RTM_DELROUTE) return { kind: 'lspDelete', label };
  const paths = decodePaths(attributes, false, 'kernel');
  const usable = paths.every(isUsable) ? paths : [];
  return {
    kind: 'lspAdd',
    label,
    protocol: buffer[start + 5]!,
    paths: usable.map((path) => ({ ...path, outLabels: path.outLabels ?? [] })),
  };
}
