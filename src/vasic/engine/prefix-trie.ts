/**
 * Longest-prefix match for one address family: a tree bitmap (Eatherton, Varghese, Dittia 2004) behind a direct index
 * of the first 16 bits.
 *
 * Below the index every node covers five address bits in four words: a bitmap of the prefixes that end in it (bit 2^n
 * + the n bits, n = 0…4), a bitmap of the children (32), the block of child nodes and the block of values, both
 * packed in bitmap order. So memory follows the number of prefixes, nothing is pushed down to leaves, and a change
 * touches one node and at most the blocks of its ancestors. A lookup costs one node per five bits of prefix length,
 * however many prefixes there are. Prefixes shorter than 16 bits live in a table of their own, indexed like the
 * bitmaps, and each index slot remembers the longest of them that covers it.
 *
 * Addresses are words in network order, in an array of ADDRESS_WORDS; an IPv4 address is in the first, the others
 * must be zero. Values are 32-bit numbers, 0 meaning none. Owned by the tree node that it serves.
 */
import { Arena } from './arena';

/** Four words of address, and one of zeros so that reading across the end is harmless. */
export const ADDRESS_WORDS = 5;

const INDEX_BITS = 16;
/** A power of two. */
const ARENAS = 64;
const STRIDE = 5;
const NODE_WORDS = 4;
const PREFIXES = 0;
const CHILDREN = 1;
const CHILD_BLOCK = 2;
const VALUE_BLOCK = 3;

/** chunk of 5 bits → bits of all prefixes in a node that cover it. */
const COVERING = Uint32Array.from({ length: 32 }, (_, chunk) => {
  let mask = 0;
  for (let n = 0; n < STRIDE; n++) mask |= 1 << ((1 << n) | (chunk >> (STRIDE - n)));
  return mask >>> 0;
});

function popcount(value: number): number {
  let v = value - ((value >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Set bits below position `bit`. */
function rank(bitmap: number, bit: number): number {
  return popcount(bitmap & ((1 << bit) - 1));
}

/** Five bits of the address from `depth`. */
function chunkAt(address: Uint32Array, depth: number): number {
  const word = depth >>> 5;
  const shift = depth & 31;
  const high = address[word]! << shift;
  return (shift > 27 ? high | (address[word + 1]! >>> (32 - shift)) : high) >>> 27;
}

export interface PrefixValue {
  /** First word(s) of the prefix, host bits zero; ADDRESS_WORDS long, the consumer's to keep. */
  readonly address: Uint32Array;
  readonly length: number;
  readonly value: number;
}

export class PrefixTrie {
  /** Prefixes held. */
  size = 0;
  /** Nodes and values below the index, by the low bits of the first 16: so that one that grows is copied in little time. */
  private readonly arenas = Array.from({ length: ARENAS }, () => new Arena());
  /** The one of the prefix that is being changed. */
  private arena = this.arenas[0]!;
  /** First 16 bits → node, 0 for none. The three tables come into being with the first prefix. */
  private index = new Uint32Array(0);
  /** First 16 bits → position in `shorts` of the longest prefix shorter than 16 bits that covers them, 0 for none. */
  private cover = new Uint16Array(0);
  /** 2^length + bits → value, for lengths 0…15. */
  private shorts = new Uint32Array(0);
  /** Words of the nodes from the index down to the one last visited by find(). */
  private readonly path = new Uint32Array(24);

  /** Bytes held. */
  get bytes(): number {
    const tables = this.index.byteLength + this.cover.byteLength + this.shorts.byteLength;
    return this.arenas.reduce((sum, arena) => sum + arena.bytes, tables);
  }

  /** The value of the longest prefix that covers the address; 0: none does. */
  lookup(address: Uint32Array): number {
    if (this.size === 0) return 0;
    const first = address[0]! >>> INDEX_BITS;
    const words = this.arenas[first % ARENAS]!.words;
    let node = this.index[first]!;
    let bestNode = 0;
    let bestBit = 0;
    for (let depth = INDEX_BITS; node !== 0; depth += STRIDE) {
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
    return this.shorts[this.cover[first]!]!;
  }

  /** The value of exactly this prefix; 0: not held. */
  get(address: Uint32Array, length: number): number {
    if (this.size === 0) return 0;
    if (length < INDEX_BITS) return this.shorts[shortPosition(address, length)]!;
    const depth = this.find(address, length);
    if (depth < 0) return 0;
    const node = this.path[(depth - INDEX_BITS) / STRIDE]!;
    const bit = bitInNode(address, depth, length);
    const words = this.arena.words;
    return (words[node]! >>> bit) & 1 ? words[words[node + VALUE_BLOCK]! + rank(words[node]!, bit)]! : 0;
  }

  /** Adds or replaces; returns the value replaced, 0 for none. */
  set(address: Uint32Array, length: number, value: number): number {
    if (this.index.length === 0) {
      this.index = new Uint32Array(1 << INDEX_BITS);
      this.cover = new Uint16Array(1 << INDEX_BITS);
      this.shorts = new Uint32Array(1 << INDEX_BITS);
    }
    if (length < INDEX_BITS) return this.setShort(address, length, value);
    const { depth, node } = this.make(address, length);
    const bit = bitInNode(address, depth, length);
    const bitmap = this.arena.words[node]!;
    const position = rank(bitmap, bit);
    if ((bitmap >>> bit) & 1) {
      const at = this.arena.words[node + VALUE_BLOCK]! + position;
      const previous = this.arena.words[at]!;
      this.arena.words[at] = value;
      return previous;
    }
    const at = this.openItem(node + VALUE_BLOCK, popcount(bitmap), position, 1);
    this.arena.words[at] = value;
    this.arena.words[node] = bitmap | (1 << bit);
    this.size++;
    return 0;
  }

  /** Removes; returns the value that was held, 0 for none. */
  delete(address: Uint32Array, length: number): number {
    if (this.size === 0) return 0;
    if (length < INDEX_BITS) return this.deleteShort(address, length);
    const depth = this.find(address, length);
    if (depth < 0) return 0;
    const node = this.path[(depth - INDEX_BITS) / STRIDE]!;
    const words = this.arena.words;
    const bit = bitInNode(address, depth, length);
    const bitmap = words[node]!;
    if (((bitmap >>> bit) & 1) === 0) return 0;
    const position = rank(bitmap, bit);
    const previous = words[words[node + VALUE_BLOCK]! + position]!;
    this.closeItem(node + VALUE_BLOCK, popcount(bitmap), position, 1);
    this.arena.words[node] = bitmap & ~(1 << bit);
    this.size--;
    this.prune(address, depth);
    return previous;
  }

  /**
   * All prefixes, in no promised order. Changes between two steps are safe: a prefix that is added or removed meanwhile
   * may or may not be seen, every other exactly once.
   */
  *entries(): IterableIterator<PrefixValue> {
    for (let position = 1; position < this.shorts.length; position++) {
      const value = this.shorts[position]!;
      if (value === 0) continue;
      const length = 31 - Math.clz32(position);
      const address = new Uint32Array(ADDRESS_WORDS);
      if (length > 0) address[0] = (position ^ (1 << length)) << (32 - length);
      yield { address, length, value };
    }
    for (let first = 0; first < this.index.length; first++) {
      const node = this.index[first]!;
      if (node === 0) continue;
      const address = new Uint32Array(ADDRESS_WORDS);
      address[0] = first << INDEX_BITS;
      this.arena = this.arenas[first % ARENAS]!;
      // Blocks move when the trie changes, so what hangs below one index slot is taken at once.
      const found: PrefixValue[] = [];
      this.collect(node, INDEX_BITS, address, found);
      yield* found;
    }
  }

  private collect(node: number, depth: number, address: Uint32Array, found: PrefixValue[]): void {
    const words = this.arena.words;
    const prefixes = words[node]!;
    let at = words[node + VALUE_BLOCK]!;
    for (let bit = 1; bit < 32; bit++) {
      if (((prefixes >>> bit) & 1) === 0) continue;
      const n = 31 - Math.clz32(bit);
      found.push({
        address: withChunk(address, depth, (bit ^ (1 << n)) << (STRIDE - n)),
        length: depth + n,
        value: words[at++]!,
      });
    }
    const children = words[node + CHILDREN]!;
    let child = words[node + CHILD_BLOCK]!;
    for (let chunk = 0; chunk < 32; chunk++) {
      if (((children >>> chunk) & 1) === 0) continue;
      this.collect(child, depth + STRIDE, withChunk(address, depth, chunk), found);
      child += NODE_WORDS;
    }
  }

  /** Walks to the node that a prefix of 16 bits or more belongs in, noting the path; its depth, or -1. */
  private find(address: Uint32Array, length: number): number {
    const first = address[0]! >>> INDEX_BITS;
    let node = this.index[first]!;
    if (node === 0) return -1;
    this.arena = this.arenas[first % ARENAS]!;
    const words = this.arena.words;
    let depth = INDEX_BITS;
    this.path[0] = node;
    while (length - depth >= STRIDE) {
      const chunk = chunkAt(address, depth);
      const children = words[node + CHILDREN]!;
      if (((children >>> chunk) & 1) === 0) return -1;
      node = words[node + CHILD_BLOCK]! + rank(children, chunk) * NODE_WORDS;
      depth += STRIDE;
      this.path[(depth - INDEX_BITS) / STRIDE] = node;
    }
    return depth;
  }

  /** The same, making the nodes that are missing. */
  private make(address: Uint32Array, length: number): { depth: number; node: number } {
    const first = address[0]! >>> INDEX_BITS;
    this.arena = this.arenas[first % ARENAS]!;
    let node = this.index[first]!;
    if (node === 0) {
      node = this.arena.allocate(1, NODE_WORDS);
      this.arena.words.fill(0, node, node + NODE_WORDS);
      this.index[first] = node;
    }
    let depth = INDEX_BITS;
    while (length - depth >= STRIDE) {
      const chunk = chunkAt(address, depth);
      const children = this.arena.words[node + CHILDREN]!;
      const position = rank(children, chunk);
      if ((children >>> chunk) & 1) {
        node = this.arena.words[node + CHILD_BLOCK]! + position * NODE_WORDS;
      } else {
        const child = this.openItem(node + CHILD_BLOCK, popcount(children), position, NODE_WORDS);
        this.arena.words[node + CHILDREN] = children | (1 << chunk);
        this.arena.words.fill(0, child, child + NODE_WORDS);
        node = child;
      }
      depth += STRIDE;
    }
    return { depth, node };
  }

  /** Makes room for one item in the block that word `pointer` points to and that holds `count`; the item's address. */
  private openItem(pointer: number, count: number, position: number, itemWords: number): number {
    const arena = this.arena;
    const old = arena.words[pointer]!;
    const split = position * itemWords;
    if (count > 0 && count < arena.capacity(count)) {
      arena.words.copyWithin(old + split + itemWords, old + split, old + count * itemWords);
      return old + split;
    }
    const block = arena.allocate(count + 1, itemWords);
    const words = arena.words;
    if (count > 0) {
      words.copyWithin(block, old, old + split);
      words.copyWithin(block + split + itemWords, old + split, old + count * itemWords);
      arena.release(old, count, itemWords);
    }
    words[pointer] = block;
    return block + split;
  }

  /** Takes one item out of such a block, giving the block back or moving it to a smaller one where that fits. */
  private closeItem(pointer: number, count: number, position: number, itemWords: number): void {
    const arena = this.arena;
    const old = arena.words[pointer]!;
    const split = position * itemWords;
    if (count === 1) {
      arena.release(old, 1, itemWords);
      arena.words[pointer] = 0;
      return;
    }
    arena.words.copyWithin(old + split, old + split + itemWords, old + count * itemWords);
    if (arena.capacity(count - 1) === arena.capacity(count)) return;
    const block = arena.allocate(count - 1, itemWords);
    arena.words.copyWithin(block, old, old + (count - 1) * itemWords);
    arena.release(old, count, itemWords);
    arena.words[pointer] = block;
  }

  /** Takes empty nodes off the path that find() noted, from `depth` upwards. */
  private prune(address: Uint32Array, depth: number): void {
    for (let at = depth; ; at -= STRIDE) {
      const node = this.path[(at - INDEX_BITS) / STRIDE]!;
      if (this.arena.words[node + PREFIXES] !== 0 || this.arena.words[node + CHILDREN] !== 0) return;
      if (at === INDEX_BITS) {
        this.arena.release(node, 1, NODE_WORDS);
        this.index[address[0]! >>> INDEX_BITS] = 0;
        return;
      }
      const parent = this.path[(at - INDEX_BITS) / STRIDE - 1]!;
      const chunk = chunkAt(address, at - STRIDE);
      const children = this.arena.words[parent + CHILDREN]!;
      this.closeItem(parent + CHILD_BLOCK, popcount(children), rank(children, chunk), NODE_WORDS);
      this.arena.words[parent + CHILDREN] = children & ~(1 << chunk);
    }
  }

  private setShort(address: Uint32Array, length: number, value: number): number {
    const position = shortPosition(address, length);
    const previous = this.shorts[position]!;
    this.shorts[position] = value;
    if (previous !== 0) return previous;
    this.size++;
    const [from, to] = shortRange(position, length);
    for (let i = from; i < to; i++) if (this.cover[i]! < 1 << length) this.cover[i] = position;
    return 0;
  }

  private deleteShort(address: Uint32Array, length: number): number {
    const position = shortPosition(address, length);
    const previous = this.shorts[position]!;
    if (previous === 0) return 0;
    this.shorts[position] = 0;
    this.size--;
    let next = position >> 1;
    while (next !== 0 && this.shorts[next] === 0) next >>= 1;
    const [from, to] = shortRange(position, length);
    for (let i = from; i < to; i++) if (this.cover[i] === position) this.cover[i] = next;
    return previous;
  }
}

function shortPosition(address: Uint32Array, length: number): number {
  return length === 0 ? 1 : (1 << length) | (address[0]! >>> (32 - length));
}

/** The index slots that a short prefix covers: from, to (exclusive). */
function shortRange(position: number, length: number): [number, number] {
  const span = INDEX_BITS - length;
  const from = (position ^ (1 << length)) << span;
  return [from, from + (1 << span)];
}

function bitInNode(address: Uint32Array, depth: number, length: number): number {
  const n = length - depth;
  return (1 << n) | (chunkAt(address, depth) >> (STRIDE - n));
}

/** A copy of the address with five bits at `depth` (zero so far) set. */
function withChunk(address: Uint32Array, depth: number, chunk: number): Uint32Array {
  const copy = Uint32Array.from(address);
  const word = depth >>> 5;
  const shift = depth & 31;
  copy[word]! |= (chunk << 27) >>> shift;
  if (shift > 27) copy[word + 1]! |= chunk << (59 - shift);
  return copy;
}
