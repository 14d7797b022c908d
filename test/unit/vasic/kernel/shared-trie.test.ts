/** Route tries in the heap, as the kernel's program reads them: small ones and large ones, and a heap that is full. */
import { maskAddress } from '../../../../src/net/address';
import { PrefixTrie } from '../../../../src/vasic/engine/prefix-trie';
import { Buckets } from '../../../../src/vasic/kernel/buckets';
import { Heap, PAGE_WORDS } from '../../../../src/vasic/kernel/heap';
import * as layout from '../../../../src/vasic/kernel/layout';
import { LeafPages } from '../../../../src/vasic/kernel/leaf-pages';
import { lookUp } from '../../../../src/vasic/kernel/lookup';
import { EarlyTables, SharedTrieMemory } from '../../../../src/vasic/kernel/shared-trie';
import { Versions } from '../../../../src/vasic/kernel/versions';
import { Random } from '../../../fuzz/random';
import { PrefixModel, words, type Family } from '../prefix-model';

interface Bed {
  readonly trie: PrefixTrie;
  readonly memory: SharedTrieMemory;
  readonly heap: Heap;
  readonly globals: Uint32Array;
}

function bed(size: Family, pages: number, tablesFrom?: number): Bed {
  const heap = new Heap({ words: new Uint32Array(pages * PAGE_WORDS), grow: () => false });
  const globals = new Uint32Array(layout.GLOBAL_WORDS);
  const memory = new SharedTrieMemory(
    heap,
    new Versions(globals),
    new EarlyTables(0),
    size === 4 ? new LeafPages(heap, 8) : new Buckets(heap),
  );
  expect(memory.makeRoot()).toBe(true);
  return {
    trie: new PrefixTrie(memory, tablesFrom === undefined ? undefined : () => tablesFrom),
    memory,
    heap,
    globals,
  };
}

/** In a few networks; the longer ones within them anywhere. */
function randomPrefix(random: Random, size: Family): { readonly bytes: Uint8Array; readonly length: number } {
  const length = 8 + random.below(size * 8 - 7);
  const bytes = Uint8Array.from({ length: size }, () => random.below(256));
  bytes.set([0x20, random.below(4), random.below(16) * 16].slice(0, 1 + random.below(3)));
  if (random.below(3) === 0) bytes.fill(0, 3);
  return { bytes: maskAddress(bytes, length), length };
}

test.each([
  [4, 'no tables', undefined],
  [16, 'no tables', undefined],
  [4, 'tables', 8],
  [16, 'tables', 8],
] as const)('what the program would find is what a list says (%i bytes, %s)', (size, _, tablesFrom) => {
  const random = new Random(size);
  const { trie, memory, heap, globals } = bed(size, 2048, tablesFrom);
  const model = new PrefixModel();
  let found = 0;
  for (let step = 0; step < 1500; step++) {
    const { bytes, length } = randomPrefix(random, size);
    if (random.below(3) > 0) {
      trie.set(words(bytes), length, 1 + step);
      model.set(bytes, length, 1 + step);
    } else if (model.size > 0) {
      const old = random.pick(model.all());
      trie.delete(words(old.bytes), old.length);
      model.delete(old.bytes, old.length);
    }
    const other = random.below(2) === 0 ? random.pick(model.all().concat([{ bytes, length, value: 0 }])).bytes : bytes;
    const near = Uint8Array.from(other);
    if (random.below(2) === 0) near[random.below(size)]! ^= 1 << random.below(8);
    const value = lookUp(heap.words, memory.root, words(near));
    expect(value).toBe(model.lookup(near));
    if (value !== 0) found++;
  }
  expect(found).toBeGreaterThan(500);
  for (const { bytes, length } of model.all()) trie.delete(words(bytes), length);
  for (const { bytes } of model.all()) expect(lookUp(heap.words, memory.root, words(bytes))).toBe(0);
  expect([...globals].filter((version) => version % 2 !== 0)).toEqual([]);
});

test.each([4, 16] as const)('a table that comes and goes ten times has what it had (%i bytes)', (size) => {
  const random = new Random(7);
  const { trie, heap } = bed(size, 4096);
  const table = Array.from({ length: 3000 }, () => randomPrefix(random, size));
  const used = Array.from({ length: 10 }, () => {
    for (const { bytes, length } of table) trie.set(words(bytes), length, 1);
    const full = heap.usedBytes;
    for (const { bytes, length } of table) trie.delete(words(bytes), length);
    expect(trie.size).toBe(0);
    return [full, heap.usedBytes];
  });
  expect(used).toEqual(used.map(() => used[0]));
});

test.each([4, 16] as const)('what a full heap lets in finds its blocks, and the rest is refused (%i bytes)', (size) => {
  const random = new Random(9);
  const { trie, memory, heap } = bed(size, 85, Infinity);
  const held: { bytes: Uint8Array; length: number }[] = [];
  let refused = 0;
  for (let step = 0; step < 15_000; step++) {
    const length = 20 + random.below(size * 8 - 19);
    const bytes = maskAddress(
      Uint8Array.from({ length: size }, () => random.below(256)),
      length,
    );
    // Throws where there was no room for what was let in.
    const before = trie.size;
    trie.set(words(bytes), length, 1 + step);
    if (trie.size > before) held.push({ bytes, length });
    if (heap.missed) {
      refused++;
      heap.missed = false;
      // Room comes and goes in pieces of all sizes.
      for (let gone = random.below(40); gone > 0 && held.length > 0; gone--) {
        const at = random.below(held.length);
        const old = held[at]!;
        held[at] = held[held.length - 1]!;
        held.pop();
        expect(trie.delete(words(old.bytes), old.length)).toBeGreaterThan(0);
      }
    }
    if (step % 16 === 0) expect(lookUp(heap.words, memory.root, words(bytes))).toBe(trie.lookup(words(bytes)));
  }
  expect(refused).toBeGreaterThan(100);
  expect(held.length).toBe(trie.size);
});

/** A trie of one of several in a heap. */
function beside(heap: Heap, globals: Uint32Array, early: EarlyTables): PrefixTrie {
  const memory = new SharedTrieMemory(heap, new Versions(globals), early, undefined);
  expect(memory.makeRoot()).toBe(true);
  return new PrefixTrie(memory);
}

const first = (value: number): Uint32Array => Uint32Array.of(value, 0, 0, 0, 0);

test('the first tries have tables early, while there is room, and the next one when one of them is empty', () => {
  const heap = new Heap({ words: new Uint32Array(1024 * PAGE_WORDS), grow: () => false });
  const globals = new Uint32Array(layout.GLOBAL_WORDS);
  const early = new EarlyTables(2);
  const tries = [0, 1, 2].map(() => beside(heap, globals, early));
  const withTables = (): boolean[] => tries.map((trie) => trie.bytes >= 640 * 1024 + heap.bytes);
  const fill = (trie: PrefixTrie): void => [1, 2, 3].forEach((n) => void trie.set(first(n << 24), 8 * n, n));
  tries.forEach(fill);
  expect(withTables()).toEqual([true, true, false]);
  [1, 2, 3].forEach((n) => tries[0]!.delete(first(n << 24), 8 * n));
  tries[2]!.set(first(9 << 24), 8, 9);
  expect(withTables()).toEqual([false, true, true]);
  expect([1, 2, 3, 9].map((n) => tries[2]!.lookup(first((n << 24) | 1)))).toEqual([1, 2, 3, 9]);

  const small = new Heap({ words: new Uint32Array(256 * PAGE_WORDS), grow: () => false });
  const trie = beside(small, globals, new EarlyTables(2));
  fill(trie);
  expect(trie.bytes).toBe(small.bytes);
  expect([...globals].filter((version) => version % 2 !== 0)).toEqual([]);
});

test('a prefix shorter than the index bars nobody for long: only a value that changes or goes turns a version, once', () => {
  const { trie, memory, heap, globals } = bed(4, 2048, 2);
  for (let n = 1; n < 9; n++) trie.set(first(n << 24), 16, n);
  const versions = (): number[] => [...globals];
  const before = versions();
  trie.set(first(0), 0, 77);
  trie.set(first(0), 3, 78);
  expect(versions()).toEqual(before);
  trie.set(first(0), 0, 79);
  before[layout.GLOBAL_GRAPH_VERSION]! += 2;
  expect(versions()).toEqual(before);
  expect([0x40000000, 0x10000001].map((at) => lookUp(heap.words, memory.root, first(at)))).toEqual([79, 78]);
  expect(trie.delete(first(0), 3)).toBe(78);
  expect(trie.delete(first(0), 5)).toBe(0);
  before[layout.GLOBAL_GRAPH_VERSION]! += 2;
  expect(versions()).toEqual(before);
  expect(lookUp(heap.words, memory.root, first(0x10000001))).toBe(79);
});
