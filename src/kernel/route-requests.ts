/** What a check of the kernel's routes (route-check.ts) asks for: single routes first, then tables and parts of them. */
import type { NetlinkWriter } from '../netlink/codec';
import {
  AF_INET,
  AF_INET6,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  RTA_DST,
  RTA_OIF,
  RTA_TABLE,
  RTM_F_FIB_MATCH,
  RTM_GETROUTE,
  RTPROT_BOOT,
  RTPROT_DHCP,
  RTPROT_KERNEL,
  RTPROT_RA,
  RTPROT_STATIC,
  RT_TABLE_LOCAL,
} from '../netlink/constants';

/** A table of a family that has suspects. */
export interface SuspectScope {
  readonly table: number;
  readonly ip6: boolean;
}

/** A suspect that the kernel can be asked for: a prefix of 4 or 16 bytes, and an interface that it leads to. */
export interface SuspectRoute {
  readonly address: Uint8Array;
  readonly length: number;
  readonly ifindex?: number;
}

/** One dump: a table, and of that the routes of a protocol; 0: of all. */
export interface RouteDump {
  readonly scope: SuspectScope;
  readonly table: number;
  readonly protocol: number;
}

/** What most suspects are found by that no answer confirmed, and twice what says that they are gone. */
const STAGES: readonly Omit<RouteDump, 'scope'>[] = [
  { table: 0, protocol: RTPROT_BOOT },
  { table: 0, protocol: RTPROT_STATIC },
  { table: 0, protocol: RTPROT_KERNEL },
  { table: 0, protocol: RTPROT_DHCP },
  { table: 0, protocol: RTPROT_RA },
  { table: RT_TABLE_LOCAL, protocol: 0 },
  { table: 0, protocol: 0 },
  { table: 0, protocol: 0 },
];

/** The dumps of a check, in their order. */
export function dumpsFor(scopes: readonly SuspectScope[]): RouteDump[] {
  return STAGES.flatMap((stage) =>
    scopes.map((scope) => ({ scope, ...stage, table: stage.table === 0 ? scope.table : stage.table })),
  );
}

export function writeRouteDump(writer: NetlinkWriter, { scope, table, protocol }: RouteDump, seq: number): void {
  writer.begin(RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP, seq);
  writer
    .u8(scope.ip6 ? AF_INET6 : AF_INET)
    .u8(0)
    .u8(0)
    .u8(0);
  writer.u8(table < 256 ? table : 0).u8(protocol);
  writer.u16(0).u32(0).attributeU32(RTA_TABLE, table).end();
}

/** Beyond the network's own address, which may be the kernel's for other purposes (anycast, broadcast); no address of a full table's routes. */
const HOST_BITS = 0xa5a5;

/**
 * Asks which entry of its tables the kernel takes for an address of the prefix, as `ip route get fibmatch` does. The answer says where that
 * entry is and where it leads; so it can confirm a suspect, and says nothing against one: a longer prefix may stand before it.
 */
export function writeRouteQuestion(
  writer: NetlinkWriter,
  { address, length, ifindex }: SuspectRoute,
  seq: number,
  isLast: boolean,
): void {
  const bits = 8 * address.length;
  writer.begin(RTM_GETROUTE, NLM_F_REQUEST | (isLast ? NLM_F_ACK : 0), seq);
  writer
    .u8(bits === 32 ? AF_INET : AF_INET6)
    .u8(bits)
    .u16(0)
    .u32(0)
    .u32(RTM_F_FIB_MATCH)
    .attribute(RTA_DST, withHostBits(address, bits - length));
  if (ifindex !== undefined) writer.attributeU32(RTA_OIF, ifindex);
  writer.end();
}

function withHostBits(address: Uint8Array, free: number): Uint8Array {
  const bytes = Uint8Array.from(address);
  const mask = free >= 16 ? 0xffff : (1 << free) - 1;
  const end = bytes.length;
  bytes[end - 1]! |= HOST_BITS & mask & 0xff;
  bytes[end - 2]! |= (HOST_BITS & mask) >> 8;
  return bytes;
}
