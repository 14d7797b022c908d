/**
 * What spares the kernel's program most of a route trie's nodes, of which each is a miss of the cache in a large table: for the first 24
 * bits of an address, the value of the longest prefix of 16 to 24 bits, or a note that there are longer ones.
 *
 * A table of 16,384 words has, for the first 14 bits, a page or 0; a page has a word for each of the next ten bits. A page comes with the
 * PAGE_FROM-th prefix below it and stays until the trie has no tables any more or the heap has no room for something else. The trie has all of it
 * as well, and is asked where there is no page, and for what is longer than 24 bits. It is the truth, the pages are made of it.
 *
 * Changes lie between the trie's change of the tree version and its end (shared-trie.ts), as a page's words belong to one index slot each. A
 * new page shows up below four slots at once, with what the trie says of all four, so it may be seen at any time.
 */
import {
  BEHIND,
  BITS_SHIFT,
  CHILD_BLOCK,
  CHILDREN,
  LEAF,
  NODE_WORDS,
  PATH,
  PATH_BITS,
  PREFIXES,
  valueIn,
} from '../engine/trie-nodes';
import { INDEX_BITS } from '../engine/short-prefixes';
import { COVERING, rank, STRIDE } from '../engine/trie-bits';
import type { Heap } from './heap';
import { LEAF_BITS, LEAF_DEEPER, LEAF_PAGE_BITS, LEAF_PAGE_WORDS, LEAF_TABLE_WORDS } from './layout';

/** Prefixes from which a page pays: 128 bytes for each. */
const PAGE_FROM = 32;
/** Free pages of the heap that are left to others. */
const LEFT_PAGES = 256;
/** Words of a page below one index slot, and index slots of a page. */
const SLOT_LEAVES = 1 << (LEAF_BITS - INDEX_BITS);
const PAGE_SLOTS = LEAF_PAGE_WORDS / SLOT_LEAVES;
/** Bits of a leaf's address in the second node below an index slot. */
const LOW_BITS = LEAF_BITS - INDEX_BITS - STRIDE;

export class LeafPages {
  private table = 0;
  /** Prefixes below each word of the table; none while there is no table. */
  private held = new Uint16Array(0);
  /** It has given its room to others, and takes none again. */
  private gone = false;

  constructor(private readonly heap: Heap) {}

  /** Address of the table, 0: there is none. */
  get at(): number {
    return this.table;
  }

  /** The trie has got its tables. */
  open(): void {
    if (this.table !== 0 || this.gone || !this.heap.hasPages(LEFT_PAGES)) return;
    this.table = this.heap.allocateWords(LEAF_TABLE_WORDS);
    if (this.table === 0) return;
    this.heap.words.fill(0, this.table, this.table + LEAF_TABLE_WORDS);
    this.held = new Uint16Array(LEAF_TABLE_WORDS);
  }

  /** Gives everything back. The reader's way here must be barred: the root doesn't lead here any more, and the graph's version is odd. */
  close(): void {
    if (this.table === 0) return;
    const { words } = this.heap;
    for (let at = this.table; at < this.table + LEAF_TABLE_WORDS; at++) {
      if (words[at] !== 0) this.heap.releaseWords(words[at]!, LEAF_PAGE_WORDS);
    }
    this.heap.releaseWords(this.table, LEAF_TABLE_WORDS);
    this.table = 0;
    this.held = new Uint16Array(0);
  }

  /** The same, for good. */
  giveWay(): void {
    this.gone = true;
    this.close();
  }

  /**
   * A prefix of 16 bits or more came (1), went (-1) or got another value (0).
   * @param index address of the trie's index: the topmost node below each slot, 0: none
   * @param first the address's first word
   */
  changed(index: number, first: number, length: number, more: -1 | 0 | 1): void {
    if (this.table === 0) return;
    const leaf = first >>> (32 - LEAF_BITS);
    const group = leaf >>> LEAF_PAGE_BITS;
    const held = (this.held[group]! += more);
    const page = this.heap.words[this.table + group]!;
    if (page === 0) {
      if (more === 1 && held >= PAGE_FROM) this.addPage(index, group);
      return;
    }
    const from = leaf & (SLOT_LEAVES - 1);
    const to = length >= LEAF_BITS ? from + 1 : from + (1 << (LEAF_BITS - length));
    this.fill(page, index, first >>> INDEX_BITS, from, to);
  }

  private addPage(index: number, group: number): void {
    if (!this.heap.hasPages(LEFT_PAGES)) return;
    const page = this.heap.allocateWords(LEAF_PAGE_WORDS);
    if (page === 0) return;
    for (let i = 0; i < PAGE_SLOTS; i++) this.fill(page, index, group * PAGE_SLOTS + i, 0, SLOT_LEAVES);
    // Behind the stores above, for readers on other processors: no version says that those slots changed.
    Atomics.store(this.heap.words, this.table + group, page);
  }

  /** Writes the leaves of an index slot, from one to another (exclusive). */
  private fill(page: number, index: number, slot: number, from: number, to: number): void {
    const { words } = this.heap;
    const node = words[index + slot]!;
    const at = page + (slot & (PAGE_SLOTS - 1)) * SLOT_LEAVES;
    if (node === 0) words.fill(0, at + from, at + to);
    else for (let leaf = from; leaf < to; leaf++) words[at + leaf] = leafOf(words, node, leaf);
  }
}

/** What the trie says of an address's bits 16 to 23: a value, 0 for none of 16 bits or more, LEAF_DEEPER where longer ones than 24 matter. */
function leafOf(words: Uint32Array, top: number, leaf: number): number {
  if ((words[top]! & PATH) !== 0) return leafBehind(words, top, leaf, 0, 0);
  const chunk = leaf >>> LOW_BITS;
  const children = words[top + CHILDREN]!;
  const above = valueIn(words, top, COVERING[chunk]!);
  if (((children >>> chunk) & 1) === 0) return above;
  return lowLeaf(words, words[top + CHILD_BLOCK]! + rank(children, chunk) * NODE_WORDS, leaf, above);
}

/** The same by the second node, five bits below, where the prefixes above it say `above`. */
function lowLeaf(words: Uint32Array, node: number, leaf: number, above: number): number {
  if ((words[node]! & PATH) !== 0) return leafBehind(words, node, leaf, STRIDE, above);
  const low = leaf & ((1 << LOW_BITS) - 1);
  const width = STRIDE - LOW_BITS;
  const longer = ((1 << (1 << width)) - 1) << (low << width);
  if ((words[node + CHILDREN]! & longer) !== 0) return LEAF_DEEPER;
  // Prefixes of 25 bits, two below a leaf.
  if ((words[node + PREFIXES]! & (3 << ((1 << (LOW_BITS + 1)) | (low << 1)))) !== 0) return LEAF_DEEPER;
  const covering = COVERING[low << width]! & ((1 << (1 << (LOW_BITS + 1))) - 1);
  return valueIn(words, node, covering) || above;
}

/** The same by a path, behind `depth` of the leaf's bits. */
function leafBehind(words: Uint32Array, node: number, leaf: number, depth: number, above: number): number {
  const head = words[node]!;
  const bits = head >>> BITS_SHIFT;
  const left = LEAF_BITS - INDEX_BITS - depth;
  const wanted = leaf << (32 - left);
  const differing = (words[node + PATH_BITS]! ^ wanted) >>> (32 - left);
  if (differing >>> (left - Math.min(bits, left)) !== 0) return above;
  if (bits > left) return LEAF_DEEPER;
  return (head & LEAF) !== 0 ? words[node + BEHIND]! : lowLeaf(words, words[node + BEHIND]!, leaf, above);
}
