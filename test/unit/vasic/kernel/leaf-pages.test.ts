/** The pages in front of a route trie say what the trie says, whatever was put in and taken out before. */
import { ADDRESS_WORDS } from '../../../../src/vasic/engine/trie-bits';
import { PrefixTrie } from '../../../../src/vasic/engine/prefix-trie';
import { Heap, PAGE_WORDS } from '../../../../src/vasic/kernel/heap';
import { readLeaf } from '../../../../src/vasic/kernel/leaf-group';
import { LeafPages } from '../../../../src/vasic/kernel/leaf-pages';
import * as layout from '../../../../src/vasic/kernel/layout';
import { lookUp } from '../../../../src/vasic/kernel/lookup';
import { EarlyTables, SharedTrieMemory } from '../../../../src/vasic/kernel/shared-trie';
import { Versions } from '../../../../src/vasic/kernel/versions';
import { Random } from '../../../fuzz/random';

interface Bed {
  readonly trie: PrefixTrie;
  readonly memory: SharedTrieMemory;
  readonly heap: Heap;
  readonly globals: Uint32Array;
}

function bed(pages: number, tablesFrom: number): Bed {
  const words = new Uint32Array(pages * PAGE_WORDS);
  const heap = new Heap({ words, grow: () => false });
  const globals = new Uint32Array(layout.GLOBAL_WORDS);
  const memory = new SharedTrieMemory(heap, new Versions(globals), new EarlyTables(0), new LeafPages(heap, 8));
  expect(memory.makeRoot()).toBe(true);
  return { trie: new PrefixTrie(memory, () => tablesFrom), memory, heap, globals };
}

function address(first: number): Uint32Array {
  const words = new Uint32Array(ADDRESS_WORDS);
  words[0] = first;
  return words;
}

/** Six networks of 14 bits, of which prefixes of 12 to 32 bits are taken, so that they nest. */
function randomPrefix(random: Random): { readonly first: number; readonly length: number } {
  const length = 12 + random.below(21);
  const wanted = ((10 << 24) | (random.below(6) << 18) | random.below(1 << 18)) >>> 0;
  return { first: (wanted & (-1 << (32 - length))) >>> 0, length };
}

/** Pages that there are, and leaves by what they tell. */
function countLeaves({ heap, memory }: Bed): { pages: number; deeper: number; values: number } {
  const counts = { pages: 0, deeper: 0, values: 0 };
  const table = heap.words[memory.root + layout.ROOT_LEAVES]!;
  for (let group = 0; table !== 0 && group < layout.AHEAD_TABLE_WORDS; group++) {
    const page = heap.words[table + group]!;
    if (page === 0) continue;
    counts.pages++;
    for (let at = page; at < page + layout.LEAF_PAGE_WORDS; at += layout.GROUP_WORDS) {
      for (let leaf = 0; leaf < layout.GROUP_LEAVES; leaf++) {
        const value = readLeaf(heap.words, at, leaf);
        if (value === layout.AHEAD_DEEPER) counts.deeper++;
        else if (value !== 0) counts.values++;
      }
    }
  }
  return counts;
}

function expectAgreement({ trie, heap, memory }: Bed, random: Random, probes: number): void {
  for (let i = 0; i < probes; i++) {
    const at = address(((10 << 24) | random.below(7 << 18)) >>> 0);
    expect(lookUp(heap.words, memory.root, at)).toBe(trie.lookup(at));
  }
}

test.each([1, 2, 3])('random prefixes, put in and taken out (seed %i)', (seed) => {
  const random = new Random(seed);
  const here = bed(2048, 8);
  const { trie, globals } = here;
  const held = new Map<string, { readonly first: number; readonly length: number }>();
  for (let round = 0; round < 40; round++) {
    // Grows in the first half, shrinks to nothing in the second.
    for (let step = 0; step < 60; step++) {
      const { first, length } = randomPrefix(random);
      if (round < 20) {
        trie.set(address(first), length, 1 + random.below(1000));
        held.set(`${first}/${length}`, { first, length });
      }
      if (held.size === 0 || (round < 20 && random.below(4) !== 0)) continue;
      const [name, old] = random.pick([...held]);
      trie.delete(address(old.first), old.length);
      held.delete(name);
    }
    expectAgreement(here, random, 400);
    if (round === 19) {
      const counts = countLeaves(here);
      expect(counts.pages).toBeGreaterThan(3);
      expect(counts.deeper).toBeGreaterThan(50);
      expect(counts.values).toBeGreaterThan(500);
    }
  }
  for (const { first, length } of held.values()) trie.delete(address(first), length);
  expect(trie.size).toBe(0);
  expect(countLeaves(here).pages).toBe(0);
  expect(globals[layout.GLOBAL_GRAPH_VERSION]! % 2).toBe(0);
});

test('pages give way to prefixes where the heap has no room for both, and lookups go on by the trie', () => {
  const random = new Random(4);
  const here = bed(1024, 8);
  const { trie, heap } = here;
  let hadPages = false;
  let put = 0;
  for (; put < 400_000 && !heap.missed; put++) {
    const length = 24 + random.below(9);
    const first = (random.below(2 ** 32) & (-1 << (32 - length))) >>> 0;
    trie.set(address((first % (64 << 18)) & (-1 << (32 - length))), length, 1 + (put % 1000));
    hadPages ||= hasLeaves(here);
  }
  expect(hadPages).toBe(true);
  expect(heap.missed).toBe(true);
  expect(countLeaves(here).pages).toBe(0);
  for (let i = 0; i < 20_000; i++) {
    const at = address(random.below(64 << 18));
    expect(lookUp(heap.words, here.memory.root, at)).toBe(trie.lookup(at));
  }
});

test('they give way to another table as well, once there is no other room; whoever asks for pages', () => {
  const here = bed(1024, 8);
  const { trie, heap, globals } = here;
  for (let i = 0; i < 3000; i++) trie.set(address(((10 << 24) | (i << 8)) >>> 0), 24, 1 + (i % 1000));
  const other = new SharedTrieMemory(heap, new Versions(globals), new EarlyTables(0), undefined);
  expect(other.makeRoot()).toBe(true);
  const otherTrie = new PrefixTrie(other);
  let put = 0;
  for (; put < 400_000 && hasLeaves(here) && !heap.missed; put++) {
    const at = address(Math.imul(put, 0x9e3779b1) >>> 0);
    otherTrie.set(at, 32, 1 + (put % 1000));
  }
  expect(heap.missed).toBe(false);
  expect(hasLeaves(here)).toBe(false);
  expect(put).toBeGreaterThan(1000);
  expect(otherTrie.size).toBe(put);
  for (let i = 0; i < 3000; i++) {
    expect(lookUp(heap.words, here.memory.root, address(((10 << 24) | (i << 8) | 9) >>> 0))).toBe(1 + (i % 1000));
  }
  expect(globals[layout.GLOBAL_GRAPH_VERSION]! % 2).toBe(0);

  const third = bed(256 + 700, 8);
  for (let i = 0; i < 3000; i++) third.trie.set(address(((10 << 24) | (i << 8)) >>> 0), 24, 1 + (i % 1000));
  expect(hasLeaves(third)).toBe(true);
  let pages = 1;
  while (hasLeaves(third) && third.heap.makesRoom(() => third.heap.hasSpare(pages))) pages++;
  expect(hasLeaves(third)).toBe(false);
});

function hasLeaves({ heap, memory }: Bed): boolean {
  return heap.words[memory.root + layout.ROOT_LEAVES] !== 0;
}

test('a page waits until changes go on elsewhere, or for so many that they may not', () => {
  const here = bed(1024, 8);
  const put = (network: number, i: number): void => {
    here.trie.set(address(((10 << 24) | (network << 18) | (i << 8)) >>> 0), 24, 1 + i);
  };
  // What was there before there are any has its pages at once.
  for (let i = 0; i < 9; i++) put(5, i);
  expect(countLeaves(here)).toEqual({ pages: 1, deeper: 0, values: 9 });
  for (let i = 0; i < 300; i++) put(0, i);
  expect(countLeaves(here)).toEqual({ pages: 1, deeper: 0, values: 9 });
  put(1, 0);
  expect(countLeaves(here)).toEqual({ pages: 2, deeper: 0, values: 309 });
  for (let i = 1; i < 600; i++) put(1, i);
  expect(countLeaves(here)).toEqual({ pages: 3, deeper: 0, values: 909 });
  // Too few are worth none.
  for (let i = 0; i < 7; i++) put(2, i);
  put(0, 300);
  expect(countLeaves(here)).toEqual({ pages: 3, deeper: 0, values: 910 });
  // They may go before it comes.
  put(2, 7);
  here.trie.delete(address(((10 << 24) | (2 << 18)) >>> 0), 24);
  put(0, 301);
  expect(countLeaves(here).pages).toBe(3);
  put(2, 8);
  put(0, 302);
  expect(countLeaves(here)).toEqual({ pages: 4, deeper: 0, values: 912 + 8 });
});

test("what pages took is any other table's once they have given way, and once the table is empty", () => {
  const here = bed(2048, 8);
  const { trie, heap } = here;
  const put = (i: number): number => trie.set(address(((10 << 24) + (i << 8)) >>> 0), 24, 1 + ((i * 7) % 1000));
  for (let i = 0; i < 40_000; i++) put(i);
  const { pages } = countLeaves(here);
  expect(pages).toBeGreaterThan(38);
  const taken = heap.usedBytes;
  const other = new SharedTrieMemory(heap, new Versions(here.globals), new EarlyTables(0), undefined);
  expect(other.makeRoot()).toBe(true);
  let wanted = 1;
  while (hasLeaves(here) && heap.makesRoom(() => heap.hasPages(wanted))) wanted++;
  expect(hasLeaves(here)).toBe(false);
  // Pages of 1 KiB, four to one of the heap, and groups that have 256 bytes elsewhere, as each leaf here is another.
  expect(taken - heap.usedBytes).toBeGreaterThan(pages * 1024 * 0.95 + pages * 16 * 256 * 0.95);

  const again = bed(2048, 8);
  const before = again.heap.usedBytes;
  for (let i = 0; i < 3000; i++) again.trie.set(address(((10 << 24) + (i << 8)) >>> 0), 24, 1 + (i % 1000));
  expect(countLeaves(again).pages).toBeGreaterThan(1);
  const full = again.heap.usedBytes;
  for (let i = 0; i < 3000; i++) again.trie.delete(address(((10 << 24) + (i << 8)) >>> 0), 24);
  expect(full - again.heap.usedBytes).toBeGreaterThan(640 * 1024 + 64 * 1024 + 2 * 16 * 256);
  expect(again.heap.usedBytes).toBeGreaterThanOrEqual(before);
});
