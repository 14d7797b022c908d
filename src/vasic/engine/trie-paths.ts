/**
 * Paths of a prefix trie (trie-nodes.ts): made for one prefix, split where another one leaves them, and put together again.
 *
 * A trie looks the same whatever was put in and taken out before: a path is as long as it can be, PATH_MOST bits behind which there may be
 * another one, or where one prefix is left LEAF_MOST. So what a table took it gives back.
 */
import { ADDRESS_WORDS, bitInNode, bitsAt, chunkAt, STRIDE } from './trie-bits';
import { allocate } from './trie-blocks';
import {
  BEHIND,
  BITS_SHIFT,
  CHILD_BLOCK,
  CHILDREN,
  LEAF,
  NODE_WORDS,
  PATH,
  PATH_BITS,
  PREFIXES,
  VALUES,
} from './trie-nodes';
import type { WordPool } from './word-pool';

/** Bits of a path that leads to a node, whole strides of them, and of one that ends in a prefix. */
const PATH_MOST = 60;
const LEAF_MOST = 63;

/** Of the path that is being split, as an address; kept, as an array for each prefix takes as long as the rest. */
const OLD_BITS = new Uint32Array(ADDRESS_WORDS);

/** Makes a node the way to one prefix, and to nothing else. */
export function makeWay(
  pool: WordPool,
  node: number,
  address: Uint32Array,
  depth: number,
  length: number,
  value: number,
): void {
  while (length - depth > LEAF_MOST) {
    const behind = allocate(pool, 1, NODE_WORDS);
    setPath(pool.words, node, PATH, PATH_MOST, bitsAt(address, 0, depth), bitsAt(address, 0, depth + 32), behind);
    node = behind;
    depth += PATH_MOST;
  }
  const low = length - depth > 32 ? bitsAt(address, 0, depth + 32) : 0;
  setPath(pool.words, node, PATH | LEAF, length - depth, bitsAt(address, 0, depth), low, value);
}

/** Makes room in a path for a prefix that isn't on it, or ends before it does: a branching node where they part. */
export function splitPath(
  pool: WordPool,
  node: number,
  address: Uint32Array,
  depth: number,
  length: number,
  value: number,
): void {
  const kind = pool.words[node]! & LEAF;
  const bits = pool.words[node]! >>> BITS_SHIFT;
  const behind = pool.words[node + BEHIND]!;
  const high = pool.words[node + PATH_BITS]!;
  const low = pool.words[node + PATH_BITS + 1]!;
  const common = Math.min(commonBits(pool.words, node, address, depth), bits, length - depth);
  const before = common - (common % STRIDE);
  const oldBits = bits - before;
  const newBits = length - depth - before;
  const oldEnds = kind === LEAF && oldBits < STRIDE;
  const newEnds = newBits < STRIDE;

  const rest = OLD_BITS;
  rest[0] = high;
  rest[1] = low;
  const oldChunk = chunkAt(rest, before);
  const newChunk = chunkAt(address, depth + before);
  const branch = before === 0 ? node : allocate(pool, 1, NODE_WORDS);
  const children = oldEnds && newEnds ? 0 : allocate(pool, oldEnds || newEnds ? 1 : 2, NODE_WORDS);
  const values = oldEnds && newEnds ? allocate(pool, 2, 1) : 0;
  const oldBit = oldEnds ? bitInNode(rest, before, bits) : 0;
  const newBit = newEnds ? bitInNode(address, depth + before, length) : 0;
  if (values !== 0) {
    pool.words[values + (oldBit < newBit ? 0 : 1)] = behind;
    pool.words[values + (oldBit < newBit ? 1 : 0)] = value;
  }
  if (!oldEnds) {
    const child = children + (newEnds || oldChunk < newChunk ? 0 : NODE_WORDS);
    leadOn(pool, child, kind, oldBits - STRIDE, rest, before + STRIDE, behind);
  }
  if (!newEnds) {
    const child = children + (oldEnds || newChunk < oldChunk ? 0 : NODE_WORDS);
    makeWay(pool, child, address, depth + before + STRIDE, length, value);
  }
  const { words } = pool;
  words[branch + PREFIXES] = (oldEnds ? 1 << oldBit : 0) | (newEnds ? 1 << newBit : 0);
  words[branch + CHILDREN] = (oldEnds ? 0 : 1 << oldChunk) | (newEnds ? 0 : 1 << newChunk);
  words[branch + CHILD_BLOCK] = children;
  words[branch + VALUES] = values !== 0 ? values : oldEnds ? behind : newEnds ? value : 0;
  if (before > 0) setPath(words, node, PATH, before, high, low, branch);
}

/** What is left of a path, from bit `from` of `rest` on, as a node. */
function leadOn(
  pool: WordPool,
  node: number,
  kind: number,
  bits: number,
  rest: Uint32Array,
  from: number,
  behind: number,
): void {
  const { words } = pool;
  if (kind !== LEAF && bits === 0) {
    words.copyWithin(node, behind, behind + NODE_WORDS);
    pool.release(behind, 1, NODE_WORDS);
    return;
  }
  setPath(words, node, PATH | kind, bits, bitsAt(rest, 0, from), bitsAt(rest, 0, from + 32), behind);
  pack(pool, node);
}

/** Makes a branching node that has only one prefix or only one child a path. False: it has more. */
export function straighten(words: Uint32Array, node: number): boolean {
  const prefixes = words[node + PREFIXES]!;
  const children = words[node + CHILDREN]!;
  if (children === 0 && (prefixes & (prefixes - 1)) === 0) {
    const bit = 31 - Math.clz32(prefixes);
    const bits = 31 - Math.clz32(bit);
    setPath(words, node, PATH | LEAF, bits, bit << (32 - bits), 0, words[node + VALUES]!);
    return true;
  }
  if (prefixes !== 0 || (children & (children - 1)) !== 0) return false;
  // A block of one child is a node in a block of its own.
  const chunk = 31 - Math.clz32(children);
  setPath(words, node, PATH, STRIDE, chunk << (32 - STRIDE), 0, words[node + CHILD_BLOCK]!);
  return true;
}

/** Takes what is behind a path into it, as far as it has room. Also called with what is no path, or has none behind it. */
export function pack(pool: WordPool, node: number): void {
  const { words } = pool;
  while ((words[node]! & (PATH | LEAF)) === PATH) {
    const behind = words[node + BEHIND]!;
    const head = words[behind]!;
    if ((head & PATH) === 0) return;
    const bits = words[node]! >>> BITS_SHIFT;
    const more = head >>> BITS_SHIFT;
    const [high, low] = joined(words, node, bits, behind);
    if (bits + more <= ((head & LEAF) !== 0 ? LEAF_MOST : PATH_MOST)) {
      setPath(words, node, head & (PATH | LEAF), bits + more, high, low, words[behind + BEHIND]!);
      pool.release(behind, 1, NODE_WORDS);
      continue;
    }
    const taken = PATH_MOST - bits;
    if (taken > 0) {
      setPath(words, node, PATH, PATH_MOST, high, low, behind);
      const rest = Uint32Array.of(words[behind + PATH_BITS]!, words[behind + PATH_BITS + 1]!, 0, 0);
      const left = [bitsAt(rest, 0, taken), bitsAt(rest, 0, taken + 32)] as const;
      setPath(words, behind, head & (PATH | LEAF), more - taken, ...left, words[behind + BEHIND]!);
    }
    node = behind;
  }
}

/** The bits of a path, and those of the one behind it as far as 64 have room. */
function joined(words: Uint32Array, node: number, bits: number, behind: number): [high: number, low: number] {
  const [high, low] = [words[node + PATH_BITS]!, words[node + PATH_BITS + 1]!];
  const [nextHigh, nextLow] = [words[behind + PATH_BITS]!, words[behind + PATH_BITS + 1]!];
  const shift = bits & 31;
  if (bits >= 32) return [high, low | (nextHigh >>> shift)];
  return [high | (nextHigh >>> shift), (shift === 0 ? 0 : nextHigh << (32 - shift)) | (nextLow >>> shift)];
}

/** How many bits of a path an address has from `depth` on; may count bits that are beyond the end of either. */
function commonBits(words: Uint32Array, node: number, address: Uint32Array, depth: number): number {
  const high = bitsAt(address, 0, depth) ^ words[node + PATH_BITS]!;
  if (high !== 0) return Math.clz32(high);
  return 32 + Math.clz32(bitsAt(address, 0, depth + 32) ^ words[node + PATH_BITS + 1]!);
}

/** Bits beyond the path's are cut off. */
function setPath(
  words: Uint32Array,
  node: number,
  kind: number,
  bits: number,
  high: number,
  low: number,
  behind: number,
): void {
  words[node] = kind | (bits << BITS_SHIFT);
  words[node + PATH_BITS] = bits >= 32 ? high : bits === 0 ? 0 : high & (-1 << (32 - bits));
  words[node + PATH_BITS + 1] = bits <= 32 ? 0 : low & (-1 << (64 - bits));
  words[node + BEHIND] = behind;
}
