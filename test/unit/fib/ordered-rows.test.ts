/** The order of a listing, whatever the table does meanwhile. */
import fc from 'fast-check';
import { orderedRows, PORTION } from '../../../src/fib/ordered-rows';
import { keyAddress, newKey, setKey } from '../../../src/fib/route-key';
import { ROW, RouteTable } from '../../../src/fib/route-table';
import { formatPrefix, parsePrefix } from '../../../src/net/address';

const all = (): boolean => true;

function add(routes: RouteTable, table: number, text: string): number {
  const { bytes, length } = parsePrefix(text)!;
  return routes.upsert(setKey(newKey(), table, bytes, length));
}

function textOf(routes: RouteTable, row: number): string {
  const key = routes.readKey(row, newKey());
  return `${key.table} ${formatPrefix({ bytes: keyAddress(key), length: key.length })}`;
}

function list(routes: RouteTable, wanted: (row: number) => boolean = all): string[] {
  return [...orderedRows(routes, wanted)].flatMap((rows) => [...rows].map((row) => textOf(routes, row)));
}

/** Bytes of family, table, address and length: their order as text is the order wanted. */
function orderOf(text: string): string {
  const [table, prefix] = text.split(' ');
  const { family, bytes, length } = parsePrefix(prefix!)!;
  return [family, table!.padStart(10, '0'), Buffer.from(bytes).toString('hex'), String(length).padStart(3, '0')].join();
}

test('by family, table, address as a number, and length', () => {
  const routes = new RouteTable();
  const wanted = [
    ...['254 0.0.0.0/0', '254 9.0.0.0/8', '254 10.0.0.0/8', '254 10.0.0.0/16', '254 10.0.0.0/24', '254 100.0.0.0/8'],
    ...['254 200.1.0.0/16', '1000 1.0.0.0/8'],
    ...['254 ::/0', '254 2001:db8::/32', '254 2001:db8::/64', '254 2001:db8:0:1::/64', '254 2001:db8::1:0:0:0/128'],
  ];
  wanted.splice(11, 2, '254 2001:db8:0:1::/64', '254 2001:db8:0:1::/128');
  for (const text of [...wanted].reverse()) add(routes, Number(text.split(' ')[0]), text.split(' ')[1]!);
  expect(list(routes)).toEqual(wanted);
});

test('only what is wanted', () => {
  const routes = new RouteTable();
  const row = add(routes, 254, '10.0.0.0/8');
  add(routes, 254, '11.0.0.0/8');
  routes.flags[row]! |= ROW.zebra;
  expect(list(routes, (one) => (routes.flags[one]! & ROW.zebra) !== 0)).toEqual(['254 10.0.0.0/8']);
  expect(list(new RouteTable())).toEqual([]);
});

/** A table of so many routes, in no order: addresses crowd in some places. */
function crowded(count: number, ip6: boolean): RouteTable {
  const routes = new RouteTable();
  const key = newKey();
  for (let i = 0; i < count; i++) {
    const at = Math.imul(i, 0x9e3779b1) >>> 0;
    key.ip6 = ip6;
    key.table = at % 50 === 0 ? 1000 : 254;
    // Nine of ten in one /12, and of IPv6 in one /64.
    key.a0 = ip6 ? 0x20010db8 : at % 10 === 0 ? at : (0x0a000000 | (at & 0xfffff)) >>> 0;
    key.a3 = ip6 ? at : 0;
    key.length = ip6 ? 128 : 32;
    routes.upsert(key);
  }
  return routes;
}

test.each([false, true])('a table of several ranges, sorted whole (IPv6: %s)', (ip6) => {
  const routes = crowded(20_000, ip6);
  const shown = list(routes);
  expect(shown).toHaveLength(routes.size);
  const keys = shown.map(orderOf);
  expect(keys).toEqual([...keys].sort());
  expect(new Set(keys).size).toBe(keys.length);
});

test('portions are small, and what is done between two of them is bounded', () => {
  const routes = crowded(20_000, false);
  const sizes = [...orderedRows(routes, all)].map((rows) => rows.length);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(PORTION);
});

test('routes that come and go meanwhile: order holds, none twice, and all that stayed are there', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(19_999), fc.nat(255)), { minLength: 30, maxLength: 60 }), (changes) => {
      const routes = crowded(20_000, false);
      const gone = new Set<string>();
      const came = new Set<string>();
      const shown: string[] = [];
      let next = 0;
      for (const rows of orderedRows(routes, all)) {
        for (const row of rows) shown.push(textOf(routes, row));
        const [victim, octet] = changes[next++ % changes.length]!;
        for (let row = 1 + victim; row < Math.min(routes.end, victim + 200); row++) {
          if (!routes.live(row)) continue;
          gone.add(textOf(routes, row));
          routes.free(row);
        }
        // They take the rows that became free.
        for (let i = 0; i < 150; i++) came.add(textOf(routes, add(routes, 254, `${octet}.${i}.${next % 256}.0/24`)));
      }
      const keys = shown.map(orderOf);
      expect(keys).toEqual([...keys].sort());
      expect(new Set(keys).size).toBe(keys.length);
      const seen = new Set(shown);
      const stayed = Array.from({ length: routes.end }, (_, row) => (routes.live(row) ? textOf(routes, row) : ''));
      expect(stayed.filter((text) => text !== '' && !came.has(text) && !gone.has(text) && !seen.has(text))).toEqual([]);
    }),
    { numRuns: 3 },
  );
});
