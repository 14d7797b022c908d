/**
 * The file that `fpm2afi run --record` writes: both directions of every connection, byte by byte, with time. docs/decode.md
 * describes the format; this is its one implementation, for the recorder, `decode` and `replay`.
 *
 * A file is an 8-byte magic and records. A record is a 16-byte header in network order (kind u8, zero u8, connection u16,
 * length u32, time u64 in µs since 1970) and `length` bytes.
 */

/** Neither FPM's first byte nor that of a capture file. */
export const RECORDING_MAGIC = Buffer.from('FPM2REC1', 'latin1');
export const RECORD_HEADER = 16;
/** No writer makes longer ones; a reader that meets one is not in step with the file. */
export const MAX_RECORD = 16 * 1024 * 1024;

/** What a record holds. `stopped`: the recorder gave up here; its bytes say why, as those of `closed` do. */
export const RECORD_KINDS = ['opened', 'fromZebra', 'toZebra', 'closed', 'stopped'] as const;
export type RecordKind = (typeof RECORD_KINDS)[number];

export interface RecordHeader {
  readonly kind: RecordKind;
  readonly connection: number;
  readonly length: number;
  /** Microseconds since 1970. */
  readonly time: number;
}

/** The header of a record. */
export function writeRecordHeader({ kind, connection, length, time }: RecordHeader): Buffer {
  const header = Buffer.alloc(RECORD_HEADER);
  header[0] = RECORD_KINDS.indexOf(kind) + 1;
  header.writeUInt16BE(connection & 0xffff, 2);
  header.writeUInt32BE(length, 4);
  header.writeBigUInt64BE(BigInt(Math.round(time)), 8);
  return header;
}

/** Reads a header; undefined when it can't be one. */
export function readRecordHeader(bytes: Buffer): RecordHeader | undefined {
  const kind = RECORD_KINDS[bytes[0]! - 1];
  const length = bytes.readUInt32BE(4);
  const time = Number(bytes.readBigUInt64BE(8));
  if (kind === undefined || bytes[1] !== 0 || length > MAX_RECORD || time > 8.64e18) return undefined;
  return { kind, connection: bytes.readUInt16BE(2), length, time };
}
