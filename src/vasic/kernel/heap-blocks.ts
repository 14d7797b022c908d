/**
 * Blocks of one size, cut from pages of the heap of their own: what lookups can do without (look-ahead.ts). Such memory isn't taken from the reserve, doesn't by itself make the
 * heap grow, and goes back as whole pages that anything may have.
 */
import { PAGE_WORDS, type Heap } from './heap';

/** Free pages of the heap that are left to others. */
export const LEFT_PAGES = 256;

export class HeapBlocks {
  private pages: number[] = [];
  private free: number[] = [];

  /** `size`: words of a block, a power of two up to a page's. */
  constructor(
    readonly heap: Heap,
    private readonly size: number,
  ) {}

  /** A block, aligned to its size; contents undefined. 0: there is no room. */
  take(): number {
    if (this.free.length === 0 && this.heap.isSpare(LEFT_PAGES)) this.cut();
    return this.free.pop() ?? 0;
  }

  /** Whether take() finds none. */
  get isEmpty(): boolean {
    return this.free.length === 0 && !this.heap.isSpare(LEFT_PAGES);
  }

  give(block: number): void {
    this.free.push(block);
  }

  /** Gives all back, also those that were taken. */
  close(): void {
    for (const page of this.pages) this.heap.releaseWords(page, PAGE_WORDS);
    this.pages = [];
    this.free = [];
  }

  private cut(): void {
    const page = this.heap.allocateWords(PAGE_WORDS);
    if (page === 0) return;
    this.pages.push(page);
    for (let at = page + PAGE_WORDS - this.size; at >= page; at -= this.size) this.free.push(at);
  }
}
