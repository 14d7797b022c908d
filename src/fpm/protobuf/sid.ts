/** fpm.SRv6LocalSID of the protobuf encoding to updates: a segment of this router and what it does with a packet. */
import type { SidAdd, SidDelete } from '../../fib/updates';
import { readNexthop, type NexthopMessage } from './path';

/** fpm.SRv6LocalSID as protobufjs gives it: the behavior set is an object, the others are absent. */
export interface SidMessage {
  readonly sid: { readonly bytes: Uint8Array };
  readonly sidFormat?: {
    readonly locatorBlockLength: number;
    readonly locatorNodeLength: number;
    readonly functionLength: number;
    readonly argumentLength: number;
  } | null;
  /** The name of the field that is set. */
  readonly endBehavior?: string;
}

/** Fields of the oneof, and how the RFCs write them. */
const BEHAVIORS: Readonly<Record<string, string>> = {
  end: 'End',
  endX: 'End.X',
  endT: 'End.T',
  endDx6: 'End.DX6',
  endDx4: 'End.DX4',
  endDt6: 'End.DT6',
  endDt4: 'End.DT4',
  endDt46: 'End.DT46',
  un: 'uN',
  ua: 'uA',
  udt6: 'uDT6',
  udt4: 'uDT4',
  udt46: 'uDT46',
};

interface Behavior {
  readonly nexthop?: NexthopMessage | null;
  readonly vrfId?: number;
}

/** The update, or what is wrong with the message. */
export function decodeSid(isAdd: boolean, message: SidMessage): SidAdd | SidDelete | string {
  if (message.sid.bytes.length !== 16) return `SID of ${message.sid.bytes.length} bytes`;
  const sid = Uint8Array.from(message.sid.bytes);
  if (!isAdd) return { kind: 'sidDelete', sid };
  const format = message.sidFormat && {
    block: message.sidFormat.locatorBlockLength,
    node: message.sidFormat.locatorNodeLength,
    function: message.sidFormat.functionLength,
    argument: message.sidFormat.argumentLength,
  };
  if (format && format.block + format.node + format.function + format.argument > 128) {
    return 'SID format of more than 128 bits';
  }
  const field = message.endBehavior;
  const detail = field === undefined ? undefined : (message as unknown as Readonly<Record<string, Behavior>>)[field];
  const nexthop = detail?.nexthop ? readNexthop(detail.nexthop) : undefined;
  if (detail?.nexthop && nexthop === undefined) return 'SID with a nexthop that cannot be';
  return {
    kind: 'sidAdd',
    sid,
    ...(format && { format }),
    behavior: (field === undefined ? undefined : BEHAVIORS[field]) ?? 'unknown',
    ...(nexthop && {
      nexthop: { ...(nexthop.gateway && { gateway: nexthop.gateway }), ifindex: nexthop.ifindex },
    }),
    ...(detail?.vrfId === undefined ? {} : { vrf: detail.vrfId }),
  };
}
