import fc from 'fast-check';
import { keyAddress, newKey, setKey, shortenKey } from '../../../src/fib/route-key';
import { ROW, RouteTable } from '../../../src/fib/route-table';
import { formatPrefix, maskAddress, parseAddress, parsePrefix } from '../../../src/net/address';

const table = (text: string, tableId = 254): ReturnType<typeof newKey> => {
  const prefix = parsePrefix(text)!;
  return setKey(newKey(), tableId, prefix.bytes, prefix.length);
};

describe('RouteTable', () => {
  test('finds what was put in, by table, length and family', () => {
    const routes = new RouteTable();
    const rows = ['10.0.0.0/8', '10.0.0.0/16', '0.0.0.0/0', '::/0', '2001:db8::/32', '2001:db8::1/128'].map((text) =>
      routes.upsert(table(text)),
    );
    expect(new Set(rows).size).toBe(6);
    expect(routes.find(table('10.0.0.0/16'))).toBe(rows[1]);
    expect(routes.find(table('10.0.0.0/16', 10))).toBe(0);
    expect(routes.find(table('10.0.0.0/17'))).toBe(0);
    expect(routes.find(table('2001:db8::1/128'))).toBe(rows[5]);
    expect(routes.find(table('2001:db8::2/128'))).toBe(0);
    expect(routes.upsert(table('10.0.0.0/8'))).toBe(rows[0]);
    expect(routes.size).toBe(6);
  });

  test('host bits are no part of a key', () => {
    const routes = new RouteTable();
    const row = routes.upsert(setKey(newKey(), 254, parseAddress('10.1.2.3')!, 20));
    expect(routes.find(table('10.1.0.0/20'))).toBe(row);
    const six = routes.upsert(setKey(newKey(), 254, parseAddress('2001:db8:ffff:ffff::1')!, 33));
    expect(formatPrefix({ bytes: routes.addressOf(six), length: 33 })).toBe('2001:db8:8000::/33');
  });

  test('shortenKey gives the covering prefix', () => {
    const key = table('2001:db8:1:2:3:4:5:6/128');
    for (const [length, text] of [
      [96, '2001:db8:1:2:3:4::'],
      [64, '2001:db8:1:2::'],
      [47, '2001:db8::'],
      [0, '::'],
    ] as const) {
      expect(keyAddress(shortenKey(newKey(), key, length))).toEqual(parseAddress(text));
    }
  });

  test('agrees with a Map under any sequence of inserts and removals', () => {
    const prefix = fc.oneof(
      fc.tuple(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.integer({ min: 0, max: 32 })),
      fc.tuple(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.integer({ min: 0, max: 128 })),
    );
    const narrow = prefix.map(([bytes, length]) => {
      // Few distinct values, so that keys collide and are removed again.
      const few = bytes.map((byte) => byte & 0x81);
      return { bytes: maskAddress(few, length), length };
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), narrow, fc.constantFrom(254, 7)), { maxLength: 400 }), (steps) => {
        const routes = new RouteTable();
        const model = new Map<string, number>();
        for (const [add, { bytes, length }, id] of steps) {
          const name = `${id} ${formatPrefix({ bytes, length })}`;
          const key = setKey(newKey(), id, bytes, length);
          if (add) model.set(name, routes.upsert(key));
          else if (model.has(name)) {
            routes.free(routes.find(key));
            model.delete(name);
          }
          expect(routes.size).toBe(model.size);
        }
        for (const [name, row] of model) {
          const [id, text] = name.split(' ');
          expect(routes.find(table(text!, Number(id)))).toBe(row);
          expect(formatPrefix({ bytes: routes.addressOf(row), length: routes.lengthOf(row) })).toBe(text);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('keeps rows and columns through growth', () => {
    const routes = new RouteTable();
    const key = newKey();
    key.length = 32;
    const columns = () => [
      ...[routes.metric, routes.routeGroup, routes.wanted, routes.programmed, routes.nextInGroup, routes.prevInGroup],
      ...[routes.receivedAt, routes.acknowledgedAt, routes.reportedAt],
      ...[routes.protocol, routes.generation, routes.reported],
    ];
    for (let i = 0; i < 200_000; i++) {
      key.a0 = i * 7;
      key.ip6 = i % 3 === 0;
      key.a3 = key.ip6 ? i : 0;
      const row = routes.upsert(key);
      columns().forEach((column, c) => (column[row] = (i + c) & 0xff));
      routes.flags[row]! |= ROW.zebra;
    }
    expect(routes.size).toBe(200_000);
    let wrong = 0;
    for (let i = 0; i < 200_000; i++) {
      key.a0 = i * 7;
      key.ip6 = i % 3 === 0;
      key.a3 = key.ip6 ? i : 0;
      const row = routes.find(key);
      if (row === 0 || routes.flags[row] !== (ROW.zebra | (key.ip6 ? ROW.ip6 : 0))) wrong++;
      columns().forEach((column, c) => (wrong += Number(column[row] !== ((i + c) & 0xff))));
    }
    expect(wrong).toBe(0);
  });
});
