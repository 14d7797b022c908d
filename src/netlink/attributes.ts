/**
 * Attributes by type: one pass over a message's attributes notes where each value lies, and what is needed is read from
 * there. A table is made once and used for message after message, so that the hot path allocates nothing. It refers to the
 * buffer parsed last, and is good until that buffer changes or the table parses another.
 */
import { NetlinkFormatError } from './codec';

/** Attribute types carry NLA_F_NESTED and NLA_F_NET_BYTEORDER in their top bits, which FRR sets on some. */
const TYPE_MASK = 0x3fff;
/** Types from here on are in no message that this project reads; they are passed over. */
const SLOTS = 64;

/** Unaligned little-endian reads; the caller has checked the bounds. */
export function readU16(buffer: Uint8Array, at: number): number {
  return buffer[at]! | (buffer[at + 1]! << 8);
}

export function readU32(buffer: Uint8Array, at: number): number {
  return (buffer[at]! | (buffer[at + 1]! << 8) | (buffer[at + 2]! << 16) | (buffer[at + 3]! << 24)) >>> 0;
}

/** In network order. */
export function readU32BE(buffer: Uint8Array, at: number): number {
  return ((buffer[at]! << 24) | (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!) >>> 0;
}

/** Where the values of one message's attributes lie. */
export class AttributeTable {
  private readonly starts = new Int32Array(SLOTS);
  private readonly ends = new Int32Array(SLOTS);
  private source: Buffer = Buffer.alloc(0);

  /**
   * Notes the attributes in `buffer` from `start` to `end`; of several of one type the last counts. Fewer than four
   * bytes at the end are padding. Throws NetlinkFormatError on a length that doesn't fit.
   */
  parse(buffer: Buffer, start: number, end: number): this {
    this.starts.fill(-1);
    this.source = buffer;
    let at = start;
    while (end - at >= 4) {
      const length = readU16(buffer, at);
      if (length < 4 || length > end - at) {
        throw new NetlinkFormatError(`attribute length ${length} of ${end - at} bytes`, at);
      }
      const type = readU16(buffer, at + 2) & TYPE_MASK;
      if (type < SLOTS) {
        this.starts[type] = at + 4;
        this.ends[type] = at + length;
      }
      at += (length + 3) & ~3;
    }
    return this;
  }

  /** The same as far as it goes: notes the attributes before the first that doesn't fit. Returns whether all did. */
  parsePart(buffer: Buffer, start: number, end: number): boolean {
    try {
      this.parse(buffer, start, end);
      return true;
    } catch (error) {
      if (!(error instanceof NetlinkFormatError)) throw error;
      return false;
    }
  }

  get buffer(): Buffer {
    return this.source;
  }

  has(type: number): boolean {
    return this.starts[type]! >= 0;
  }

  /** Where the value starts; -1 when there is none. */
  start(type: number): number {
    return this.starts[type]!;
  }

  /** Where the value ends; only where there is one. */
  end(type: number): number {
    return this.ends[type]!;
  }

  /** Bytes of the value; -1 when there is none. */
  size(type: number): number {
    const start = this.starts[type]!;
    return start < 0 ? -1 : this.ends[type]! - start;
  }

  /** Throws NetlinkFormatError when the value has another size than these bytes. */
  private expect(type: number, size: number): void {
    if (this.size(type) !== size) {
      throw new NetlinkFormatError(`attribute ${type} of ${this.size(type)} bytes, not ${size}`, this.starts[type]!);
    }
  }

  /** A 32-bit value in host order, or `absent`. */
  u32(type: number, absent: number): number {
    if (!this.has(type)) return absent;
    this.expect(type, 4);
    return readU32(this.source, this.starts[type]!);
  }

  /** A 16-bit value in host order, or `absent`. */
  u16(type: number, absent: number): number {
    if (!this.has(type)) return absent;
    this.expect(type, 2);
    return readU16(this.source, this.starts[type]!);
  }

  /** A copy of the value; only where there is one. */
  copy(type: number): Uint8Array {
    return copyBytes(this.source, this.starts[type]!, this.ends[type]!);
  }
}

/** A copy that shares no memory with the buffer. */
export function copyBytes(buffer: Uint8Array, start: number, end: number): Uint8Array {
  const copy = new Uint8Array(end - start);
  for (let i = start; i < end; i++) copy[i - start] = buffer[i]!;
  return copy;
}
