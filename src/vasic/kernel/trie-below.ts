/** The prefixes of a trie that lie below, or above, some first bits of an address, one after the other: what fronts of the trie are made of. */
import { rank, STRIDE } from '../engine/trie-bits';
import {
  BEHIND,
  BITS_SHIFT,
  CHILD_BLOCK,
  CHILDREN,
  LEAF,
  NODE_WORDS,
  PATH,
  PATH_BITS,
  placeOfValue,
  PREFIXES,
} from '../engine/trie-nodes';

/**
 * Takes one prefix, of which only the first 64 bits count. @returns false: no more are wanted
 * @param high the first 32 bits of its address
 * @param low the next 32
 */
export type TakePrefix = (high: number, low: number, length: number, value: number) => boolean;

/** What is wanted: prefixes of which one is within the other, of `from` bits at least. */
export interface Wanted {
  /** An address, its first word. */
  readonly first: number;
  /** How many bits of it, 31 at most: of these the prefix has all, or if it is shorter all of its own. */
  readonly bits: number;
  /** Shorter ones are left out. */
  readonly from: number;
  /** What lies below a node behind so many bits comes as one prefix without a value that is longer than that; single prefixes, and those of the node itself, come as they are. */
  readonly most: number;
}

/**
 * Gives the wanted prefixes below a node, each behind those that it is within.
 * @param depth address bits in front of the node, 16 at least, and the first of these
 * @returns false: `take` wanted no more
 */
export function takeBelow(
  words: Uint32Array,
  node: number,
  depth: number,
  high: number,
  low: number,
  wanted: Wanted,
  take: TakePrefix,
): boolean {
  if (depth > wanted.most) return take(high, low, depth, 0);
  const head = words[node + PREFIXES]!;
  if ((head & PATH) !== 0) {
    const bits = head >>> BITS_SHIFT;
    const path = words[node + PATH_BITS]!;
    const behindHigh = high | highBits(path, depth);
    const length = depth + bits;
    const common = Math.min(length, wanted.bits);
    if (((behindHigh ^ wanted.first) >>> 1) >>> (31 - common) !== 0) return true;
    const behind = words[node + BEHIND]!;
    const behindLow = low | lowBits(path, depth) | lowBits(words[node + PATH_BITS + 1]!, depth + 32);
    if ((head & LEAF) !== 0) return length < wanted.from || take(behindHigh, behindLow, length, behind);
    return takeBelow(words, behind, length, behindHigh, behindLow, wanted, take);
  }
  // Bits of the node's five that are given, and the chunks that have these.
  const given = Math.min(Math.max(wanted.bits - depth, 0), STRIDE);
  const least = given === 0 ? 0 : ((wanted.first << depth) >>> (32 - given)) << (STRIDE - given);
  for (let n = Math.max(0, wanted.from - depth); head !== 0 && n < STRIDE; n++) {
    const bit = (1 << n) | (least >> (STRIDE - n));
    for (let left = head & mask(bit, n <= given ? 1 : 1 << (n - given)); left !== 0; left &= left - 1) {
      const found = 31 - Math.clz32(left & -left);
      const bits = (found ^ (1 << n)) << (31 - n);
      const value = words[placeOfValue(words, node, found)]!;
      // In two steps, as a shift by 32 does nothing.
      if (!take(high | highBits(bits << 1, depth), low | lowBits(bits << 1, depth), depth + n, value)) return false;
    }
  }
  const children = words[node + CHILDREN]!;
  const block = words[node + CHILD_BLOCK]!;
  let left = children & mask(least, 1 << (STRIDE - given));
  for (let at = block + rank(children, least) * NODE_WORDS; left !== 0; left &= left - 1, at += NODE_WORDS) {
    const bits = (31 - Math.clz32(left & -left)) << (32 - STRIDE);
    const childHigh = high | highBits(bits, depth);
    const childLow = low | lowBits(bits, depth);
    if (!takeBelow(words, at, depth + STRIDE, childHigh, childLow, wanted, take)) return false;
  }
  return true;
}

/** So many bits (1 to 32) from `bit` on. */
function mask(bit: number, bits: number): number {
  return (((2 << (bits - 1)) - 1) | 0) << bit;
}

/** What 32 bits at `depth` (16 at least) of an address are of its first word, and of its second. */
function highBits(bits: number, depth: number): number {
  return depth < 32 ? bits >>> depth : 0;
}

function lowBits(bits: number, depth: number): number {
  if (depth < 32) return bits << (32 - depth);
  return depth < 64 ? bits >>> (depth - 32) : 0;
}
