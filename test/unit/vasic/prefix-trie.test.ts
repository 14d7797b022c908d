/** PrefixTrie against a model that scans a list: any sequence of changes, both families, then lookups and enumeration. */
import fc from 'fast-check';
import { maskAddress } from '../../../src/net/address';
import { newAddress, storeAddress } from '../../../src/vasic/engine/prefix-key';
import { OWN_MEMORY } from '../../../src/vasic/engine/arena';
import { PrefixTrie } from '../../../src/vasic/engine/prefix-trie';
import { TABLES_FROM } from '../../../src/vasic/engine/word-pool';
import { lines, PrefixModel, words, type Family } from './prefix-model';

/** Addresses that share leading bytes often enough for prefixes to nest, and differ at every depth. */
const addressOf = (size: Family): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(
      fc.uint8Array({ minLength: size, maxLength: size }),
      fc.constantFrom(0x00, 0x0a, 0xff),
      fc.nat(size * 8),
      fc.boolean(),
    )
    .map(([bytes, fill, shared, keep]) => {
      if (keep) return bytes;
      const base = new Uint8Array(size).fill(fill);
      const tail = maskAddress(bytes, shared);
      return base.map((byte, i) => (i * 8 >= shared ? byte : i < shared / 16 ? byte : tail[i]!));
    });

const lengthOf = (size: Family): fc.Arbitrary<number> =>
  fc.oneof(fc.nat(size * 8), fc.constantFrom(0, 15, 16, 17, 20, 21, 24, size * 8 - 1, size * 8));

type Step = {
  kind: 'set' | 'delete' | 'deleteHeld' | 'replaceHeld' | 'lookup';
  address: Uint8Array;
  length: number;
  value: number;
};

const stepsOf = (size: Family): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.record({
      kind: fc.constantFrom('set', 'set', 'set', 'delete', 'deleteHeld', 'replaceHeld', 'lookup'),
      address: addressOf(size),
      length: lengthOf(size),
      value: fc.integer({ min: 1, max: 0xffffffff }),
    }),
    { minLength: 1, maxLength: 120 },
  );

function play(size: Family, steps: Step[], tablesFrom: number): void {
  const trie = new PrefixTrie(OWN_MEMORY, () => tablesFrom);
  const model = new PrefixModel();
  const held: { bytes: Uint8Array; length: number }[] = [];
  for (const step of steps) {
    let bytes = maskAddress(step.address, step.length);
    let length = step.length;
    const old = held[step.value % Math.max(1, held.length)];
    if ((step.kind === 'deleteHeld' || step.kind === 'replaceHeld') && old !== undefined) ({ bytes, length } = old);
    const before = model.get(bytes, length);
    switch (step.kind) {
      case 'set':
      case 'replaceHeld':
        expect(trie.set(words(bytes), length, step.value)).toBe(before);
        model.set(bytes, length, step.value);
        held.push({ bytes, length });
        break;
      case 'delete':
      case 'deleteHeld':
        expect(trie.delete(words(bytes), length)).toBe(before);
        model.delete(bytes, length);
        break;
      case 'lookup':
        break;
    }
    expect(trie.size).toBe(model.size);
    expect(trie.get(words(bytes), length)).toBe(model.get(bytes, length));
    expect(trie.lookup(words(step.address))).toBe(model.lookup(step.address));
  }
  for (const { bytes } of held) expect(trie.lookup(words(bytes))).toBe(model.lookup(bytes));
  expect(lines(trie, size)).toEqual(model.lines());
}

describe('PrefixTrie', () => {
  test.each([
    [4, 'always', 0],
    [16, 'always', 0],
    [4, 'from 8 prefixes', 8],
    [16, 'from 8 prefixes', 8],
    [4, 'never', Infinity],
    [16, 'never', Infinity],
  ] as const)('agrees with a linear scan (%i-byte addresses, tables %s)', (size, _when, tablesFrom) => {
    fc.assert(
      fc.property(stepsOf(size), (steps) => play(size, steps, tablesFrom)),
      { numRuns: 200 },
    );
  });

  test('every length from /0 to the host route, one inside the other', () => {
    for (const [size, tablesFrom] of [
      [4, 0],
      [16, 0],
      [4, 1024],
      [16, 1024],
    ] as const) {
      const trie = new PrefixTrie(OWN_MEMORY, () => tablesFrom);
      const address = new Uint8Array(size).fill(0xa5);
      const bits = size * 8;
      for (let length = 0; length <= bits; length++) {
        trie.set(words(maskAddress(address, length)), length, length + 1);
        expect(trie.lookup(words(address))).toBe(length + 1);
      }
      for (let length = 0; length < bits; length++) {
        const sibling = Uint8Array.from(address);
        sibling[length >> 3]! ^= 0x80 >> (length & 7);
        expect(trie.lookup(words(sibling))).toBe(length + 1);
      }
      for (let length = bits; length > 0; length--) {
        trie.delete(words(maskAddress(address, length)), length);
        expect(trie.lookup(words(address))).toBe(length);
      }
    }
  });

  test('an empty trie finds nothing', () => {
    const trie = new PrefixTrie();
    expect(trie.lookup(words(Uint8Array.of(10, 0, 0, 1)))).toBe(0);
    expect(trie.get(words(Uint8Array.of(10, 0, 0, 0)), 8)).toBe(0);
    expect(trie.delete(words(Uint8Array.of(10, 0, 0, 0)), 8)).toBe(0);
    expect([...trie.entries()]).toEqual([]);
  });

  test('200,000 routes take less than 80 bytes each, and removing them lets the memory be used again', () => {
    const trie = new PrefixTrie();
    const address = newAddress();
    const load = (): void => {
      for (let i = 0; i < 200_000; i++) {
        address[0] = Math.imul(i, 0x9e3779b1) & 0xffffff00;
        trie.set(address, 24, i + 1);
      }
    };
    load();
    const held = trie.size;
    const bytes = trie.bytes;
    expect(bytes / held).toBeLessThan(80);
    for (let i = 0; i < 200_000; i++) {
      address[0] = Math.imul(i, 0x9e3779b1) & 0xffffff00;
      trie.delete(address, 24);
    }
    expect(trie.size).toBe(0);
    load();
    expect(trie.size).toBe(held);
    expect(trie.bytes).toBe(bytes);
  });

  test('a few prefixes take a few kilobytes; with many there are tables, which are gone once it is empty', () => {
    const trie = new PrefixTrie();
    const address = newAddress();
    const fill = (count: number): void => {
      for (let i = 0; i < count; i++) {
        address[0] = (0x0a000000 + i * 256) >>> 0;
        trie.set(address, 24, i + 1);
      }
    };
    fill(100);
    expect(trie.bytes).toBeLessThan(10_000);
    fill(TABLES_FROM + 1);
    expect(trie.bytes).toBeGreaterThan(600_000);
    for (const { address: held, length } of [...trie.entries()]) trie.delete(held, length);
    expect(trie.size).toBe(0);
    expect(trie.bytes).toBeLessThan(1000);
  });

  test('enumeration goes on while the trie changes: every unchanged prefix exactly once', () => {
    const trie = new PrefixTrie();
    const address = newAddress();
    for (let i = 0; i < 5000; i++) {
      address[0] = Math.imul(i, 0x01000193) & 0xfffffff0;
      trie.set(address, 28, 1);
    }
    const stays = new Set(lines(trie, 4));
    const seen: string[] = [];
    let changes = 0;
    for (const { address: found, length, value } of trie.entries()) {
      seen.push(`${Buffer.from(storeAddress(found, 4)).toString('hex')}/${length} ${value}`);
      address[0] = Math.imul(++changes, 0x85ebca6b) >>> 0;
      trie.set(address, 32, 2);
      if (changes % 3 === 0) trie.delete(address, 32);
    }
    const unchanged = seen.filter((line) => stays.has(line));
    expect(unchanged.length).toBe(stays.size);
    expect(new Set(unchanged).size).toBe(stays.size);
  });
});
