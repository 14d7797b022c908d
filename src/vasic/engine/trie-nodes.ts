/**
 * The nodes of a prefix trie as words in a pool, and what is done to a whole tree of them: listed, and given back. How one is
 * looked up and changed is in prefix-trie.ts.
 *
 * A node is four words, of one of three kinds:
 *
 * - a *branching* one covers five address bits: the bitmap of the prefixes that end in it (bit 2^n + the n bits, n = 0…4, so bit 0 is
 *   free), the bitmap of its children, the address of the block of these, and that of the block of values, or where there is one value
 *   this itself;
 * - a *path*, marked by bit 0 of its first word, stands for branching nodes with one child and no prefix each: how many bits there
 *   are, the bits, and the address of the node behind them, which has a block of its own;
 * - a path with LEAF ends a tree that has one prefix: its bits (63 at most), and its value.
 */
import { bitsAt, STRIDE, popcount, rank, withBits } from './trie-bits';
import type { WordPool } from './word-pool';

/** Words of a node. */
export const NODE_WORDS = 4;
export const PREFIXES = 0;
export const CHILDREN = 1;
export const CHILD_BLOCK = 2;
/** Address of the block of values; where there is one, it is the value itself. */
export const VALUES = 3;

/** Of a path: its first word, the bits in two words, and what is behind it, a node's address or a value. */
export const PATH = 1;
export const LEAF = 2;
export const BITS_SHIFT = 2;
export const PATH_BITS = 1;
export const BEHIND = 3;

export interface PrefixValue {
  /** First word(s) of the prefix, host bits zero; ADDRESS_WORDS long, the consumer's to keep. */
  readonly address: Uint32Array;
  readonly length: number;
  readonly value: number;
}

/** Where a branching node has the value of one of its prefixes. */
export function placeOfValue(words: Uint32Array, node: number, bit: number): number {
  const prefixes = words[node + PREFIXES]!;
  if ((prefixes & (prefixes - 1)) === 0) return node + VALUES;
  return words[node + VALUES]! + rank(prefixes, bit);
}

/** The value of a branching node's longest prefix of those that cover (bits of COVERING); 0: none does. */
export function valueIn(words: Uint32Array, node: number, covering: number): number {
  const hits = words[node + PREFIXES]! & covering;
  return hits === 0 ? 0 : words[placeOfValue(words, node, 31 - Math.clz32(hits))]!;
}

/** Whether the address, from `depth` on, has the bits of a path. */
export function isOnPath(words: Uint32Array, node: number, address: Uint32Array, depth: number): boolean {
  const bits = words[node]! >>> BITS_SHIFT;
  const high = bitsAt(address, 0, depth) ^ words[node + PATH_BITS]!;
  if (bits < 32) return (high >>> 1) >>> (31 - bits) === 0;
  const low = bitsAt(address, 0, depth + 32) ^ words[node + PATH_BITS + 1]!;
  return high === 0 && (low >>> 1) >>> (63 - bits) === 0;
}

/** The prefixes in a node (0: none) and below it, all at once: blocks move when the trie changes. */
export function prefixesBelow(pool: WordPool, node: number, depth: number, address: Uint32Array): PrefixValue[] {
  const found: PrefixValue[] = [];
  if (node !== 0) collect(pool.words, node, depth, address, found);
  return found;
}

function collect(words: Uint32Array, node: number, depth: number, address: Uint32Array, found: PrefixValue[]): void {
  const prefixes = words[node]!;
  if ((prefixes & PATH) !== 0) {
    const bits = prefixes >>> BITS_SHIFT;
    const low = withBits(address, depth + 32, words[node + PATH_BITS + 1]!);
    const behind = withBits(low, depth, words[node + PATH_BITS]!);
    const value = words[node + BEHIND]!;
    if ((prefixes & LEAF) !== 0) found.push({ address: behind, length: depth + bits, value });
    else collect(words, value, depth + bits, behind, found);
    return;
  }
  for (let bit = 1; bit < 32; bit++) {
    if (((prefixes >>> bit) & 1) === 0) continue;
    const n = 31 - Math.clz32(bit);
    found.push({
      address: withBits(address, depth, (bit ^ (1 << n)) << (32 - n)),
      length: depth + n,
      value: words[placeOfValue(words, node, bit)]!,
    });
  }
  const children = words[node + CHILDREN]!;
  let child = words[node + CHILD_BLOCK]!;
  for (let chunk = 0; chunk < 32; chunk++) {
    if (((children >>> chunk) & 1) === 0) continue;
    collect(words, child, depth + STRIDE, withBits(address, depth, chunk << (32 - STRIDE)), found);
    child += NODE_WORDS;
  }
}

/** Gives back a node that lies in a block of its own, with all below it. */
export function releaseNode(pool: WordPool, node: number): void {
  releaseBelow(pool, node);
  pool.release(node, 1, NODE_WORDS);
}

function releaseBelow(pool: WordPool, node: number): void {
  const prefixes = pool.words[node + PREFIXES]!;
  if ((prefixes & PATH) !== 0) {
    if ((prefixes & LEAF) === 0) releaseNode(pool, pool.words[node + BEHIND]!);
    return;
  }
  const values = popcount(prefixes);
  const children = popcount(pool.words[node + CHILDREN]!);
  const block = pool.words[node + CHILD_BLOCK]!;
  for (let i = 0; i < children; i++) releaseBelow(pool, block + i * NODE_WORDS);
  if (children > 0) pool.release(block, children, NODE_WORDS);
  if (values > 1) pool.release(pool.words[node + VALUES]!, values, 1);
}
