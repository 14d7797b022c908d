/**
 * What the readers of all kinds of files make of them: connections, and their bytes in order. Times are in microseconds
 * since 1970.
 */
export type Direction = 'fromZebra' | 'toZebra';

export type StreamEvent =
  /** A connection; `inStep` when its first bytes are those of its beginning. */
  | {
      readonly kind: 'open';
      readonly connection: number;
      readonly time?: number;
      readonly what: string;
      readonly inStep: boolean;
    }
  | {
      readonly kind: 'data';
      readonly connection: number;
      readonly direction: Direction;
      readonly time?: number;
      readonly bytes: Buffer;
    }
  /** Bytes of the stream are missing. */
  | { readonly kind: 'gap'; readonly connection: number; readonly direction: Direction; readonly reason: string }
  | { readonly kind: 'close'; readonly connection: number; readonly time?: number; readonly reason: string }
  /** Something in the file itself that can't be read, or wasn't. */
  | { readonly kind: 'fault'; readonly reason: string };

/** Reads exact numbers of bytes from chunks of any size. */
export class ByteReader {
  private held: Buffer = Buffer.alloc(0);
  private readonly chunks: AsyncIterator<Buffer>;
  /** Bytes taken so far. */
  offset = 0;

  constructor(source: AsyncIterable<Buffer>) {
    this.chunks = source[Symbol.asyncIterator]();
  }

  /** The next `size` bytes, or fewer at the end, without taking them. */
  async peek(size: number): Promise<Buffer> {
    if (this.held.length < size) {
      const parts = [this.held];
      let length = this.held.length;
      while (length < size) {
        const { done, value } = await this.chunks.next();
        if (done === true) break;
        parts.push(value);
        length += value.length;
      }
      this.held = parts.length === 1 ? this.held : Buffer.concat(parts);
    }
    return this.held.subarray(0, size);
  }

  /** The next `size` bytes; undefined when there aren't so many. */
  async take(size: number): Promise<Buffer | undefined> {
    const bytes = await this.peek(size);
    if (bytes.length < size) return undefined;
    this.skip(size);
    return bytes;
  }

  private skip(size: number): void {
    this.held = this.held.subarray(size);
    this.offset += size;
  }

  /** Whatever comes next; undefined at the end. */
  async some(): Promise<Buffer | undefined> {
    const bytes = await this.peek(1);
    if (bytes.length === 0) return undefined;
    const all = this.held;
    this.skip(all.length);
    return all;
  }
}
