/** The prefixes shorter than a trie's index, and what a reader finds while one of them goes. */
import { COVER_WORDS, SHORTS_WORDS, ShortPrefixes } from '../../../src/vasic/engine/short-prefixes';

function empty(): ShortPrefixes {
  const words = new Uint32Array(COVER_WORDS + SHORTS_WORDS);
  return new ShortPrefixes({ pool: { words }, at: 0 }, { pool: { words }, at: COVER_WORDS });
}

const at = (first: number): Uint32Array => Uint32Array.of(first, 0, 0, 0, 0);

test('slots are led to what is left before a value is taken away', () => {
  const shorts = empty();
  expect(shorts.set(at(0), 0, 1)).toBe(0);
  expect(shorts.set(at(0x40000000), 4, 2)).toBe(0);
  expect(shorts.set(at(0x44000000), 7, 3)).toBe(0);
  expect(shorts.set(at(0x44000000), 7, 4)).toBe(3);
  const found = (): number[] => [0x3000, 0x4000, 0x4400, 0x45ff, 0x4600].map((slot) => shorts.lookup(slot));
  expect(found()).toEqual([1, 2, 4, 4, 2]);
  const place = shorts.leave(at(0x40000000), 4);
  expect(found()).toEqual([1, 1, 4, 4, 1]);
  // Whoever has read that a slot leads there still finds the value.
  expect(shorts.get(at(0x40000000), 4)).toBe(2);
  expect(shorts.clear(place)).toBe(2);
  expect(shorts.get(at(0x40000000), 4)).toBe(0);
  expect(shorts.leave(at(0x40000000), 4)).toBe(0);
  expect(shorts.clear(shorts.leave(at(0x44000000), 7))).toBe(4);
  expect(found()).toEqual([1, 1, 1, 1, 1]);
});
