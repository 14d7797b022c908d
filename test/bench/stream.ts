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
  /** Ports whose subnets (10.(port).0.0/16) the stream says are connected. */
  readonly connected?: readonly number[];
}

/** Nexthop number of a route: an index into the gateways. */
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
  for (let hop = 0; hop < options.nexthops; hop++) {
    const { port, address } = gatewayOf(hop, options.ports);
    writer.begin(nl.RTM_NEWNEXTHOP, NEW_REPLACE);
    writer.u8(nl.AF_INET).u8(0).u8(11).u8(0).u32(0);
    writer.attributeU32(nl.NHA_ID, FIRST_ID + hop);
    writer.attribute(nl.NHA_GATEWAY, address).attributeU32(nl.NHA_OIF, options.ifindexOf(port));
    writer.end();
    flush();
  }
  const route = (address: number, length: number, protocol: number, attribute: number, value: number): void => {
    writer.begin(nl.RTM_NEWROUTE, NEW_REPLACE);
    writer.u8(nl.AF_INET).u8(length).u8(0).u8(0).u8(nl.RT_TABLE_MAIN).u8(protocol).u8(0).u8(nl.RTN_UNICAST).u32(0);
    writer.attribute(nl.RTA_DST, addressBytes(address)).attributeU32(nl.RTA_PRIORITY, 20);
    writer.attributeU32(attribute, value);
    writer.end();
    flush();
  };
  for (const port of options.connected ?? []) {
    route(0x0a000000 + port * 0x10000, 16, RTPROT_KERNEL, nl.RTA_OIF, options.ifindexOf(port));
  }
  const { count, addresses, lengths } = options.prefixes;
  for (let i = 0; i < count; i++) {
    route(addresses[i]!, lengths[i]!, RTPROT_BGP, nl.RTA_NH_ID, FIRST_ID + hopOf(i, options.nexthops));
  }
  const whole = Buffer.concat(parts);
  const chunks: Buffer[] = [];
  for (let at = 0; at < whole.length; at += 65536) chunks.push(whole.subarray(at, at + 65536));
  return chunks;
}
