/**
 * FPM's protobuf encoding (frames of type 2, `zebra -M fpm:protobuf`) to the same updates as netlink's: routes with inline
 * nexthops, and SRv6 local SIDs. The schema is proto/fpm.proto; FRR's encoder is zebra_fpm_protobuf.c.
 *
 * Routes are named by VRF there, not by table: VRF 0 is the main table, others are kept under table numbers of their own
 * (fib/updates.ts, VRF_TABLES). protobufjs checks wire types, lengths and required fields; what it doesn't (lengths of
 * addresses, ranges) is checked here. Nothing that the bytes contain makes it throw.
 */
import { join } from 'node:path';
import * as protobuf from 'protobufjs';
import { errorText } from '../../net/error-text';
import { MALFORMED, VRF_TABLES, type FpmUpdate, type NexthopPath, type RouteTarget } from '../../fib/updates';
import { addressLength, maskAddress, type Prefix } from '../../net/address';
import { RT_TABLE_MAIN } from '../../netlink/constants';
import { isUsable, makePath } from '../netlink/path';
import type { DecoderSink } from '../netlink/decoder';
import { decodeSid, type SidMessage } from './sid';
import { readRouteName, type RouteName } from './route-name';
import { readNexthop, type NexthopMessage } from './nexthop';

const PROTO_ROOT = join(__dirname, '..', '..', '..', '..', 'proto');

/** qpb.Protocol, by number, as the rtm_protocol that zebra would send in netlink. */
const PROTOCOLS: readonly number[] = [11, 2, 2, 2, 196, 189, 190, 188, 187, 186, 11];
const ADD_ROUTE = 1;
const DELETE_ROUTE = 2;
const ADD_SID = 3;
const DELETE_SID = 4;
const UNICAST = 1;
/** fpm.RouteType; UNKNOWN, or none, is what a zebra before there were types means by NORMAL. */
const NORMAL = 1;
const UNREACHABLE = 2;
const BLACKHOLE = 3;
/** SEG6_IPTUN_MODE_ENCAP of linux/seg6_iptunnel.h. */
const SEG6_MODE_ENCAP = 1;
interface Message {
  readonly type: number;
  readonly addRoute?: AddRoute | null;
  readonly deleteRoute?: RouteName | null;
  readonly srv6Localsid?: SidMessage | null;
}
interface AddRoute extends RouteName {
  readonly routeType: number;
  readonly protocol: number;
  readonly metric: number;
  readonly nexthops: readonly NexthopMessage[];
  readonly srv6VpnSid?: { readonly bytes: Uint8Array } | null;
}

/** The schema, loaded when the first protobuf frame comes: most zebras send none. */
let messageType: protobuf.Type | undefined;

/** The type `fpm.Message` of proto/fpm.proto. */
export function fpmMessageType(): protobuf.Type {
  if (messageType === undefined) {
    const root = new protobuf.Root();
    root.resolvePath = (_origin, target) => join(PROTO_ROOT, target);
    messageType = root.loadSync('fpm.proto').lookupType('fpm.Message');
  }
  return messageType;
}

/** Decodes the payload of one frame, `buffer` from `start` to `end`; the counterpart of decodeNetlink. */
export function decodeProtobuf(buffer: Buffer, start: number, end: number, sink: DecoderSink): void {
  const type = fpmMessageType();
  let message: Message;
  try {
    message = type.decode(buffer.subarray(start, end)) as unknown as Message;
  } catch (error) {
    sink.malformed(`protobuf: ${errorText(error)}`, 0, stopgapOf(buffer.subarray(start, end)));
    return;
  }
  const decoded = decodeMessage(message);
  switch (decoded.kind) {
    case 'skip':
      return sink.skipped(decoded.reason);
    case 'malformed':
      return sink.malformed(`protobuf: ${decoded.reason}`, 0, decoded.stopgap);
    default:
      return sink.update(decoded);
  }
}

type Decoded =
  | FpmUpdate
  | { readonly kind: 'skip'; readonly reason: string }
  | { readonly kind: 'malformed'; readonly reason: string; readonly stopgap?: FpmUpdate };

function malformed(reason: string): Decoded {
  return { kind: 'malformed', reason };
}

/** What a message is about that protobufjs refuses: its route, with a target that isn't known. */
function stopgapOf(bytes: Uint8Array): FpmUpdate | undefined {
  const name = readRouteName(bytes);
  if (name === undefined || name.subAddressFamily !== UNICAST || name.vrfId >= VRF_TABLES) return undefined;
  const prefix = decodePrefix(name);
  if (typeof prefix === 'string') return undefined;
  const table = tableOf(name.vrfId);
  if (!name.isAdd) return { kind: 'routeDelete', table, prefix };
  const target = { kind: 'unsupported', reason: MALFORMED } as const;
  return { kind: 'routeAdd', table, prefix, protocol: protocolOf(name.protocol), metric: 0, target };
}

function tableOf(vrfId: number): number {
  return vrfId === 0 ? RT_TABLE_MAIN : VRF_TABLES + vrfId;
}

function protocolOf(protocol: number): number {
  return PROTOCOLS[protocol] ?? PROTOCOLS[0]!;
}

function decodeMessage(message: Message): Decoded {
  switch (message.type) {
    case ADD_ROUTE:
      return message.addRoute ? decodeRoute(message.addRoute) : malformed('message without its route');
    case DELETE_ROUTE:
      return message.deleteRoute ? decodeRoute(message.deleteRoute) : malformed('message without its route');
    case ADD_SID:
    case DELETE_SID: {
      if (!message.srv6Localsid) return malformed('message without its SID');
      const decoded = decodeSid(message.type === ADD_SID, message.srv6Localsid);
      return typeof decoded === 'string' ? malformed(decoded) : decoded;
    }
    default:
      return { kind: 'skip', reason: `protobuf message type ${message.type}` };
  }
}

function decodeRoute(route: AddRoute | RouteName): Decoded {
  if (route.subAddressFamily !== UNICAST) return { kind: 'skip', reason: 'protobuf route that is not unicast' };
  if (route.vrfId >= VRF_TABLES) return malformed(`VRF ${route.vrfId}`);
  const prefix = decodePrefix(route);
  if (typeof prefix === 'string') return malformed(prefix);
  const table = tableOf(route.vrfId);
  if (!isAdd(route)) return { kind: 'routeDelete', table, prefix };
  const known = {
    kind: 'routeAdd',
    table,
    prefix,
    protocol: protocolOf(route.protocol),
    metric: route.metric >>> 0,
  } as const;
  const target = decodeTarget(route);
  if (target !== undefined) return { ...known, target };
  const stopgap = { ...known, target: { kind: 'unsupported', reason: MALFORMED } } as const;
  return { kind: 'malformed', reason: 'nexthop that cannot be', stopgap };
}

function isAdd(route: AddRoute | RouteName): route is AddRoute {
  return 'nexthops' in route;
}

/** The prefix, or what is wrong with it. */
function decodePrefix(route: RouteName): Prefix | string {
  const family = route.addressFamily === 1 ? 4 : route.addressFamily === 2 ? 6 : undefined;
  if (family === undefined) return `address family ${route.addressFamily}`;
  const size = addressLength(family);
  const prefix = route.key.prefix;
  if (!prefix || prefix.length > 8 * size || prefix.bytes.length > size || 8 * prefix.bytes.length < prefix.length) {
    return `IPv${family} prefix of length ${prefix?.length ?? 'none'} in ${prefix?.bytes.length ?? 0} bytes`;
  }
  const bytes = new Uint8Array(size);
  bytes.set(prefix.bytes);
  return { family, bytes: maskAddress(bytes, prefix.length), length: prefix.length };
}

/** Undefined when an address in it has a wrong length, or an interface can't be. */
function decodeTarget(route: AddRoute): RouteTarget | undefined {
  switch (route.routeType) {
    case 0:
    case NORMAL:
      break;
    case UNREACHABLE:
      return { kind: 'drop', drop: 'unreachable' };
    case BLACKHOLE:
      return { kind: 'drop', drop: 'blackhole' };
    default:
      return { kind: 'unsupported', reason: 'unknown type of route' };
  }
  const sid = route.srv6VpnSid?.bytes;
  if (sid && sid.length !== 16) return undefined;
  const encap = sid && ({ kind: 'seg6', mode: SEG6_MODE_ENCAP, segments: [Uint8Array.from(sid)] } as const);
  const paths: NexthopPath[] = [];
  for (const message of route.nexthops) {
    const nexthop = readNexthop(message);
    if (nexthop === undefined) return undefined;
    paths.push(makePath(nexthop.gateway, nexthop.ifindex, 1, false, encap));
  }
  if (paths.length > 0 && paths.every(isUsable)) return { kind: 'paths', paths };
  return { kind: 'unsupported', reason: 'no usable nexthop' };
}
