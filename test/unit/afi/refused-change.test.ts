/** A change that the vASIC refuses doesn't leave the old one in force: packets go to the host, and zebra is told. */
import type { AftError } from '../../../src/aft/model';
import { Bed, Server } from '../../bed/bed';

const OLD = '02:00:00:00:00:05';
const NEW = '02:00:00:00:00:06';
const REFUSED: AftError = { code: 'refused', message: 'no' };

async function ready(): Promise<Bed> {
  const bed = new Bed();
  bed.via('10.1.1.0/24', '@1').via('10.1.2.0/24', '@2').neighbor(1, '10.1.1.5', OLD).neighbor(2, '10.1.2.6', NEW);
  bed.nexthop(5, '10.1.1.5@1').viaId('198.51.100.0/24', 5);
  await bed.up();
  expect(bed.packet('198.51.100.9')).toBe('p1 020000000005');
  expect(bed.told.get('198.51.100.0/24')).toBe('offloaded');
  return bed;
}

/** Lets the server refuse the operations that come next, so many. */
function refuse(bed: Bed, count: number): void {
  for (let i = 0; i < count; i++) {
    bed.programmer.pump();
    expect(bed.answer(REFUSED)).toBe(true);
  }
  bed.settle();
}

test('a new hardware address that is refused: the old one gets nothing more', async () => {
  const bed = await ready();
  bed.neighbor(1, '10.1.1.5', NEW);
  refuse(bed, 1);
  expect(bed.packet('198.51.100.9')).toMatch(/^punt/);
  expect(bed.packet('10.1.1.5')).toMatch(/^punt/);
  expect(bed.told.get('198.51.100.0/24')).toBe('failed');
  bed.programmer.retry();
  bed.settle();
  expect(bed.packet('198.51.100.9')).toBe('p1 020000000006');
  expect(bed.told.get('198.51.100.0/24')).toBe('offloaded');
});

test('the old address again after a refusal is forwarded to again', async () => {
  const bed = await ready();
  bed.neighbor(1, '10.1.1.5', NEW);
  refuse(bed, 1);
  bed.neighbor(1, '10.1.1.5', OLD).settle();
  expect(bed.packet('198.51.100.9')).toBe('p1 020000000005');
  expect(bed.told.get('198.51.100.0/24')).toBe('offloaded');
});

test('when the neighbor cannot be pointed at the host either, its nexthops leave it', async () => {
  const bed = await ready();
  bed.neighbor(1, '10.1.1.5', NEW);
  refuse(bed, 2);
  expect(bed.packet('198.51.100.9')).toMatch(/^punt/);
  expect(bed.told.get('198.51.100.0/24')).toBe('failed');
  bed.programmer.retry();
  bed.settle();
  expect(bed.packet('198.51.100.9')).toBe('p1 020000000006');
});

test('a lost neighbor whose removal is refused gets nothing more', async () => {
  const bed = await ready();
  bed.neighbor(1, '10.1.1.5', undefined, 'failed');
  refuse(bed, 2);
  expect(bed.packet('198.51.100.9')).toMatch(/^punt/);
});

test.each([
  ['a nexthop that is refused elsewhere: its routes go to the host, not the old way', 1],
  ['when the nexthop cannot be pointed at the host either, its entries are', 2],
])('%s', async (_, refusals) => {
  const bed = await ready();
  bed.nexthop(5, '10.1.2.6@2');
  refuse(bed, refusals);
  expect(bed.packet('198.51.100.9')).toMatch(/^punt/);
  expect(bed.told.get('198.51.100.0/24')).toBe('failed');
  bed.programmer.retry();
  bed.settle();
  expect(bed.packet('198.51.100.9')).toBe('p2 020000000006');
  expect(bed.told.get('198.51.100.0/24')).toBe('offloaded');
});

test('several paths that are refused: none of the old ones is used', async () => {
  const bed = await ready();
  bed.nexthop(6, '10.1.2.6@2').group(9, 5, 6).viaId('198.51.100.0/24', 9).settle();
  expect(bed.packet('198.51.100.9')).toMatch(/^p[12]/);
  bed.group(9, 5, [6, 3]);
  refuse(bed, 1);
  for (let sport = 1; sport < 20; sport++) expect(bed.packet('198.51.100.9', 0, { sport })).toMatch(/^punt/);
  bed.programmer.retry();
  bed.settle();
  expect(bed.packet('198.51.100.9')).toMatch(/^p[12]/);
  bed.withdraw('198.51.100.0/24').settle();
  for (const id of [5, 6, 9]) bed.apply({ kind: 'nexthopDelete', id });
  bed.settle();
  expect([...bed.programmer.tables.tokens()].filter(({ name }) => name.startsWith('nexthop id'))).toEqual([]);
});

test('a server that refuses everything ends in rest', async () => {
  const bed = await ready();
  bed.nexthop(5, '10.1.2.6@2');
  let answers = 0;
  for (bed.programmer.pump(); bed.answer(REFUSED); bed.programmer.pump()) answers++;
  expect(answers).toBeLessThan(10);
  bed.report();
  expect(bed.told.get('198.51.100.0/24')).toBe('failed');
});

test('a route that is withdrawn while its change is refused with others leaves no entry', async () => {
  const bed = await ready();
  bed.nexthop(6, '10.1.2.6@2').viaId('198.51.101.0/24', 5).viaId('198.51.103.0/24', 6).settle();
  bed.viaId('198.51.100.0/24', 6).viaId('198.51.101.0/24', 6).viaId('198.51.102.0/24', 6);
  bed.programmer.pump();
  expect(bed.queue).toHaveLength(1);
  bed.withdraw('198.51.100.0/24').withdraw('198.51.102.0/24');
  bed.programmer.pump();
  bed.answer(REFUSED);
  bed.settle();
  expect([...bed.entries().keys()].filter((prefix) => prefix.startsWith('198.51'))).toEqual([
    '198.51.101.0/24',
    '198.51.103.0/24',
  ]);
  expect(bed.fib.rows.routes.size).toBe(bed.entries().size);
});

test('a route that comes again while its removal is refused with others has its entry', async () => {
  const bed = await ready();
  bed.nexthop(6, '10.1.2.6@2').viaId('198.51.101.0/24', 5).viaId('198.51.103.0/24', 6).settle();
  bed.withdraw('198.51.100.0/24').withdraw('198.51.101.0/24');
  bed.programmer.pump();
  bed.viaId('198.51.100.0/24', 6);
  bed.programmer.pump();
  bed.answer(REFUSED);
  bed.settle();
  expect(bed.packet('198.51.100.9')).toBe('p2 020000000006');
  expect(bed.entries().has('198.51.101.0/24')).toBe(false);
  expect(bed.told.get('198.51.100.0/24')).toBe('offloaded');
});

test('paths that are left and named again while their nodes are refused with others', async () => {
  const bed = await new Bed(new Server(), { inFlight: 1 }).up();
  bed.neighbor(1, '10.1.1.5', OLD).neighbor(2, '10.1.2.6', NEW);
  bed.via('198.51.100.0/24', '10.1.1.5@1').via('198.51.101.0/24', '10.1.2.6@2');
  bed.programmer.pump();
  bed.answer();
  bed.withdraw('198.51.100.0/24');
  expect(bed.next()).toMatchObject({ insert: { nodes: [{ type: 'indirect' }, { type: 'indirect' }] } });
  bed.answer(REFUSED);
  bed.via('198.51.100.0/24', '10.1.1.5@1').settle();
  expect(bed.packet('198.51.100.9')).toBe('p1 020000000005');
  expect(bed.told.get('198.51.100.0/24')).toBe('offloaded');
});
