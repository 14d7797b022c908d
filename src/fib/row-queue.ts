/** Rows of the route table that wait for something, by their numbers: no object a row. */

const FIRST_RING = 1024;
/** A ring longer than this is let go when it is empty. */
const KEPT_RING = 65536;

/** A first-in first-out queue of row numbers. The caller keeps each row in it at most once, so it is bounded by the table. */
export class RowQueue {
  private ring = new Uint32Array(FIRST_RING);
  private head = 0;
  private count = 0;

  get length(): number {
    return this.count;
  }

  push(row: number): void {
    if (this.count === this.ring.length) {
      const larger = new Uint32Array(this.ring.length * 2);
      for (let i = 0; i < this.count; i++) larger[i] = this.ring[(this.head + i) & (this.ring.length - 1)]!;
      this.ring = larger;
      this.head = 0;
    }
    this.ring[(this.head + this.count++) & (this.ring.length - 1)] = row;
  }

  /** The oldest row, removed; 0 when empty. */
  shift(): number {
    if (this.count === 0) return 0;
    const row = this.ring[this.head]!;
    this.head = (this.head + 1) & (this.ring.length - 1);
    if (--this.count === 0 && this.ring.length > KEPT_RING) {
      this.ring = new Uint32Array(FIRST_RING);
      this.head = 0;
    }
    return row;
  }
}
