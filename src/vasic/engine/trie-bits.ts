/**
 * Bit arithmetic of the prefix trie: chunks of five address bits, and the bitmaps of a node that they are looked up in.
 * Addresses are words in network order, ADDRESS_WORDS of them.
 */

/** Four words of address, and one of zeros so that reading across the end is harmless. */
export const ADDRESS_WORDS = 5;

/** Address bits that one node covers. */
export const STRIDE = 5;

/** chunk of 5 bits → bits of all prefixes in a node that cover it. */
export const COVERING = Uint32Array.from({ length: 32 }, (_, chunk) => {
  let mask = 0;
  for (let n = 0; n < STRIDE; n++) mask |= 1 << ((1 << n) | (chunk >> (STRIDE - n)));
  return mask >>> 0;
});

export function popcount(value: number): number {
  let v = value - ((value >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** The `i`th of 16-bit numbers that lie two to a word, the first in its low half. */
export function halfAt(words: Uint32Array, at: number, i: number): number {
  return (words[at + (i >>> 1)]! >>> ((i & 1) << 4)) & 0xffff;
}

export function setHalf(words: Uint32Array, at: number, i: number, half: number): void {
  const word = at + (i >>> 1);
  const shift = (i & 1) << 4;
  words[word] = (words[word]! & ~(0xffff << shift)) | (half << shift);
}

/** Set bits below position `bit`. */
export function rank(bitmap: number, bit: number): number {
  return popcount(bitmap & ((1 << bit) - 1));
}

/** Five bits of the address from `depth`. */
export function chunkAt(address: Uint32Array, depth: number): number {
  const word = depth >>> 5;
  const shift = depth & 31;
  const high = address[word]! << shift;
  return (shift > 27 ? high | (address[word + 1]! >>> (32 - shift)) : high) >>> 27;
}

/** 32 bits from bit `depth` of the words from `at` on; what is behind the last word doesn't count. */
export function bitsAt(words: Uint32Array, at: number, depth: number): number {
  const word = at + (depth >>> 5);
  const shift = depth & 31;
  const high = words[word]! << shift;
  return shift === 0 ? high >>> 0 : (high | (words[word + 1]! >>> (32 - shift))) >>> 0;
}

/** The bit of a prefix in the node at `depth` that it ends in. */
export function bitInNode(address: Uint32Array, depth: number, length: number): number {
  const n = length - depth;
  return (1 << n) | (chunkAt(address, depth) >> (STRIDE - n));
}

/** A copy of the address with 32 bits at `depth` (zero so far) set. */
export function withBits(address: Uint32Array, depth: number, bits: number): Uint32Array {
  const copy = Uint32Array.from(address);
  const word = depth >>> 5;
  const shift = depth & 31;
  // Beyond the end of the array nothing is stored, and there are no bits.
  copy[word]! |= bits >>> shift;
  if (shift > 0) copy[word + 1]! |= bits << (32 - shift);
  return copy;
}
