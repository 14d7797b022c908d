/**
 * The leaves of an IPv4 trie (look-ahead.ts): for the first 24 bits of an address, the value of the longest prefix of 16 to 24 bits, or a note that there are longer
 * ones.
 *
 * A page has a leaf for each of ten bits, in groups (leaf-group.ts). It comes when there are PAGE_FROM prefixes below it, and stays until the trie has no tables any more or
 * the heap has no room for something else. A page's groups belong to one index slot each; a new page shows up below four slots at once, with what the trie says of all four.
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
import { HeapBlocks } from './heap-blocks';
import { changeGroup, clearGroup } from './leaf-group';
import {
  GROUP_BITS,
  GROUP_LEAVES,
  GROUP_WORDS,
  AHEAD_BITS,
  AHEAD_DEEPER,
  AHEAD_PAGE_BITS,
  LEAF_PAGE_WORDS,
  ROOT_LEAVES,
} from './layout';
import { LookAhead, pageNumber } from './look-ahead';

/** Prefixes from which a page pays: 128 bytes for each, and what groups have elsewhere. */
const PAGE_FROM = 8;
const PAGE_GROUPS = LEAF_PAGE_WORDS / GROUP_WORDS;
/** A leaf's bits behind the index. */
const SLOT_LEAF = (1 << (AHEAD_BITS - INDEX_BITS)) - 1;
/** Bits of a leaf's address in the second node below an index slot. */
const LOW_BITS = AHEAD_BITS - INDEX_BITS - STRIDE;

export class LeafPages extends LookAhead {
  protected readonly waits = true;
  /** Those of the group that is being changed. */
  private readonly leaves = new Uint32Array(GROUP_LEAVES);
  private readonly pages: HeapBlocks;
  private readonly elsewhere: HeapBlocks;

  /** `leavesFrom`: prefixes from which there are pages; a power of two. */
  constructor(heap: Heap, leavesFrom: number) {
    super(heap, ROOT_LEAVES, INDEX_BITS, leavesFrom, AHEAD_BITS - AHEAD_PAGE_BITS);
    this.pages = new HeapBlocks(heap, LEAF_PAGE_WORDS);
    this.elsewhere = new HeapBlocks(heap, GROUP_LEAVES);
  }

  protected count(): void {
    // All that is to be known is how many each page has.
  }

  protected pays(first: number): boolean {
    return this.held[pageNumber(first)]! >= PAGE_FROM;
  }

  protected follow(index: number, first: number, length: number): boolean {
    const leaf = first >>> (32 - AHEAD_BITS);
    const page = this.heap.words[this.table + pageNumber(first)]!;
    if (page === 0) return false;
    this.fill(page, index, leaf, leaf + (length >= AHEAD_BITS ? 1 : 1 << (AHEAD_BITS - length)));
    return true;
  }

  protected makeAll(index: number): void {
    this.held.forEach((held, at) => {
      if (held >= PAGE_FROM) this.addPage(index, at);
    });
  }

  protected make(index: number, first: number): void {
    if (this.heap.words[this.table + pageNumber(first)] === 0) this.addPage(index, pageNumber(first));
  }

  protected release(): void {
    this.pages.close();
    this.elsewhere.close();
  }

  private addPage(index: number, at: number): void {
    const page = this.pages.take();
    if (page === 0) return;
    for (let group = 0; group < PAGE_GROUPS; group++) clearGroup(this.heap.words, page + group * GROUP_WORDS);
    this.fill(page, index, at << AHEAD_PAGE_BITS, (at + 1) << AHEAD_PAGE_BITS);
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
    const node = words[index + (from >>> (AHEAD_BITS - INDEX_BITS))]!;
    const first = from & (GROUP_LEAVES - 1);
    for (let leaf = from; leaf < to; leaf++) {
      leaves[first + leaf - from] = node === 0 ? 0 : leafOf(words, node, leaf & SLOT_LEAF);
    }
    changeGroup(elsewhere, group, first, first + to - from, leaves);
  }
}

/** What the trie says of an address's bits 16 to 23: a value, 0 for none of 16 bits or more, AHEAD_DEEPER where longer ones than 24 matter. */
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
  if ((words[node + CHILDREN]! & longer) !== 0) return AHEAD_DEEPER;
  // Prefixes of 25 bits, two below a leaf.
  if ((words[node + PREFIXES]! & (3 << ((1 << (LOW_BITS + 1)) | (low << 1)))) !== 0) return AHEAD_DEEPER;
  const covering = COVERING[low << width]! & ((1 << (1 << (LOW_BITS + 1))) - 1);
  return valueIn(words, node, covering) || above;
}

/** The same by a path, behind `depth` of the leaf's bits. */
function leafBehind(words: Uint32Array, node: number, leaf: number, depth: number, above: number): number {
  const head = words[node]!;
  const bits = head >>> BITS_SHIFT;
  const left = AHEAD_BITS - INDEX_BITS - depth;
  const wanted = leaf << (32 - left);
  const differing = (words[node + PATH_BITS]! ^ wanted) >>> (32 - left);
  if (differing >>> (left - Math.min(bits, left)) !== 0) return above;
  if (bits > left) return AHEAD_DEEPER;
  return (head & LEAF) !== 0 ? words[node + BEHIND]! : lowLeaf(words, words[node + BEHIND]!, leaf, above);
}
