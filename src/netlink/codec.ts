/**
 * The netlink wire format: messages in a buffer, attributes in a message, and a writer for both.
 *
 * Integers are in host order; only little-endian hosts are supported, as everywhere in this project. Lengths from
 * outside are checked before they are used: a length that runs over its container ends the iteration and is reported as
 * a `NetlinkFormatError` with the offset, never a read past the end.
 */
import { NLMSG_HEADER } from './constants';

/** A message or attribute whose length doesn't fit. `offset` counts from the start of the buffer given. */
export class NetlinkFormatError extends Error {
  constructor(
    /** What is wrong, without the place. */
    readonly reason: string,
    readonly offset: number,
  ) {
    super(`${reason} at offset ${offset}`);
    this.name = 'NetlinkFormatError';
  }
}

/** One netlink message; `offset` is that of its header in the buffer, `body` what follows the header. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly seq: number;
  readonly pid: number;
  readonly offset: number;
  readonly body: Buffer;
}

/** The messages in a buffer, one after the other, each aligned to 4 bytes. Trailing padding under a header's size is ignored. */
export function* readMessages(buffer: Buffer): Generator<NetlinkMessage> {
  let offset = 0;
  while (buffer.length - offset >= NLMSG_HEADER) {
    const length = buffer.readUInt32LE(offset);
    if (length < NLMSG_HEADER || length > buffer.length - offset) {
      throw new NetlinkFormatError(`netlink message length ${length} of ${buffer.length - offset} bytes`, offset);
    }
    yield {
      type: buffer.readUInt16LE(offset + 4),
      flags: buffer.readUInt16LE(offset + 6),
      seq: buffer.readUInt32LE(offset + 8),
      pid: buffer.readUInt32LE(offset + 12),
      offset,
      body: buffer.subarray(offset + NLMSG_HEADER, offset + length),
    };
    offset += (length + 3) & ~3;
  }
}

/** Attribute types carry NLA_F_NESTED and NLA_F_NET_BYTEORDER in their top bits, which FRR sets on some. */
const TYPE_MASK = 0x3fff;

/**
 * Calls `visit` with each attribute of `buffer` from `offset` on: its type without flag bits, and its value's bounds in
 * `buffer`. Throws NetlinkFormatError on a length that doesn't fit; attributes before it have been visited.
 */
export function eachAttribute(
  buffer: Buffer,
  offset: number,
  visit: (type: number, start: number, end: number) => void,
): void {
  while (buffer.length - offset >= 4) {
    const length = buffer.readUInt16LE(offset);
    if (length < 4 || length > buffer.length - offset) {
      throw new NetlinkFormatError(`attribute length ${length} of ${buffer.length - offset} bytes`, offset);
    }
    visit(buffer.readUInt16LE(offset + 2) & TYPE_MASK, offset + 4, offset + length);
    offset += (length + 3) & ~3;
  }
}

/** Builds netlink messages into a growing buffer. */
export class NetlinkWriter {
  private buffer: Buffer;
  private length = 0;
  private messageStart = 0;

  constructor(size = 256) {
    this.buffer = Buffer.alloc(size);
  }

  /** Makes room, zeroed, and returns where. It may move the buffer: take its result before `this.buffer`. */
  private reserve(bytes: number): number {
    const at = this.length;
    const needed = at + bytes;
    if (needed > this.buffer.length) {
      const larger = Buffer.alloc(Math.max(needed, this.buffer.length * 2));
      this.buffer.copy(larger, 0, 0, at);
      this.buffer = larger;
    } else this.buffer.fill(0, at, needed);
    this.length = needed;
    return at;
  }

  /** Starts a message; returns the writer, positioned behind the header. */
  begin(type: number, flags: number, seq = 0, pid = 0): this {
    this.messageStart = this.reserve(NLMSG_HEADER);
    this.buffer.writeUInt16LE(type, this.messageStart + 4);
    this.buffer.writeUInt16LE(flags, this.messageStart + 6);
    this.buffer.writeUInt32LE(seq, this.messageStart + 8);
    this.buffer.writeUInt32LE(pid, this.messageStart + 12);
    return this;
  }

  /** Closes the message begun last: writes its length and pads to 4 bytes. */
  end(): this {
    this.buffer.writeUInt32LE(this.length - this.messageStart, this.messageStart);
    this.reserve(((this.length + 3) & ~3) - this.length);
    return this;
  }

  /** One byte. */
  u8(value: number): this {
    const at = this.reserve(1);
    this.buffer.writeUInt8(value, at);
    return this;
  }

  /** Two bytes, in host order. */
  u16(value: number): this {
    const at = this.reserve(2);
    this.buffer.writeUInt16LE(value, at);
    return this;
  }

  /** Four bytes, in host order. */
  u32(value: number): this {
    const at = this.reserve(4);
    this.buffer.writeUInt32LE(value >>> 0, at);
    return this;
  }

  /** Bytes as they are. */
  bytes(value: Uint8Array): this {
    const at = this.reserve(value.length);
    this.buffer.set(value, at);
    return this;
  }

  /** One attribute with its padding. */
  attribute(type: number, value: Uint8Array): this {
    this.u16(4 + value.length)
      .u16(type)
      .bytes(value);
    this.reserve(((value.length + 3) & ~3) - value.length);
    return this;
  }

  /** An attribute of four bytes, in host order. */
  attributeU32(type: number, value: number): this {
    return this.u16(8).u16(type).u32(value);
  }

  /** What has been written, as a view that the next `reset` invalidates. */
  view(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  /** A copy of what has been written. */
  toBuffer(): Buffer {
    return Buffer.from(this.view());
  }

  /** Begins anew, with an empty buffer. */
  reset(): this {
    this.length = 0;
    return this;
  }
}
