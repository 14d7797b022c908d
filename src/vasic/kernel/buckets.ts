/**
 * The buckets of an IPv6 trie (look-ahead.ts): for the first 24 bits of an address a block of up to 64 buckets, by the next bits, of which each has in one line of the cache all
 * prefixes of 24 bits or more that matter there (bucket.ts).
 *
 * A page has a word for each of ten bits, which leads to a block or is 0. A block is as large as its prefixes need: it is made anew, larger, when a bucket doesn't take its prefixes any more, and smaller when
 * most are gone. Prefixes shorter than 24 bits are few, and the trie's alone: so none of these touches thousands of buckets when it changes.
 */
import { INDEX_BITS } from '../engine/short-prefixes';
import { BucketFiller, bitsOf, blockOf, bucketOf, KEY_BITS, takesAll } from './bucket';
import type { Heap } from './heap';
import { HeapBlocks } from './heap-blocks';
import {
  BUCKET_BITS_MOST,
  AHEAD_BITS,
  AHEAD_PAGE_BITS,
  BUCKET_PAGE_WORDS,
  BUCKET_PREFIXES,
  BUCKET_WORDS,
  ROOT_BUCKETS,
} from './layout';
import { isPower, LookAhead, pageNumber, SMALL } from './look-ahead';
import { takeBelow, type TakePrefix, type Wanted } from './trie-below';

/** Pages that any table may have; more of them come with PAGE_FROM prefixes below a word of the table. */
const FEW_PAGES = 16;
const PAGE_FROM = 64;
/** Prefixes up to which a new page has all its blocks at once; where there was no room for it before it may have any number. */
const PAGE_AT_ONCE = 2 * SMALL;
/** Prefixes that a block of which all buckets are full has at most. */
const BLOCK_MOST = BUCKET_PREFIXES << BUCKET_BITS_MOST;
/** Prefixes for each bucket from which a block may be as large as that, and below which it becomes smaller. */
const LEAST_FILL = 4;
const LOW_FILL = 2;

/** An address's first bits that are those of its block, and of these the ones that choose a page's word. */
const blockBits = (first: number): number => first >>> (32 - AHEAD_BITS);
const inPage = (first: number): number => blockBits(first) & (BUCKET_PAGE_WORDS - 1);

/** Prefixes in the order of takeBelow(), as columns that are kept: what a block is made of. */
class PrefixList {
  readonly high = new Uint32Array(BLOCK_MOST);
  readonly low = new Uint32Array(BLOCK_MOST);
  readonly lengths = new Uint8Array(BLOCK_MOST);
  readonly values = new Uint32Array(BLOCK_MOST);
  count = 0;

  readonly take = (high: number, low: number, length: number, value: number): boolean => {
    const at = this.count;
    if (at === BLOCK_MOST) return false;
    this.high[at] = high;
    this.low[at] = low;
    this.lengths[at] = length;
    this.values[at] = value;
    this.count++;
    return true;
  };
}

/** Kept, as one is needed for each block that is made; and one as large as the largest block, in which it is tried. */
const LIST = new PrefixList();
const FILLER = new BucketFiller();
const TRIAL = new Uint32Array(BUCKET_WORDS << BUCKET_BITS_MOST);

export class Buckets extends LookAhead {
  /** How many prefixes there are below each word of a page, there or not, by the page's word of the table. */
  private readonly below = new Map<number, Uint32Array>();
  /** Pages with prefixes below them. */
  private pageCount = 0;
  private readonly pages: HeapBlocks;
  /** By the bits that choose a bucket. */
  private readonly blocks: readonly HeapBlocks[];

  constructor(heap: Heap) {
    super(heap, ROOT_BUCKETS, AHEAD_BITS, 1, AHEAD_BITS);
    this.pages = new HeapBlocks(heap, BUCKET_PAGE_WORDS);
    this.blocks = Array.from({ length: BUCKET_BITS_MOST + 1 }, (_, bits) => new HeapBlocks(heap, BUCKET_WORDS << bits));
  }

  protected get waits(): boolean {
    return this.total >= SMALL;
  }

  protected count(first: number, more: -1 | 0 | 1): void {
    const at = pageNumber(first);
    let counts = this.below.get(at);
    if (counts === undefined) this.below.set(at, (counts = new Uint32Array(BUCKET_PAGE_WORDS)));
    counts[inPage(first)]! += more;
    const held = this.held[at]!;
    if (held === 0) this.below.delete(at);
    // A page stays, as readers below its other slots know of no change, but it is none of the few while it is empty.
    if (held === (more === 1 ? 1 : 0) && more !== 0 && this.hasPage(first)) this.pageCount += more;
  }

  private countOf(first: number): number {
    return this.below.get(pageNumber(first))?.[inPage(first)] ?? 0;
  }

  protected pays(first: number): boolean {
    return this.countOf(first) > 0 && (this.hasPage(first) || this.paysPage(pageNumber(first)));
  }

  private hasPage(first: number): boolean {
    return this.table !== 0 && this.heap.words[this.table + pageNumber(first)] !== 0;
  }

  private paysPage(at: number): boolean {
    return this.pageCount < FEW_PAGES || this.held[at]! >= PAGE_FROM;
  }

  protected makeAll(index: number): void {
    for (const at of this.below.keys()) if (this.paysPage(at) && !this.addPage(index, at)) return;
  }

  protected make(index: number, first: number): void {
    if (!this.hasPage(first) && !this.addPage(index, pageNumber(first))) return;
    // One that is there is never replaced here: this may be another slot's change.
    if (this.heap.words[this.placeOf(first)] === 0) this.addBlock(index, first);
  }

  /** Makes a page; false: there is no room. */
  private addPage(index: number, at: number): boolean {
    const page = this.pages.take();
    if (page === 0) return false;
    this.pageCount++;
    this.heap.words.fill(0, page, page + BUCKET_PAGE_WORDS);
    Atomics.store(this.heap.words, this.table + at, page);
    if (this.held[at]! > PAGE_AT_ONCE) return true;
    this.below.get(at)!.forEach((count, i) => {
      if (count > 0) this.addBlock(index, (((at << AHEAD_PAGE_BITS) | i) << (32 - AHEAD_BITS)) >>> 0);
    });
    return true;
  }

  protected release(): void {
    this.pages.close();
    for (const blocks of this.blocks) blocks.close();
    this.below.clear();
    this.pageCount = 0;
  }

  protected follow(index: number, first: number, length: number, more: -1 | 0 | 1): boolean {
    const word = this.hasPage(first) ? this.heap.words[this.placeOf(first)]! : 0;
    if (word !== 0) this.refresh(index, first, length, word, more);
    return word !== 0;
  }

  /** Where the word is that leads to an address's block; there is a page. */
  private placeOf(first: number): number {
    return this.heap.words[this.table + pageNumber(first)]! + inPage(first);
  }

  /** Brings a block up to date for a changed prefix in it. */
  private refresh(index: number, first: number, length: number, word: number, more: -1 | 0 | 1): void {
    const bits = bitsOf(word);
    const count = this.countOf(first);
    if (count === 0) {
      this.heap.words[this.placeOf(first)] = 0;
      this.blocks[bits]!.give(blockOf(word));
      return;
    }
    if (bits > 0 && count < LOW_FILL << bits && this.addBlock(index, first)) return;
    const from = bucketOf(first, bits);
    const depth = AHEAD_BITS + bits;
    const buckets = length >= depth ? 1 : 1 << (depth - length);
    // A block with a bucket that didn't take its prefixes before is tried again as their number doubles.
    const isDoubled = more === 1 && isPower(count);
    let isSmall = false;
    for (let bucket = from; bucket < from + buckets; bucket++) {
      const at = blockOf(word) + bucket * BUCKET_WORDS;
      const was = isDoubled || takesAll(this.heap.words, at);
      if (!this.fill(index, first, bits, at, bucket) && was) isSmall = true;
    }
    if (isSmall && mayBeLarger(bits, count)) this.addBlock(index, first);
  }

  /** Writes one bucket, at `at`. False: its prefixes don't fit. */
  private fill(index: number, first: number, bits: number, at: number, bucket: number): boolean {
    const { words } = this.heap;
    const depth = AHEAD_BITS + bits;
    const own = ((blockBits(first) << (32 - AHEAD_BITS)) | (bucket << (32 - depth))) >>> 0;
    FILLER.begin(words, at, 1);
    const wanted = { first: own, bits: depth, from: AHEAD_BITS, most: depth + KEY_BITS };
    this.takeFrom(index, wanted, (high, low, length, value) => {
      if (length > depth) return FILLER.add(words, at, 0, behind(high, low, depth), length - depth, value);
      FILLER.cover(words, at, 0, value);
      return true;
    });
    FILLER.end(words, at, 1);
    return FILLER.missed === 0;
  }

  /** Makes an address's block, in place of the one that there is; false: there is no room. */
  private addBlock(index: number, first: number): boolean {
    if (this.blocks.every(({ isEmpty }) => isEmpty)) return false;
    const own = (blockBits(first) << (32 - AHEAD_BITS)) >>> 0;
    LIST.count = 0;
    const most = AHEAD_BITS + BUCKET_BITS_MOST + KEY_BITS;
    const isListed = this.takeFrom(index, { first: own, bits: AHEAD_BITS, from: AHEAD_BITS, most }, LIST.take);
    const bits = isListed ? tryBlock() : BUCKET_BITS_MOST;
    const block = this.blocks[bits]!.take();
    if (block === 0) return false;
    const { words } = this.heap;
    if (isListed) words.set(TRIAL.subarray(0, BUCKET_WORDS << bits), block);
    else {
      // Of more prefixes than that each bucket is looked for by itself: of those that overflow only eleven.
      for (let bucket = 0; bucket < 1 << bits; bucket++)
        this.fill(index, own, bits, block + bucket * BUCKET_WORDS, bucket);
    }
    const place = this.placeOf(first);
    const had = words[place]!;
    // Behind the stores above, for readers on other processors: where there was none no version says that anything changed.
    Atomics.store(words, place, block + bits);
    if (had !== 0) this.blocks[bitsOf(had)]!.give(blockOf(had));
    return true;
  }

  private takeFrom(index: number, wanted: Wanted, take: TakePrefix): boolean {
    const { words } = this.heap;
    const slot = wanted.first >>> INDEX_BITS;
    const node = words[index + slot]!;
    return node === 0 || takeBelow(words, node, INDEX_BITS, (slot << INDEX_BITS) >>> 0, 0, wanted, take);
  }
}

/** Whether a block for so many prefixes may have twice as many buckets. */
function mayBeLarger(bits: number, count: number): boolean {
  return bits < BUCKET_BITS_MOST && count >= LEAST_FILL << (bits + 1);
}

/** Makes TRIAL a block of LIST's prefixes, as small as takes nearly all of them; how many bits choose a bucket. */
function tryBlock(): number {
  const { high, low, lengths, values, count } = LIST;
  let bits = 0;
  while (mayBeLarger(bits, count) && BUCKET_PREFIXES << bits < count) bits++;
  for (; ; bits++) {
    const depth = AHEAD_BITS + bits;
    FILLER.begin(TRIAL, 0, 1 << bits);
    for (let i = 0; i < count; i++) {
      const bucket = bucketOf(high[i]!, bits);
      const length = lengths[i]!;
      if (length > depth) FILLER.add(TRIAL, 0, bucket, behind(high[i]!, low[i]!, depth), length - depth, values[i]!);
      else for (let n = 0; n < 1 << (depth - length); n++) FILLER.cover(TRIAL, 0, bucket + n, values[i]!);
    }
    FILLER.end(TRIAL, 0, 1 << bits);
    if (FILLER.missed <= count >> 4 || !mayBeLarger(bits, count)) return bits;
  }
}

/** The 32 bits from `depth` (24 to 31) on of an address. */
function behind(high: number, low: number, depth: number): number {
  return ((high << depth) | (low >>> (32 - depth))) >>> 0;
}
