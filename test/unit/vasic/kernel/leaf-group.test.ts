/** A group of leaves says what was written, however many runs and however large values are, and gives back what it had elsewhere. */
import { Heap, PAGE_WORDS } from '../../../../src/vasic/kernel/heap';
import * as layout from '../../../../src/vasic/kernel/layout';
import { HeapBlocks } from '../../../../src/vasic/kernel/heap-blocks';
import { changeGroup, clearGroup, readLeaf } from '../../../../src/vasic/kernel/leaf-group';
import { Random } from '../../../fuzz/random';

const LEAVES = layout.GROUP_LEAVES;

interface Bed {
  readonly heap: Heap;
  readonly group: number;
  readonly blocks: HeapBlocks;
  /** What it is to say. */
  readonly model: Uint32Array;
}

function bed(pages: number): Bed {
  const heap = new Heap({ words: new Uint32Array(pages * PAGE_WORDS), grow: () => false });
  const group = heap.allocateWords(layout.GROUP_WORDS);
  heap.words.fill(0xabcdef01, group, group + layout.GROUP_WORDS);
  clearGroup(heap.words, group);
  return { heap, group, blocks: new HeapBlocks(heap, LEAVES), model: new Uint32Array(LEAVES) };
}

const said = ({ heap, group }: Bed): number[] =>
  Array.from({ length: LEAVES }, (_, leaf) => readLeaf(heap.words, group, leaf));

const isElsewhere = ({ heap, group }: Bed): boolean => (heap.words[group]! & 1) === 0;

const runsOf = (model: Uint32Array): number => model.filter((value, leaf) => value !== model[leaf - 1]).length;

/** Writes leaves, the same or each another. */
function change({ blocks, group, model }: Bed, from: number, to: number, value: (leaf: number) => number): void {
  const leaves = new Uint32Array(LEAVES);
  for (let leaf = from; leaf < to; leaf++) leaves[leaf] = model[leaf] = value(leaf);
  changeGroup(blocks, group, from, to, leaves);
}

const NARROW = [0, 1, 2, 3, 0xfffe, layout.AHEAD_DEEPER];
const WIDE = [0xffff, 0x10000, 0xfffffffe];

test.each([
  [1, 0],
  [2, 0],
  [3, 40],
  [4, 40],
])('what was written is read (seed %i, one value in %i large)', (seed, wideOneIn) => {
  const random = new Random(seed);
  const here = bed(512);
  let [elsewhere, back] = [0, 0];
  for (let step = 0; step < 2500; step++) {
    const value = (): number => random.pick(wideOneIn > 0 && random.below(wideOneIn) === 0 ? WIDE : NARROW);
    const one = value();
    const isOne = random.below(2) === 0;
    const from = random.below(LEAVES);
    // Most are one leaf; now and then the whole is made one run, so that it is inside again.
    if (random.below(40) === 0) change(here, 0, LEAVES, () => one);
    else if (random.below(3) > 0) change(here, from, from + 1, () => one);
    else change(here, from, from + 1 + random.below(LEAVES - from), () => (isOne ? one : value()));
    expect(said(here).join()).toBe(here.model.join());
    const isWide = here.model.some((each) => each >= 0xffff && each !== layout.AHEAD_DEEPER);
    expect(isElsewhere(here)).toBe(isWide || runsOf(here.model) > layout.GROUP_RUNS);
    if (isElsewhere(here)) elsewhere++;
    else if (elsewhere > back) back = elsewhere;
  }
  expect(elsewhere).toBeGreaterThan(30);
  expect(back).toBeGreaterThan(0);
});

test('what it has elsewhere is given back when it needs that no more, and all of it at the end', () => {
  const here = bed(512);
  const { heap, group, blocks } = here;
  const before = heap.usedBytes;
  change(here, 5, 6, () => 0xffff);
  const block = heap.words[group + layout.GROUP_AT]!;
  expect(block).toBeGreaterThan(0);
  expect(block % LEAVES).toBe(0);
  change(here, 5, 6, () => 7);
  expect(isElsewhere(here)).toBe(false);
  change(here, 0, LEAVES, (leaf) => leaf);
  expect(heap.words[group + layout.GROUP_AT]).toBe(block);
  blocks.close();
  expect(heap.usedBytes).toBe(before);
});

test('without room for that only the trie knows its leaves, until they fit again', () => {
  const here = bed(128);
  const deeper = Array<number>(LEAVES).fill(layout.AHEAD_DEEPER);
  change(here, 0, LEAVES, (leaf) => leaf);
  expect(said(here)).toEqual(deeper);
  change(here, 3, 4, () => 9);
  expect(said(here)).toEqual(deeper.fill(9, 3, 4));
  change(here, 0, LEAVES, () => 5);
  expect(said(here)).toEqual([...here.model]);
});
