/**
 * A pool of 32-bit words, handed out as blocks of a few fixed sizes: what a trie keeps its nodes and values in, and what
 * it needs to know of the memory below. A pool is in ordinary memory (arena.ts), or in the heap that softvasic shares with
 * the kernel (src/vasic/kernel/heap.ts).
 *
 * A block's address is its index in `words`; address 0 means "no block" and is never handed out.
 */

/** Capacities a block may have, in items; an item is one word or four. */
export const CAPACITIES = [1, 2, 3, 4, 6, 8, 12, 16, 20, 24, 28, 32] as const;

/** The capacity that a block of `items` (1…32) gets. */
const CAPACITY_OF = Uint8Array.from({ length: 33 }, (_, items) => CAPACITIES.find((c) => c >= items) ?? 32);

/** Capacity in items of a block for that many items (1…32). */
export function capacityOf(items: number): number {
  return CAPACITY_OF[items]!;
}

export interface Words {
  /** Replaced when the memory grows: read it anew after whatever may allocate. */
  readonly words: Uint32Array;
}

export interface WordPool extends Words {
  /** A block for 1…32 items of `itemWords` (1 or 4) words each; its contents are undefined. 0: there is no room. */
  allocate(items: number, itemWords: number): number;
  /** Gives back a block that allocate() returned for the same number of items and words. */
  release(block: number, items: number, itemWords: number): void;
  /** Gives back the end of a block whose items are one fewer now, for want of room to move it to a smaller one. */
  shrink(block: number, items: number, itemWords: number): void;
  /** Bytes held, free blocks included. */
  readonly bytes: number;
}

/** Words from `at` on. */
export interface WordBlock {
  readonly pool: Words;
  readonly at: number;
}

/** Prefixes from which the tables of a trie pay, where memory counts. */
export const TABLES_FROM = 1024;

/** `place` of a change that isn't confined to what hangs below one index slot. */
export const WHOLE_TRIE = -1;

/** `place` of a trie's move behind tables, or away from them. */
export const TABLES = -2;

/** Where the addresses of a trie's parts are, 0 for none. */
export interface TrieRoot {
  /** Of the tables (prefix-trie.ts); all three or none. */
  readonly index: number;
  readonly cover: number;
  readonly shorts: number;
  /** The topmost node of a trie without tables. */
  readonly node: number;
}

/** The memory of one trie, and who has to know of its changes. */
export interface TrieMemory {
  /** Whether one more prefix is sure to find room. */
  hasRoom(): boolean;
  /** A prefix wasn't put in for want of room. */
  refused(): void;
  /** Prefixes from which it is to have tables. */
  readonly tablesFrom: number;
  /** The pool of a trie without tables. */
  small(): WordPool;
  /** The pools of one with tables; what hangs below an index slot is in that of its low bits. A power of two. */
  large(): readonly WordPool[];
  /** Words for a table, all zero; undefined: there is no room. */
  tables(words: number): WordBlock | undefined;
  releaseTables(block: WordBlock, words: number): void;
  /**
   * Brackets a change for those who read at the same time: what is stored between the two is seen by them as a whole or not
   * at all. `place`: the first 16 bits of what changes, WHOLE_TRIE or TABLES. Changes are not nested. What a prefix shorter than the index changes without one is
   * said in short-prefixes.ts.
   */
  open(place: number): void;
  close(place: number): void;
  /**
   * A prefix of 16 bits or more, in a trie with tables, came (`more` is 1), went (-1) or got another value (0): called before close().
   * @param first the address's first word
   */
  changed(first: number, length: number, more: -1 | 0 | 1): void;
  /** The trie's parts are somewhere else now; within a change of WHOLE_TRIE (the topmost node) or TABLES. */
  moved(root: TrieRoot): void;
}
