/**
 * The messages of a netlink frame to updates: finds each message, gives it to the decoder of its kind, and hands on what
 * comes out. A message that can't be decoded costs itself only; where even its length is wrong, the rest of the frame.
 * Pure: no sockets, no state but scratch memory. Nothing that the bytes contain makes it throw.
 */
import type { FpmUpdate } from '../../fib/updates';
import { readU16, readU32 } from '../../netlink/attributes';
import { NetlinkFormatError } from '../../netlink/codec';
import {
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_HEADER,
  NLMSG_NOOP,
  NLMSG_OVERRUN,
  RTM_DELNEIGH,
  RTM_DELNEXTHOP,
  RTM_DELROUTE,
  RTM_NEWNEIGH,
  RTM_NEWNEXTHOP,
  RTM_NEWROUTE,
} from '../../netlink/constants';
import { decodeMalformedNeighbor, decodeNeighbor } from './neighbor';
import { decodeMalformedNexthop, decodeNexthop } from './nexthop';
import { decodeMalformedRoute, decodeRoute } from './route';

/** Who is told what is in a frame. Exceptions of a sink pass through the decoder. */
export interface DecoderSink {
  /** The update and all it refers to is valid during the call only. */
  update(update: FpmUpdate): void;
  /** A message was met (before its update, skip or fault). */
  message(type: number): void;
  /** A message that is none of our business. */
  skipped(reason: string): void;
  /**
   * A message that can't be; `offset` counts from the frame's payload. `stopgap` is to be applied instead, where it can be read
   * what the message is about: what zebra sent of that before isn't true any more.
   */
  malformed(reason: string, offset: number, stopgap?: FpmUpdate): void;
}

/** Decodes the messages in `buffer` from `start` to `end`, a frame's payload. */
export function decodeNetlink(buffer: Buffer, start: number, end: number, sink: DecoderSink): void {
  let at = start;
  while (end - at >= NLMSG_HEADER) {
    const length = readU32(buffer, at);
    if (length < NLMSG_HEADER || length > end - at) {
      sink.malformed(`netlink message length ${length} of ${end - at} bytes`, at - start);
      return;
    }
    const type = readU16(buffer, at + 4);
    sink.message(type);
    let decoded: FpmUpdate | string | undefined;
    try {
      decoded = decodeMessage(type, buffer, at, at + length);
    } catch (error) {
      if (!(error instanceof NetlinkFormatError)) throw error;
      sink.malformed(error.reason, error.offset - start, stopgapOf(type, buffer, at, at + length));
    }
    if (typeof decoded === 'string') sink.skipped(decoded);
    else if (decoded !== undefined) sink.update(decoded);
    at += (length + 3) & ~3;
  }
  if (at < end) sink.malformed(`${end - at} bytes behind the last message`, at - start);
}

/** What is known of a message that can't be decoded, by the part of it before the fault. */
function stopgapOf(type: number, buffer: Buffer, at: number, end: number): FpmUpdate | undefined {
  const body = at + NLMSG_HEADER;
  try {
    switch (type) {
      case RTM_NEWROUTE:
      case RTM_DELROUTE:
        return decodeMalformedRoute(type, buffer, body, end);
      case RTM_NEWNEXTHOP:
      case RTM_DELNEXTHOP:
        return decodeMalformedNexthop(type, buffer, body, end);
      case RTM_NEWNEIGH:
      case RTM_DELNEIGH:
        return decodeMalformedNeighbor(type, buffer, body, end);
      default:
        return undefined;
    }
  } catch (error) {
    if (!(error instanceof NetlinkFormatError)) throw error;
    return undefined;
  }
}

function decodeMessage(type: number, buffer: Buffer, at: number, end: number): FpmUpdate | string | undefined {
  const body = at + NLMSG_HEADER;
  switch (type) {
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
      return decodeRoute(type, readU16(buffer, at + 6), buffer, body, end);
    case RTM_NEWNEXTHOP:
    case RTM_DELNEXTHOP:
      return decodeNexthop(type, buffer, body, end);
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
      return decodeNeighbor(type, buffer, body, end);
    case NLMSG_NOOP:
    case NLMSG_ERROR:
    case NLMSG_DONE:
    case NLMSG_OVERRUN:
      return 'netlink control message';
    default:
      return `message type ${type}`;
  }
}
