/**
 * AftOutputPort: sends the packet, or hands it to the host where the port is the extra last one, `punt`.
 *
 * For packets that a route tree with `rt.ttlExpired` forwarded, this is where a router's duties are done (RFC 1812
 * 5.3.1, RFC 8200 3), as only here it is certain that the packet leaves: TTL or hop limit down by one, expired
 * packets and ones too large for the port to the tokens that the tree names.
 */
import { PuntReason } from '../../../aft/model';
import { GSO, noOffload, OFFLOAD_NEEDS_CSUM } from '../api';
import { read16, updateChecksum, write16 } from '../checksum';
import type { DropReason } from '../drops';
import { ETHERTYPE } from '../headers';
import type { PortState } from '../ports';
import { completeFrames, wirePacketSize } from '../segment';
import { DONE, END } from '../walk';
import type { Walk } from '../walk';
import type { NodeKind } from './node';

/** Metadata of the frame being sent; ports take what they need before send() returns. */
const sending = noOffload();
const complete = noOffload();

function hopLimitAt(walk: Walk): number {
  return walk.routedIp + (walk.buffer[walk.routedIp]! >> 4 === 4 ? 8 : 7);
}

/** Takes one off the TTL and fixes the IPv4 header checksum, or takes one off the hop limit. */
function decrementHops(walk: Walk): void {
  const { buffer, routedIp } = walk;
  const at = hopLimitAt(walk);
  if (buffer[routedIp]! >> 4 !== 4) {
    buffer[at]!--;
    return;
  }
  const before = read16(buffer, at);
  buffer[at]!--;
  write16(buffer, routedIp + 10, updateChecksum(read16(buffer, routedIp + 10), before, read16(buffer, at)));
}

/** Size of the largest L3 packet that will be on the wire; -1: the offload metadata make no sense. */
function sizeOnWire(walk: Walk): number {
  const start = walk.emit === walk.l2 ? walk.l3 : walk.emit;
  const size = wirePacketSize(walk.buffer, walk.frame, walk.receivedL3, walk.end, walk.offload);
  return size < 0 ? -1 : size + walk.receivedL3 - start;
}

/** Sends [emit, end); the metadata are moved along with the start of the frame. False: they don't fit it. */
function transmit(walk: Walk, port: PortState): DropReason | undefined {
  const { buffer, emit, end, offload } = walk;
  const shift = walk.frame - emit;
  const plainIp = emit === walk.l2 && (walk.proto === ETHERTYPE.ip4 || walk.proto === ETHERTYPE.ip6);
  if (offload.gsoType !== GSO.none && !plainIp) {
    let reason: DropReason | undefined;
    const sound = completeFrames(buffer, emit, walk.frame, walk.receivedL3, end, offload, (out, start, stop) => {
      if (!walk.send(port, out, start, stop - start, complete)) reason = 'sendFailed';
    });
    return sound ? reason : 'badOffload';
  }
  sending.flags = offload.flags;
  sending.gsoType = offload.gsoType;
  sending.gsoSize = offload.gsoSize;
  sending.csumOffset = offload.csumOffset;
  sending.csumStart = 0;
  if ((offload.flags & OFFLOAD_NEEDS_CSUM) !== 0) {
    sending.csumStart = offload.csumStart + shift;
    if (sending.csumStart < 0 || sending.csumStart + sending.csumOffset + 2 > end - emit) return 'badOffload';
  }
  sending.hdrLen = offload.hdrLen === 0 ? 0 : Math.min(end - emit, Math.max(0, offload.hdrLen + shift));
  return walk.send(port, buffer, emit, end - emit, sending) ? undefined : 'sendFailed';
}

function forward(walk: Walk, port: PortState): number {
  const policy = walk.policy;
  const routes = policy !== undefined && policy.ttlExpired !== END;
  if (routes) {
    if (walk.buffer[hopLimitAt(walk)]! <= 1) return walk.redirect(policy.ttlExpired, PuntReason.TtlExpired);
  }
  if (!port.io.up) return walk.drop('portDown', port.output);
  const size = sizeOnWire(walk);
  if (size < 0) return walk.drop('badOffload', port.output);
  if (size > port.io.mtu) {
    if (policy === undefined || policy.mtuExceeded === END) return walk.drop('mtu', port.output);
    return walk.redirect(policy.mtuExceeded, PuntReason.Mtu);
  }
  if (routes) decrementHops(walk);
  const problem = transmit(walk, port);
  return problem === undefined ? DONE : walk.drop(problem, port.output);
}

export const outputPort: NodeKind<'outputPort'> = {
  noneAllowed: false,
  targets: () => [],
  check(node, context) {
    const { index } = node;
    const known = index === context.ports.list.length || context.ports.list[index] !== undefined;
    return known ? undefined : `there is no output port ${index}`;
  },
  link(node, context) {
    const port = context.ports.list[node.index];
    if (port === undefined) return { counters: context.ports.punt, execute: (walk) => walk.punt(walk.reason) };
    return { counters: port.output, execute: (walk) => forward(walk, port) };
  },
};
