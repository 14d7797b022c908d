/** The route table's index over its growth and over deletions in any order: compared with a Map. */
import fc from 'fast-check';
import { newKey, setKey } from '../../../src/fib/route-key';
import { RouteTable } from '../../../src/fib/route-table';

const TABLE = 254;

test('finds what is there and nothing else, whatever was inserted and removed', () => {
  const operation = fc.tuple(fc.boolean(), fc.nat(5000), fc.integer({ min: 16, max: 32 }));
  fc.assert(
    fc.property(fc.array(operation, { minLength: 500, maxLength: 4000 }), (operations) => {
      const table = new RouteTable();
      const model = new Map<string, number>();
      const key = newKey();
      const keyOf = (n: number, length: number) => setKey(key, TABLE, Uint8Array.of(10, n >> 8, n, 0), length);
      for (const [add, n, length] of operations) {
        const name = ((filled) => `${filled.a0}/${filled.length}`)(keyOf(n, length));
        if (add) {
          const row = table.upsert(keyOf(n, length));
          expect(model.get(name) ?? row).toBe(row);
          model.set(name, row);
        } else {
          const row = table.find(keyOf(n, length));
          expect(row).toBe(model.get(name) ?? 0);
          if (row !== 0) table.free(row);
          model.delete(name);
        }
      }
      expect(table.size).toBe(model.size);
      for (const [name, row] of model) {
        table.readKey(row, key);
        expect(`${key.a0}/${key.length}`).toBe(name);
        expect(table.find(key)).toBe(row);
      }
    }),
    { numRuns: 30 },
  );
});
