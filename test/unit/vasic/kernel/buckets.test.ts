/** The buckets in front of an IPv6 trie say what the trie says, whatever was put in and taken out before. */
import { ADDRESS_WORDS } from '../../../../src/vasic/engine/trie-bits';
import { PrefixTrie } from '../../../../src/vasic/engine/prefix-trie';
import { bitsOf, blockOf, takesAll } from '../../../../src/vasic/kernel/bucket';
import { Buckets } from '../../../../src/vasic/kernel/buckets';
import { Heap, PAGE_WORDS } from '../../../../src/vasic/kernel/heap';
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

function bed(pages: number, tablesFrom = 2): Bed {
  const words = new Uint32Array(pages * PAGE_WORDS);
  const heap = new Heap({ words, grow: () => false });
  const globals = new Uint32Array(layout.GLOBAL_WORDS);
  const memory = new SharedTrieMemory(heap, new Versions(globals), new EarlyTables(0), new Buckets(heap));
  expect(memory.makeRoot()).toBe(true);
  return { trie: new PrefixTrie(memory, () => tablesFrom), memory, heap, globals };
}

function address(...words: number[]): Uint32Array {
  const all = new Uint32Array(ADDRESS_WORDS);
  all.set(words);
  return all;
}

/** The prefix's bits alone. */
function cut(words: Uint32Array, length: number): Uint32Array {
  return words.map((word, i) => {
    const bits = Math.min(Math.max(length - 32 * i, 0), 32);
    return bits === 0 ? 0 : word & (-1 << (32 - bits));
  });
}

interface Prefix {
  readonly words: Uint32Array;
  readonly length: number;
}

/** Three networks of 14 bits. Half of the prefixes are in a few of their /24s, one in eight is longer than any key. */
function randomPrefix(random: Random): Prefix {
  const length = random.below(8) === 0 ? 60 + random.below(69) : 18 + random.below(40);
  const network = ((0x2a00 << 16) | (random.below(3) << 18)) >>> 0;
  const below = random.below(2) === 0 ? random.below(1 << 18) : (random.below(4) << 8) | random.below(256);
  const words = address((network | below) >>> 0, random.below(2 ** 32), random.below(2 ** 32), random.below(4));
  return { words: cut(words, length), length };
}

interface Counts {
  pages: number;
  blocks: number;
  buckets: number;
  /** Of which only the trie knows all. */
  overflown: number;
  /** The most bits that choose a bucket. */
  bits: number;
}

function countBuckets({ heap, memory }: Bed): Counts {
  const counts = { pages: 0, blocks: 0, buckets: 0, overflown: 0, bits: 0 };
  const table = heap.words[memory.root + layout.ROOT_BUCKETS]!;
  for (let group = 0; table !== 0 && group < layout.AHEAD_TABLE_WORDS; group++) {
    const page = heap.words[table + group]!;
    if (page === 0) continue;
    counts.pages++;
    for (let at = page; at < page + layout.BUCKET_PAGE_WORDS; at++) {
      const word = heap.words[at]!;
      if (word === 0) continue;
      counts.blocks++;
      counts.bits = Math.max(counts.bits, bitsOf(word));
      for (let i = 0; i < 1 << bitsOf(word); i++) {
        counts.buckets++;
        if (!takesAll(heap.words, blockOf(word) + i * layout.BUCKET_WORDS)) counts.overflown++;
      }
    }
  }
  return counts;
}

const hasBuckets = ({ heap, memory }: Bed): boolean => heap.words[memory.root + layout.ROOT_BUCKETS] !== 0;

/** Asks for addresses in and beside prefixes. */
function expectAgreement({ trie, heap, memory }: Bed, random: Random, near: readonly Prefix[], probes: number): void {
  for (let i = 0; i < probes; i++) {
    const { words } = random.pick(near);
    const at = Uint32Array.from(words);
    if (random.below(3) > 0) at[random.below(4)]! ^= 1 << random.below(32);
    if (random.below(2) === 0) at[3]! ^= random.below(2 ** 32);
    const found = lookUp(heap.words, memory.root, at);
    if (found !== trie.lookup(at)) expect([...at, found]).toEqual([...at, trie.lookup(at)]);
  }
}

const nameOf = ({ words, length }: Prefix): string => `${words.join()}/${length}`;

test.each([
  [1, 0],
  [2, 0],
  [3, 20],
  [4, 20],
])('random prefixes, put in and taken out (seed %i, one value in %i large)', (seed, wideOneIn) => {
  const random = new Random(seed);
  const here = bed(2048);
  const { trie, globals } = here;
  const held = new Map<string, Prefix>();
  let [blocks, overflown, bits] = [0, 0, 0];
  for (let round = 0; round < 60; round++) {
    // Grows in the first half, shrinks to nothing in the second.
    for (let step = 0; step < 150; step++) {
      const one = randomPrefix(random);
      if (round < 30) {
        const isWide = wideOneIn > 0 && random.below(wideOneIn) === 0;
        trie.set(one.words, one.length, (isWide ? 0xfffe + random.below(4) : 1) + random.below(1000));
        held.set(nameOf(one), one);
      }
      if (held.size === 0 || (round < 30 && random.below(5) !== 0)) continue;
      const [name, old] = random.pick([...held]);
      expect(trie.delete(old.words, old.length)).toBeGreaterThan(0);
      held.delete(name);
    }
    if (held.size > 0) expectAgreement(here, random, [...held.values()], 400);
    const counts = countBuckets(here);
    blocks = Math.max(blocks, counts.blocks);
    overflown = Math.max(overflown, counts.overflown);
    bits = Math.max(bits, counts.bits);
  }
  expect(blocks).toBeGreaterThan(10);
  expect(overflown).toBeGreaterThan(0);
  expect(bits).toBeGreaterThan(4);
  for (const { words, length } of held.values()) trie.delete(words, length);
  expect(trie.size).toBe(0);
  expect(countBuckets(here).pages).toBe(0);
  expect([...globals].filter((version) => version % 2 !== 0)).toEqual([]);
});

/** The nth /48 of a /24 whose buckets get the same number each. */
function nth(n: number, network = 0): Prefix {
  const first = (0x2a00 << 16) | (network << 8) | ((n & 63) << 2);
  return { words: address(first >>> 0, (n >> 6) << 16), length: 48 };
}

test('a block is as large as its prefixes need, when they come and when they go', () => {
  const here = bed(1024);
  const { trie, heap, memory } = here;
  const put = ({ words, length }: Prefix, value: number): void => void trie.set(words, length, value);
  // A table is large before blocks wait.
  for (let n = 0; n < 1024; n++) put({ words: address(0x20010000 + (n << 8)), length: 24 }, 1);
  put(nth(0, 10), 1);
  put(nth(0, 11), 1);
  put(nth(0, 12), 1);
  const { blocks } = countBuckets(here);
  const bitsNow = (): number =>
    bitsOf(heap.words[heap.words[heap.words[memory.root + layout.ROOT_BUCKETS]! + (0x2a000000 >>> 18)]!]!);
  for (let n = 0; n < 320; n++) put(nth(n), 1 + n);
  // It waits: they may go on coming.
  expect(countBuckets(here).blocks).toBe(blocks + 1);
  put(nth(1, 10), 1);
  expect(countBuckets(here)).toMatchObject({ blocks: blocks + 2, overflown: 0 });
  expect(bitsNow()).toBe(5);
  for (let n = 320; n < 640; n++) put(nth(n), 1 + n);
  expect(bitsNow()).toBe(6);
  expect(countBuckets(here).overflown).toBe(0);
  for (let n = 0; n < 640; n++) expect(lookUp(heap.words, memory.root, nth(n).words)).toBe(1 + n);
  const sizes: number[] = [];
  for (let n = 639; n >= 0; n--) {
    trie.delete(nth(n).words, 48);
    sizes.push(bitsNow());
    if (n % 40 === 0) for (let i = 0; i < n; i++) expect(lookUp(heap.words, memory.root, nth(i).words)).toBe(1 + i);
  }
  expect([...new Set(sizes)].length).toBeGreaterThan(3);
  expect(sizes.at(-1)).toBe(0);
  expect(countBuckets(here).blocks).toBe(blocks + 1);
});

test('prefixes that come in no order have blocks as large', () => {
  const here = bed(1024);
  const random = new Random(5);
  const all = Array.from({ length: 16 * 240 }, (_, i) => nth(i % 240, Math.floor(i / 240)));
  for (let at = all.length - 1; at > 0; at--) {
    const other = random.below(at + 1);
    [all[at], all[other]] = [all[other]!, all[at]!];
  }
  const values = new Map<string, number>();
  all.forEach(({ words, length }, i) => {
    here.trie.set(words, length, 1 + i);
    values.set(words.join(), 1 + i);
  });
  const counts = countBuckets(here);
  const inOrder = bed(1024);
  for (let i = 0; i < all.length; i++) {
    const { words, length } = nth(i % 240, Math.floor(i / 240));
    inOrder.trie.set(words, length, 1 + i);
  }
  inOrder.trie.set(address(0x20010000), 24, 1);
  here.trie.set(address(0x20010000), 24, 1);
  expect(countBuckets(inOrder)).toEqual(countBuckets(here));
  expect(counts).toMatchObject({ blocks: 16, bits: 5, overflown: 0 });
  for (const { words } of all) expect(lookUp(here.heap.words, here.memory.root, words)).toBe(values.get(words.join()));
});

test('of more prefixes below a /24 than its buckets take the trie knows, and the others have theirs', () => {
  const here = bed(4096);
  const { trie, heap, memory } = here;
  const host = (n: number): Uint32Array => address(0x2a000001, (n * 7) << 8, 0, n);
  for (let n = 0; n < 1024; n++) trie.set(address(0x20010000 + (n << 8)), 24, 1);
  for (let n = 0; n < 20_000; n++) trie.set(host(n), 128, 1 + n);
  for (let n = 0; n < 3; n++) trie.set(address(0x2a000080, n << 16), 48, 30_000 + n);
  for (let n = 0; n < 2; n++) trie.set(address(0x2a010000 + (n << 8)), 32, 7);
  trie.set(address(0x20010000), 24, 2);
  const counts = countBuckets(here);
  expect(counts).toMatchObject({ overflown: 1, bits: 6 });
  for (let n = 0; n < 20_000; n += 37) expect(lookUp(heap.words, memory.root, host(n))).toBe(1 + n);
  // Of one that is not of the trie: the buckets alone have these.
  const index = heap.words[memory.root + layout.ROOT_INDEX]!;
  const top = heap.words[index + 0x2a00]!;
  heap.words[index + 0x2a00] = 0;
  for (let n = 0; n < 3; n++) expect(lookUp(heap.words, memory.root, address(0x2a000080, n << 16))).toBe(30_000 + n);
  expect(lookUp(heap.words, memory.root, host(0))).toBe(0);
  heap.words[index + 0x2a00] = top;
  for (let n = 0; n < 20_000; n++) trie.delete(host(n), 128);
  expect(lookUp(heap.words, memory.root, host(0))).toBe(0);
  expect(countBuckets(here)).toMatchObject({ blocks: counts.blocks, overflown: 0, bits: 0 });
});

test.each([2, 400, 1024])('prefixes that were there before the tables count once (%i of them)', (before) => {
  const here = bed(2048, before);
  const { trie, heap, memory } = here;
  const count = Math.max(2, before - 1);
  for (let n = 0; n < count; n++) trie.set(nth(n).words, 48, 1 + n);
  expect(hasBuckets(here)).toBe(false);
  trie.set(address(0x20010000), 32, 9);
  trie.set(address(0x20020000), 32, 9);
  const word = (): number =>
    heap.words[heap.words[heap.words[memory.root + layout.ROOT_BUCKETS]! + (0x2a000000 >>> 18)]!]!;
  expect(word()).toBeGreaterThan(0);
  for (let n = 0; n < count; n++) expect(lookUp(heap.words, memory.root, nth(n).words)).toBe(1 + n);
  for (let n = 0; n < count; n++) trie.delete(nth(n).words, 48);
  expect(word()).toBe(0);
});

test('buckets give way to prefixes where the heap has no room for both, and lookups go on by the trie', () => {
  const random = new Random(6);
  const here = bed(1024);
  const { trie, heap } = here;
  const held: Prefix[] = [];
  let had = 0;
  for (let put = 0; put < 400_000 && !heap.missed; put++) {
    const one = { words: cut(address(0x2a000000 + random.below(1 << 20), random.below(2 ** 32)), 48), length: 48 };
    trie.set(one.words, 48, 1 + (put % 1000));
    if (!heap.missed) held.push(one);
    if (put % 1000 === 0) had = Math.max(had, countBuckets(here).buckets);
  }
  expect(heap.missed).toBe(true);
  expect(had).toBeGreaterThan(1000);
  expect(hasBuckets(here)).toBe(false);
  expectAgreement(here, random, held, 20_000);
  expect(here.globals[layout.GLOBAL_GRAPH_VERSION]! % 2).toBe(0);
});

test("what they took is any other table's once the table is empty", () => {
  const here = bed(1100);
  const { trie, heap } = here;
  const all = Array.from({ length: 6000 }, (_, i) => nth(i % 240, Math.floor(i / 240)));
  for (const { words, length } of all) trie.set(words, length, 1);
  expect(countBuckets(here).blocks).toBeGreaterThan(20);
  const full = heap.usedBytes;
  for (const { words, length } of all) trie.delete(words, length);
  expect(hasBuckets(here)).toBe(false);
  // Tables of the trie, the table, a page, and blocks of 32 buckets.
  expect(full - heap.usedBytes).toBeGreaterThan(640 * 1024 + 64 * 1024 + 4096 + 20 * 2048);
  const free = heap.bytes - heap.usedBytes;
  let taken = 0;
  while (heap.isSpare(1)) {
    heap.allocateWords(PAGE_WORDS);
    taken += PAGE_WORDS * 4;
  }
  expect(taken).toBeGreaterThan(free - 300 * 1024);
});

test('a block that is there is never made anew by the change of another slot', () => {
  // Room for a table and the trie, and none to spare for blocks.
  const words = new Uint32Array(1200 * PAGE_WORDS);
  const heap = new Heap({ words, grow: () => false });
  const globals = new Uint32Array(layout.GLOBAL_WORDS);
  const memory = new SharedTrieMemory(heap, new Versions(globals), new EarlyTables(0), new Buckets(heap));
  expect(memory.makeRoot()).toBe(true);
  const trie = new PrefixTrie(memory, () => 2);
  const put = ({ words: at, length }: Prefix): void => void trie.set(at, length, 1);
  for (let n = 0; n < 1020; n++) trie.set(address(0x20010000 + (n << 8)), 24, 1);
  const place = (): number => heap.words[memory.root + layout.ROOT_BUCKETS]! + (0x2a000000 >>> 18);
  put(nth(0, 9));
  const taken: number[] = [];
  while (heap.isSpare(256)) taken.push(heap.allocateWords(PAGE_WORDS));
  for (let n = 0; n < 200; n++) put(nth(n % 5, 100 + Math.floor(n / 5)));
  const word = (): number => heap.words[heap.words[place()]!]!;
  for (let n = 0; n < 5; n++) put(nth(n));
  expect(word()).toBe(0);
  for (const page of taken) heap.releaseWords(page, PAGE_WORDS);
  put(nth(5));
  for (let n = 0; n < 200; n++) trie.delete(nth(n % 5, 100 + Math.floor(n / 5)).words, 48);
  for (let n = 0; n < 3; n++) trie.delete(nth(n).words, 48);
  expect(trie.size).toBeLessThan(1024 + 3);
  put(nth(0));
  const before = word();
  expect(before).toBeGreaterThan(0);
  trie.set(address(0x20020000), 24, 1);
  trie.set(address(0x20030000), 24, 1);
  expect(word()).toBe(before);
});

test('once given away they take no room again, and neither does their table', () => {
  const here = bed(1024);
  const { trie, heap } = here;
  for (let n = 0; n < 40; n++) trie.set(nth(n).words, 48, 1);
  expect(hasBuckets(here)).toBe(true);
  let pages = 1;
  while (hasBuckets(here) && heap.makesRoom(() => heap.hasPages(pages))) pages++;
  for (let n = 0; n < 40; n++) trie.delete(nth(n).words, 48);
  for (let n = 0; n < 40; n++) trie.set(nth(n).words, 48, 1 + n);
  expect(hasBuckets(here)).toBe(false);
  for (let n = 0; n < 40; n++) expect(lookUp(heap.words, here.memory.root, nth(n).words)).toBe(1 + n);
});

test("each of a small table's prefixes has its bucket, also where it was elsewhere before", () => {
  const here = bed(1024);
  const { trie } = here;
  trie.set(address(0x20010000), 24, 1);
  trie.set(address(0x20020000), 32, 1);
  for (let n = 0; n < 100; n++) {
    const at = address((0x24000000 + n * (1 << 18)) >>> 0);
    trie.set(at, 48, 1);
    expect(countBuckets(here).blocks).toBe(3);
    trie.delete(at, 48);
  }
});
