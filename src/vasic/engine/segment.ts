/**
 * Finishes what a sender left to its receiver: fills in a partial checksum, and cuts a large TCP or UDP segment into
 * frames of wire size (what Linux calls GSO). The metadata are those of struct virtio_net_hdr.
 *
 * Used where a frame goes somewhere that takes complete frames only: to the host, or out of a port behind a label stack.
 */
import { OFFLOAD_NEEDS_CSUM, GSO } from '../../net/offload';
import type { Offload } from '../../net/offload';
import { pseudoHeaderSum, read16, read32, sumBytes, write16, write32 } from '../../net/checksum';
import { PROTO } from './headers';

/** Takes one complete frame, [start, end) of the buffer; valid during the call. */
export type FrameTaker = (buffer: Buffer, start: number, end: number) => void;

const FIN = 0x01;
const PSH = 0x08;
const CWR = 0x80;

/** The wire's largest frame plus encapsulation; grows for jumbo segments. */
let scratch = Buffer.alloc(2048);

/** Offset of the checksum field in the transport header: TCP or UDP. */
function csumField(proto: number): number {
  return proto === PROTO.tcp ? 16 : 6;
}

/** Bytes of transport header, or -1 when it doesn't fit the packet. `l4` and `end` are offsets into the buffer. */
function transportHeader(buffer: Buffer, l4: number, end: number, proto: number): number {
  if (proto === PROTO.udp) return l4 + 8 <= end ? 8 : -1;
  if (l4 + 20 > end) return -1;
  const size = (buffer[l4 + 12]! >> 4) * 4;
  return size >= 20 && l4 + size <= end ? size : -1;
}

/** A frame that its sender left unfinished, wherever it has got to. All numbers are offsets into the buffer. */
export interface UnfinishedFrame {
  readonly buffer: Buffer;
  /** Where it started when it was received: what the offload metadata count from. */
  readonly frame: number;
  /** Its network header, and its IP header: behind the label stack, where there is one; -1: there is none. */
  readonly receivedL3: number;
  readonly receivedIp: number;
  /** Its end, which may be behind padding. */
  readonly end: number;
  readonly offload: Offload;
}

/** A large segment: what is repeated in each frame made of it, and what is not. */
interface Segment {
  readonly version: 4 | 6;
  readonly proto: number;
  readonly l4: number;
  readonly headerEnd: number;
}

/** What kind of segment the offload describes, checked against the frame. Undefined: no sense in it. */
function describeSegment({ buffer, frame, receivedIp: ip, end, offload }: UnfinishedFrame): Segment | undefined {
  const kind = offload.gsoType & ~GSO.ecn;
  const proto = kind === GSO.udpL4 ? PROTO.udp : PROTO.tcp;
  if (kind !== GSO.tcpv4 && kind !== GSO.tcpv6 && kind !== GSO.udpL4) return undefined;
  if (offload.gsoSize === 0 || ip < 0 || ip + 20 > end) return undefined;
  const version = buffer[ip]! >> 4;
  if (version !== 4 && version !== 6) return undefined;
  const l4 = frame + offload.csumStart;
  if (l4 < ip + (version === 4 ? 20 : 40)) return undefined;
  const size = transportHeader(buffer, l4, end, proto);
  return size < 0 ? undefined : { version, proto, l4, headerEnd: l4 + size };
}

/**
 * Size of the largest IP packet that a frame becomes once it is segmented; the packet's own where it isn't to be.
 * -1: the metadata don't fit.
 */
export function wirePacketSize(unfinished: UnfinishedFrame): number {
  const { receivedL3, end, offload } = unfinished;
  if (offload.gsoType === GSO.none) return end - receivedL3;
  const segment = describeSegment(unfinished);
  if (segment === undefined) return -1;
  return Math.min(end, segment.headerEnd + offload.gsoSize) - receivedL3;
}

/**
 * Calls `take` for each complete frame that the packet amounts to, sent from `start`: the frame's own start, unless headers
 * were put in front or taken off. The checksum of an unsegmented frame is filled in place.
 * False, and nothing taken, when the metadata don't fit the frame.
 */
export function completeFrames(unfinished: UnfinishedFrame, start: number, take: FrameTaker): boolean {
  const { buffer, frame, receivedIp, end, offload } = unfinished;
  if (offload.gsoType !== GSO.none) return segment(unfinished, start, take);
  if ((offload.flags & OFFLOAD_NEEDS_CSUM) !== 0) {
    const from = frame + offload.csumStart;
    const field = from + offload.csumOffset;
    if (from < start || field + 2 > end) return false;
    const sum = ~sumBytes(buffer, from, packetEnd(buffer, receivedIp, end)) & 0xffff;
    // For UDP zero means "none"; for TCP both zeros are equal.
    write16(buffer, field, sum === 0 ? 0xffff : sum);
  }
  take(buffer, start, end);
  return true;
}

/** End of the IP packet at `ip`, without Ethernet padding. */
function packetEnd(buffer: Buffer, ip: number, end: number): number {
  if (ip < 0 || ip + 20 > end) return end;
  const version = buffer[ip]! >> 4;
  const length = version === 4 ? read16(buffer, ip + 2) : version === 6 ? 40 + read16(buffer, ip + 4) : end - ip;
  return Math.min(end, ip + length);
}

function segment(unfinished: UnfinishedFrame, start: number, take: FrameTaker): boolean {
  const { buffer, receivedIp: ip, end, offload } = unfinished;
  const shape = describeSegment(unfinished);
  if (shape === undefined || ip < start) return false;
  const { version, proto, l4, headerEnd } = shape;
  const headers = headerEnd - start;
  const size = offload.gsoSize;
  if (scratch.length < headers + size) scratch = Buffer.alloc(headers + size);
  const out = scratch;
  const outIp = ip - start;
  const outL4 = l4 - start;
  const sequence = proto === PROTO.tcp ? read32(buffer, l4 + 4) : 0;
  const id = version === 4 ? read16(buffer, ip + 4) : 0;

  for (let at = headerEnd, number = 0; at < end || number === 0; at += size, number++) {
    const payload = Math.min(size, end - at);
    const length = headers + payload;
    buffer.copy(out, 0, start, headerEnd);
    buffer.copy(out, headers, at, at + payload);
    if (version === 4) {
      write16(out, outIp + 2, length - outIp);
      write16(out, outIp + 4, (id + number) & 0xffff);
      write16(out, outIp + 10, 0);
      write16(out, outIp + 10, ~sumBytes(out, outIp, outIp + (out[outIp]! & 0x0f) * 4) & 0xffff);
    } else {
      write16(out, outIp + 4, length - outIp - 40);
    }
    if (proto === PROTO.tcp) {
      write32(out, outL4 + 4, (sequence + number * size) >>> 0);
      // RFC 9293: only the last segment finishes or pushes; RFC 3168: the first alone reports a reduced window.
      if (at + payload < end) out[outL4 + 13]! &= ~(FIN | PSH);
      if (number > 0) out[outL4 + 13]! &= ~CWR;
    } else {
      write16(out, outL4 + 4, length - outL4);
    }
    const field = outL4 + csumField(proto);
    write16(out, field, 0);
    const pseudo = pseudoHeaderSum(out, outIp, version, proto, length - outL4);
    const sum = ~sumBytes(out, outL4, length, pseudo) & 0xffff;
    write16(out, field, sum === 0 && proto === PROTO.udp ? 0xffff : sum);
    take(out, 0, length);
  }
  return true;
}
