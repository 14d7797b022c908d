/**
 * protobufjs's reader and writer with AFI's view of numbers. protobufjs's generated codecs call them; so does the column
 * codec of routes (prefix-codec.ts).
 *
 * 64-bit integers are JavaScript numbers. A value of all ones, AFI's "no token", is -1; other values beyond 2^53 can't be
 * carried and are refused, as are values too large for 32-bit fields: nothing is ever cut to another number.
 */
import * as protobuf from 'protobufjs';

/** Bytes that aren't the message they should be (or a value that the wire can't carry). */
export class WireError extends Error {
  constructor(
    message: string,
    readonly offset?: number,
  ) {
    super(offset === undefined ? message : `${message} at byte ${offset}`);
    this.name = 'WireError';
  }
}

const TWO32 = 0x1_0000_0000;

/** Reads one message; what it returns owns its bytes. */
export class AfiReader extends protobuf.BufferReader {
  /** Numbers of the fields that were skipped because this version doesn't know them. */
  readonly skipped = new Set<number>();
  private last = 0;

  /** Throws a WireError with the present offset. */
  fail(message: string): never {
    throw new WireError(message, this.pos);
  }

  /** An unsigned 64-bit integer; all ones (no token) is -1. */
  token(): number {
    const { buf, len } = this;
    let at = this.pos;
    if (at >= len) this.fail('message cut short');
    let byte = buf[at++]!;
    if (byte < 0x80) {
      this.pos = at;
      return byte;
    }
    let value = byte & 0x7f;
    let scale = 128;
    let ones = byte === 0xff;
    const tenth = this.pos + 9;
    while (at < len) {
      byte = buf[at++]!;
      if (at > tenth) {
        if (!ones || byte !== 1) this.fail('varint too long or value beyond 2^53');
        this.pos = at;
        return -1;
      }
      ones &&= byte === 0xff;
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte >= 0x80) continue;
      if (value > Number.MAX_SAFE_INTEGER) this.fail('value beyond 2^53');
      this.pos = at;
      return value;
    }
    return this.fail('message cut short');
  }

  override uint32(): number {
    const value = this.token();
    if (value < 0 || value >= TWO32) this.fail('value beyond 32 bits');
    this.last = value;
    return value;
  }

  /** An enum's number. */
  override int32(): number {
    return this.token();
  }

  override bool(): boolean {
    return this.token() !== 0;
  }

  /** A zigzag sint64 within ±2^53. */
  signed(): number {
    let bits = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.pos >= this.len) this.fail('message cut short');
      const byte = this.buf[this.pos++]!;
      bits |= BigInt(byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      bits = BigInt.asUintN(64, bits);
      const value = Number((bits >> 1n) ^ -(bits & 1n));
      if (!Number.isSafeInteger(value)) this.fail('value beyond 2^53');
      return value;
    }
    return this.fail('varint too long');
  }

  /** The length of what follows, which must fit. */
  size(): number {
    const length = this.token();
    if (length < 0 || length > this.len - this.pos) this.fail(`length ${length} runs over the message`);
    return length;
  }

  override bytes(): Uint8Array {
    const length = this.size();
    const start = this.pos;
    this.pos += length;
    const copy = new Uint8Array(length);
    if (length <= 16) for (let i = 0; i < length; i++) copy[i] = this.buf[start + i]!;
    else copy.set(this.buf.subarray(start, this.pos));
    return copy;
  }

  override string(): string {
    const length = this.size();
    const start = this.pos;
    this.pos += length;
    return (this.buf as Buffer).toString('utf8', start, this.pos);
  }

  override skipType(wireType: number): protobuf.Reader {
    this.skipped.add(this.last >>> 3);
    switch (wireType) {
      case 0:
        return this.skip();
      case 1:
        return this.skip(8);
      case 2:
        return this.skip(this.size());
      case 5:
        return this.skip(4);
      default:
        return this.fail(`wire type ${wireType}`);
    }
  }
}
// protobufjs declares these as Long, which is what its own reader gives.
Object.assign(AfiReader.prototype, { uint64: AfiReader.prototype.token, sint64: AfiReader.prototype.signed });

/** Writes one message. Numbers that its fields can't carry are refused. */
export class AfiWriter extends protobuf.BufferWriter {
  override uint32(value: number): protobuf.Writer {
    if (!Number.isInteger(value) || value < 0 || value >= TWO32) {
      throw new WireError(`${value} is not an unsigned integer below 2^32`);
    }
    return super.uint32(value);
  }

  override uint64(value: number): protobuf.Writer {
    // 32-bit values are written without a 64-bit object in between.
    if (value >= 0 && value < TWO32) return this.uint32(value);
    checkToken(value);
    return super.uint64(value);
  }

  override sint64(value: number): protobuf.Writer {
    if (!Number.isSafeInteger(value)) throw new WireError(`${value} is not an integer within 2^53`);
    return super.sint64(value);
  }
}

/** Refuses what is neither an unsigned integer below 2^53 nor TOKEN_NONE. */
export function checkToken(value: number): void {
  if (value !== -1 && (value < 0 || !Number.isSafeInteger(value))) {
    throw new WireError(`${value} is not an unsigned integer below 2^53`);
  }
}
