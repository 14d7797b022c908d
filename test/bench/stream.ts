/**
 * zebra's replay as bytes, without a zebra: nexthop objects, then routes of one family. For measuring single stages, where a live zebra
 * would only add noise.
 */
import { ZebraFrames } from '../../lab/zebra-frames';
import { prefixBytes, type Prefixes } from './prefixes';

const FIRST_ID = 100;
const FIRST_GROUP_ID = 10_000;
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

/** The subnet that a port's gateways are in. */
function subnetOf(port: number, family: 4 | 6): readonly [Uint8Array, length: number] {
  if (family === 4) return [Uint8Array.of(10, port, 0, 0), 16];
  return [Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, port, 0, 0, 0, 0, 0, 0, 0, 0), 64];
}

export interface StreamOptions {
  readonly prefixes: Prefixes;
  /** Different nexthop objects, over which the routes are spread in runs. */
  readonly nexthops: number;
  readonly ports: number;
  readonly ifindexOf: (port: number) => number;
  /** Groups over the nexthops, of so many paths each, that the routes are spread over instead. */
  readonly groups?: { readonly count: number; readonly paths: number };
  /** Takes the routes, then the nexthop objects, away again. */
  readonly withdraw?: boolean;
  /** Ports whose subnets (those of the gateways) the stream says are connected. */
  readonly connected?: readonly number[];
}

/** The nexthops, by number, of a group. */
export function membersOf(group: number, paths: number, nexthops: number): readonly number[] {
  const step = 1 + Math.floor(group / GROUPS_PER_STEP);
  return Array.from({ length: paths }, (_, path) => (group + path * step) % nexthops);
}

/** Nexthop number of a route: an index into the gateways (or into the groups). */
export function hopOf(route: number, nexthops: number): number {
  return (Math.imul(route, 0x9e3779b1) >>> 0) % nexthops;
}

/** The whole stream, cut as TCP would: chunks of up to 64 KiB, at any byte. */
export function makeStream(options: StreamOptions): Buffer[] {
  const frames = new ZebraFrames();
  if (options.withdraw === true) {
    writeRoutes(frames, options);
    for (let group = 0; group < (options.groups?.count ?? 0); group++) frames.nexthopGone(FIRST_GROUP_ID + group);
    for (let hop = 0; hop < options.nexthops; hop++) frames.nexthopGone(FIRST_ID + hop);
  } else {
    writeNexthops(frames, options);
    writeRoutes(frames, options);
  }
  const whole = frames.take();
  const chunks: Buffer[] = [];
  for (let at = 0; at < whole.length; at += 65536) chunks.push(whole.subarray(at, at + 65536));
  return chunks;
}

function writeNexthops(frames: ZebraFrames, { prefixes, nexthops, groups, ports, ifindexOf }: StreamOptions): void {
  const gateway = prefixes.family === 4 ? gatewayOf : gateway6Of;
  for (let hop = 0; hop < nexthops; hop++) {
    const { port, address } = gateway(hop, ports);
    frames.nexthop(FIRST_ID + hop, address, ifindexOf(port));
  }
  for (let group = 0; group < (groups?.count ?? 0); group++) {
    const members = membersOf(group, groups!.paths, nexthops);
    frames.group(
      FIRST_GROUP_ID + group,
      members.map((hop) => FIRST_ID + hop),
    );
  }
}

function writeRoutes(frames: ZebraFrames, { nexthops, groups, prefixes, connected, ...options }: StreamOptions): void {
  const gone = options.withdraw === true;
  for (const port of connected ?? []) {
    const [subnet, length] = subnetOf(port, prefixes.family);
    if (gone) frames.connectedGone(subnet, length);
    else frames.connected(subnet, length, options.ifindexOf(port));
  }
  const { count, lengths } = prefixes;
  for (let i = 0; i < count; i++) {
    const address = prefixBytes(prefixes, i);
    const id = groups === undefined ? FIRST_ID + hopOf(i, nexthops) : FIRST_GROUP_ID + hopOf(i, groups.count);
    if (gone) frames.routeGone(address, lengths[i]!);
    else frames.route(address, lengths[i]!, id);
  }
}
