/** Portions cover the address space once, and none is for more routes than asked, as far as 16 bits tell. */
import { portionsOf } from '../../../src/audit/portions';
import { formatPrefix } from '../../../src/net/address';

const text = (portions: ReturnType<typeof portionsOf>): string[] =>
  portions.map(({ prefix, exactly }) => `${formatPrefix(prefix)}${exactly ? ' itself' : ''}`);

test('few routes are one question', () => {
  expect(text(portionsOf(4, new Uint32Array(65_536), 10))).toEqual(['0.0.0.0/0']);
  expect(text(portionsOf(6, new Uint32Array(65_536), 10))).toEqual(['::/0']);
});

test('many are cut where they are; what is cut is asked for itself', () => {
  const counts = new Uint32Array(65_536);
  counts[0x0a00] = 6;
  counts[0x8000] = 6;
  expect(text(portionsOf(4, counts, 10))).toEqual(['0.0.0.0/0 itself', '0.0.0.0/1', '128.0.0.0/1']);
  counts[0xc000] = 6;
  expect(text(portionsOf(4, counts, 10))).toEqual([
    '0.0.0.0/0 itself',
    '0.0.0.0/1',
    '128.0.0.0/1 itself',
    '128.0.0.0/2',
    '192.0.0.0/2',
  ]);
});

test('every first 16 bits are in one portion that is asked for whole', () => {
  const counts = Uint32Array.from({ length: 65_536 }, (_, at) => (at * 7919) % 23);
  const seen = new Uint8Array(65_536);
  for (const { prefix, exactly } of portionsOf(6, counts, 500)) {
    if (exactly) continue;
    const first = (prefix.bytes[0]! << 8) | prefix.bytes[1]!;
    let routes = 0;
    for (let at = first; at < first + 2 ** (16 - prefix.length); at++) {
      seen[at]!++;
      routes += counts[at]!;
    }
    expect(routes).toBeLessThanOrEqual(500);
  }
  expect(seen.every((times) => times === 1)).toBe(true);
});
