/** What zebra's nexthop groups come to, those that mean nothing among them. */
import { Bed } from '../../bed/bed';

const MAC5 = '02:00:00:00:00:05';
const MAC6 = '02:00:00:00:00:06';

async function ready(): Promise<Bed> {
  const bed = new Bed();
  bed.via('10.1.1.0/24', '@1').via('10.1.2.0/24', '@2');
  bed.neighbor(1, '10.1.1.5', MAC5).neighbor(2, '10.1.2.6', MAC6);
  return bed.up();
}

const unsupported = { kind: 'punt', reason: 'unsupported' };

function intentOf(bed: Bed, id: number): unknown {
  return [...bed.fib.rows.nexthops.all()].find((group) => group.zebraId === id)?.intent;
}

test('a group over two paths forwards over both, weights multiplied', async () => {
  const bed = await ready();
  bed.nexthop(5, '10.1.1.5@1*2').nexthop(6, '10.1.2.6@2').group(9, [5, 3], 6).viaId('198.51.100.0/24', 9);
  expect(intentOf(bed, 9)).toMatchObject({ kind: 'forward', paths: [{ weight: 6 }, { weight: 1 }] });
});

test('a group that is its own member goes to the host, and a neighbor that comes later is no endless walk', async () => {
  const bed = await ready();
  bed.nexthop(5, '@1').group(9, 9, 5).viaId('198.51.100.0/24', 9).viaId('10.1.1.0/24', 9);
  bed.neighbor(1, '10.1.1.7', '02:00:00:00:00:07').settle();
  expect(intentOf(bed, 9)).toEqual(unsupported);
  expect(bed.packet('198.51.100.9')).toMatch(/^punt/);
});

test('groups in a circle go to the host, each of them, and come back when the circle opens', async () => {
  const bed = await ready();
  bed.nexthop(5, '10.1.1.5@1').group(8, 9).group(9, 8, 5).viaId('198.51.100.0/24', 9).settle();
  expect([intentOf(bed, 8), intentOf(bed, 9)]).toEqual([unsupported, unsupported]);
  bed.nexthop(8, '10.1.2.6@2').settle();
  expect(intentOf(bed, 9)).toMatchObject({ kind: 'forward' });
  expect(bed.packet('198.51.100.9')).toMatch(/^p[12] /);
});

test('a path that becomes a group takes what is above it to the host', async () => {
  const bed = await ready();
  bed.nexthop(5, '10.1.1.5@1').nexthop(6, '10.1.2.6@2').group(9, 5, 6).viaId('198.51.100.0/24', 9).settle();
  expect(bed.packet('198.51.100.9')).toMatch(/^p[12] /);
  bed.group(5, 6).settle();
  expect(bed.packet('198.51.100.9')).toMatch(/^punt/);
});

test('groups of groups of a thousand members are walked once', async () => {
  const bed = await ready();
  const members = Array.from({ length: 1000 }, () => 9);
  bed.group(9, ...members);
  for (let id = 10; id < 30; id++) bed.group(id, ...members.map(() => id - 1), ...members.map(() => id));
  bed.viaId('198.51.100.0/24', 29).settle();
  expect(intentOf(bed, 29)).toEqual(unsupported);
  expect(bed.told.get('198.51.100.0/24')).toBe('trapped');
});

test('deleted groups that only hold each other are gone, and so are the members', async () => {
  const bed = await ready();
  const groups = (): number => [...bed.fib.rows.nexthops.all()].filter((group) => group.zebraId !== undefined).length;
  bed.nexthop(5, '10.1.1.5@1').group(7, 7, 5).group(8, 9, 5).group(9, 8).viaId('198.51.100.0/24', 9).settle();
  for (const id of [5, 7, 8, 9]) bed.apply({ kind: 'nexthopDelete', id });
  bed.settle();
  expect(groups()).toBe(3);
  bed.withdraw('198.51.100.0/24').settle();
  expect(groups()).toBe(0);
});

test('a group that waits for its members in a replay is forgotten when zebra connects again', async () => {
  const bed = await ready();
  bed.nexthop(5, '10.1.1.5@1').settle();
  bed.fib.beginReplay();
  bed.group(9, 5);
  bed.fib.beginReplay();
  bed.viaId('198.51.100.0/24', 9).nexthop(5, '10.1.1.5@1');
  bed.fib.endReplay();
  bed.settle();
  expect(intentOf(bed, 9)).toEqual({ kind: 'punt', reason: 'missingNexthop' });
});
