/**
 * zebra's replay as bytes, without a zebra: nexthop objects, then IPv4 routes. For measuring single stages, where a live zebra
 * would only add noise.
 */
import { ZebraFrames } from '../../demo/lab/zebra-frames';
import { addressBytes, type Prefixes } from './prefixes';

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
  const frames = new ZebraFrames();
  for (let hop = 0; hop < options.nexthops; hop++) {
    const { port, address } = gatewayOf(hop, options.ports);
    frames.nexthop(FIRST_ID + hop, address, options.ifindexOf(port));
  }
  for (const port of options.connected ?? []) {
    frames.connected(Uint8Array.of(10, port, 0, 0), 16, options.ifindexOf(port));
  }
  const { count, addresses, lengths } = options.prefixes;
  for (let i = 0; i < count; i++) {
    frames.route(addressBytes(addresses[i]!), lengths[i]!, FIRST_ID + hopOf(i, options.nexthops));
  }
  const whole = frames.take();
  const chunks: Buffer[] = [];
  for (let at = 0; at < whole.length; at += 65536) chunks.push(whole.subarray(at, at + 65536));
  return chunks;
}
