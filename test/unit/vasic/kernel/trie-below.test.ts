/** What takeBelow() gives is what a list says: the wanted prefixes, each behind those that it is within. */
import { loadAddress, newAddress } from '../../../../src/vasic/engine/prefix-key';
import { PrefixTrie } from '../../../../src/vasic/engine/prefix-trie';
import { Heap, PAGE_WORDS } from '../../../../src/vasic/kernel/heap';
import * as layout from '../../../../src/vasic/kernel/layout';
import { EarlyTables, SharedTrieMemory } from '../../../../src/vasic/kernel/shared-trie';
import { takeBelow, type Wanted } from '../../../../src/vasic/kernel/trie-below';
import { Versions } from '../../../../src/vasic/kernel/versions';
import { maskAddress } from '../../../../src/net/address';
import { Random } from '../../../fuzz/random';

interface Held {
  readonly bytes: Uint8Array;
  readonly length: number;
  readonly value: number;
}

/** 2001::/16, nested; one in four is long. */
function randomPrefix(random: Random, value: number): Held {
  const length = random.below(4) === 0 ? 60 + random.below(69) : 16 + random.below(48);
  const bytes = Uint8Array.from({ length: 16 }, () => (random.below(2) === 0 ? 0 : random.below(256)));
  bytes.set([0x20, 0x01, random.below(3) * 64]);
  return { bytes: maskAddress(bytes, length), length, value };
}

const bitsOf = (bytes: Uint8Array, bits: number): string =>
  [...bytes.subarray(0, 16)]
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('')
    .slice(0, bits);

function isWanted({ bytes, length }: Held, { first, bits, from }: Wanted): boolean {
  const common = Math.min(length, bits);
  return length >= from && bitsOf(bytes, common) === first.toString(2).padStart(32, '0').slice(0, common);
}

/** As takeBelow() has it: high, low, length, value; `most` cuts what is below to one of no value. */
function expected(held: readonly Held[], wanted: Wanted): string[] {
  const lines = held
    .filter((one) => isWanted(one, wanted))
    .map(({ bytes, length, value }) => `${bitsOf(bytes, Math.min(64, length))} ${length} ${value}`);
  return lines.sort();
}

const shown = (high: number, low: number, length: number, value: number): string => {
  const text = [high, low].map((word) => (word >>> 0).toString(2).padStart(32, '0')).join('');
  expect(text.slice(length)).not.toContain('1');
  return `${text.slice(0, length)} ${length} ${value}`;
};

test.each([1, 2, 3])('those wanted, and no others, in order (seed %i)', (seed) => {
  const random = new Random(seed);
  const heap = new Heap({ words: new Uint32Array(2048 * PAGE_WORDS), grow: () => false });
  const globals = new Uint32Array(layout.GLOBAL_WORDS);
  const memory = new SharedTrieMemory(heap, new Versions(globals), new EarlyTables(0), undefined);
  expect(memory.makeRoot()).toBe(true);
  const trie = new PrefixTrie(memory, () => 0);
  const held = new Map<string, Held>();
  for (let i = 1; i <= 400; i++) {
    const one = randomPrefix(random, i);
    const address = newAddress();
    loadAddress(address, one.bytes, 0, 16);
    trie.set(address, one.length, i);
    held.set(`${bitsOf(one.bytes, one.length)}`, one);
  }
  const index = heap.words[memory.root + layout.ROOT_INDEX]!;
  const node = heap.words[index + 0x2001]!;
  let seen = 0;
  for (let round = 0; round < 100; round++) {
    const { bytes } = random.pick([...held.values()]);
    const bits = 16 + random.below(15);
    const first = new DataView(maskAddress(bytes, bits).buffer).getUint32(0);
    const wanted = { first, bits, from: 16 + random.below(bits - 15), most: 128 };
    const taken: string[] = [];
    const all: { bits: string; length: number }[] = [];
    takeBelow(heap.words, node, 16, 0x20010000, 0, wanted, (high, low, length, value) => {
      taken.push(shown(high, low, length, value));
      all.push({ bits: taken.at(-1)!.split(' ')[0]!, length });
      return true;
    });
    seen += taken.length;
    all.forEach((one, i) => {
      const later = all
        .slice(i + 1)
        .filter(({ bits: other, length }) => length < one.length && length <= 64 && one.bits.startsWith(other));
      expect(later).toEqual([]);
    });
    expect(taken.sort()).toEqual(expected([...held.values()], wanted));

    // With a limit: shorter ones all the same, and of what is longer only that there is some.
    const most = 32 + random.below(30);
    const cut: { bits: string; length: number; value: number }[] = [];
    takeBelow(heap.words, node, 16, 0x20010000, 0, { ...wanted, most }, (high, low, length, value) => {
      const [text] = shown(high, low, length, value).split(' ');
      cut.push({ bits: text!, length, value });
      return true;
    });
    const short = cut
      .filter(({ length }) => length <= most)
      .map(({ bits: text, length, value }) => `${text} ${length} ${value}`);
    expect(short.sort()).toEqual(
      expected([...held.values()], wanted).filter((line) => Number(line.split(' ')[1]) <= most),
    );
    const deeper = (list: readonly string[]): string[] => [...new Set(list.map((text) => text.slice(0, most)))].sort();
    const long = expected([...held.values()], wanted).filter((line) => Number(line.split(' ')[1]) > most);
    expect(deeper(cut.filter(({ length }) => length > most).map((one) => one.bits))).toEqual(deeper(long));

    let first3 = 0;
    expect(takeBelow(heap.words, node, 16, 0x20010000, 0, wanted, () => ++first3 < 3)).toBe(taken.length < 3);
    expect(first3).toBe(Math.min(3, taken.length));
  }
  expect(seen).toBeGreaterThan(1000);
});
