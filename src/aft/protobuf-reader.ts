/**
 * The protobuf wire format, as little of it as AFI needs: a reader over one buffer. Its counterpart is protobuf-writer.ts.
 *
 * Integers are JavaScript numbers. A 64-bit value of all ones, AFI's "no token", is -1; other values beyond 2^53 can't be
 * carried and are refused. Reading hostile bytes ends in a value or a `WireError` with the offset, in time linear in the
 * bytes: every read is bounded by the end of the enclosing message and advances.
 */

/** Bytes that aren't the message they should be (or a value that the wire can't carry). */
export class WireError extends Error {
  constructor(
    message: string,
    readonly offset = 0,
  ) {
    super(`${message} at byte ${offset}`);
    this.name = 'WireError';
  }
}

export const WIRE_VARINT = 0;
export const WIRE_FIXED64 = 1;
export const WIRE_BYTES = 2;
export const WIRE_FIXED32 = 5;

const TWO32 = 0x1_0000_0000;

/**
 * Reads fields from `bytes`. `next` gives the field number (0 at the end of the current message) and leaves its wire type
 * in `wireType`; the caller then reads the value or skips it. `enter` and `leave` bound nested messages.
 */
export class Reader {
  wireType = WIRE_VARINT;
  private at = 0;
  private end: number;
  private readonly marked = { at: 0, end: 0, wireType: WIRE_VARINT };

  constructor(private readonly buffer: Buffer) {
    this.end = buffer.length;
  }

  get offset(): number {
    return this.at;
  }

  fail(message: string): never {
    throw new WireError(message, this.at);
  }

  /** The next field's number; 0 when the message has ended. */
  next(): number {
    if (this.at >= this.end) return 0;
    const tag = this.varint();
    const field = Math.floor(tag / 8);
    if (field === 0 || tag >= TWO32) this.fail(`bad protobuf tag ${tag}`);
    this.wireType = tag & 7;
    return field;
  }

  private varint(): number {
    const { buffer, end } = this;
    let at = this.at;
    if (at >= end) this.fail('message cut short');
    let byte = buffer[at++]!;
    if (byte < 0x80) {
      this.at = at;
      return byte;
    }
    let value = byte & 0x7f;
    let scale = 128;
    const last = Math.min(end, this.at + 10);
    let ones = byte === 0xff;
    while (at < last) {
      byte = buffer[at++]!;
      if (at === this.at + 10) {
        if (ones && byte === 1) {
          this.at = at;
          return -1;
        }
        this.fail('varint too long or value beyond 2^53');
      }
      ones &&= byte === 0xff;
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) this.fail('value beyond 2^53');
        this.at = at;
        return value;
      }
    }
    return this.fail('message cut short');
  }

  private expect(wireType: number): void {
    if (this.wireType !== wireType) this.fail(`wire type ${this.wireType} where ${wireType} belongs`);
  }

  /** An unsigned 64-bit integer; all ones (no token) is -1. */
  token(): number {
    this.expect(WIRE_VARINT);
    return this.varint();
  }

  /** An unsigned integer below 2^53. */
  uint(): number {
    const value = this.token();
    if (value < 0) this.fail('value beyond 2^53');
    return value;
  }

  uint32(): number {
    const value = this.token();
    if (value < 0 || value >= TWO32) this.fail('value beyond 32 bits');
    return value;
  }

  bool(): boolean {
    return this.token() !== 0;
  }

  /** A zigzag sint64 within ±2^53. */
  sint(): number {
    this.expect(WIRE_VARINT);
    const start = this.at;
    if (this.at < this.end && this.buffer[start]! < 0x80) {
      this.at++;
      const raw = this.buffer[start]!;
      return (raw >>> 1) ^ -(raw & 1);
    }
    let bits = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.at >= this.end) this.fail('message cut short');
      const byte = this.buffer[this.at++]!;
      bits |= BigInt(byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      bits = BigInt.asUintN(64, bits);
      const value = Number((bits >> 1n) ^ -(bits & 1n));
      if (!Number.isSafeInteger(value)) this.fail('value beyond 2^53');
      return value;
    }
    return this.fail('varint too long');
  }

  /** Appends the values of a repeated varint field, packed or not. */
  repeated(into: number[]): void {
    if (this.wireType === WIRE_VARINT) {
      into.push(this.varint());
      return;
    }
    const outer = this.enter();
    while (this.at < this.end) into.push(this.varint());
    this.leave(outer);
  }

  private size(): number {
    this.expect(WIRE_BYTES);
    const length = this.varint();
    if (length < 0 || length > this.end - this.at) this.fail(`length ${length} runs over the message`);
    return length;
  }

  /** A copy of a bytes field (the message's buffer isn't kept alive by it). */
  bytes(): Uint8Array {
    const length = this.size();
    const { buffer, at } = this;
    const copy = new Uint8Array(length);
    if (length <= 16) for (let i = 0; i < length; i++) copy[i] = buffer[at + i]!;
    else copy.set(buffer.subarray(at, at + length));
    this.at = at + length;
    return copy;
  }

  /** A bytes field of exactly `length` bytes. */
  fixedBytes(length: number, what: string): Uint8Array {
    const bytes = this.bytes();
    if (bytes.length !== length) this.fail(`${what} of ${bytes.length} bytes, not ${length}`);
    return bytes;
  }

  string(): string {
    const length = this.size();
    const text = this.buffer.toString('utf8', this.at, this.at + length);
    this.at += length;
    return text;
  }

  /** A string field out of a few likely ones: no new string when it is one of them. */
  internedString(known: readonly { readonly text: string; readonly bytes: Uint8Array }[]): string {
    const start = this.at;
    const length = this.size();
    const { buffer, at } = this;
    for (const { text, bytes } of known) {
      if (bytes.length !== length) continue;
      let i = 0;
      while (i < length && buffer[at + i] === bytes[i]) i++;
      if (i < length) continue;
      this.at = at + length;
      return text;
    }
    this.at = start;
    return this.string();
  }

  /** Copies a bytes field of 4 or 16 bytes to `into` at `at`; its length, or 0 (nothing read) when it has another. */
  addressInto(into: Uint8Array, at: number): number {
    const start = this.at;
    const length = this.size();
    if (length !== 4 && length !== 16) {
      this.at = start;
      return 0;
    }
    const { buffer } = this;
    for (let i = 0; i < length; i++) into[at + i] = buffer[this.at + i]!;
    this.at += length;
    return length;
  }

  /** Notes this place for `rewind`; one at a time. */
  mark(): void {
    this.marked.at = this.at;
    this.marked.end = this.end;
    this.marked.wireType = this.wireType;
  }

  /** Goes back to where `mark` was called, as if nothing had been read since. */
  rewind(): void {
    this.at = this.marked.at;
    this.end = this.marked.end;
    this.wireType = this.marked.wireType;
  }

  /** Goes into a nested message; pass what it returns to `leave`. */
  enter(): number {
    const length = this.size();
    const outer = this.end;
    this.end = this.at + length;
    return outer;
  }

  leave(outer: number): void {
    this.at = this.end;
    this.end = outer;
  }

  /** Skips the field's value: fields that this version doesn't know. */
  skip(): void {
    switch (this.wireType) {
      case WIRE_VARINT:
        for (let i = 0; i < 10; i++) {
          if (this.at >= this.end) this.fail('message cut short');
          if (this.buffer[this.at++]! < 0x80) return;
        }
        return this.fail('varint too long');
      case WIRE_BYTES: {
        const length = this.size();
        this.at += length;
        return;
      }
      case WIRE_FIXED64:
      case WIRE_FIXED32: {
        const length = this.wireType === WIRE_FIXED64 ? 8 : 4;
        if (length > this.end - this.at) this.fail('message cut short');
        this.at += length;
        return;
      }
      default:
        return this.fail(`wire type ${this.wireType}`);
    }
  }
}
