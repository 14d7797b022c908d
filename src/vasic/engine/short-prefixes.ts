/**
 * The prefixes of a trie with tables that are shorter than its index, 0 to 15 bits: a table of their values, indexed like the
 * bitmaps of the nodes, and for each index slot the longest of them that covers it (16 bits, two to a word, the even slot in
 * the low half). A change costs as many steps as the prefix covers slots.
 *
 * Others may read meanwhile: first a slot's prefix, then that one's value. A value is there before the first slot leads to it, and while slots are led
 * elsewhere one by one each leads to what was right before the change or is right after it. Taking a value away, or giving a prefix another one, needs a bracket
 * (TrieMemory), of one store, for who has read that a slot leads there: it may lead elsewhere by now.
 */
import { halfAt, setHalf } from './trie-bits';
import type { WordBlock } from './word-pool';

/** Address bits that a trie's index tells apart. */
export const INDEX_BITS = 16;

/** Words of the two tables. */
export const COVER_WORDS = 1 << (INDEX_BITS - 1);
export const SHORTS_WORDS = 1 << INDEX_BITS;
/** Words of all three tables of a trie. */
export const INDEX_WORDS = 1 << INDEX_BITS;
export const TABLE_WORDS = INDEX_WORDS + COVER_WORDS + SHORTS_WORDS;

export class ShortPrefixes {
  /** The two tables, all zero. */
  constructor(
    private readonly cover: WordBlock,
    private readonly shorts: WordBlock,
  ) {}

  /** The value of the longest one that covers an index slot; 0: none does. */
  lookup(slot: number): number {
    return this.shorts.pool.words[this.shorts.at + this.coverOf(slot)]!;
  }

  get(address: Uint32Array, length: number): number {
    return this.shorts.pool.words[this.shorts.at + shortPosition(address, length)]!;
  }

  /** Adds or replaces; returns the value replaced, 0 for none. Where there is one, within a bracket. */
  set(address: Uint32Array, length: number, value: number): number {
    const { at, pool } = this.shorts;
    const { words } = pool;
    const position = shortPosition(address, length);
    const previous = words[at + position]!;
    words[at + position] = value;
    if (previous !== 0) return previous;
    // A barrier in front of the stores below, for readers on other processors; Atomics.store() is none to what is behind it.
    Atomics.add(words, at + position, 0);
    const [from, to] = shortRange(position, length);
    for (let slot = from; slot < to; slot++) if (this.coverOf(slot) < 1 << length) this.setCover(slot, position);
    return 0;
  }

  /** Leads all slots elsewhere that lead to a prefix. Needs no bracket. Returns its place, for clear(), or 0: it isn't held. */
  leave(address: Uint32Array, length: number): number {
    const { at, pool } = this.shorts;
    const { words } = pool;
    const position = shortPosition(address, length);
    if (words[at + position] === 0) return 0;
    let next = position >> 1;
    while (next !== 0 && words[at + next] === 0) next >>= 1;
    const [from, to] = shortRange(position, length);
    for (let slot = from; slot < to; slot++) if (this.coverOf(slot) === position) this.setCover(slot, next);
    return position;
  }

  /** Takes away the value of a prefix that no slot leads to; returns it. Within a bracket. */
  clear(position: number): number {
    const { at, pool } = this.shorts;
    const previous = pool.words[at + position]!;
    pool.words[at + position] = 0;
    return previous;
  }

  /** Length, first word and value of the one in a place of the table (1…65535); undefined: there is none. */
  at(position: number): { readonly length: number; readonly first: number; readonly value: number } | undefined {
    const value = this.shorts.pool.words[this.shorts.at + position]!;
    if (value === 0) return undefined;
    const length = 31 - Math.clz32(position);
    return { length, first: length === 0 ? 0 : (position ^ (1 << length)) << (32 - length), value };
  }

  private coverOf(slot: number): number {
    return halfAt(this.cover.pool.words, this.cover.at, slot);
  }

  private setCover(slot: number, position: number): void {
    setHalf(this.cover.pool.words, this.cover.at, slot, position);
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
