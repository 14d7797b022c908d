/**
 * The heap of 32-bit words that the kernel's program reads (layout.ts): who has which of its blocks.
 *
 * It is handed out in pages of 1,024 words. A page holds blocks of one size, side by side from its start, so no block crosses a
 * page, and so none a chunk; blocks of four words lie at multiples of four, records at multiples of their size. What is a page or
 * more (tables, load balancers) is a run of pages, a power of two of them. A block that is given back goes to the free list
 * of its size and is reused for the next of that size: readers that are still in it notice by the version that whoever writes
 * there changes first. Pages don't change their size again, runs are split when smaller ones are wanted.
 *
 * The heap grows while its backing can, at least twofold. Some pages are kept for what can't be refused: taking a prefix out may need a smaller
 * block before it gives back the larger one, and what is undone takes back what it had. The heap is full when no page beside those
 * is free; prefixes still find room in blocks that others gave back, and nodes in half of the reserve.
 */
import { CAPACITIES, capacityOf, type WordPool } from '../engine/word-pool';

export const PAGE_WORDS = 1024;
/** The power of two that this is. */
const PAGE_ORDER = 10;

/** The first page is never handed out: address 0 means none. */
const FIRST_PAGE = 1;
/** Kept for changes that can't be refused. */
const RESERVE_PAGES = 64;
/** With fewer pages left, and less than half of all, the heap is about to grow: what routes fill in less than two seconds. */
const SOON_PAGES = 4096;
/** With fewer left, the next thousand routes may make it grow: it does with 256 left (heap-blocks.ts), and few of them may share a page. */
const LOW_PAGES = 512;
/** Sizes of block that one prefix takes at most, each perhaps from a page of its own: nodes, the children of one, values. */
const PREFIX_PAGES = 3;
/** Blocks of one size that it takes at most: a node where it leaves a path, and two more behind its own paths. */
const PREFIX_BLOCKS = 3;
/** Runs of 2^0 … 2^20 pages. */
const ORDERS = 21;

/** Where the words are: memory that the kernel reads, or in tests ordinary memory. */
export interface HeapBacking {
  /** Replaced by grow(). */
  readonly words: Uint32Array;
  /** Makes it at least twice as large, with the same contents at the same addresses; false: it may not grow any more. */
  grow(): boolean;
  /** Is told that this is soon to come, with each page until then. */
  prepare?(): void;
  /** Whether what that began isn't ready yet, so that grow() would have to wait. */
  isPreparing?(): boolean;
}

/** Blocks of one size. */
class SizeClass {
  /** First free block, each linked through its first word; 0: none. */
  free = 0;
  /** How many there are. */
  count = 0;
  /** What is left of the page that blocks are cut from. */
  next = 0;
  end = 0;

  constructor(readonly size: number) {}

  /** Whether a prefix finds its blocks of this size without another page. */
  suffices(): boolean {
    return this.count >= PREFIX_BLOCKS || this.end - this.next >= PREFIX_BLOCKS * this.size;
  }

  reset(): void {
    this.free = this.count = this.next = this.end = 0;
  }
}

export class Heap implements WordPool {
  words: Uint32Array;
  /** Something that was to be stored found no room; whoever answers for that takes the note off. */
  missed = false;
  /** Items of one word by capacity, of four words by capacity, and records by their size's power of two. */
  private readonly values = Array.from({ length: 33 }, (_, items) => new SizeClass(items));
  private readonly nodes = Array.from({ length: 33 }, (_, items) => new SizeClass(items * 4));
  private readonly records = Array.from({ length: PAGE_ORDER }, (_, order) => new SizeClass(1 << order));
  /** Free runs by the power of two of their pages: the numbers of their first pages. */
  private readonly runs: number[][] = Array.from({ length: ORDERS }, () => []);
  private nextPage = FIRST_PAGE;
  /** Pages in free runs. */
  private freePages = 0;
  private reserved = RESERVE_PAGES;
  private readonly spenders = new Set<() => boolean>();

  constructor(private readonly backing: HeapBacking) {
    this.words = backing.words;
  }

  /** Bytes held, used or not. */
  get bytes(): number {
    return this.words.byteLength;
  }

  /** Bytes in use, free blocks of used pages included. */
  get usedBytes(): number {
    return (this.nextPage - this.freePages) * PAGE_WORDS * 4;
  }

  /** Forgets all blocks. Nobody may have any of them any more. */
  reset(): void {
    for (const classes of [this.values, this.nodes, this.records]) for (const each of classes) each.reset();
    for (const run of this.runs) run.length = 0;
    this.nextPage = FIRST_PAGE;
    this.freePages = 0;
    this.spenders.clear();
  }

  /** Whoever has blocks that it can do without says how they are had back; `give` returns whether it had any. Until it takes that back. */
  canGive(give: () => boolean): void {
    this.spenders.add(give);
  }

  cannotGive(give: () => boolean): void {
    this.spenders.delete(give);
  }

  /** Whether there is `room`, perhaps once others have given back what they can do without. Not within a change of a version: they make changes. */
  makesRoom(room: () => boolean): boolean {
    while (!room()) if (![...this.spenders].some((give) => give())) return false;
    return true;
  }

  /** Runs what may not fail for want of room, such as taking back a change: the reserve is for that. */
  withReserve(run: () => void): void {
    this.reserved = -Infinity;
    try {
      run();
    } finally {
      this.reserved = RESERVE_PAGES;
    }
  }

  /** Whether so many pages are free, beside the reserve; grows for that. */
  hasPages(pages: number): boolean {
    const wanted = pages + this.reserved;
    while (this.untouched + this.freePages < wanted) if (!this.grow()) return false;
    return true;
  }

  /** Whether the next change had better wait: it may need the heap to grow, and that isn't ready. */
  get isAwaited(): boolean {
    return !this.isSpare(LOW_PAGES) && this.backing.isPreparing?.() === true;
  }

  /** Whether so many are free as things are, beside all of the reserve: for what can be done without. */
  isSpare(pages: number): boolean {
    return this.untouched + this.freePages >= pages + RESERVE_PAGES;
  }

  /** The same of pages that lie side by side, as no run was given back yet. */
  isUntouched(pages: number): boolean {
    return this.untouched >= pages + RESERVE_PAGES;
  }

  /** Whether so many pages, a power of two, lie side by side free as things are. */
  hasRun(pages: number): boolean {
    return this.untouched >= pages || this.runs.some((run, order) => 1 << order >= pages && run.length > 0);
  }

  /** The same; grows for that. */
  makesRun(pages: number): boolean {
    while (!this.hasRun(pages)) if (!this.grow()) return false;
    return true;
  }

  /** Whether one more prefix is sure to find room. */
  hasRoom(): boolean {
    return this.hasPages(PREFIX_PAGES) || this.hasSpare(this.lacking());
  }

  /** The same where half of the reserve may go: for what comes into free blocks, and for nodes, which routes need. */
  hasSpare(pages: number): boolean {
    return this.hasPages(pages) || this.untouched + this.freePages >= pages + RESERVE_PAGES / 2;
  }

  /** Sizes of which a prefix might need a block that is in no free list. */
  private lacking(): number {
    const lacks = (classes: readonly SizeClass[]): number =>
      CAPACITIES.reduce((sum, items) => sum + (classes[items]!.suffices() ? 0 : 1), 0);
    return lacks(this.values) + lacks(this.nodes);
  }

  allocate(items: number, itemWords: number): number {
    return this.take(this.classOf(capacityOf(items), itemWords));
  }

  release(block: number, items: number, itemWords: number): void {
    this.give(this.classOf(capacityOf(items), itemWords), block);
  }

  shrink(block: number, items: number, itemWords: number): void {
    const before = capacityOf(items);
    const after = capacityOf(items - 1);
    this.give(this.classOf(before - after, itemWords), block + after * itemWords);
  }

  /** So many words, aligned to their power of two up to a page; contents undefined. 0: there is no room. */
  allocateWords(words: number): number {
    const order = orderOf(words);
    if (order < PAGE_ORDER) return this.take(this.records[order]!);
    const page = this.takeRun(order - PAGE_ORDER);
    return page * PAGE_WORDS;
  }

  /** Gives back what allocateWords() returned for as many. */
  releaseWords(block: number, words: number): void {
    const order = orderOf(words);
    if (order < PAGE_ORDER) this.give(this.records[order]!, block);
    else this.giveRun(block / PAGE_WORDS, order - PAGE_ORDER);
  }

  private classOf(items: number, itemWords: number): SizeClass {
    return itemWords === 1 ? this.values[items]! : this.nodes[items]!;
  }

  private take(from: SizeClass): number {
    const block = from.free;
    if (block !== 0) {
      from.free = this.words[block]!;
      from.count--;
      return block;
    }
    if (from.next + from.size > from.end) {
      const page = this.takeRun(0);
      if (page === 0) return 0;
      from.next = page * PAGE_WORDS;
      from.end = from.next + PAGE_WORDS;
    }
    const at = from.next;
    from.next += from.size;
    return at;
  }

  private give(to: SizeClass, block: number): void {
    this.words[block] = to.free;
    to.free = block;
    to.count++;
  }

  /** The first page of a run of 2^order, 0 for none. */
  private takeRun(order: number): number {
    for (let from = order; from < ORDERS; from++) {
      const page = this.runs[from]!.pop();
      if (page === undefined) continue;
      this.freePages -= 1 << from;
      for (let half = from - 1; half >= order; half--) this.giveRun(page + (1 << half), half);
      return page;
    }
    const pages = 1 << order;
    while (this.untouched < pages) if (!this.grow()) return 0;
    const page = this.nextPage;
    this.nextPage += pages;
    if (this.untouched < Math.min(this.words.length / PAGE_WORDS / 2, SOON_PAGES)) this.backing.prepare?.();
    return page;
  }

  private giveRun(page: number, order: number): void {
    this.runs[order]!.push(page);
    this.freePages += 1 << order;
  }

  /** Pages that were never handed out. */
  private get untouched(): number {
    return this.words.length / PAGE_WORDS - this.nextPage;
  }

  private grow(): boolean {
    if (!this.backing.grow()) return false;
    this.words = this.backing.words;
    return true;
  }
}

/** The power of two that so many words need. */
function orderOf(words: number): number {
  return words <= 1 ? 0 : 32 - Math.clz32(words - 1);
}
