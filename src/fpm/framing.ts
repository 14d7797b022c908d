/**
 * FPM framing: cuts zebra's TCP stream into frames, wherever TCP cut it.
 *
 * A frame is a 4-byte header (version, type, length in network order with the header counted) and a payload. A frame that
 * lies whole in one chunk is handed on where it lies, as bounds in that chunk; one that is spread over chunks is collected
 * in a buffer of the largest frame's size, the only memory a reader ever holds. There is nothing in the stream to
 * find the next frame by, so a header that can't be one is the end of the session. Formats: FRR's fpm/fpm.h.
 */

export const FPM_HEADER = 4;
export const FPM_VERSION = 1;
/** Payload: netlink messages. */
export const FPM_TYPE_NETLINK = 1;
/** Payload: a message of proto/fpm.proto. */
export const FPM_TYPE_PROTOBUF = 2;
/** The length field has 16 bits. */
export const FPM_MAX_FRAME = 0xffff;

/** The stream can't be followed any further: close the session. `offset` counts from the start of the stream. */
export class FpmFramingError extends Error {
  constructor(
    message: string,
    readonly offset: number,
  ) {
    super(`${message} at stream offset ${offset}`);
    this.name = 'FpmFramingError';
  }
}

/**
 * Takes one frame: its FPM type, and the payload's bounds in `buffer`, which is valid during the call only.
 * `offset` is that of the payload in the stream.
 */
export type FrameHandler = (type: number, buffer: Buffer, start: number, end: number, offset: number) => void;

/** Reassembles the frames of one session. */
export class FrameReader {
  private readonly partial = Buffer.allocUnsafe(FPM_MAX_FRAME);
  private held = 0;
  private consumed = 0;

  constructor(private readonly handler: FrameHandler) {}

  /** Bytes of an incomplete frame that wait for the rest. */
  get pending(): number {
    return this.held;
  }

  /** Bytes of the stream taken as whole frames. */
  get offset(): number {
    return this.consumed;
  }

  /**
   * Feeds the next bytes of the stream; calls the handler for each frame that they complete.
   * Throws FpmFramingError when a header is impossible; the reader is of no use after that.
   */
  push(chunk: Buffer): void {
    let at = 0;
    if (this.held > 0) {
      at = this.hold(chunk, at, FPM_HEADER);
      if (this.held < FPM_HEADER) return;
      const length = this.frameLength(this.partial, 0);
      at = this.hold(chunk, at, length);
      if (this.held < length) return;
      this.held = 0;
      this.deliver(this.partial, 0, length);
    }
    while (chunk.length - at >= FPM_HEADER) {
      const length = this.frameLength(chunk, at);
      if (length > chunk.length - at) break;
      this.deliver(chunk, at, length);
      at += length;
    }
    if (at < chunk.length) this.hold(chunk, at, FPM_MAX_FRAME);
  }

  /** Copies from the chunk until `wanted` bytes are held, or to the chunk's end. Returns where it stopped. */
  private hold(chunk: Buffer, at: number, wanted: number): number {
    const end = Math.min(chunk.length, at + Math.max(0, wanted - this.held));
    chunk.copy(this.partial, this.held, at, end);
    this.held += end - at;
    return end;
  }

  private frameLength(buffer: Buffer, at: number): number {
    const version = buffer[at]!;
    const length = (buffer[at + 2]! << 8) | buffer[at + 3]!;
    if (version !== FPM_VERSION) {
      throw new FpmFramingError(`FPM version ${version} where ${FPM_VERSION} must be`, this.consumed);
    }
    if (length < FPM_HEADER) throw new FpmFramingError(`FPM frame length ${length}`, this.consumed);
    return length;
  }

  private deliver(buffer: Buffer, at: number, length: number): void {
    const offset = this.consumed + FPM_HEADER;
    this.consumed += length;
    this.handler(buffer[at + 1]!, buffer, at + FPM_HEADER, at + length, offset);
  }
}
