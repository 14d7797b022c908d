/**
 * The memory of a route trie that the kernel's program looks up in: blocks of the heap, and a root that says where
 * its parts are.
 *
 * Changes below one index slot are bracketed by the tree version of that slot. Those of a small trie (which has no index, so each
 * may touch what all share) by the tree version of its root's address; those that touch all of a trie with tables (a value of a prefix
 * shorter than 16 bits that changes or goes, tables that come and go) by the graph's version.
 */
import { TABLE_WORDS } from '../engine/short-prefixes';
import {
  TABLES,
  TABLES_FROM,
  type TrieMemory,
  type TrieRoot,
  type WordBlock,
  type WordPool,
} from '../engine/word-pool';
import type { Heap } from './heap';
import { PAGE_WORDS } from './heap';
import type { LookAhead } from './look-ahead';
import { ROOT_COVER, ROOT_INDEX, ROOT_NODE, ROOT_SHORTS, ROOT_WORDS } from './layout';
import type { Versions } from './versions';

/** What the prefixes of a small trie take when they move behind tables. */
const MOVING_PAGES = 64;
/** That, and tables. */
const EARLY_PAGES = MOVING_PAGES + TABLE_WORDS / PAGE_WORDS;

/** Prefixes from which a trie has tables early: a lookup then takes a step or two where each prefix has other first 16 bits, as most in a small table. */
const EARLY_FROM = 2;

/** The tries that have tables early, which take 640 KiB: the first so many. Owner: whoever has the heap. */
export class EarlyTables {
  constructor(public left = 4) {}
}

export class SharedTrieMemory implements TrieMemory {
  private rootAt = 0;
  private hasTables = false;
  /** It is one of `early`. */
  private isEarly = false;

  constructor(
    private readonly heap: Heap,
    private readonly versions: Versions,
    private readonly early: EarlyTables,
    /** In `heap`, and this trie's alone; undefined: it has none. */
    private readonly ahead: LookAhead | undefined,
  ) {}

  /** Early only where the heap has nothing yet: nobody gives way for that, and it doesn't grow. */
  get tablesFrom(): number {
    return this.early.left > 0 && this.heap.isUntouched(EARLY_PAGES) ? EARLY_FROM : TABLES_FROM;
  }

  /** Address of its root in the heap; 0: none, and so it has no room for prefixes. */
  get root(): number {
    return this.rootAt;
  }

  hasRoom(): boolean {
    if (this.rootAt === 0) return false;
    this.ahead?.makeRoom();
    return this.heap.makesRoom(() => this.heap.hasRoom());
  }

  refused(): void {
    this.heap.missed = true;
  }

  small(): WordPool {
    return this.heap;
  }

  large(): readonly WordPool[] {
    return [this.heap];
  }

  tables(words: number): WordBlock | undefined {
    if (!this.heap.makesRoom(() => this.heap.hasPages(words / PAGE_WORDS + MOVING_PAGES))) return undefined;
    const at = this.heap.allocateWords(words);
    if (at === 0) return undefined;
    this.heap.words.fill(0, at, at + words);
    return { pool: this.heap, at };
  }

  releaseTables(block: WordBlock, words: number): void {
    this.heap.releaseWords(block.at, words);
  }

  open(place: number): void {
    this.turn(place);
  }

  close(place: number): void {
    this.turn(place);
    if (place !== TABLES || !this.hasTables) return;
    this.ahead?.filled(this.heap.words[this.rootAt + ROOT_INDEX]!);
    this.leadAhead();
  }

  /** Makes the version odd that tells of a change there, or even again. */
  private turn(place: number): void {
    if (place >= 0) this.versions.turnTree(place);
    else if (place === TABLES || this.hasTables) this.versions.turnGraph();
    else this.versions.turnTree(this.rootAt / ROOT_WORDS);
  }

  changed(first: number, length: number, more: -1 | 0 | 1): void {
    this.ahead?.changed(this.heap.words[this.rootAt + ROOT_INDEX]!, first, length, more);
    this.leadAhead();
  }

  /** Has the root lead to what is there by now for looking ahead. */
  private leadAhead(): void {
    const { ahead } = this;
    if (ahead === undefined || this.heap.words[this.rootAt + ahead.rootWord] === ahead.at) return;
    // Behind all that it leads to, for readers on other processors.
    Atomics.store(this.heap.words, this.rootAt + ahead.rootWord, ahead.at);
  }

  /** What only makes lookups faster gives way to whatever is needed; false: there is none. */
  private readonly giveAhead = (): boolean => {
    const { ahead } = this;
    if (ahead === undefined || ahead.at === 0) return false;
    this.versions.turnGraph();
    this.heap.words[this.rootAt + ahead.rootWord] = 0;
    ahead.giveWay();
    this.versions.turnGraph();
    return true;
  };

  moved({ index, cover, shorts, node }: TrieRoot): void {
    if (this.hasTables !== (index !== 0)) this.turnTables(index !== 0);
    const { words } = this.heap;
    words[this.rootAt + ROOT_INDEX] = index;
    words[this.rootAt + ROOT_COVER] = cover;
    words[this.rootAt + ROOT_SHORTS] = shorts;
    words[this.rootAt + ROOT_NODE] = node;
  }

  private turnTables(has: boolean): void {
    this.hasTables = has;
    if (this.ahead !== undefined) {
      this.heap.words[this.rootAt + this.ahead.rootWord] = 0;
      if (has) this.ahead.open();
      else this.ahead.close();
    }
    if (has && this.early.left > 0) {
      this.isEarly = true;
      this.early.left--;
    } else if (!has && this.isEarly) {
      this.isEarly = false;
      this.early.left++;
    }
  }

  /** Gives the root back; the trie is empty, and nobody looks it up any more. */
  releaseRoot(): void {
    this.heap.cannotGive(this.giveAhead);
    if (this.rootAt !== 0) this.heap.releaseWords(this.rootAt, ROOT_WORDS);
    this.rootAt = 0;
  }

  /** Gets it a root; false: there is no room. The trie is empty. */
  makeRoot(): boolean {
    if (this.rootAt === 0) {
      this.rootAt = this.heap.allocateWords(ROOT_WORDS);
      if (this.rootAt !== 0) this.heap.words.fill(0, this.rootAt, this.rootAt + ROOT_WORDS);
      if (this.ahead !== undefined) this.heap.canGive(this.giveAhead);
    }
    return this.rootAt !== 0;
  }
}
