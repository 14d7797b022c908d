/** The bench's made-up table and stream are what they are said to be: otherwise its figures mean nothing. */
import type { FpmUpdate } from '../../../src/fib/updates';
import { FrameReader } from '../../../src/fpm/framing';
import { decodeNetlink } from '../../../src/fpm/netlink/decoder';
import { median } from '../../../lab/figure';
import { formatPrefix } from '../../../src/net/address';
import { addressBytes, makePrefixes, makePrefixes6 } from '../../bench/prefixes';
import { percentile } from '../../bench/statistics';
import { hopOf, makeStream, membersOf } from '../../bench/stream';

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

/** What the frames of a stream decode to, in words. */
function decoded(options: Partial<Parameters<typeof makeStream>[0]>): string[] {
  const seen: string[] = [];
  const fail = (reason: string): never => {
    throw new Error(reason);
  };
  const update = (given: FpmUpdate): void => {
    if (given.kind === 'nexthopAdd' && given.content.kind === 'group') {
      seen.push(`group ${given.id}: ${given.content.members.map(({ id }) => id).join(' ')}`);
    } else if (given.kind === 'routeAdd' && given.target.kind === 'nexthopId') {
      seen.push(`${formatPrefix(given.prefix)} by ${given.target.id}`);
    } else if (given.kind === 'routeDelete') seen.push(`no ${formatPrefix(given.prefix)}`);
    else if (given.kind === 'nexthopDelete') seen.push(`no ${given.id}`);
  };
  const sink = { update, message: () => undefined, skipped: fail, malformed: fail };
  const reader = new FrameReader((_type, buffer, start, end) => decodeNetlink(buffer, start, end, sink));
  const few = makePrefixes(300);
  const stream = { prefixes: few, nexthops: 8, ports: 4, ifindexOf: (port: number) => 10 + port, ...options };
  for (const chunk of makeStream(stream)) reader.push(chunk);
  return seen;
}

test('groups of several paths, all over different gateways, and routes by them', () => {
  const seen = decoded({ groups: { count: 5, paths: 3 } });
  expect(seen.slice(0, 2)).toEqual(['group 10000: 100 101 102', 'group 10001: 101 102 103']);
  expect(seen.slice(5, 8).map((text) => text.split(' by ')[1])).toEqual(
    [0, 1, 2].map((route) => String(10_000 + hopOf(route, 5))),
  );
  expect(seen).toHaveLength(305);
  for (let group = 0; group < 1000; group++) expect(new Set(membersOf(group, 4, 64)).size).toBe(4);
});

test('a stream that withdraws takes away what the other brought, the nexthops last', () => {
  const groups = { count: 2, paths: 2 };
  const brought = decoded({ groups }).filter((text) => text.includes(' by '));
  const taken = decoded({ groups, withdraw: true });
  expect(taken.slice(0, 300)).toEqual(brought.map((text) => `no ${text.split(' ')[0]!}`));
  const gateways = Array.from({ length: 8 }, (_, hop) => `no ${100 + hop}`);
  expect(taken.slice(300)).toEqual(['no 10000', 'no 10001', ...gateways]);
});

test('median and percentiles', () => {
  expect(median([5, 1, 3])).toBe(3);
  expect(median([10, 4, 16, 2])).toBe(7);
  expect(median([4, 10])).toBe(7);
  expect(percentile([4, 1, 2, 3], 0.99)).toBe(4);
});
