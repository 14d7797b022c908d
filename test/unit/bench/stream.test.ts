/** The bench's made-up table and stream are what they are said to be: otherwise its figures mean nothing. */
import type { FpmUpdate } from '../../../src/fib/updates';
import { FrameReader } from '../../../src/fpm/framing';
import { decodeNetlink } from '../../../src/fpm/netlink-decoder';
import { median } from '../../../demo/lab/figure';
import { formatPrefix } from '../../../src/net/address';
import { addressBytes, makePrefixes, makePrefixes6 } from '../../bench/prefixes';
import { percentile } from '../../bench/statistics';
import { hopOf, makeStream } from '../../bench/stream';

const COUNT = 20_000;
const prefixes = makePrefixes(COUNT);
const texts = Array.from({ length: COUNT }, (_, i) =>
  formatPrefix({ bytes: addressBytes(prefixes.addresses[i]!), length: prefixes.lengths[i]! }),
);

test('as many different prefixes as asked for, most of them /24', () => {
  expect(new Set(texts).size).toBe(COUNT);
  const share = texts.filter((text) => text.endsWith('/24')).length / COUNT;
  expect(share).toBeGreaterThan(0.55);
  expect(share).toBeLessThan(0.65);
});

test('no prefix has host bits set', () => {
  for (let i = 0; i < COUNT; i++) {
    const hostBits = 2 ** (32 - prefixes.lengths[i]!);
    expect(prefixes.addresses[i]! % hostBits).toBe(0);
  }
});

test('IPv6: different prefixes without host bits, within 2a00::/11, about half of them /48', () => {
  const { addresses, lower, lengths } = makePrefixes6(COUNT);
  expect(new Set(Array.from(lengths, (length, i) => `${addresses[i]} ${lower[i]} ${length}`)).size).toBe(COUNT);
  lengths.forEach((length, i) => {
    const below = length <= 32 ? addresses[i]! % 2 ** (32 - length) : 0;
    expect(below + (lower[i]! % 2 ** Math.min(32, 64 - length))).toBe(0);
    expect(addresses[i]! >>> 21).toBe(0x2a00 >>> 5);
  });
  const share = lengths.filter((length) => length === 48).length / COUNT;
  expect(share).toBeGreaterThan(0.45);
  expect(share).toBeLessThan(0.55);
});

test('the stream decodes to exactly these routes, with the nexthop of each', () => {
  const chunks = makeStream({ prefixes, nexthops: 64, ports: 4, ifindexOf: (port) => 10 + port });
  const seen: string[] = [];
  let nexthops = 0;
  const fail = (reason: string): never => {
    throw new Error(reason);
  };
  const update = (given: FpmUpdate): void => {
    if (given.kind === 'nexthopAdd') nexthops++;
    else if (given.kind === 'routeAdd' && given.target.kind === 'nexthopId') {
      seen.push(`${formatPrefix(given.prefix)} ${given.target.id}`);
    } else fail(given.kind);
  };
  const sink = { update, message: () => undefined, skipped: fail, malformed: fail };
  const reader = new FrameReader((_type, buffer, start, end) => decodeNetlink(buffer, start, end, sink));
  for (const chunk of chunks) reader.push(chunk);
  expect(nexthops).toBe(64);
  expect(seen).toEqual(texts.map((text, i) => `${text} ${100 + hopOf(i, 64)}`));
});

test('median and percentiles', () => {
  expect(median([5, 1, 3])).toBe(3);
  expect(median([10, 4, 16, 2])).toBe(7);
  expect(median([4, 10])).toBe(7);
  expect(percentile([4, 1, 2, 3], 0.99)).toBe(4);
});
