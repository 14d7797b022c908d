/**
 * The protobuf wire format, as little of it as AFI needs: a writer into one growing buffer. Integers are JavaScript
 * numbers; -1 is a 64-bit value of all ones, AFI's "no token".
 *
 * A nested message's length isn't known before its end: one byte is kept for it, and the rare long message is moved up to
 * make room, which costs less than measuring every message beforehand.
 */
import { WIRE_BYTES, WireError } from './protobuf-reader';

const TWO32 = 0x1_0000_0000;

/** Writes one message after another; `finish` gives a copy of the bytes and starts over. Reused to save allocations. */
export class Writer {
  private buffer = Buffer.allocUnsafe(4096);
  private at = 0;

  private room(bytes: number): void {
    if (this.at + bytes <= this.buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, this.at + bytes));
    this.buffer.copy(larger, 0, 0, this.at);
    this.buffer = larger;
  }

  /** An unsigned integer up to 2^53, or -1 for all 64 bits set. */
  private varint(value: number): void {
    this.room(10);
    const { buffer } = this;
    let at = this.at;
    if (value < 0 || !Number.isSafeInteger(value)) {
      if (value !== -1) throw new WireError(`${value} is not an unsigned integer below 2^53`, at);
      buffer.fill(0xff, at, at + 9);
      buffer[at + 9] = 1;
      this.at = at + 10;
      return;
    }
    while (value >= TWO32) {
      buffer[at++] = (value % 128) | 0x80;
      value = Math.floor(value / 128);
    }
    value >>>= 0;
    while (value > 127) {
      buffer[at++] = (value & 0x7f) | 0x80;
      value >>>= 7;
    }
    buffer[at++] = value;
    this.at = at;
  }

  /** A varint field; 0 is proto3's default and isn't written. */
  uint(field: number, value: number): void {
    if (value !== 0) this.uintAlways(field, value);
  }

  /** A varint field with presence (oneof, optional). */
  uintAlways(field: number, value: number): void {
    this.varint(field << 3);
    this.varint(value);
  }

  /** A zigzag sint64 field with presence. */
  sintAlways(field: number, value: number): void {
    if (!Number.isSafeInteger(value)) throw new WireError(`${value} is not an integer within 2^53`, this.at);
    this.varint(field << 3);
    if (value >= -0x4000_0000 && value < 0x4000_0000) {
      this.varint(((value << 1) ^ (value >> 31)) >>> 0);
      return;
    }
    let bits = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
    this.room(10);
    for (; bits > 127n; bits >>= 7n) this.buffer[this.at++] = Number(bits & 0x7fn) | 0x80;
    this.buffer[this.at++] = Number(bits);
  }

  bool(field: number, value: boolean): void {
    if (value) this.uintAlways(field, 1);
  }

  /** A packed repeated varint field; nothing when there are none. */
  packed(field: number, values: readonly number[]): void {
    if (values.length === 0) return;
    const mark = this.begin(field);
    for (const value of values) this.varint(value);
    this.end(mark);
  }

  string(field: number, text: string): void {
    if (text !== '') this.stringAlways(field, text);
  }

  stringAlways(field: number, text: string): void {
    const mark = this.begin(field);
    this.room(text.length * 3);
    this.at += this.buffer.write(text, this.at, 'utf8');
    this.end(mark);
  }

  bytes(field: number, bytes: Uint8Array): void {
    if (bytes.length > 0) this.bytesAlways(field, bytes);
  }

  bytesAlways(field: number, bytes: Uint8Array): void {
    if (bytes.length <= 16) return this.fewBytes(field, bytes, 0, bytes.length);
    this.varint((field << 3) | WIRE_BYTES);
    this.varint(bytes.length);
    this.room(bytes.length);
    this.buffer.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** A bytes field with presence: `length` bytes from `start`. */
  fewBytes(field: number, bytes: Uint8Array, start: number, length: number): void {
    this.varint((field << 3) | WIRE_BYTES);
    this.varint(length);
    this.room(length);
    const { buffer, at } = this;
    for (let i = 0; i < length; i++) buffer[at + i] = bytes[start + i]!;
    this.at = at + length;
  }

  /** Starts a nested message; pass what it returns to `end`. One byte is kept for the length. */
  begin(field: number): number {
    this.varint((field << 3) | WIRE_BYTES);
    this.room(1);
    return ++this.at;
  }

  /** Ends the nested message begun at `mark`; makes room when the length needs more than the byte kept. */
  end(mark: number): void {
    const length = this.at - mark;
    if (length < 0x80) {
      this.buffer[mark - 1] = length;
      return;
    }
    let extra = 0;
    for (let rest = length >>> 7; rest > 0; rest >>>= 7) extra++;
    this.room(extra);
    this.buffer.copyWithin(mark + extra, mark, this.at);
    const end = this.at + extra;
    this.at = mark - 1;
    this.varint(length);
    this.at = end;
  }

  /** The bytes written since the last `finish`. */
  finish(): Buffer {
    const bytes = Buffer.from(this.buffer.subarray(0, this.at));
    this.at = 0;
    return bytes;
  }

  /** Forgets what was written (after an error). */
  reset(): void {
    this.at = 0;
  }
}
