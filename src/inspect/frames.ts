/**
 * Cuts a stream into FPM frames like the server does, with its FrameReader, but doesn't give up: where the server would
 * close the session, the bytes that make no sense are reported, and reading goes on at the next place that looks like a
 * frame. That is also how a capture is read whose beginning is missing.
 */
import {
  FPM_HEADER,
  FPM_TYPE_NETLINK,
  FPM_TYPE_PROTOBUF,
  FPM_VERSION,
  FpmFramingError,
  FrameReader,
} from '../fpm/framing';
import { NLMSG_HEADER } from '../netlink/constants';
import { readU16, readU32 } from '../netlink/attributes';

export interface FrameSink {
  /** A frame with its header. Valid during the call only; `offset` is that of the header in the stream. */
  frame(type: number, frame: Buffer, offset: number): void;
  /** Bytes that are in no frame: how many, and the first of them. */
  junk(reason: string, offset: number, length: number, first: Buffer): void;
}

/** What must be seen of a frame before it is believed to be one. */
const EVIDENCE = FPM_HEADER + NLMSG_HEADER;
const FIRST_BYTES = 64;

/** Whether a frame may well start at `at`, where EVIDENCE bytes are. Stricter than the server, which is told where. */
function looksLikeFrame(bytes: Buffer, at: number): boolean {
  if (bytes[at] !== FPM_VERSION) return false;
  const length = bytes.readUInt16BE(at + 2);
  if (bytes[at + 1] === FPM_TYPE_PROTOBUF) return length > FPM_HEADER && bytes[at + 4] === 0x08;
  if (bytes[at + 1] !== FPM_TYPE_NETLINK || length < EVIDENCE) return false;
  const message = readU32(bytes, at + FPM_HEADER);
  const type = readU16(bytes, at + FPM_HEADER + 4);
  return message >= NLMSG_HEADER && message <= length - FPM_HEADER && type > 0 && type < 128;
}

/** Frames of one direction of one connection. */
export class FrameScanner {
  private reader: FrameReader | undefined;
  /** Bytes that were pushed and are in no frame yet. */
  private rest: Buffer = Buffer.alloc(0);
  /** Of `rest` in the stream. */
  private offset = 0;
  private lost: { reason: string; offset: number; length: number; first: Buffer } | undefined;

  /** @param inStep whether the first byte pushed is the first of a frame */
  constructor(
    private readonly sink: FrameSink,
    inStep = true,
  ) {
    if (inStep) this.start();
    else this.lose('the beginning is missing');
  }

  private start(): void {
    const base = this.offset;
    this.reader = new FrameReader((type, buffer, start, end, offset) => {
      this.sink.frame(type, buffer.subarray(start - FPM_HEADER, end), base + offset - FPM_HEADER);
      this.offset = base + offset + end - start;
    });
  }

  private lose(reason: string): void {
    this.reader = undefined;
    this.lost = { reason, offset: this.offset, length: 0, first: Buffer.alloc(0) };
  }

  /** Feeds the next bytes of the stream. */
  push(chunk: Buffer): void {
    let unread = chunk;
    this.rest = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    for (;;) {
      if (this.reader === undefined) {
        if (!this.resync()) return;
        unread = this.rest;
      }
      if (this.feed(unread)) return;
      // This byte starts no frame.
      this.skip(1);
    }
  }

  /** Gives the reader what it hasn't seen yet. False when it can't go on: `rest` then starts where it stopped. */
  private feed(unread: Buffer): boolean {
    const before = this.offset;
    let fault: string | undefined;
    try {
      this.reader?.push(unread);
    } catch (error) {
      if (!(error instanceof FpmFramingError)) throw error;
      fault = error.message.replace(/ at stream offset \d+$/, '');
    }
    this.rest = this.rest.subarray(this.offset - before);
    if (fault !== undefined) this.lose(fault);
    return fault === undefined;
  }

  /** Looks for a frame in `rest`, and starts there. */
  private resync(): boolean {
    let at = 0;
    while (this.rest.length - at >= EVIDENCE && !looksLikeFrame(this.rest, at)) at++;
    const found = this.rest.length - at >= EVIDENCE;
    this.skip(at);
    if (!found) return false;
    this.report();
    this.start();
    return true;
  }

  private skip(count: number): void {
    const lost = this.lost;
    if (lost !== undefined) {
      if (lost.first.length < FIRST_BYTES) {
        lost.first = Buffer.concat([
          lost.first,
          this.rest.subarray(0, Math.min(count, FIRST_BYTES - lost.first.length)),
        ]);
      }
      lost.length += count;
    }
    this.rest = this.rest.subarray(count);
    this.offset += count;
  }

  private report(): void {
    const lost = this.lost;
    this.lost = undefined;
    if (lost !== undefined && lost.length > 0) this.sink.junk(lost.reason, lost.offset, lost.length, lost.first);
  }

  /** Bytes are missing here, or the stream is over: what is held is no frame. */
  break(reason: string): void {
    if (this.lost === undefined) this.lose(reason);
    this.skip(this.rest.length);
    this.report();
    this.lose(reason);
  }
}
