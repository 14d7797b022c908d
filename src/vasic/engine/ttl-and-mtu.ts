/**
 * The router's duties where a packet leaves (RFC 1812 5.3.1, RFC 8200 3): addresses that are not forwarded (martians.ts), TTL or
 * hop limit down by one, expired packets and ones too large for the port to the tokens that the route tree names. Which packets, and which bytes: all of it is here.
 *
 * They are done at the output port, as only there it is certain that the packet leaves, and only for packets that a
 * route tree with `rt.ttlExpired` forwarded. The MTU binds every packet; without `rt.mtuExceeded` larger ones are dropped.
 *
 * A label's TTL counts the hop instead, where a packet came with labels (RFC 3443): the nodes that swap and take labels say
 * with which TTL it goes on, and nothing is taken off here.
 */
import { PuntReason } from '../../aft/conventions';
import { read16, updateChecksum, write16 } from '../../net/checksum';
import { findMartian } from './martians';
import type { Martian } from './martians';
import type { PortState } from './ports';
import { wirePacketSize } from './segment';
import { END } from './walk';
import type { RoutePolicy, Walk } from './walk';

/** The packet may be sent; its TTL is what it has to be on the wire. */
export const LEAVES = -2;

/**
 * LEAVES, or where the packet goes instead: a slot, or DONE where it was dropped. An expired packet goes to the host even
 * where the port is down; a packet that doesn't leave keeps its TTL.
 */
export function passTtlAndMtu(walk: Walk, port: PortState): number {
  const policy = walk.policy;
  const routed = policy !== undefined && isRouted(walk);
  if (routed) {
    const martian = findMartian(walk, port);
    if (martian !== undefined) return refuse(walk, policy, martian);
    if (!walk.hopCounted && walk.buffer[hopLimitAt(walk)]! <= 1)
      return walk.redirect(policy.ttlExpired, PuntReason.TtlExpired);
  }
  if (!port.io.up) return walk.drop('portDown', port.output);
  const size = sizeOnWire(walk);
  if (size < 0) return walk.drop('badOffload', port.output);
  if (size > port.io.mtu || size > walk.mtu) {
    if (policy === undefined || policy.mtuExceeded === END) return walk.drop('mtu', port.output);
    return walk.redirect(policy.mtuExceeded, PuntReason.Mtu);
  }
  if (routed && !walk.hopCounted) decrementHops(walk);
  return LEAVES;
}

/** Whether the packet was routed, not merely switched: a tree with `rt.ttlExpired` led it here. */
export function isRouted(walk: Walk): boolean {
  return walk.policy !== undefined && walk.policy.ttlExpired !== END;
}

/** Linux says nothing of what it doesn't forward, except where the source can be answered on its link. */
function refuse(walk: Walk, policy: RoutePolicy, martian: Martian): number {
  if (martian !== 'linkLocalSource' || policy.linkLocalSource === END) return walk.drop(martian);
  return walk.redirect(policy.linkLocalSource, PuntReason.LinkLocal);
}

function hopLimitAt(walk: Walk): number {
  return hopsAt(walk.buffer, walk.routedIp);
}

/** Offset of the TTL or hop limit of the IP packet at `ip`. */
function hopsAt(buffer: Uint8Array, ip: number): number {
  return ip + (buffer[ip]! >> 4 === 4 ? 8 : 7);
}

/** TTL or hop limit of the IP packet at `ip`. */
export function hopsOf(buffer: Uint8Array, ip: number): number {
  return buffer[hopsAt(buffer, ip)]!;
}

/** TTL or hop limit that the IP packet at `ip` will have on the wire, as it is now. */
export function hopsOnWire(walk: Walk, ip: number): number {
  const hops = hopsOf(walk.buffer, ip);
  const counts = isRouted(walk) && !walk.hopCounted && walk.routedIp === ip;
  return counts ? Math.max(0, hops - 1) : hops;
}

function decrementHops({ buffer, routedIp }: Walk): void {
  writeHops(buffer, routedIp, hopsOf(buffer, routedIp) - 1);
}

/** Gives the IP packet at `ip` another TTL, and fixes the IPv4 header checksum, or another hop limit. */
export function setHops(walk: Walk, ip: number, hops: number): void {
  walk.keep(ip + 7, 5);
  writeHops(walk.buffer, ip, hops);
}

function writeHops(buffer: Buffer, ip: number, hops: number): void {
  const at = hopsAt(buffer, ip);
  if (buffer[ip]! >> 4 !== 4) {
    buffer[at] = hops;
    return;
  }
  const before = read16(buffer, at);
  buffer[at] = hops;
  write16(buffer, ip + 10, updateChecksum(read16(buffer, ip + 10), before, read16(buffer, at)));
}

/** Size of the largest L3 packet that will be on the wire; -1: the offload metadata make no sense. */
function sizeOnWire(walk: Walk): number {
  const start = walk.emit === walk.l2 ? walk.l3 : walk.emit;
  const size = wirePacketSize(walk);
  return size < 0 ? -1 : size + walk.receivedL3 - start;
}
