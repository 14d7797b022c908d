/**
 * zebra's replay as bytes, without a zebra: nexthop objects, then one frame per IPv4 route, laid out as FRR 10.7's
 * `dplane_fpm_nl` sends them (56 bytes a route). For measuring single stages, where a live zebra would only add noise.
 */
import { FPM_HEADER, FPM_TYPE_NETLINK, FPM_VERSION } from '../../src/fpm/framing';
import { NetlinkWriter } from '../../src/netlink/codec';
import * as nl from '../../src/netlink/constants';
import { addressBytes, type Prefixes } from './prefixes';

const RTPROT_KERNEL = 2;
const RTPROT_BGP = 186;
const NEW_REPLACE = 0x501;
const FIRST_ID = 100;
const FIRST_GROUP_ID = 10_000;
const DELETE = 0x1;
/** Groups in which member follows member by the same step, before the step grows. */
const GROUPS_PER_STEP = 64;

/** The gateway of nexthop number `hop` and the port it is on: 10.(port).x.y, subnets of /16. */
export function gatewayOf(hop: number, ports: number): { readonly port: number; readonly address: Uint8Array } {
  const port = hop % ports;
  const host = Math.floor(hop / ports) + 2;
  return { port, address: Uint8Array.of(10, port, host >> 8, host) };
}

/** The same for IPv6: 2001:db8:0:(port)::x, subnets of /64. */
export function gateway6Of(hop: number, ports: number): { readonly port: number; readonly address: Uint8Array } {
  const { port, address } = gatewayOf(hop, ports);
  return {
    port,
    address: Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, port, 0, 0, 0, 0, 0, 0, address[2]!, address[3]!),
  };
}

export interface StreamOptions {
  readonly prefixes: Prefixes;
  /** Different nexthop objects, over which the routes are spread in runs. */
  readonly nexthops: number;
  readonly ports: number;
  readonly ifindexOf: (port: number) => number;
  /** Groups over the nexthops, of so many legs each, that the routes are spread over instead. */
  readonly groups?: { readonly count: number; readonly legs: number };
  /** Takes the routes, then the nexthop objects, away again. */
  readonly withdraw?: boolean;
  /** Ports whose subnets (10.(port).0.0/16) the stream says are connected. */
  readonly connected?: readonly number[];
}

/** The nexthops, by number, of a group. */
export function membersOf(group: number, legs: number, nexthops: number): readonly number[] {
  const step = 1 + Math.floor(group / GROUPS_PER_STEP);
  return Array.from({ length: legs }, (_, leg) => (group + leg * step) % nexthops);
}

/** Nexthop number of a route: an index into the gateways (or into the groups). */
export function hopOf(route: number, nexthops: number): number {
  return (Math.imul(route, 0x9e3779b1) >>> 0) % nexthops;
}

/** The whole stream, cut as TCP would: chunks of up to 64 KiB, at any byte. */
export function makeStream(options: StreamOptions): Buffer[] {
  const writer = new NetlinkWriter(1 << 20);
  const parts: Buffer[] = [];
  const flush = (): void => {
    const message = writer.view();
    const frame = Buffer.allocUnsafe(FPM_HEADER + message.length);
    frame[0] = FPM_VERSION;
    frame[1] = FPM_TYPE_NETLINK;
    frame.writeUInt16BE(frame.length, 2);
    message.copy(frame, FPM_HEADER);
    parts.push(frame);
    writer.reset();
  };
  if (options.withdraw === true) {
    writeRoutes(writer, options, flush);
    for (let group = 0; group < (options.groups?.count ?? 0); group++)
      deleteNexthop(writer, FIRST_GROUP_ID + group, flush);
    for (let hop = 0; hop < options.nexthops; hop++) deleteNexthop(writer, FIRST_ID + hop, flush);
  } else {
    writeNexthops(writer, options, flush);
    writeRoutes(writer, options, flush);
  }
  const whole = Buffer.concat(parts);
  const chunks: Buffer[] = [];
  for (let at = 0; at < whole.length; at += 65536) chunks.push(whole.subarray(at, at + 65536));
  return chunks;
}

function beginNexthop(writer: NetlinkWriter, family: number, id: number): void {
  writer.begin(nl.RTM_NEWNEXTHOP, NEW_REPLACE);
  writer.u8(family).u8(0).u8(11).u8(0).u32(0);
  writer.attributeU32(nl.NHA_ID, id);
}

function writeNexthops(writer: NetlinkWriter, options: StreamOptions, flush: () => void): void {
  for (let hop = 0; hop < options.nexthops; hop++) {
    const { port, address } = gatewayOf(hop, options.ports);
    beginNexthop(writer, nl.AF_INET, FIRST_ID + hop);
    writer.attribute(nl.NHA_GATEWAY, address).attributeU32(nl.NHA_OIF, options.ifindexOf(port));
    writer.end();
    flush();
  }
  const { count, legs } = options.groups ?? { count: 0, legs: 0 };
  for (let group = 0; group < count; group++) {
    const members = Buffer.alloc(8 * legs);
    membersOf(group, legs, options.nexthops).forEach((hop, leg) => members.writeUInt32LE(FIRST_ID + hop, 8 * leg));
    beginNexthop(writer, nl.AF_UNSPEC, FIRST_GROUP_ID + group);
    writer.attribute(nl.NHA_GROUP, members).end();
    flush();
  }
}

function deleteNexthop(writer: NetlinkWriter, id: number, flush: () => void): void {
  writer.begin(nl.RTM_DELNEXTHOP, DELETE);
  writer.u8(nl.AF_UNSPEC).u8(0).u8(0).u8(0).u32(0);
  writer.attributeU32(nl.NHA_ID, id).end();
  flush();
}

function writeRoutes(writer: NetlinkWriter, options: StreamOptions, flush: () => void): void {
  const { nexthops, groups, prefixes } = options;
  const withdraw = options.withdraw === true;
  const route = (address: number, length: number, protocol: number, attribute: number, value: number): void => {
    writer.begin(withdraw ? nl.RTM_DELROUTE : nl.RTM_NEWROUTE, withdraw ? DELETE : NEW_REPLACE);
    writer.u8(nl.AF_INET).u8(length).u8(0).u8(0).u8(nl.RT_TABLE_MAIN).u8(protocol).u8(0).u8(nl.RTN_UNICAST).u32(0);
    writer.attribute(nl.RTA_DST, addressBytes(address)).attributeU32(nl.RTA_PRIORITY, 20);
    if (!withdraw) writer.attributeU32(attribute, value);
    writer.end();
    flush();
  };
  for (const port of options.connected ?? []) {
    route(0x0a000000 + port * 0x10000, 16, RTPROT_KERNEL, nl.RTA_OIF, options.ifindexOf(port));
  }
  const { count, addresses, lengths } = prefixes;
  for (let i = 0; i < count; i++) {
    const id = groups === undefined ? FIRST_ID + hopOf(i, nexthops) : FIRST_GROUP_ID + hopOf(i, groups.count);
    route(addresses[i]!, lengths[i]!, RTPROT_BGP, nl.RTA_NH_ID, id);
  }
}
