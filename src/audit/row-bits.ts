/** A bit for each row of the route table: what an audit remembers of a million routes takes 128 KB. */
export class RowBits {
  private readonly bytes: Uint8Array;

  /** For rows below `end`. */
  constructor(readonly end: number) {
    this.bytes = new Uint8Array((end + 7) >>> 3);
  }

  has(row: number): boolean {
    return (this.bytes[row >>> 3]! & (1 << (row & 7))) !== 0;
  }

  add(row: number): void {
    this.bytes[row >>> 3]! |= 1 << (row & 7);
  }

  delete(row: number): void {
    this.bytes[row >>> 3]! &= ~(1 << (row & 7));
  }

  /** The rows that are in it, in order. */
  *rows(): Generator<number> {
    for (let at = 0; at < this.bytes.length; at++) {
      for (let byte = this.bytes[at]!, bit = 0; byte !== 0; byte >>>= 1, bit++)
        if ((byte & 1) !== 0) yield 8 * at + bit;
    }
  }
}
