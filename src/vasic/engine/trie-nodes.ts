/**
 * The nodes of a prefix trie as words in a pool, and what is done to a whole tree of them: listed, and given back. How one is
 * looked up and changed is in prefix-trie.ts.
 */
import { STRIDE, popcount, rank, withChunk } from './trie-bits';
import type { WordPool } from './word-pool';

/** Words of a node: the bitmaps of prefixes and children, and the addresses of their blocks. */
export const NODE_WORDS = 4;
export const PREFIXES = 0;
export const CHILDREN = 1;
export const CHILD_BLOCK = 2;
export const VALUE_BLOCK = 3;

export interface PrefixValue {
  /** First word(s) of the prefix, host bits zero; ADDRESS_WORDS long, the consumer's to keep. */
  readonly address: Uint32Array;
  readonly length: number;
  readonly value: number;
}

/** The value of a node's longest prefix of those that cover (bits of COVERING); 0: none does. */
export function valueIn(words: Uint32Array, node: number, covering: number): number {
  const prefixes = words[node + PREFIXES]!;
  const hits = prefixes & covering;
  if (hits === 0) return 0;
  return words[words[node + VALUE_BLOCK]! + rank(prefixes, 31 - Math.clz32(hits))]!;
}

/** The prefixes in a node (0: none) and below it, all at once: blocks move when the trie changes. */
export function prefixesBelow(pool: WordPool, node: number, depth: number, address: Uint32Array): PrefixValue[] {
  const found: PrefixValue[] = [];
  if (node !== 0) collect(pool.words, node, depth, address, found);
  return found;
}

function collect(words: Uint32Array, node: number, depth: number, address: Uint32Array, found: PrefixValue[]): void {
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
    collect(words, child, depth + STRIDE, withChunk(address, depth, chunk), found);
    child += NODE_WORDS;
  }
}

/** Gives back a node that lies in a block of its own, with all below it. */
export function releaseNode(pool: WordPool, node: number): void {
  releaseBelow(pool, node);
  pool.release(node, 1, NODE_WORDS);
}

function releaseBelow(pool: WordPool, node: number): void {
  const values = popcount(pool.words[node + PREFIXES]!);
  const children = popcount(pool.words[node + CHILDREN]!);
  const block = pool.words[node + CHILD_BLOCK]!;
  for (let i = 0; i < children; i++) releaseBelow(pool, block + i * NODE_WORDS);
  if (children > 0) pool.release(block, children, NODE_WORDS);
  if (values > 0) pool.release(pool.words[node + VALUE_BLOCK]!, values, 1);
}
