/**
 * The hostpath header: 8 bytes before each Ethernet frame that a vASIC and its host exchange over UDP.
 *
 * Byte 0: version (high 4 bits, 0), direction (bit 3: 0 punt, 1 inject), 3 reserved bits; byte 1: reason; bytes 2–3: total
 * length with this header; 4–5: sandbox id; 6–7: port index. Big endian (AftPacket.h of the public AFI headers). One
 * frame per datagram. Pure functions over bytes; the punt worker and softvasic both use them, neither knows the other.
 */

/** Bytes of the header. */
export const HOSTPATH_HEADER = 8;
/** The longest frame that the 16-bit total length can carry. */
export const HOSTPATH_MAX_FRAME = 0xffff - HOSTPATH_HEADER;

const VERSION = 0;
const INJECT = 0x08;

/** `punt`: vASIC → host; `inject`: host → vASIC. */
export type HostpathDirection = 'punt' | 'inject';

export interface HostpathHeader {
  readonly direction: HostpathDirection;
  /** Why the packet was punted (0 … 255, PuntReason in the AFT model); 0 when injecting. */
  readonly reason: number;
  /** Header and frame, in bytes. */
  readonly length: number;
  /** 0 … 65535 */
  readonly sandbox: number;
  /** Punt: the port it was received on. Inject: the output port. 0 … 65535 */
  readonly port: number;
}

/**
 * What is wrong with a datagram: `short` for fewer than 8 bytes, `version` for one that isn't 0, `length` for a total
 * length below 8 or beyond the datagram's end.
 */
export type HostpathFault = 'short' | 'version' | 'length';

/**
 * Writes a header into `buffer` at `offset`. Reserved bits are 0.
 * @throws RangeError when a number doesn't fit its field, or the header the buffer
 */
export function encodeHostpathHeader(buffer: Buffer, header: HostpathHeader, offset = 0): void {
  buffer.writeUInt8((VERSION << 4) | (header.direction === 'inject' ? INJECT : 0), offset);
  buffer.writeUInt8(header.reason, offset + 1);
  buffer.writeUInt16BE(header.length, offset + 2);
  buffer.writeUInt16BE(header.sandbox, offset + 4);
  buffer.writeUInt16BE(header.port, offset + 6);
}

/**
 * Reads the header of a datagram that fills the first `size` bytes of `buffer`. The frame is bytes 8 … `length` of it;
 * bytes behind `length` are not part of the frame. Reserved bits are ignored.
 *
 * @returns the header, or a string that says what is wrong
 */
export function decodeHostpathHeader(buffer: Buffer, size = buffer.length): HostpathHeader | HostpathFault {
  if (size < HOSTPATH_HEADER) return 'short';
  const first = buffer[0]!;
  if (first >> 4 !== VERSION) return 'version';
  const length = buffer.readUInt16BE(2);
  if (length < HOSTPATH_HEADER || length > size) return 'length';
  return {
    direction: (first & INJECT) === 0 ? 'punt' : 'inject',
    reason: buffer[1]!,
    length,
    sandbox: buffer.readUInt16BE(4),
    port: buffer.readUInt16BE(6),
  };
}
