/**
 * What spares the kernel's program most of a route trie's nodes, of which each is a miss of the cache in a large table: for the first 24
 * bits of an address, the value of the longest prefix of 16 to 24 bits, or a note that there are longer ones.
 *
 * A table of 16,384 words has, for the first 14 bits, a page or 0; a page has a leaf for each of the next ten bits, in groups (leaf-group.ts). A page comes
 * when there are PAGE_FROM prefixes below it and changes go on elsewhere, or don't for long: a table that comes in its order so has each page made once. It stays until the trie has no tables any more or the heap has no room for something else. The trie has all of it
 * as well, and is asked where there is no page, and for what is longer than 24 bits. It is the truth, the pages are made of it.
 *
 * Changes lie between the trie's change of the tree version and its end (shared-trie.ts), as a page's groups belong to one index slot each. A
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
import { HeapBlocks, LEFT_PAGES } from './heap-blocks';
import { changeGroup, clearGroup } from './leaf-group';
import {
  GROUP_BITS,
  GROUP_LEAVES,
  GROUP_WORDS,
  LEAF_BITS,
  LEAF_DEEPER,
  LEAF_PAGE_BITS,
  LEAF_PAGE_WORDS,
  LEAF_TABLE_WORDS,
} from './layout';

/** Prefixes from which a page pays: 128 bytes for each, and what groups have elsewhere. */
const PAGE_FROM = 8;
/** Changes below one word of the table in a row that a page waits for. */
const PATIENCE = 512;
const PAGE_GROUPS = LEAF_PAGE_WORDS / GROUP_WORDS;
/** A leaf's bits behind the index. */
const SLOT_LEAF = (1 << (LEAF_BITS - INDEX_BITS)) - 1;
/** Bits of a leaf's address in the second node below an index slot. */
const LOW_BITS = LEAF_BITS - INDEX_BITS - STRIDE;

export class LeafPages {
  private table = 0;
  /** Prefixes below each word of the table, and in all; none while the trie has no tables. */
  private held = new Uint32Array(0);
  private total = 0;
  /** The word of the table that is to get a page, -1: none; and for how many changes it has waited. */
  private waiting = -1;
  private waited = 0;
  /** It has given its room to others, and takes none again. */
  private gone = false;
  /** Those of the group that is being changed. */
  private readonly leaves = new Uint32Array(GROUP_LEAVES);

  private readonly pages: HeapBlocks;
  private readonly elsewhere: HeapBlocks;

  /** `leavesFrom`: prefixes from which there are pages. */
  constructor(
    private readonly heap: Heap,
    private readonly leavesFrom: number,
  ) {
    this.pages = new HeapBlocks(heap, LEAF_PAGE_WORDS);
    this.elsewhere = new HeapBlocks(heap, GROUP_LEAVES);
  }

  /** Address of the table, 0: there is none. */
  get at(): number {
    return this.table;
  }

  /** The trie has got its tables: all prefixes are told from now on. */
  open(): void {
    if (this.gone) return;
    this.held = new Uint32Array(LEAF_TABLE_WORDS);
    this.total = 0;
  }

  /** Gives everything back. The reader's way here must be barred: the root doesn't lead here any more, and the graph's version is odd. */
  close(): void {
    this.held = new Uint32Array(0);
    if (this.table === 0) return;
    this.pages.close();
    this.elsewhere.close();
    this.heap.releaseWords(this.table, LEAF_TABLE_WORDS);
    this.table = 0;
    this.waiting = -1;
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
    if (this.held.length === 0) return;
    const leaf = first >>> (32 - LEAF_BITS);
    const at = leaf >>> LEAF_PAGE_BITS;
    const held = (this.held[at]! += more);
    this.total += more;
    if (this.table === 0) {
      // Where there was no room it is looked for again only now and then.
      if (more === 1 && this.total % this.leavesFrom === 0) this.makeTable(index);
      return;
    }
    // The heap grows for that with what comes in, not with what goes.
    if (this.waiting >= 0 && more === 1) this.heap.hasPages(LEFT_PAGES);
    if (at !== this.waiting || ++this.waited > PATIENCE) this.stopWaiting(index);
    const page = this.heap.words[this.table + at]!;
    if (page === 0) {
      if (more === 1 && held >= PAGE_FROM && this.waiting !== at) this.wait(at);
      return;
    }
    this.fill(page, index, leaf, leaf + (length >= LEAF_BITS ? 1 : 1 << (LEAF_BITS - length)));
  }

  /** Makes the table, and, where that is as early as it can be, all pages that pay: they are few. */
  private makeTable(index: number): void {
    if (!this.heap.hasPages(LEFT_PAGES) || !this.heap.isSpare(LEFT_PAGES)) return;
    this.table = this.heap.allocateWords(LEAF_TABLE_WORDS);
    if (this.table === 0) return;
    this.heap.words.fill(0, this.table, this.table + LEAF_TABLE_WORDS);
    if (this.total !== this.leavesFrom) return;
    this.held.forEach((held, at) => {
      if (held >= PAGE_FROM) this.addPage(index, at);
    });
  }

  private wait(at: number): void {
    this.waiting = at;
    this.waited = 0;
  }

  /** The page that was waited with, if there is still something for it. */
  private stopWaiting(index: number): void {
    const at = this.waiting;
    this.waiting = -1;
    if (at >= 0 && this.held[at]! >= PAGE_FROM) this.addPage(index, at);
  }

  private addPage(index: number, at: number): void {
    const page = this.pages.take();
    if (page === 0) return;
    for (let group = 0; group < PAGE_GROUPS; group++) clearGroup(this.heap.words, page + group * GROUP_WORDS);
    this.fill(page, index, at << LEAF_PAGE_BITS, (at + 1) << LEAF_PAGE_BITS);
    // Behind the stores above, for readers on other processors: no version says that those slots changed.
    Atomics.store(this.heap.words, this.table + at, page);
  }

  /** Writes a page's leaves, from one to another (exclusive). */
  private fill(page: number, index: number, from: number, to: number): void {
    for (let leaf = from; leaf < to;) {
      const number = leaf >>> GROUP_BITS;
      const end = Math.min(to, (number + 1) << GROUP_BITS);
      this.fillGroup(page + (number & (PAGE_GROUPS - 1)) * GROUP_WORDS, index, leaf, end);
      leaf = end;
    }
  }

  /** The same for leaves of one group, which is below one index slot. */
  private fillGroup(group: number, index: number, from: number, to: number): void {
    const { elsewhere, leaves } = this;
    const { words } = this.heap;
    const node = words[index + (from >>> (LEAF_BITS - INDEX_BITS))]!;
    const first = from & (GROUP_LEAVES - 1);
    for (let leaf = from; leaf < to; leaf++) {
      leaves[first + leaf - from] = node === 0 ? 0 : leafOf(words, node, leaf & SLOT_LEAF);
    }
    changeGroup(elsewhere, group, first, first + to - from, leaves);
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
