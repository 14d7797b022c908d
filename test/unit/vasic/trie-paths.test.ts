/** Paths of a prefix trie: two prefixes that part at each bit, and the same memory for the same prefixes, whatever was held before. */
import { maskAddress } from '../../../src/net/address';
import { newAddress } from '../../../src/vasic/engine/prefix-key';
import { PrefixTrie } from '../../../src/vasic/engine/prefix-trie';
import { Random } from '../../fuzz/random';
import { countedMemory, lines, PrefixModel, words, type Family } from './prefix-model';

/** A prefix in another part of the address space, so that tables stay. Where there are some nothing is listed: that takes long. */
const ELSEWHERE = 0xf0f00000;

interface Bed {
  readonly trie: PrefixTrie;
  readonly used: () => number;
}

function bed(tablesFrom: number): Bed {
  const { memory, used } = countedMemory();
  return { trie: new PrefixTrie(memory, () => tablesFrom), used };
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[bit >> 3]! ^= 0x80 >> (bit & 7);
  return copy;
}

type Prefix = readonly [bytes: Uint8Array, length: number];

/** Prefixes that leave another one at bit `at`, or lie within it, of lengths about the ends of chunks and of paths. */
function others(base: Uint8Array, length: number, at: number, bits: number): Prefix[] {
  const lengths = [1, 4, 5, 6, 60, 63, 64].map((more) => at + more).filter((sum) => sum <= bits);
  const leaving = at < length ? flipped(base, at) : base;
  return [...new Set([...lengths, bits])].map((own) => [maskAddress(leaving, own), own]);
}

/** Puts two in, looks, takes one out, looks; in both orders. Complaints, of which there should be none. */
function tryPair({ trie, used }: Bed, size: Family, first: Prefix, second: Prefix): string[] {
  const found: string[] = [];
  const name = [first, second].map(([bytes, length]) => `${Buffer.from(bytes).toString('hex')}/${length}`).join(' ');
  const addresses = [first, second].flatMap(([bytes, length]) => {
    const ends = [0, 1, length - 1, length].filter((bit) => bit >= 0 && bit < size * 8);
    return [bytes, ...ends.map((bit) => flipped(bytes, bit))];
  });
  const look = (held: readonly (readonly [Prefix, number])[], when: string): void => {
    const model = new PrefixModel();
    for (const [[bytes, length], value] of held) model.set(bytes, length, value);
    for (const address of addresses) {
      const [is, wanted] = [trie.lookup(words(address)), model.lookup(address)];
      if (is !== wanted) found.push(`${name} ${when}: ${Buffer.from(address).toString('hex')} ${is}, not ${wanted}`);
    }
    for (const [bytes, length] of [first, second]) {
      if (trie.get(words(bytes), length) !== model.get(bytes, length)) found.push(`${name} ${when}: get`);
    }
  };
  const empty = used();
  for (const [one, other] of [
    [first, second],
    [second, first],
  ] as const) {
    trie.set(words(one[0]), one[1], 1);
    look([[one, 1]], 'one');
    const alone = used();
    trie.set(words(other[0]), other[1], 2);
    const both: readonly (readonly [Prefix, number])[] = [
      [one, 1],
      [other, 2],
    ];
    look(both, 'both');
    if (trie.size === 2 && lines(trie, size).length !== 2)
      found.push(`${name}: ${lines(trie, size).join(', ')} listed`);
    trie.delete(words(other[0]), other[1]);
    look([[one, 1]], 'one again');
    if (used() !== alone) found.push(`${name}: ${used()} words for one, not ${alone}`);
    trie.delete(words(one[0]), one[1]);
    look([], 'none');
    if (used() !== empty) found.push(`${name}: ${used()} words for none, not ${empty}`);
  }
  return found;
}

test.each([
  [4, 'no tables', Infinity, [4, 5, 24, 32]],
  [4, 'tables', 0, [16, 20, 21, 32]],
  [16, 'no tables', Infinity, [5, 60, 61, 63, 64, 65, 121, 128]],
  [16, 'tables', 0, [16, 76, 79, 80, 128]],
] as const)(
  'two prefixes that part at any bit, or of which one is in the other (%i bytes, %s)',
  (size, _, from, all) => {
    const here = bed(from);
    const elsewhere = newAddress();
    elsewhere[0] = ELSEWHERE;
    if (from === 0) here.trie.set(elsewhere, 16, 9);
    const found: string[] = [];
    let pairs = 0;
    const base = new Uint8Array(size).fill(0xa5);
    for (const length of all) {
      for (let at = 0; at <= length && at < size * 8; at++) {
        for (const other of others(base, length, at, size * 8)) {
          if (other[1] === length && at === length) continue;
          found.push(...tryPair(here, size, [maskAddress(base, length), length], other));
          pairs++;
        }
      }
    }
    expect(found.slice(0, 5)).toEqual([]);
    expect(pairs).toBeGreaterThan(200);
  },
);

/** One of a few networks, below which prefixes nest and part late as well as early. */
function randomPrefix(random: Random, size: Family): Prefix {
  const bits = size * 8;
  const bytes = new Uint8Array(size).fill(random.pick([0x00, 0xa5]));
  for (let changes = random.below(4); changes > 0; changes--) bytes[random.below(size)] = random.below(256);
  const length = random.below(3) === 0 ? random.pick([0, 15, 16, 60, 64, bits]) : random.below(bits + 1);
  return [maskAddress(bytes, Math.min(length, bits)), Math.min(length, bits)];
}

test.each([
  [4, Infinity],
  [4, 8],
  [16, Infinity],
  [16, 8],
] as const)(
  'memory is that of the prefixes held, not of those before (%i bytes, tables from %d)',
  (size, tablesFrom) => {
    const random = new Random(size + 1);
    const { trie, used } = bed(tablesFrom);
    const model = new PrefixModel();
    const most = tablesFrom === 8 ? 9 : 0;
    for (let step = 0; step < 2000; step++) {
      const [bytes, length] = randomPrefix(random, size);
      const grows = step % 600 < 400;
      if (random.below(4) < (grows ? 3 : 1)) {
        expect(trie.set(words(bytes), length, 1 + step)).toBe(model.get(bytes, length));
        model.set(bytes, length, 1 + step);
      } else if (model.size > most) {
        const { bytes: old, length: oldLength } = random.pick(model.all());
        expect(trie.delete(words(old), oldLength)).toBe(model.get(old, oldLength));
        model.delete(old, oldLength);
      }
      expect(trie.delete(words(bytes), length)).toBe(model.get(bytes, length));
      const held = model.get(bytes, length);
      if (held !== 0) trie.set(words(bytes), length, held);
      const [near] = randomPrefix(random, size);
      expect(trie.lookup(words(near))).toBe(model.lookup(near));
      if (step % 200 !== 199) continue;
      expect(lines(trie, size)).toEqual(model.lines());
      const fresh = bed(tablesFrom);
      // With tables from the start on, where the other has them.
      const inOrder = [...model.all()].sort(() => random.below(3) - 1);
      for (const { bytes: each, length: own, value } of inOrder) fresh.trie.set(words(each), own, value);
      expect(used()).toBe(fresh.used());
    }
    for (const { bytes, length } of model.all()) trie.delete(words(bytes), length);
    expect(used()).toBe(0);
  },
);
