/**
 * A pool of 32-bit words in one growing typed array, handed out as blocks of a few fixed sizes. A freed block goes to
 * the free list of its size (linked through its own first word), so churn reuses memory instead of growing it.
 *
 * A block's address is its index in `words`. `words` is replaced when the arena grows: read it anew after allocate().
 * Owned by one trie, which keeps count of what it allocated, and has many: growing copies, and packets wait for that.
 */

/** Capacities a block may have, in items; an item is one word or a few, as the caller says. */
const CAPACITIES = [1, 2, 3, 4, 6, 8, 12, 16, 20, 24, 28, 32] as const;

/** The capacity that a block of `items` (1…32) gets. */
const CAPACITY_OF = Uint8Array.from({ length: 33 }, (_, items) => CAPACITIES.find((c) => c >= items) ?? 32);

const FIRST_WORDS = 64;

export class Arena {
  words = new Uint32Array(FIRST_WORDS);
  /** Address 0 means "no block", so it is never handed out. */
  private used = 4;
  /** Block size in words → first free block. */
  private readonly free = new Uint32Array(32 * 4 + 1);

  /** Capacity in items of a block for that many items. */
  capacity(items: number): number {
    return CAPACITY_OF[items]!;
  }

  /** A block for 1…32 items of `itemWords` (at most 4) words each; its contents are undefined. */
  allocate(items: number, itemWords: number): number {
    const size = CAPACITY_OF[items]! * itemWords;
    const block = this.free[size]!;
    if (block !== 0) {
      this.free[size] = this.words[block]!;
      return block;
    }
    const at = this.used;
    this.used += size;
    if (this.used > this.words.length) this.grow();
    return at;
  }

  /** Gives back a block that allocate() returned for the same number of items and words. */
  release(block: number, items: number, itemWords: number): void {
    const size = CAPACITY_OF[items]! * itemWords;
    this.words[block] = this.free[size]!;
    this.free[size] = block;
  }

  /** Bytes held, free blocks included. */
  get bytes(): number {
    return this.words.byteLength;
  }

  private grow(): void {
    const words = new Uint32Array(Math.max(this.used, Math.ceil(this.words.length * 1.4)));
    words.set(this.words);
    this.words = words;
  }
}
