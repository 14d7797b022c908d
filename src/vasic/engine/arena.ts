/**
 * A pool of words in ordinary memory: one growing typed array. A freed block goes to the free list of its size (linked
 * through its own first word), so churn reuses memory instead of growing it.
 *
 * A trie with tables has many arenas: growing copies, and packets wait for that.
 */
import { capacityOf, TABLES_FROM, type TrieMemory, type WordBlock, type WordPool } from './word-pool';

const FIRST_WORDS = 64;
/** Of a trie with tables. */
const ARENAS = 64;

export class Arena implements WordPool {
  words = new Uint32Array(FIRST_WORDS);
  /** Address 0 means "no block", so it is never handed out. */
  private used = 4;
  /** Block size in words → first free block. */
  private readonly free = new Uint32Array(32 * 4 + 1);

  allocate(items: number, itemWords: number): number {
    const size = capacityOf(items) * itemWords;
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

  release(block: number, items: number, itemWords: number): void {
    this.give(block, capacityOf(items) * itemWords);
  }

  shrink(block: number, items: number, itemWords: number): void {
    const rest = capacityOf(items - 1) * itemWords;
    this.give(block + rest, capacityOf(items) * itemWords - rest);
  }

  get bytes(): number {
    return this.words.byteLength;
  }

  private give(block: number, size: number): void {
    this.words[block] = this.free[size]!;
    this.free[size] = block;
  }

  private grow(): void {
    const words = new Uint32Array(Math.max(this.used, Math.ceil(this.words.length * 1.4)));
    words.set(this.words);
    this.words = words;
  }
}

/** The memory of a trie that nobody else reads: there is room as long as the process has some. */
export const OWN_MEMORY: TrieMemory = {
  hasRoom: () => true,
  refused: () => undefined,
  tablesFrom: TABLES_FROM,
  small: () => new Arena(),
  large: () => Array.from({ length: ARENAS }, () => new Arena()),
  tables: (words): WordBlock => ({ pool: { words: new Uint32Array(words) }, at: 0 }),
  releaseTables: () => undefined,
  open: () => undefined,
  close: () => undefined,
  changed: () => undefined,
  moved: () => undefined,
};
