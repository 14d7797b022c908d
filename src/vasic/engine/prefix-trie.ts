/**
 * Longest-prefix match for one address family: a tree bitmap (Eatherton, Varghese, Dittia 2004), behind a direct index of the
 * first 16 bits once there are enough prefixes to pay for that.
 *
 * A node covers five address bits in four words: a bitmap of the prefixes that end in it, a bitmap of the children, and blocks of
 * both, packed in bitmap order. Where it would have one child and no prefix it is a path instead, of up to 60 bits, and what leads to
 * a single prefix is one node with its value (trie-nodes.ts). So memory follows the number of prefixes, nothing is pushed down to
 * leaves, and a change touches a node, the path before it, and their blocks. A lookup costs a node for each five bits that tell
 * prefixes apart, not for those that all have in common.
 *
 * A small trie is one such tree from the first bit on. One with as many prefixes as its memory wants for that gets three tables: the index (first 16
 * bits → node) and two for the prefixes shorter than that (short-prefixes.ts). It keeps them until it is empty. So a hundred
 * tables of a few routes cost little, and a million routes are two or three nodes away.
 *
 * Addresses are words in network order, in an array of ADDRESS_WORDS; an IPv4 address is in the first, the others
 * must be zero. Values are 32-bit numbers, 0 meaning none. Owned by the tree node that it serves. Its words may be read by
 * others meanwhile (the kernel): each change is bracketed for them, see TrieMemory.
 */
import { OWN_MEMORY } from './arena';
import { COVER_WORDS, INDEX_BITS, INDEX_WORDS, SHORTS_WORDS, ShortPrefixes, TABLE_WORDS } from './short-prefixes';
import { ADDRESS_WORDS, bitInNode, chunkAt, COVERING, rank, STRIDE } from './trie-bits';
import { addChild, addValue, allocate, removeChild, removeValue } from './trie-blocks';
import {
  BEHIND,
  BITS_SHIFT,
  CHILD_BLOCK,
  CHILDREN,
  isOnPath,
  LEAF,
  NODE_WORDS,
  PATH,
  placeOfValue,
  prefixesBelow,
  releaseNode,
  type PrefixValue,
} from './trie-nodes';
import { makeWay, pack, splitPath, straighten } from './trie-paths';
import { TABLES, WHOLE_TRIE, type TrieMemory, type WordBlock, type WordPool } from './word-pool';

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
  /** Nodes from the topmost one down to the one last visited by find(), and the address bits before each. */
  private readonly visited = new Uint32Array(32);
  private readonly depths = new Uint8Array(32);

  /** `tablesFrom`: prefixes from which it has tables, as it is then. */
  constructor(
    readonly memory: TrieMemory = OWN_MEMORY,
    private readonly tablesFrom = (): number => memory.tablesFrom,
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
    for (let depth = this.base; node !== 0;) {
      const head = words[node]!;
      if ((head & PATH) !== 0) {
        if (!isOnPath(words, node, address, depth)) break;
        if ((head & LEAF) !== 0) return words[node + BEHIND]!;
        depth += head >>> BITS_SHIFT;
        node = words[node + BEHIND]!;
        continue;
      }
      const chunk = chunkAt(address, depth);
      const covering = head & COVERING[chunk]!;
      if (covering !== 0) {
        bestNode = node;
        bestBit = 31 - Math.clz32(covering);
      }
      const children = words[node + CHILDREN]!;
      if (((children >>> chunk) & 1) === 0) break;
      node = words[node + CHILD_BLOCK]! + rank(children, chunk) * NODE_WORDS;
      depth += STRIDE;
    }
    if (bestNode !== 0) return words[placeOfValue(words, bestNode, bestBit)]!;
    return index === undefined ? 0 : this.shorts!.lookup(first);
  }

  /** The value of exactly this prefix; 0: not held. */
  get(address: Uint32Array, length: number): number {
    if (this.size === 0) return 0;
    if (length < this.base) return this.shorts!.get(address, length);
    const level = this.find(address, length);
    return level < 0 ? 0 : this.pool.words[this.placeOf(level, address, length)]!;
  }

  /** Adds or replaces; returns the value replaced, 0 for none. Does nothing where memory.hasRoom() says no. */
  set(address: Uint32Array, length: number, value: number): number {
    if (!this.memory.hasRoom() && this.get(address, length) === 0) {
      this.memory.refused();
      return 0;
    }
    if (this.index === undefined && this.size >= this.tablesFrom()) this.makeTables();
    if (length < this.base) return this.setShort(this.shorts!, address, length, value);
    const place = this.bracketOf(address);
    this.memory.open(place);
    const previous = this.put(address, length, value);
    if (previous === 0) this.size++;
    this.tell(address, length, previous === 0 ? 1 : 0);
    this.memory.close(place);
    return previous;
  }

  private setShort(shorts: ShortPrefixes, address: Uint32Array, length: number, value: number): number {
    if (shorts.get(address, length) === 0) {
      this.size++;
      return shorts.set(address, length, value);
    }
    this.memory.open(WHOLE_TRIE);
    const previous = shorts.set(address, length, value);
    this.memory.close(WHOLE_TRIE);
    return previous;
  }

  /** Removes; returns the value that was held, 0 for none. */
  delete(address: Uint32Array, length: number): number {
    if (this.size === 0) return 0;
    const previous = length < this.base ? this.deleteShort(address, length) : this.deleteLong(address, length);
    if (previous !== 0) this.size--;
    if (this.size === 0) this.dropTables();
    return previous;
  }

  private deleteShort(address: Uint32Array, length: number): number {
    const position = this.shorts!.leave(address, length);
    if (position === 0) return 0;
    this.memory.open(WHOLE_TRIE);
    const previous = this.shorts!.clear(position);
    this.memory.close(WHOLE_TRIE);
    return previous;
  }

  private deleteLong(address: Uint32Array, length: number): number {
    const place = this.bracketOf(address);
    this.memory.open(place);
    const previous = this.take(address, length);
    if (previous !== 0) this.tell(address, length, -1);
    this.memory.close(place);
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

  /** Of a change of a prefix that isn't among the short ones. */
  private bracketOf(address: Uint32Array): number {
    return this.index === undefined ? WHOLE_TRIE : address[0]! >>> INDEX_BITS;
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

  private put(address: Uint32Array, length: number, value: number): number {
    const first = address[0]! >>> INDEX_BITS;
    const pool = (this.pool = this.poolOf(first));
    let node = this.topOf(first);
    if (node === 0) {
      node = allocate(pool, 1, NODE_WORDS);
      makeWay(pool, node, address, this.base, length, value);
      this.setTop(first, node);
      return 0;
    }
    for (let depth = this.base; ;) {
      const head = pool.words[node]!;
      if ((head & PATH) !== 0) {
        if (!leadsTo(pool.words, node, address, depth, length)) {
          splitPath(pool, node, address, depth, length, value);
          return 0;
        }
        if ((head & LEAF) !== 0) return exchange(pool.words, node + BEHIND, value);
        depth += head >>> BITS_SHIFT;
        node = pool.words[node + BEHIND]!;
        continue;
      }
      if (length - depth < STRIDE) {
        const bit = bitInNode(address, depth, length);
        if ((head >>> bit) & 1) return exchange(pool.words, placeOfValue(pool.words, node, bit), value);
        addValue(pool, node, bit, value);
        return 0;
      }
      const chunk = chunkAt(address, depth);
      const children = pool.words[node + CHILDREN]!;
      depth += STRIDE;
      if (((children >>> chunk) & 1) === 0) {
        makeWay(pool, addChild(pool, node, chunk), address, depth, length, value);
        return 0;
      }
      node = pool.words[node + CHILD_BLOCK]! + rank(children, chunk) * NODE_WORDS;
    }
  }

  private take(address: Uint32Array, length: number): number {
    const level = this.find(address, length);
    if (level < 0) return 0;
    const { pool } = this;
    const node = this.visited[level]!;
    if ((pool.words[node]! & PATH) !== 0) {
      const previous = pool.words[node + BEHIND]!;
      this.remove(level, address);
      return previous;
    }
    const previous = removeValue(pool, node, bitInNode(address, this.depths[level]!, length));
    this.settle(level);
    return previous;
  }

  /** Walks to the node that has a prefix, noting the way there; how many nodes are above it, -1: the prefix isn't held. */
  private find(address: Uint32Array, length: number): number {
    const first = address[0]! >>> INDEX_BITS;
    let node = this.topOf(first);
    if (node === 0) return -1;
    this.pool = this.poolOf(first);
    const { words } = this.pool;
    let depth = this.base;
    for (let level = 0; ; level++) {
      const head = words[node]!;
      this.visited[level] = node;
      this.depths[level] = depth;
      if ((head & PATH) !== 0) {
        if (!leadsTo(words, node, address, depth, length)) return -1;
        if ((head & LEAF) !== 0) return level;
        depth += head >>> BITS_SHIFT;
        node = words[node + BEHIND]!;
        continue;
      }
      if (length - depth < STRIDE) return (head >>> bitInNode(address, depth, length)) & 1 ? level : -1;
      const chunk = chunkAt(address, depth);
      const children = words[node + CHILDREN]!;
      if (((children >>> chunk) & 1) === 0) return -1;
      node = words[node + CHILD_BLOCK]! + rank(children, chunk) * NODE_WORDS;
      depth += STRIDE;
    }
  }

  /** Where the value of a prefix is that find() found. */
  private placeOf(level: number, address: Uint32Array, length: number): number {
    const { words } = this.pool;
    const node = this.visited[level]!;
    if ((words[node]! & PATH) !== 0) return node + BEHIND;
    return placeOfValue(words, node, bitInNode(address, this.depths[level]!, length));
  }

  /** Takes a node, below which there is nothing any more, off the way that find() noted. */
  private remove(level: number, address: Uint32Array): void {
    const { pool } = this;
    for (let at = level; at > 0; at--) {
      const parent = this.visited[at - 1]!;
      if ((pool.words[parent]! & PATH) === 0) {
        removeChild(pool, parent, chunkAt(address, this.depths[at - 1]!));
        this.settle(at - 1);
        return;
      }
      pool.release(this.visited[at]!, 1, NODE_WORDS);
    }
    pool.release(this.visited[0]!, 1, NODE_WORDS);
    this.setTop(address[0]! >>> INDEX_BITS, 0);
  }

  /** Where a branching node on that way has lost something: it may be a path now, or part of the one before it. */
  private settle(level: number): void {
    const { words } = this.pool;
    const node = this.visited[level]!;
    if (!straighten(words, node)) return;
    const before = level === 0 ? node : this.visited[level - 1]!;
    pack(this.pool, (words[before]! & PATH) === 0 ? node : before);
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
    // Nobody else sees them before moved().
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
    this.memory.open(TABLES);
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

/** Whether a path leads to a prefix: to its end, or on to where it may be. */
function leadsTo(words: Uint32Array, node: number, address: Uint32Array, depth: number, length: number): boolean {
  const bits = words[node]! >>> BITS_SHIFT;
  const left = length - depth;
  if ((words[node]! & LEAF) === 0 ? bits > left : bits !== left) return false;
  return isOnPath(words, node, address, depth);
}

function exchange(words: Uint32Array, at: number, value: number): number {
  const previous = words[at]!;
  words[at] = value;
  return previous;
}
