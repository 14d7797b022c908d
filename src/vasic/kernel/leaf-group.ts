/**
 * The 64 leaves of a page (leaf-pages.ts) that have one line of the processor's cache, 64 bytes: in two words a bit for each leaf that isn't what the one
 * before it is, and behind them what these runs are, 16 bits each. In most places prefixes are fewer than leaves, and records have small
 * numbers; what doesn't fit has 64 words elsewhere, whose address is there instead. So a table of a million routes takes a fourth of what its leaves
 * would, which is what a lookup waits for.
 *
 * Bit 0 of the first word is set unless the leaves are elsewhere: then the third word is their address, 0: only the trie knows them.
 */
import { GROUP_AT, GROUP_LEAVES, AHEAD_NARROW_DEEPER, GROUP_RUNS, GROUP_WORDS, AHEAD_DEEPER } from './layout';
import { halfAt, popcount, setHalf } from '../engine/trie-bits';
import type { HeapBlocks } from './heap-blocks';
import { isNarrow, widen } from './narrow-values';

/** What a leaf says (AHEAD_DEEPER, a value, or 0). @param at address of its group */
export function readLeaf(words: Uint32Array, at: number, leaf: number): number {
  const low = words[at]!;
  if ((low & 1) === 0) {
    const block = words[at + GROUP_AT]!;
    return block === 0 ? AHEAD_DEEPER : words[block + leaf]!;
  }
  return runAt(words, at, startsUpTo(low, words[at + 1]!, leaf) - 1);
}

/** Makes a group whose leaves are all 0 of words that are anything. */
export function clearGroup(words: Uint32Array, at: number): void {
  words[at] = 1;
  words.fill(0, at + 1, at + GROUP_WORDS);
}

/** Runs: where each begins, and what it is. Kept, as these are made anew with each change: what a group had, and what it gets. */
const HAD = { starts: new Uint8Array(GROUP_LEAVES), values: new Uint32Array(GROUP_LEAVES) };
const GETS = { starts: new Uint8Array(GROUP_LEAVES), values: new Uint32Array(GROUP_LEAVES) };

/**
 * Writes some leaves of a group.
 * @param from the first, and `to` the one after the last
 * @param leaves what these say now, in their places of 64
 * @param blocks of GROUP_LEAVES words, for what is elsewhere; the group is in their heap
 */
export function changeGroup(blocks: HeapBlocks, at: number, from: number, to: number, leaves: Uint32Array): void {
  if (to - from === 1 && changeLeaf(blocks.heap.words, at, from, leaves[from]!)) return;
  const had = to - from === GROUP_LEAVES ? 0 : unpack(blocks.heap.words, at);
  const { starts, values } = GETS;
  let run = 0;
  for (; run < had && HAD.starts[run]! < from; run++) {
    starts[run] = HAD.starts[run]!;
    values[run] = HAD.values[run]!;
  }
  let runs = run;
  let last = run === 0 ? -1 : values[run - 1]!;
  for (let leaf = from; leaf < to; leaf++) {
    const value = leaves[leaf]!;
    if (value === last) continue;
    starts[runs] = leaf;
    values[runs++] = last = value;
  }
  while (run < had && HAD.starts[run]! <= to) run++;
  // What it had goes on behind them.
  const next = HAD.values[run - 1]!;
  if (to < GROUP_LEAVES && next !== last) {
    starts[runs] = to;
    values[runs++] = next;
  }
  for (; run < had; run++) {
    starts[runs] = HAD.starts[run]!;
    values[runs++] = HAD.values[run]!;
  }
  if (runs <= GROUP_RUNS && areNarrow(runs)) packRuns(blocks, at, runs);
  else packElsewhere(blocks, at, runs);
}

/** One leaf, in place, as most prefixes are those of one; false: it needs the leaves elsewhere, or has them there. */
function changeLeaf(words: Uint32Array, at: number, leaf: number, value: number): boolean {
  const low = words[at]!;
  const high = words[at + 1]!;
  if ((low & 1) === 0 || !isNarrow(value)) return false;
  const narrow = value & AHEAD_NARROW_DEEPER;
  const isLast = leaf === GROUP_LEAVES - 1;
  const begins = isStart(low, high, leaf);
  const ends = !isLast && isStart(low, high, leaf + 1);
  const runs = popcount(low) + popcount(high);
  // Of the run that begins with the leaf, or would.
  const place = startsUpTo(low, high, leaf) - (begins ? 1 : 0);
  const before = leaf === 0 ? -1 : halfAt(words, at + GROUP_AT, place - 1);
  const behind = isLast ? -1 : halfAt(words, at + GROUP_AT, place + (ends ? 1 : 0) - (begins ? 0 : 1));
  const isNew = before !== narrow;
  const leavesNext = !isLast && behind !== narrow;
  const taken = (begins ? 1 : 0) + (ends ? 1 : 0);
  const more = (isNew ? 1 : 0) + (leavesNext ? 1 : 0) - taken;
  if (runs + more > GROUP_RUNS) return false;
  if (more > 0)
    for (let run = runs - 1; run >= place + taken; run--)
      setHalf(words, at + GROUP_AT, run + more, halfAt(words, at + GROUP_AT, run));
  if (more < 0)
    for (let run = place + taken; run < runs; run++)
      setHalf(words, at + GROUP_AT, run + more, halfAt(words, at + GROUP_AT, run));
  if (isNew) setHalf(words, at + GROUP_AT, place, narrow);
  if (leavesNext) setHalf(words, at + GROUP_AT, place + (isNew ? 1 : 0), behind);
  setStart(words, at, leaf, isNew);
  if (!isLast) setStart(words, at, leaf + 1, leavesNext);
  return true;
}

function isStart(low: number, high: number, leaf: number): boolean {
  return (((leaf < 32 ? low : high) >>> (leaf & 31)) & 1) !== 0;
}

function setStart(words: Uint32Array, at: number, leaf: number, is: boolean): void {
  const word = at + (leaf >> 5);
  const bit = 1 << (leaf & 31);
  words[word] = is ? words[word]! | bit : words[word]! & ~bit;
}

/** Takes a group's runs into HAD; how many there are. */
function unpack(words: Uint32Array, at: number): number {
  const { starts, values } = HAD;
  const low = words[at]!;
  let runs = 0;
  if ((low & 1) === 0) {
    for (let leaf = 0; leaf < GROUP_LEAVES; leaf++) {
      const value = readLeaf(words, at, leaf);
      if (runs > 0 && values[runs - 1] === value) continue;
      starts[runs] = leaf;
      values[runs++] = value;
    }
    return runs;
  }
  for (let bits = low; bits !== 0; bits &= bits - 1) starts[runs++] = 31 - Math.clz32(bits & -bits);
  for (let bits = words[at + 1]!; bits !== 0; bits &= bits - 1) starts[runs++] = 63 - Math.clz32(bits & -bits);
  for (let run = 0; run < runs; run++) values[run] = runAt(words, at, run);
  return runs;
}

/** Whether so many runs of GETS have place in 16 bits each. */
function areNarrow(runs: number): boolean {
  for (let run = 0; run < runs; run++) if (!isNarrow(GETS.values[run]!)) return false;
  return true;
}

function packRuns(blocks: HeapBlocks, at: number, runs: number): void {
  const { words } = blocks.heap;
  const block = blockOf(words, at);
  if (block !== 0) blocks.give(block);
  const { starts, values } = GETS;
  let low = 0;
  let high = 0;
  for (let run = 0; run < runs; run++) {
    const start = starts[run]!;
    if (start < 32) low |= 1 << start;
    else high |= 1 << (start - 32);
  }
  words[at] = low;
  words[at + 1] = high;
  // What is behind the last run doesn't count.
  for (let run = 0; run < runs; run += 2) {
    words[at + GROUP_AT + (run >> 1)] =
      (values[run]! & AHEAD_NARROW_DEEPER) | ((values[run + 1]! & AHEAD_NARROW_DEEPER) << 16);
  }
}

function packElsewhere(blocks: HeapBlocks, at: number, runs: number): void {
  const { words } = blocks.heap;
  const block = blockOf(words, at) || blocks.take();
  words[at] = 0;
  words[at + GROUP_AT] = block;
  if (block === 0) return;
  for (let run = 0; run < runs; run++) {
    const end = run + 1 < runs ? GETS.starts[run + 1]! : GROUP_LEAVES;
    words.fill(GETS.values[run]!, block + GETS.starts[run]!, block + end);
  }
}

/** Where it has its leaves elsewhere; 0: nowhere. */
function blockOf(words: Uint32Array, at: number): number {
  return (words[at]! & 1) === 0 ? words[at + GROUP_AT]! : 0;
}

/** How many runs begin with a leaf or before it. */
function startsUpTo(low: number, high: number, leaf: number): number {
  // In two steps: of the last leaf of a word all bits.
  const upTo = ((1 << (leaf & 31)) << 1) - 1;
  return leaf < 32 ? popcount(low & upTo) : popcount(low) + popcount(high & upTo);
}

/** What a run is. */
function runAt(words: Uint32Array, at: number, run: number): number {
  return widen(halfAt(words, at + GROUP_AT, run));
}
