/** What sources say of neighbors, and take back. */
import type { NeighborSource } from '../../../src/fib/updates';
import { parseAddress, parseMac } from '../../../src/net/address';
import { Bed, ifindexOf } from '../../bed/bed';

const NAME = { ifindex: ifindexOf(1), address: parseAddress('10.0.1.2')! };
const add = (source: NeighborSource, last = 1) => ({
  ...{
    kind: 'neighborAdd' as const,
    source,
    ...NAME,
    mac: parseMac(`02:00:00:00:00:0${last}`)!,
    state: 'permanent' as const,
  },
});
const gone = (source: NeighborSource) => ({ kind: 'neighborDelete' as const, source, ...NAME });

test('the kernel is asked for a neighbor in use that the configuration names no more, and not for one that it names from now on', async () => {
  const bed = await new Bed().via('20.0.0.0/24', '10.0.1.2@1').up();
  const needed = (): string[] => [...bed.needed];
  expect(needed()).toEqual(['11 10.0.1.2']);
  bed.fib.applyKernel(add('static'));
  expect(needed()).toEqual([]);
  bed.fib.applyKernel(gone('static'));
  expect(needed()).toEqual(['11 10.0.1.2']);
  for (const source of ['fpm', 'kernel'] as const) {
    bed.fib.applyKernel(add(source));
    bed.fib.applyKernel(gone(source));
    expect(needed()).toEqual(['11 10.0.1.2']);
  }
  bed.withdraw('20.0.0.0/24').settle();
  for (const update of [add('static'), gone('static')]) bed.fib.applyKernel(update);
  expect(needed()).toEqual([]);
});

test('a neighbor that zebra does not send again is the kernel’s to tell when the replay is over', async () => {
  const bed = await new Bed().via('20.0.0.0/24', '10.0.1.2@1').apply(add('fpm', 1)).up();
  const path = (): string => bed.packet('20.0.0.9').slice(0, 15);
  bed.fib.beginReplay();
  bed.neighbor(1, '10.0.1.2', '02:00:00:00:00:02').via('20.0.0.0/24', '10.0.1.2@1').settle();
  expect(path()).toBe('p1 020000000001');
  expect(bed.fib.endReplay().neighbors).toBe(1);
  expect([path(), bed.settle() && path()]).toEqual(['p1 020000000001', 'p1 020000000002']);
  bed.fib.beginReplay();
  bed.via('20.0.0.0/24', '10.0.1.2@1');
  const { confirmed } = bed.fib;
  for (const update of [add('fpm', 3), add('fpm', 4)]) bed.apply(update);
  expect(bed.fib.confirmed - confirmed).toBe(1);
  expect([bed.fib.endReplay().neighbors, bed.settle() && path()]).toEqual([0, 'p1 020000000004']);
});

test('one that nobody else knows is forgotten then, and its packets go to Linux', async () => {
  const bed = await new Bed().apply(add('fpm')).up();
  bed.fib.beginReplay();
  expect([bed.fib.endReplay().neighbors, bed.fib.neighbors.size]).toEqual([1, 0]);
});

test('what zebra says of one while Linux has the port for itself counts when Linux gives the port back: zebra does not say it again', async () => {
  const bed = await new Bed().via('20.0.0.0/24', '10.0.1.2@1').up();
  const path = (): string => bed.settle() && bed.packet('20.0.0.9').slice(0, 15);
  const given = (master: number): Bed => bed.link(1, true, true, { master });
  given(43).apply(add('fpm', 1));
  given(0);
  expect(path()).toBe('p1 020000000001');

  bed.fib.beginReplay();
  given(43).via('20.0.0.0/24', '10.0.1.2@1').apply(add('fpm', 2));
  given(0);
  expect([bed.fib.endReplay().neighbors, path()]).toEqual([0, 'p1 020000000002']);

  bed.link(1, true, true, { name: 'else' }).apply(add('fpm', 3));
  bed.link(1, true);
  expect(path()).toBe('p1 020000000003');
});

test('of neighbors on interfaces that never were ports nothing is kept', async () => {
  const bed = await new Bed().link(1, true, true, { name: 'else' }).apply(add('fpm')).up();
  expect(bed.fib.neighbors.size).toBe(0);
});
