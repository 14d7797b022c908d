/**
 * What spares the kernel's program most of a large trie's nodes, of which each is a miss of the cache: by the first 24 bits of an address, what covers it. The trie is the
 * truth; it has all of it as well, and is asked where there is nothing here. leaf-pages.ts is IPv4's, buckets.ts IPv6's: this is what the two have in common, which prefixes there are and
 * when what is for them is made.
 *
 * A table of 16,384 words has, for the first 14 bits, a page or 0. What is made at once for some prefixes is a part: for leaves a page, for buckets what a page's word leads to. In a large table
 * a part waits until changes go on elsewhere, or don't for long: so one that comes in its order has each part made once.
 *
 * Changes of what there is lie between the trie's change of the tree version and its end (shared-trie.ts), as all of it that a prefix touches is below its index slot. A new part where none was may come at
 * any time: it says what the trie says.
 */
import { PAGE_WORDS, type Heap } from './heap';
import { LEFT_PAGES } from './heap-blocks';
import { AHEAD_BITS, AHEAD_PAGE_BITS, AHEAD_TABLE_WORDS } from './layout';

/** Address bits behind those that choose a page. */
const BELOW_TABLE = 32 - (AHEAD_BITS - AHEAD_PAGE_BITS);
const TABLE_PAGES = AHEAD_TABLE_WORDS / PAGE_WORDS;
/** A table with fewer prefixes is a small one. */
export const SMALL = 1024;
/** Changes of one part in a row that it waits for. */
const PATIENCE = 512;

/** The word of the table that leads to an address's page. @param first the address's first word */
export function pageNumber(first: number): number {
  return first >>> BELOW_TABLE;
}

/** Whether a number is a power of two, or 0. */
export function isPower(value: number): boolean {
  return (value & (value - 1)) === 0;
}

export abstract class LookAhead {
  /** Words of the table, or of nothing: address in the heap, 0: there is none. */
  protected table = 0;
  /** Prefixes that count here below each word of the table, and in all; none while the trie has no tables. */
  protected held = new Uint32Array(0);
  protected total = 0;
  /** The part that waits, -1: none; and for how many changes. */
  private waiting = -1;
  private waited = 0;
  /** The trie is getting its tables, and tells the prefixes that it has. */
  private isFilling = false;
  /** It has given its room to others, and takes none again. */
  private gone = false;

  /**
   * @param rootWord the word of the trie's root (layout.ts) that leads to the table
   * @param shortest bits of the shortest prefixes that count here
   * @param tableFrom prefixes from which there is a table; a power of two
   * @param partBits address bits that choose a part, 24 at most
   */
  constructor(
    protected readonly heap: Heap,
    readonly rootWord: number,
    private readonly shortest: number,
    private readonly tableFrom: number,
    private readonly partBits: number,
  ) {}

  /** Address of the table, 0: there is none. */
  get at(): number {
    return this.table;
  }

  /** The trie has got its tables: all prefixes are told from now on, first those that it has. */
  open(): void {
    if (this.gone) return;
    this.held = new Uint32Array(AHEAD_TABLE_WORDS);
    this.total = 0;
    this.isFilling = true;
  }

  /** Those have been told. Not within a change. @param index as for changed() */
  filled(index: number): void {
    this.isFilling = false;
    if (this.held.length === 0 || this.total < this.tableFrom) return;
    this.growFor(this.total);
    this.makeTable(index);
  }

  /** Gives everything back. The reader's way here must be barred: the root doesn't lead here any more, and the graph's version is odd. */
  close(): void {
    this.held = new Uint32Array(0);
    this.total = 0;
    this.waiting = -1;
    this.release();
    if (this.table !== 0) this.heap.releaseWords(this.table, AHEAD_TABLE_WORDS);
    this.table = 0;
  }

  /** The same, for good. */
  giveWay(): void {
    this.gone = true;
    this.close();
  }

  /**
   * A prefix of 16 bits or more came (1), went (-1) or got another value (0). Within the change of the trie that is told, which is done.
   * @param index address of the trie's index: the topmost node below each slot, 0: none
   * @param first the address's first word
   */
  changed(index: number, first: number, length: number, more: -1 | 0 | 1): void {
    if (this.held.length === 0 || length < this.shortest) return;
    this.held[pageNumber(first)]! += more;
    this.total += more;
    this.count(first, more);
    if (this.isFilling) return;
    if (this.table === 0) {
      if (more === 1 && this.makesTableAt(this.total)) this.makeTable(index);
      return;
    }
    const part = first >>> (32 - this.partBits);
    if (part !== this.waiting || ++this.waited > PATIENCE) this.stopWaiting(index);
    if (this.follow(index, first, length, more) || more === -1 || !this.pays(first)) return;
    if (!this.waits) {
      this.waiting = -1;
      this.make(index, first);
    } else if (this.waiting !== part) {
      this.waiting = part;
      this.waited = 0;
    }
  }

  /**
   * Has the heap grow, if need be, for what a prefix more may make here: not within its change, as that takes longer than a version may be odd. For what goes
   * it doesn't grow.
   */
  makeRoom(): void {
    if (this.held.length === 0) return;
    const next = this.total + 1;
    if (this.table === 0 && this.makesTableAt(next)) this.growFor(next);
    else if (this.waiting >= 0) this.heap.hasPages(LEFT_PAGES);
  }

  /** Whether a table is made with the prefix that makes so many. Where there was no room it is looked for again only now and then. */
  private makesTableAt(total: number): boolean {
    return total >= this.tableFrom && (isPower(total) || total % SMALL === 0);
  }

  /** The heap grows for a large table only, and where its free pages don't lie side by side as well. */
  private growFor(total: number): void {
    if (total >= SMALL && this.heap.hasPages(LEFT_PAGES)) this.heap.makesRun(TABLE_PAGES);
  }

  private makeTable(index: number): void {
    if (!this.heap.hasRun(TABLE_PAGES) || !this.heap.isSpare(LEFT_PAGES)) return;
    this.table = this.heap.allocateWords(AHEAD_TABLE_WORDS);
    if (this.table === 0) return;
    this.heap.words.fill(0, this.table, this.table + AHEAD_TABLE_WORDS);
    // Where it came late that would take long: each part comes with the next change of a prefix of its own.
    if (this.total < 2 * Math.max(this.tableFrom, SMALL)) this.makeAll(index);
  }

  /** The part that waited, if there is still something for it. */
  private stopWaiting(index: number): void {
    const first = (this.waiting << (32 - this.partBits)) >>> 0;
    const isWaiting = this.waiting >= 0;
    this.waiting = -1;
    if (isWaiting && this.pays(first)) this.make(index, first);
  }

  /** Whether a part waits before it is made. */
  protected abstract get waits(): boolean;
  /** Of a prefix in this part one more is held, or one fewer. */
  protected abstract count(first: number, more: -1 | 0 | 1): void;
  /** Brings what there is up to date for a changed prefix; false: there is nothing. */
  protected abstract follow(index: number, first: number, length: number, more: -1 | 0 | 1): boolean;
  /** Whether the part is worth its room. */
  protected abstract pays(first: number): boolean;
  /** Makes the part, where there is room. */
  protected abstract make(index: number, first: number): void;
  /** All parts that pay: they are few. */
  protected abstract makeAll(index: number): void;
  /** Gives back all that parts have. */
  protected abstract release(): void;
}
