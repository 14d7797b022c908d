/**
 * A table of labels in the heap (layout.ts, KIND_LABEL_TABLE): a page of slots for each 1,024 labels that has one, made when its first label gets
 * an entry and kept as long as the table. A change of one entry is a store, whatever the number of all.
 */
import type { NodeImage } from '../engine/node-image';
import type { Heap } from './heap';
import * as layout from './layout';

type TableImage = Extract<NodeImage, { kind: 'labelTable' }>;

const LABELS = 2 ** 20;
/** Kept free beside a page, for what else an operation needs. */
const SPARE_PAGES = 2;

export class LabelPages {
  /** Pages by number, those too that the program doesn't know of yet. */
  private readonly pages = new Map<number, number>();
  /** Labels whose entries changed since they were written. */
  private readonly pending = new Set<number>();

  private constructor(
    private readonly heap: Heap,
    /** Address of the addresses of pages. */
    readonly root: number,
  ) {}

  /** A table without entries; undefined: there is no room. */
  static make(heap: Heap): LabelPages | undefined {
    const root = newPage(heap);
    return root === 0 ? undefined : new LabelPages(heap, root);
  }

  /** Makes pages for entries that there are now; false: there is no room for some. Nothing shows yet. */
  gather(image: TableImage, all: boolean): boolean {
    let fits = true;
    for (const label of image.changed(all)) {
      // A table that was one of other numbers had entries beyond.
      if (label >= LABELS) continue;
      this.pending.add(label);
      const number = label >>> layout.LABEL_PAGE_BITS;
      if (image.to(label) === 0 || this.pages.has(number)) continue;
      const page = newPage(this.heap);
      if (page === 0) fits = false;
      else this.pages.set(number, page);
    }
    return fits;
  }

  /** Writes what changed; false: there was no room for all. Within a change of the graph's version. */
  write(image: TableImage): boolean {
    const { words } = this.heap;
    for (const label of this.pending) {
      const number = label >>> layout.LABEL_PAGE_BITS;
      const page = this.pages.get(number);
      const slot = image.to(label);
      if (page === undefined && slot !== 0) return false;
      if (page !== undefined) {
        words[page + (label & (layout.LABEL_PAGE_WORDS - 1))] = slot;
        words[this.root + number] = page;
      }
      this.pending.delete(label);
    }
    return true;
  }

  /** Gives back all of it. */
  release(): void {
    for (const page of this.pages.values()) this.heap.releaseWords(page, layout.LABEL_PAGE_WORDS);
    this.heap.releaseWords(this.root, layout.LABEL_PAGE_WORDS);
  }
}

function newPage(heap: Heap): number {
  const page = heap.makesRoom(() => heap.hasSpare(1 + SPARE_PAGES)) ? heap.allocateWords(layout.LABEL_PAGE_WORDS) : 0;
  if (page !== 0) heap.words.fill(0, page, page + layout.LABEL_PAGE_WORDS);
  return page;
}
