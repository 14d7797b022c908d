/** What the feeder says, read back: the table it means is the table bgpd gets. */
import { formatAddress, formatPrefix } from '../../../src/net/address';
import { Announcements } from '../../bench/announcements';
import { messageReader, UPDATE } from '../../bench/bgp';

const ROUTES = 600;
const options = { routes: ROUTES, nexthops: 8, as: 65001, ports: 4 };

/** Prefixes (`length` is that of an address) from a list of NLRI. */
function prefixesIn(nlri: Buffer, length: 4 | 16): string[] {
  const found: string[] = [];
  for (let at = 0; at < nlri.length;) {
    const bits = nlri[at]!;
    const size = Math.ceil(bits / 8);
    const bytes = new Uint8Array(length);
    bytes.set(nlri.subarray(at + 1, at + 1 + size));
    found.push(formatPrefix({ bytes, length: bits }));
    at += 1 + size;
  }
  return found;
}

/** Does to `rib` (prefix → nexthop) what one update says. */
function apply(rib: Map<string, string>, update: Buffer): void {
  const withdrawn = update.readUInt16BE(19);
  for (const prefix of prefixesIn(update.subarray(21, 21 + withdrawn), 4)) rib.delete(prefix);
  let at = 23 + withdrawn;
  const end = at + update.readUInt16BE(at - 2);
  let nexthop = '';
  while (at < end) {
    const long = (update[at]! & 0x10) !== 0;
    const type = update[at + 1]!;
    const length = long ? update.readUInt16BE(at + 2) : update[at + 2]!;
    const value = update.subarray(at + (long ? 4 : 3), at + (long ? 4 : 3) + length);
    if (type === 3) nexthop = formatAddress(value);
    if (type === 14) {
      nexthop = formatAddress(value.subarray(4, 20));
      for (const prefix of prefixesIn(value.subarray(21), 16)) rib.set(prefix, nexthop);
    }
    if (type === 15) for (const prefix of prefixesIn(value.subarray(3), 16)) rib.delete(prefix);
    at += (long ? 4 : 3) + length;
  }
  expect(at).toBe(end);
  for (const prefix of prefixesIn(update.subarray(end), 4)) rib.set(prefix, nexthop);
}

describe.each([4, 6] as const)('IPv%d', (family) => {
  const make = (peer = 0): Announcements => new Announcements({ ...options, family, peer });
  const ribOf = (table: Announcements): Map<string, string> => {
    const rib = new Map<string, string>();
    for (const update of table.announceAll()) apply(rib, update);
    return rib;
  };

  test('everything is announced, over as many nexthops as asked for, and withdrawn', () => {
    const table = make();
    const rib = ribOf(table);
    expect(rib.size).toBe(ROUTES);
    expect(table.announced).toBe(ROUTES);
    expect(new Set(rib.values()).size).toBe(8);
    for (const update of table.withdrawAll()) apply(rib, update);
    expect(rib.size).toBe(0);
    expect(table.announced).toBe(0);
  });

  test('peers give one route different nexthops, and all routes as many pairs as there are nexthops', () => {
    const [first, second] = [ribOf(make(0)), ribOf(make(1))];
    const pairs = new Set([...first].map(([prefix, nexthop]) => `${nexthop} ${second.get(prefix)!}`));
    expect(pairs.size).toBe(8);
    for (const pair of pairs) expect(new Set(pair.split(' ')).size).toBe(2);
  });

  test('churn: each update is one change, counted, and made again by its seed', () => {
    const table = make();
    const rib = ribOf(table);
    const twin = make();
    for (const update of twin.announceAll()) expect(update[18]).toBe(UPDATE);
    const [changes, same] = [table.changes(7), twin.changes(7)];
    let [moved, gone, back] = [0, 0, 0];
    for (let i = 0; i < 1000; i++) {
      const before = new Map(rib);
      const update = changes.next().value;
      expect(same.next().value.equals(update)).toBe(true);
      apply(rib, update);
      if (rib.size < before.size) gone++;
      else if (rib.size > before.size) back++;
      else if ([...rib].some(([prefix, nexthop]) => before.get(prefix) !== nexthop)) moved++;
      if (i % 100 === 0) expect(table.announced).toBe(rib.size);
    }
    expect(moved + gone + back).toBe(1000);
    expect(moved).toBeGreaterThan(600);
    expect(gone).toBeGreaterThan(50);
    expect(back).toBeGreaterThan(50);
  });
});

test('messages are told apart however TCP cuts them', () => {
  const whole = Buffer.concat([...new Announcements({ ...options, family: 6, peer: 0 }).announceAll()]);
  let seen = 0;
  const read = messageReader((type) => (seen += Number(type === UPDATE)));
  for (let at = 0; at < whole.length; at += 777) read(whole.subarray(at, at + 777));
  const expected = [...new Announcements({ ...options, family: 6, peer: 0 }).announceAll()].length;
  expect(seen).toBe(expected);
});
