/**
 * FPM's protobuf encoding (frames of type 2, `zebra -M fpm:protobuf`) to the same updates as netlink's: routes with inline
 * nexthops are all that it has. The schema is proto/fpm.proto. Routes are named by VRF there, not by table; the VRF id of
 * another VRF than the default one says nothing about its table, so those routes are skipped.
 */
import { join } from 'node:path';
import * as protobuf from 'protobufjs';
import type { NexthopLeg, RouteAdd, RouteDelete, RouteTarget } from '../fib/updates';
import { addressLength, maskAddress, type Prefix } from '../net/address';
import { RT_TABLE_MAIN } from '../netlink/constants';
import { gatewayAt, isUsable, makeLeg } from './netlink-leg';
import type { DecoderSink } from './netlink-decoder';

const PROTO_ROOT = join(__dirname, '..', '..', '..', 'proto');

/** qpb.Protocol, by number, as the rtm_protocol that zebra would send in netlink. */
const PROTOCOLS: readonly number[] = [11, 2, 2, 2, 196, 189, 190, 188, 187, 186, 11];
const ADD_ROUTE = 1;
const DELETE_ROUTE = 2;
const UNICAST = 1;
const UNREACHABLE = 2;
const BLACKHOLE = 3;
/** SEG6_IPTUN_MODE_ENCAP of linux/seg6_iptunnel.h. */
const SEG6_MODE_ENCAP = 1;

interface Message {
  readonly type: number;
  readonly addRoute?: AddRoute | null;
  readonly deleteRoute?: RouteName | null;
}
interface RouteName {
  readonly vrfId: number;
  readonly addressFamily: number;
  readonly subAddressFamily: number;
  readonly key: { readonly prefix?: { readonly length: number; readonly bytes: Uint8Array } | null };
}
interface AddRoute extends RouteName {
  readonly routeType: number;
  readonly protocol: number;
  readonly metric: number;
  readonly nexthops: readonly {
    readonly ifId?: { readonly index: number; readonly name: string } | null;
    readonly address?: {
      readonly v4?: { readonly value: number } | null;
      readonly v6?: { readonly bytes: Uint8Array } | null;
    } | null;
  }[];
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
    sink.malformed(`protobuf: ${error instanceof Error ? error.message : String(error)}`, 0);
    return;
  }
  const decoded = decodeMessage(message);
  switch (decoded.kind) {
    case 'skip':
      return sink.skipped(decoded.reason);
    case 'malformed':
      return sink.malformed(`protobuf: ${decoded.reason}`, 0);
    default:
      return sink.update(decoded);
  }
}

type Decoded = RouteAdd | RouteDelete | { readonly kind: 'skip' | 'malformed'; readonly reason: string };

function decodeMessage(message: Message): Decoded {
  const route =
    message.type === ADD_ROUTE ? message.addRoute : message.type === DELETE_ROUTE ? message.deleteRoute : undefined;
  if (route === undefined) return { kind: 'skip', reason: `protobuf message type ${message.type}` };
  if (route === null) return { kind: 'malformed', reason: 'message without its route' };
  if (route.subAddressFamily !== UNICAST) return { kind: 'skip', reason: 'protobuf route that is not unicast' };
  if (route.vrfId !== 0) return { kind: 'skip', reason: 'protobuf route of another VRF' };
  const prefix = decodePrefix(route);
  if (typeof prefix === 'string') return { kind: 'malformed', reason: prefix };
  const table = RT_TABLE_MAIN;
  if (!isAdd(route)) return { kind: 'routeDelete', table, prefix };
  const target = decodeTarget(route);
  if (target === undefined) return { kind: 'malformed', reason: 'address of a wrong length' };
  const protocol = PROTOCOLS[route.protocol] ?? PROTOCOLS[0]!;
  return { kind: 'routeAdd', table, prefix, protocol, metric: route.metric >>> 0, target };
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

/** Undefined when an address in it has a wrong length. */
function decodeTarget(route: AddRoute): RouteTarget | undefined {
  if (route.routeType === UNREACHABLE) return { kind: 'drop', drop: 'unreachable' };
  if (route.routeType === BLACKHOLE) return { kind: 'drop', drop: 'blackhole' };
  const sid = route.srv6VpnSid?.bytes;
  if (sid && sid.length !== 16) return undefined;
  const legs: NexthopLeg[] = [];
  for (const { ifId, address } of route.nexthops) {
    const v6 = address?.v6?.bytes;
    if (v6 && v6.length !== 16) return undefined;
    const raw = v6 ?? (address?.v4 ? bigEndian(address.v4.value) : undefined);
    const gateway = raw && gatewayAt(raw, 0, raw.length);
    const encap = sid && ({ kind: 'seg6', mode: SEG6_MODE_ENCAP, segments: [Uint8Array.from(sid)] } as const);
    legs.push(makeLeg(gateway, ifId?.index ?? 0, 1, false, encap));
  }
  if (legs.length > 0 && legs.every(isUsable)) return { kind: 'legs', legs };
  return { kind: 'unsupported', reason: 'no usable nexthop' };
}

function bigEndian(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}
