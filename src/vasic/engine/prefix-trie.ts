/**
 * Longest-prefix match for one address family: a tree bitmap (Eatherton, Varghese, Dittia 2004), behind a direct index of the
 * first 16 bits once there are enough prefixes to pay for that.
 *
 * Every node covers five address bits in four words: a bitmap of the prefixes that end in it (bit 2^n + the n bits,
 * n = 0…4), a bitmap of the children (32), the block of child nodes and the block of values, both packed in bitmap
 * order. So memory follows the number of prefixes, nothing is pushed down to leaves, and a change touches one node and
 * at most the blocks of its ancestors. A lookup costs one node per five bits of prefix length, however many prefixes
 * there are.
 *
 * A small trie is one such tree from the first bit on. One with TABLES_FROM prefixes gets three tables: the index (first 16
 * bits → node) and two for the prefixes shorter than that (short-prefixes.ts). It keeps them until it is empty. So a hundred
 * tables of a few routes cost little, and a million routes are two or three nodes away.
 *
 * Addresses are words in network order, in an array of ADDRESS_WORDS; an IPv4 address is in the first, the others
 * must be zero. Values are 32-bit numbers, 0 meaning none. Owned by the tree node that it serves. Its words may be read by
 * others meanwhile (the kernel): each change is bracketed for them, see TrieMemory.
 */
import { OWN_MEMORY } from './arena';
import { COVER_WORDS, INDEX_BITS, SHORTS_WORDS, ShortPrefixes } from './short-prefixes';
import { ADDRESS_WORDS, bitInNode, chunkAt, COVERING, popcount, rank, STRIDE } from './trie-bits';
import {
  CHILD_BLOCK,
  CHILDREN,
  NODE_WORDS,
  PREFIXES,
  prefixesBelow,
  releaseNode,
  VALUE_BLOCK,
  type PrefixValue,
} from './trie-nodes';
import { capacityOf, TABLES, WHOLE_TRIE, type TrieMemory, type WordBlock, type WordPool } from './word-pool';

/** Prefixes from which tables pay. */
export const TABLES_FROM = 1024;

const INDEX_WORDS = 1 << INDEX_BITS;
const TABLE_WORDS = INDEX_WORDS + COVER_WORDS + SHORTS_WORDS;
export class PrefixTrie {
  /** Prefixes held. */
  size = 0;
  /** Those of a trie that has some. */
  private tables: { readonly index: WordBlock; readonly cover: WordBlock; readonly shorts: WordBlock } | undefined;
  /** The first of them, and what is made of the others. */
  private index: WordBlock | undefined;
  private shorts: ShortPrefixes | undefined;
  /** Of nodes and values: one for a small trie, else by the low bits of the first 16. */
  private pools: readonly WordPool[];
  private poolMask = 0;
  /** The one of the prefix that is being changed. */
  private pool: WordPool;
  /** The topmost node of a small trie, 0 for none. */
  private top = 0;
  /** Address bits that come before the topmost nodes: 0, or with tables 16. */
  private base = 0;
  /** Nodes from the topmost one down to the one last visited by find(). */
  private readonly path = new Uint32Array(32);

  /** `tablesFrom`: prefixes from which it has tables. */
  constructor(
    readonly memory: TrieMemory = OWN_MEMORY,
    private readonly tablesFrom = TABLES_FROM,
  ) {
    this.pool = memory.small();
    this.pools = [this.pool];
  }

  /** Bytes held. */
  get bytes(): number {
    return this.pools.reduce((sum, pool) => sum + pool.bytes, this.index === undefined ? 0 : TABLE_WORDS * 4);
  }

  /** The value of the longest prefix that covers the address; 0: none does. */
  lookup(address: Uint32Array): number {
    if (this.size === 0) return 0;
    const index = this.index;
    const first = address[0]! >>> INDEX_BITS;
    const words = this.pools[first & this.poolMask]!.words;
    let node = index === undefined ? this.top : index.pool.words[index.at + first]!;
    let bestNode = 0;
    let bestBit = 0;
    for (let depth = this.base; node !== 0; depth += STRIDE) {
      const chunk = chunkAt(address, depth);
      const covering = words[node]! & COVERING[chunk]!;
      if (covering !== 0) {
        bestNode = node;
        bestBit = 31 - Math.clz32(covering);
      }
      const children = words[node + CHILDREN]!;
      if (((children >>> chunk) & 1) === 0) break;
      node = words[node + CHILD_BLOCK]! + rank(children, chunk) * NODE_WORDS;
    }
    if (bestNode !== 0) return words[words[bestNode + VALUE_BLOCK]! + rank(words[bestNode]!, bestBit)]!;
    return index === undefined ? 0 : this.shorts!.lookup(first);
  }

  /** The value of exactly this prefix; 0: not held. */
  get(address: Uint32Array, length: number): number {
    if (this.size === 0) return 0;
    if (length < this.base) return this.shorts!.get(address, length);
    const depth = this.find(address, length);
    if (depth < 0) return 0;
    const node = this.path[this.level(depth)]!;
    const bit = bitInNode(address, depth, length);
    const words = this.pool.words;
    return (words[node]! >>> bit) & 1 ? words[words[node + VALUE_BLOCK]! + rank(words[node]!, bit)]! : 0;
  }

  /** Adds or replaces; returns the value replaced, 0 for none. Does nothing where memory.hasRoom() says no. */
  set(address: Uint32Array, length: number, value: number): number {
    if (!this.memory.hasRoom() && this.get(address, length) === 0) {
      this.memory.refused();
      return 0;
    }
    if (this.index === undefined && this.size >= this.tablesFrom) this.makeTables();
    const place = this.placeOf(address, length);
    this.memory.open(place);
    const previous = length < this.base ? this.shorts!.set(address, length, value) : this.put(address, length, value);
    if (previous === 0) this.size++;
    this.tell(address, length, previous === 0 ? 1 : 0);
    this.memory.close(place);
    return previous;
  }

  /** Removes; returns the value that was held, 0 for none. */
  delete(address: Uint32Array, length: number): number {
    if (this.size === 0) return 0;
    const place = this.placeOf(address, length);
    this.memory.open(place);
    const previous = length < this.base ? this.shorts!.delete(address, length) : this.take(address, length);
    if (previous !== 0) {
      this.size--;
      this.tell(address, length, -1);
    }
    this.memory.close(place);
    if (this.size === 0) this.dropTables();
    return previous;
  }

  /**
   * All prefixes, in no promised order. Changes between two steps are safe: a prefix that is added or removed meanwhile
   * may or may not be seen, every other exactly once.
   */
  *entries(): IterableIterator<PrefixValue> {
    if (this.index === undefined) {
      yield* prefixesBelow(this.pools[0]!, this.top, 0, new Uint32Array(ADDRESS_WORDS));
      return;
    }
    for (let position = 1; position < SHORTS_WORDS; position++) {
      const short = this.shorts?.at(position);
      if (short === undefined) continue;
      const address = new Uint32Array(ADDRESS_WORDS);
      address[0] = short.first;
      yield { address, length: short.length, value: short.value };
    }
    for (let first = 0; first < INDEX_WORDS; first++) {
      const node = this.topOf(first);
      // Without tables it was empty meanwhile: nothing is left of what this began with.
      if (this.index === undefined) return;
      if (node === 0) continue;
      const address = new Uint32Array(ADDRESS_WORDS);
      address[0] = first << INDEX_BITS;
      yield* prefixesBelow(this.poolOf(first), node, INDEX_BITS, address);
    }
  }

  /** Tells the memory of a prefix that changed, where it is one of those below the index. */
  private tell(address: Uint32Array, length: number, more: -1 | 0 | 1): void {
    if (this.index !== undefined && length >= INDEX_BITS) this.memory.changed(address[0]!, length, more);
  }

  private placeOf(address: Uint32Array, length: number): number {
    return this.index === undefined || length < INDEX_BITS ? WHOLE_TRIE : address[0]! >>> INDEX_BITS;
  }

  private poolOf(first: number): WordPool {
    return this.pools[first & this.poolMask]!;
  }

  private topOf(first: number): number {
    const index = this.index;
    return index === undefined ? this.top : index.pool.words[index.at + first]!;
  }

  private setTop(first: number, node: number): void {
    const index = this.index;
    if (index !== undefined) {
      index.pool.words[index.at + first] = node;
      return;
    }
    this.top = node;
    this.memory.moved({ index: 0, cover: 0, shorts: 0, node });
  }

  /** How many nodes are above the one at a depth. */
  private level(depth: number): number {
    return (depth - this.base) / STRIDE;
  }

  private put(address: Uint32Array, length: number, value: number): number {
    const { depth, node } = this.make(address, length);
    const bit = bitInNode(address, depth, length);
    const bitmap = this.pool.words[node]!;
    const position = rank(bitmap, bit);
    if ((bitmap >>> bit) & 1) {
      const at = this.pool.words[node + VALUE_BLOCK]! + position;
      const previous = this.pool.words[at]!;
      this.pool.words[at] = value;
      return previous;
    }
    const at = this.openItem(node + VALUE_BLOCK, popcount(bitmap), position, 1);
    this.pool.words[at] = value;
    this.pool.words[node] = bitmap | (1 << bit);
    return 0;
  }

  private take(address: Uint32Array, length: number): number {
    const depth = this.find(address, length);
    if (depth < 0) return 0;
    const node = this.path[this.level(depth)]!;
    const words = this.pool.words;
    const bit = bitInNode(address, depth, length);
    const bitmap = words[node]!;
    if (((bitmap >>> bit) & 1) === 0) return 0;
    const position = rank(bitmap, bit);
    const previous = words[words[node + VALUE_BLOCK]! + position]!;
    this.closeItem(node + VALUE_BLOCK, popcount(bitmap), position, 1);
    this.pool.words[node] = bitmap & ~(1 << bit);
    this.prune(address, depth);
    return previous;
  }

  /** Walks to the node that a prefix belongs in, noting the path; its depth, or -1. */
  private find(address: Uint32Array, length: number): number {
    const first = address[0]! >>> INDEX_BITS;
    let node = this.topOf(first);
    if (node === 0) return -1;
    this.pool = this.poolOf(first);
    const words = this.pool.words;
    let depth = this.base;
    this.path[0] = node;
    while (length - depth >= STRIDE) {
      const chunk = chunkAt(address, depth);
      const children = words[node + CHILDREN]!;
      if (((children >>> chunk) & 1) === 0) return -1;
      node = words[node + CHILD_BLOCK]! + rank(children, chunk) * NODE_WORDS;
      depth += STRIDE;
      this.path[this.level(depth)] = node;
    }
    return depth;
  }

  /** The same, making the nodes that are missing. */
  private make(address: Uint32Array, length: number): { depth: number; node: number } {
    const first = address[0]! >>> INDEX_BITS;
    this.pool = this.poolOf(first);
    let node = this.topOf(first);
    if (node === 0) {
      node = this.pool.allocate(1, NODE_WORDS);
      this.pool.words.fill(0, node, node + NODE_WORDS);
      this.setTop(first, node);
    }
    let depth = this.base;
    while (length - depth >= STRIDE) {
      const chunk = chunkAt(address, depth);
      const children = this.pool.words[node + CHILDREN]!;
      const position = rank(children, chunk);
      if ((children >>> chunk) & 1) {
        node = this.pool.words[node + CHILD_BLOCK]! + position * NODE_WORDS;
      } else {
        const child = this.openItem(node + CHILD_BLOCK, popcount(children), position, NODE_WORDS);
        this.pool.words[node + CHILDREN] = children | (1 << chunk);
        this.pool.words.fill(0, child, child + NODE_WORDS);
        node = child;
      }
      depth += STRIDE;
    }
    return { depth, node };
  }

  /** Makes room for one item in the block that word `pointer` points to and that holds `count`; the item's address. */
  private openItem(pointer: number, count: number, position: number, itemWords: number): number {
    const pool = this.pool;
    const old = pool.words[pointer]!;
    const split = position * itemWords;
    if (count > 0 && count < capacityOf(count)) {
      pool.words.copyWithin(old + split + itemWords, old + split, old + count * itemWords);
      return old + split;
    }
    const block = pool.allocate(count + 1, itemWords);
    if (block === 0) throw new Error('no room for a prefix where there was some: the memory lost a block');
    const words = pool.words;
    if (count > 0) {
      words.copyWithin(block, old, old + split);
      words.copyWithin(block + split + itemWords, old + split, old + count * itemWords);
      pool.release(old, count, itemWords);
    }
    words[pointer] = block;
    return block + split;
  }

  /** Takes one item out of such a block, giving the block back or moving it to a smaller one where that fits. */
  private closeItem(pointer: number, count: number, position: number, itemWords: number): void {
    const pool = this.pool;
    const old = pool.words[pointer]!;
    const split = position * itemWords;
    if (count === 1) {
      pool.release(old, 1, itemWords);
      pool.words[pointer] = 0;
      return;
    }
    pool.words.copyWithin(old + split, old + split + itemWords, old + count * itemWords);
    if (capacityOf(count - 1) === capacityOf(count)) return;
    const block = pool.allocate(count - 1, itemWords);
    if (block === 0) {
      pool.shrink(old, count, itemWords);
      return;
    }
    pool.words.copyWithin(block, old, old + (count - 1) * itemWords);
    pool.release(old, count, itemWords);
    pool.words[pointer] = block;
  }

  /** Takes empty nodes off the path that find() noted, from `depth` upwards. */
  private prune(address: Uint32Array, depth: number): void {
    for (let at = depth; ; at -= STRIDE) {
      const node = this.path[this.level(at)]!;
      if (this.pool.words[node + PREFIXES] !== 0 || this.pool.words[node + CHILDREN] !== 0) return;
      if (at === this.base) {
        this.pool.release(node, 1, NODE_WORDS);
        this.setTop(address[0]! >>> INDEX_BITS, 0);
        return;
      }
      const parent = this.path[this.level(at) - 1]!;
      const chunk = chunkAt(address, at - STRIDE);
      const children = this.pool.words[parent + CHILDREN]!;
      this.closeItem(parent + CHILD_BLOCK, popcount(children), rank(children, chunk), NODE_WORDS);
      this.pool.words[parent + CHILDREN] = children & ~(1 << chunk);
    }
  }

  /** Moves a small trie's prefixes behind tables; it stays as it is where there is no room for them. */
  private makeTables(): void {
    const index = this.memory.tables(INDEX_WORDS);
    const cover = this.memory.tables(COVER_WORDS);
    const shorts = this.memory.tables(SHORTS_WORDS);
    if (index === undefined || cover === undefined || shorts === undefined) {
      if (index !== undefined) this.memory.releaseTables(index, INDEX_WORDS);
      if (cover !== undefined) this.memory.releaseTables(cover, COVER_WORDS);
      if (shorts !== undefined) this.memory.releaseTables(shorts, SHORTS_WORDS);
      return;
    }
    const [oldPool, oldTop] = [this.pools[0]!, this.top];
    const held = prefixesBelow(oldPool, oldTop, 0, new Uint32Array(ADDRESS_WORDS));
    this.memory.open(TABLES);
    this.tables = { index, cover, shorts };
    this.index = index;
    this.shorts = new ShortPrefixes(cover, shorts);
    this.pools = this.memory.large();
    this.poolMask = this.pools.length - 1;
    this.base = INDEX_BITS;
    this.top = 0;
    for (const { address, length, value } of held) {
      if (length < INDEX_BITS) this.shorts.set(address, length, value);
      else this.put(address, length, value);
    }
    this.memory.moved({ index: index.at, cover: cover.at, shorts: shorts.at, node: 0 });
    for (const { address, length } of held) this.tell(address, length, 1);
    if (oldTop !== 0) releaseNode(oldPool, oldTop);
    this.memory.close(TABLES);
  }

  /** Nothing is held any more: starts over as a small trie. */
  private dropTables(): void {
    if (this.tables === undefined) return;
    const { index, cover, shorts } = this.tables;
    this.memory.open(TABLES);
    this.memory.moved({ index: 0, cover: 0, shorts: 0, node: 0 });
    this.memory.releaseTables(index, INDEX_WORDS);
    this.memory.releaseTables(cover, COVER_WORDS);
    this.memory.releaseTables(shorts, SHORTS_WORDS);
    this.tables = undefined;
    this.index = undefined;
    this.shorts = undefined;
    this.base = 0;
    this.pool = this.memory.small();
    this.pools = [this.pool];
    this.poolMask = 0;
    this.memory.close(TABLES);
  }
}
