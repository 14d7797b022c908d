/**
 * AftOutputPort: sends the packet, or hands it to the host where the port is the extra last one, `punt`. Whether a packet
 * may leave, and with which TTL, is said in ttl-and-mtu.ts.
 */
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from '../../../net/ethertypes';
import { PuntReason } from '../../../aft/model';
import { GSO, noOffload, OFFLOAD_NEEDS_CSUM } from '../../../net/offload';
import type { DropReason } from '../drops';
import type { PortState } from '../ports';
import { completeFrames } from '../segment';
import { describeMartian, findMartian } from '../martians';
import { isRouted, LEAVES, passTtlAndMtu } from '../ttl-and-mtu';
import { DONE } from '../walk';
import type { Walk } from '../walk';
import type { NodeKind } from '../node-kind';

/** Metadata of the frame being sent; ports take what they need before send() returns. */
const sending = noOffload();
const complete = noOffload();

/** Sends [emit, end); the metadata are moved along with the start of the frame. False: they don't fit it. */
function transmit(walk: Walk, port: PortState): DropReason | undefined {
  const { buffer, emit, end, offload } = walk;
  const shift = walk.frame - emit;
  // Not every kernel passes a tagged segment on: it is cut here.
  const plainIp =
    emit === walk.l2 && walk.vlan1 < 0 && (walk.proto === ETHERTYPE_IPV4 || walk.proto === ETHERTYPE_IPV6);
  if (offload.gsoType !== GSO.none && !plainIp) {
    let reason: DropReason | undefined;
    const sound = completeFrames(walk, emit, (out, start, stop) => {
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
  const to = passTtlAndMtu(walk, port);
  if (to !== LEAVES) return to;
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
  image(node, context) {
    const isPort = context.ports.list[node.index] !== undefined;
    return isPort ? { kind: 'output', port: node.index } : { kind: 'slow', reason: 'host' };
  },
  describe(node, walk, { graph }) {
    const port = graph.ports.list[node.index];
    if (port === undefined) return () => 'to the host';
    const { name, up, mtu } = port.io;
    const martian = isRouted(walk) ? findMartian(walk, port) : undefined;
    return (next) => {
      if (martian !== undefined) return `not forwarded: ${describeMartian(martian)}`;
      if (next === DONE) return up ? name : `${name}: its link is down`;
      return walk.reason === PuntReason.Mtu ? `larger than its MTU ${mtu}` : 'its TTL or hop limit would expire';
    };
  },
};
