/**
 * The memory of a route trie that the kernel's program looks up in: blocks of the heap, and a root that says where
 * its parts are.
 *
 * Changes below one index slot are bracketed by the tree version of that slot. Those of a small trie (which has no index, so each
 * may touch what all share) by the tree version of its root's address; those that touch all of a trie with tables (a prefix
 * shorter than 16 bits, tables that come and go) by the graph's version.
 */
import { TABLES, type TrieMemory, type TrieRoot, type WordBlock, type WordPool } from '../engine/word-pool';
import type { Heap } from './heap';
import { PAGE_WORDS } from './heap';
import { LeafPages } from './leaf-pages';
import { ROOT_COVER, ROOT_INDEX, ROOT_LEAVES, ROOT_NODE, ROOT_SHORTS, ROOT_WORDS } from './layout';
import type { Versions } from './versions';

/** What the prefixes of a small trie take when they move behind tables. */
const MOVING_PAGES = 64;

export class SharedTrieMemory implements TrieMemory {
  private rootAt = 0;
  private hasTables = false;
  private readonly leaves: LeafPages | undefined;

  constructor(
    private readonly heap: Heap,
    private readonly versions: Versions,
    /** Most of its prefixes have 24 bits at most: IPv4. */
    hasLeaves: boolean,
  ) {
    this.leaves = hasLeaves ? new LeafPages(heap) : undefined;
  }

  /** Address of its root in the heap; 0: none, and so it has no room for prefixes. */
  get root(): number {
    return this.rootAt;
  }

  hasRoom(): boolean {
    return this.rootAt !== 0 && this.heap.makesRoom(() => this.heap.hasRoom());
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
  }

  /** Makes the version odd that tells of a change there, or even again. */
  private turn(place: number): void {
    if (place >= 0) this.versions.turnTree(place);
    else if (place === TABLES || this.hasTables) this.versions.turnGraph();
    else this.versions.turnTree(this.rootAt / ROOT_WORDS);
  }

  changed(first: number, length: number, more: -1 | 0 | 1): void {
    this.leaves?.changed(this.heap.words[this.rootAt + ROOT_INDEX]!, first, length, more);
  }

  /** Pages that only make lookups faster give way to whatever is needed; false: there are none. */
  private readonly giveLeaves = (): boolean => {
    if (this.leaves === undefined || this.leaves.at === 0) return false;
    this.versions.turnGraph();
    this.heap.words[this.rootAt + ROOT_LEAVES] = 0;
    this.leaves.giveWay();
    this.versions.turnGraph();
    return true;
  };

  moved({ index, cover, shorts, node }: TrieRoot): void {
    this.hasTables = index !== 0;
    if (this.hasTables) this.leaves?.open();
    const { words } = this.heap;
    words[this.rootAt + ROOT_LEAVES] = this.hasTables ? (this.leaves?.at ?? 0) : 0;
    if (!this.hasTables) this.leaves?.close();
    words[this.rootAt + ROOT_INDEX] = index;
    words[this.rootAt + ROOT_COVER] = cover;
    words[this.rootAt + ROOT_SHORTS] = shorts;
    words[this.rootAt + ROOT_NODE] = node;
  }

  /** Gives the root back; the trie is empty, and nobody looks it up any more. */
  releaseRoot(): void {
    this.heap.cannotGive(this.giveLeaves);
    if (this.rootAt !== 0) this.heap.releaseWords(this.rootAt, ROOT_WORDS);
    this.rootAt = 0;
  }

  /** Gets it a root; false: there is no room. The trie is empty. */
  makeRoot(): boolean {
    if (this.rootAt === 0) {
      this.rootAt = this.heap.allocateWords(ROOT_WORDS);
      if (this.rootAt !== 0) this.heap.words.fill(0, this.rootAt, this.rootAt + ROOT_WORDS);
      if (this.leaves !== undefined) this.heap.canGive(this.giveLeaves);
    }
    return this.rootAt !== 0;
  }
}
