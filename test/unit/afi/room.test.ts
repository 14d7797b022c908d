/** A vASIC without room: as few operations as it takes, nothing lost, and what comes free is used. */
import { Bed, Server } from '../../bed/bed';

const MAC = '02:00:00:00:00:05';
const prefixOf = (i: number): string => `20.${i >> 8}.${i & 255}.0/24`;

/** A table with room for `room` entries, and so many routes for it. */
async function filled(room: number, routes: number): Promise<Bed> {
  const bed = new Bed(new Server({ maxEntries: room }), { batch: 512 });
  bed.neighbor(1, '10.0.1.2', MAC).nexthop(1, '10.0.1.2@1');
  await bed.up();
  for (let i = 0; i < routes; i++) bed.viaId(prefixOf(i), 1);
  return bed.settle();
}

const statuses = (bed: Bed, status: string): string[] =>
  [...bed.told].filter(([, told]) => told === status).map(([prefix]) => prefix);

test('thousands that find no room cost a few operations, and everything that fits is in', async () => {
  const bed = await filled(1500, 3500);
  expect(bed.entries().size).toBe(1500);
  expect(bed.programmer.counters.operations).toBeLessThan(30);
  expect(statuses(bed, 'offloaded').length + statuses(bed, 'failed').length).toBe(3500);
  expect(bed.fib.rows.withoutRoom.size).toBe(statuses(bed, 'failed').length);
});

test('one withdrawal lets one more in, by two operations', async () => {
  const bed = await filled(1500, 3500);
  const [first, second] = statuses(bed, 'offloaded');
  const failed = statuses(bed, 'failed').length;
  expect(bed.operationsFor(() => bed.withdraw(first!))).toHaveLength(2);
  expect(bed.entries().size).toBe(1500);
  expect(statuses(bed, 'failed').length).toBe(failed - 1);
  bed.operationsFor(() => bed.withdraw(second!));
  expect(statuses(bed, 'failed').length).toBe(failed - 2);
});

test('an entry that is there is still replaced when nothing new goes in', async () => {
  const bed = await filled(1500, 1600);
  const [there] = statuses(bed, 'offloaded');
  bed.neighbor(2, '10.0.2.2', '02:00:00:00:00:06').nexthop(2, '10.0.2.2@2').viaId(there!, 2).settle();
  expect(bed.packet(there!.replace('.0/24', '.9'))).toBe('p2 020000000006');
});
