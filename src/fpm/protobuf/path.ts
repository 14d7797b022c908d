/** fpm.Nexthop of the protobuf encoding, a path of a route: an interface, an address, or both. */
import { gatewayAt } from '../../netlink/gateways';

const MAX_INDEX = 0x7fffffff;

/** fpm.Nexthop as protobufjs gives it. */
export interface NexthopMessage {
  readonly ifId?: { readonly index: number; readonly name: string } | null;
  readonly address?: {
    readonly v4?: { readonly value: number } | null;
    readonly v6?: { readonly bytes: Uint8Array } | null;
  } | null;
}

/** Undefined when it can't be: an IPv6 address of a wrong length, an interface index out of range. */
export function readNexthop(message: NexthopMessage): { gateway: Uint8Array | undefined; ifindex: number } | undefined {
  const ifindex = message.ifId?.index ?? 0;
  const v6 = message.address?.v6?.bytes;
  if (ifindex > MAX_INDEX || (v6 && v6.length !== 16)) return undefined;
  const v4 = message.address?.v4?.value;
  const raw = v6 ?? (v4 === undefined ? undefined : Uint8Array.of(v4 >>> 24, v4 >>> 16, v4 >>> 8, v4));
  return { gateway: raw && gatewayAt(raw, 0, raw.length), ifindex };
}
