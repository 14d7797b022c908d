/**
 * A bucket: prefixes of an IPv6 trie that begin with the same so many bits (buckets.ts), as far as one line of the processor's cache takes them: ten. Where a line has
 * not room for all it says of all that only the trie knows them; of one that is longer than a key, or whose value needs more than 16 bits, it says that of
 * what the key covers.
 */
import { halfAt, setHalf } from '../engine/trie-bits';
import {
  AHEAD_BITS,
  AHEAD_DEEPER,
  AHEAD_NARROW_DEEPER,
  BUCKET_BITS_MOST,
  BUCKET_KEYS,
  BUCKET_PREFIXES,
  BUCKET_REST,
  BUCKET_SIZE_BITS,
  BUCKET_VALUES,
  BUCKET_WORDS,
} from './layout';
import { isNarrow, widen } from './narrow-values';

/** Bits of the longest key. */
export const KEY_BITS = 31;

/** Of a word that leads to a block: how many bits choose the bucket, and the block's address. */
export function bitsOf(word: number): number {
  return word & ((1 << BUCKET_SIZE_BITS) - 1);
}

export function blockOf(word: number): number {
  return (word - bitsOf(word)) >>> 0;
}

/** Which bucket of a block an address is in. @param first its first word */
export function bucketOf(first: number, bits: number): number {
  return ((first << AHEAD_BITS) >>> 1) >>> (31 - bits);
}

/** What a bucket says of an address: a value, 0 where no prefix covers it, or AHEAD_DEEPER. @param suffix 32 bits of the address, behind those that chose the bucket */
export function readBucket(words: Uint32Array, at: number, suffix: number): number {
  for (let i = BUCKET_PREFIXES - 1; i >= 0; i--) {
    const key = words[at + placeOf(i)]!;
    if ((suffix ^ key) >>> 0 > (key ^ (key - 1)) >>> 0) continue;
    return widen(halfAt(words, at + BUCKET_VALUES, i));
  }
  return words[at + BUCKET_REST]!;
}

/** Whether a bucket has its prefixes, as far as keys and values do. */
export function takesAll(words: Uint32Array, at: number): boolean {
  return words[at + BUCKET_REST] !== AHEAD_DEEPER;
}

/** Buckets side by side that are being filled, with each prefix behind those that it is within. */
export class BucketFiller {
  /** Of each how many keys it has; more than BUCKET_PREFIXES: they don't fit. */
  private readonly counts = new Uint8Array(1 << BUCKET_BITS_MOST);
  /** How many prefixes are in those that don't. */
  missed = 0;

  /**
   * @param words where the buckets are
   * @param at address of the first
   * @param buckets how many
   */
  begin(words: Uint32Array, at: number, buckets: number): void {
    this.counts.fill(0, 0, buckets);
    this.missed = 0;
    for (let i = 0; i < buckets; i++) words[at + i * BUCKET_WORDS + BUCKET_REST] = 0;
  }

  /** A prefix that covers a bucket. */
  cover(words: Uint32Array, at: number, bucket: number, value: number): void {
    words[at + bucket * BUCKET_WORDS + BUCKET_REST] = value;
  }

  /**
   * A prefix in one. @returns false: it doesn't fit
   * @param suffix its bits behind those that chose the bucket, 32 of them
   * @param length how many of these count, 1 or more
   */
  add(words: Uint32Array, at: number, bucket: number, suffix: number, length: number, value: number): boolean {
    const line = at + bucket * BUCKET_WORDS;
    const count = this.counts[bucket]!;
    if (count > BUCKET_PREFIXES) {
      this.missed++;
      return false;
    }
    const bits = Math.min(length, KEY_BITS);
    const last = 1 << (31 - bits);
    const key = ((suffix & -(last << 1)) | last) >>> 0;
    const narrow = length > KEY_BITS || !isNarrow(value) ? AHEAD_NARROW_DEEPER : value & AHEAD_NARROW_DEEPER;
    // Of what is longer than a key there may be any number.
    if (length > KEY_BITS && this.has(words, line, count, key)) return true;
    if (count === BUCKET_PREFIXES) {
      this.missed += count + 1;
      this.counts[bucket]!++;
      return false;
    }
    words[line + placeOf(count)] = key;
    setHalf(words, line + BUCKET_VALUES, count, narrow);
    this.counts[bucket]!++;
    return true;
  }

  /** Nothing more is added. */
  end(words: Uint32Array, at: number, buckets: number): void {
    for (let bucket = 0; bucket < buckets; bucket++) {
      const line = at + bucket * BUCKET_WORDS;
      let count = this.counts[bucket]!;
      if (count > BUCKET_PREFIXES) {
        words[line + BUCKET_REST] = AHEAD_DEEPER;
        count = 0;
      }
      // Places that are left say what the last one does, or cover all.
      const rest = words[line + BUCKET_REST]!;
      const key = count === 0 ? 1 << 31 : words[line + placeOf(count - 1)]!;
      const value = count === 0 ? Math.min(rest, AHEAD_NARROW_DEEPER) : halfAt(words, line + BUCKET_VALUES, count - 1);
      for (let i = count; i < BUCKET_PREFIXES; i++) {
        words[line + placeOf(i)] = key;
        setHalf(words, line + BUCKET_VALUES, i, value);
      }
    }
  }

  /** Whether the last keys have one that only the trie knows more of. */
  private has(words: Uint32Array, line: number, count: number, key: number): boolean {
    for (let i = count - 1; i >= 0; i--) {
      if (words[line + placeOf(i)] === key && halfAt(words, line + BUCKET_VALUES, i) === AHEAD_NARROW_DEEPER)
        return true;
    }
    return false;
  }
}

/** The word of a bucket that has a key: one of the first half next to one of the second, for who compares two at a time. */
function placeOf(i: number): number {
  const half = BUCKET_PREFIXES / 2;
  return BUCKET_KEYS + (i < half ? 2 * i : 2 * (i - half) + 1);
}
