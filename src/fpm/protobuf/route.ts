/**
 * fpm.AddRoute and fpm.DeleteRoute of the protobuf encoding to updates.
 *
 * Routes are named by VRF there, not by table: VRF 0 is the main table, others are kept under table numbers of their own
 * (fib/updates.ts, VRF_TABLES).
 */
import {
  MALFORMED,
  VRF_TABLES,
  type NexthopPath,
  type RouteAdd,
  type RouteDelete,
  type RouteTarget,
} from '../../fib/updates';
import { addressLength, maskAddress, type Prefix } from '../../net/address';
import { RT_TABLE_MAIN } from '../../netlink/constants';
import { isUsable, makePath } from '../netlink/path';
import { readNexthop, type NexthopMessage } from './path';
import { readRouteName, type RouteName } from './route-name';

/** qpb.Protocol, by number, as the rtm_protocol that zebra would send in netlink. */
const PROTOCOLS: readonly number[] = [11, 2, 2, 2, 196, 189, 190, 188, 187, 186, 11];
const UNICAST = 1;
/** fpm.RouteType; UNKNOWN, or none, is what a zebra before there were types means by NORMAL. */
const NORMAL = 1;
const UNREACHABLE = 2;
const BLACKHOLE = 3;
/** SEG6_IPTUN_MODE_ENCAP of linux/seg6_iptunnel.h. */
const SEG6_MODE_ENCAP = 1;

/** fpm.AddRoute as protobufjs gives it. */
export interface AddRoute extends RouteName {
  readonly routeType: number;
  readonly protocol: number;
  readonly metric: number;
  readonly nexthops: readonly NexthopMessage[];
  readonly srv6VpnSid?: { readonly bytes: Uint8Array } | null;
}

/** Why a message comes to no update: none of our business, or a message that can't be. */
export type Undecoded =
  | { readonly kind: 'skip'; readonly reason: string }
  /** `stopgap`: what is to be of the route that it is about. */
  | { readonly kind: 'malformed'; readonly reason: string; readonly stopgap?: RouteAdd | RouteDelete };

/** What is said of a message that can't be. */
export function malformed(reason: string): Undecoded {
  return { kind: 'malformed', reason };
}

/** What a message is about that protobufjs refuses: its route, with a target that isn't known. */
export function stopgapOf(bytes: Uint8Array): RouteAdd | RouteDelete | undefined {
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

/** The update of an fpm.AddRoute or fpm.DeleteRoute, or why there is none. */
export function decodeRoute(route: AddRoute | RouteName): RouteAdd | RouteDelete | Undecoded {
  if (route.subAddressFamily !== UNICAST) return { kind: 'skip', reason: 'protobuf route that is not unicast' };
  if (route.vrfId >= VRF_TABLES) return malformed(`VRF ${route.vrfId}`);
  const prefix = decodePrefix(route);
  if (typeof prefix === 'string') return malformed(prefix);
  const table = tableOf(route.vrfId);
  if (!isAdd(route)) return { kind: 'routeDelete', table, prefix };
  const known = {
    kind: 'routeAdd',
    ...{ table, prefix, protocol: protocolOf(route.protocol), metric: route.metric >>> 0 },
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
