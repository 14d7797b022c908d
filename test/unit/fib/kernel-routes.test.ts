/** zebra's routes from the kernel, and what a check of the kernel's tables says of them. */
import type { KernelLeads } from '../../../src/fib/kernel-routes';
import { ROW } from '../../../src/fib/route-table';
import { parseAddress } from '../../../src/net/address';
import { Bed, ifindexOf, TABLE } from '../../bed/bed';

const KERNEL = 2;
const BOOT = 3;
const MAC = '02:00:00:00:00:09';
const PREFIX = '198.51.100.0/24';
const NEIGHBOR = /^p1 020000000009/;
const ADDRESS = parseAddress('198.51.100.0')!;

/** A route that zebra has from the kernel, by a neighbor behind port 1; a default route by another. */
async function ready(prefix = PREFIX, hop = '10.0.1.2@1'): Promise<Bed> {
  const bed = new Bed().neighbor(1, '10.0.1.2', MAC).neighbor(2, '10.0.2.2', '02:00:00:00:00:0a');
  bed.via('0.0.0.0/0', '10.0.2.2@2');
  kernelRoute(bed, prefix, hop);
  await bed.up();
  return bed;
}

function kernelRoute(bed: Bed, prefix = PREFIX, hop = '10.0.1.2@1'): Bed {
  const [gateway, port] = hop.split('@');
  const path = {
    ifindex: ifindexOf(Number(port)),
    weight: 1,
    ...(gateway === '' ? {} : { gateway: parseAddress(gateway!)! }),
  };
  return bed.route(prefix, { kind: 'paths', paths: [path] }, { protocol: KERNEL });
}

/** What the kernel says of a route: `GATEWAY@PORT` each. */
const leads = (...hops: string[]): KernelLeads => ({
  kind: 'paths',
  paths: hops.map((hop) => {
    const [gateway, port] = hop.split('@');
    const ifindex = ifindexOf(Number(port));
    return gateway === '' ? { ifindex } : { gateway: parseAddress(gateway!)!, ifindex };
  }),
});

const check = (bed: Bed, during: () => void = () => undefined): number => {
  bed.fib.kernelRoutes.begin();
  during();
  const removed = bed.fib.kernelRoutes.end();
  bed.settle();
  return removed;
};

test('what the kernel has not is removed, and a shorter route counts', async () => {
  const bed = await ready();
  expect(bed.packet('198.51.100.9')).toMatch(NEIGHBOR);
  expect(check(bed)).toBe(1);
  expect(bed.packet('198.51.100.9')).toMatch(/^p2/);
  expect(bed.entries().has(PREFIX)).toBe(false);
});

test('what the kernel has stays, whoever made it; a second check has nothing to look at', async () => {
  const bed = await ready();
  const { kernelRoutes } = bed.fib;
  expect(check(bed, () => kernelRoutes.confirm(TABLE, ADDRESS, 24, BOOT, leads('10.0.1.2@1')))).toBe(0);
  kernelRoutes.begin();
  expect(kernelRoutes.left()).toEqual([]);
  expect(bed.packet('198.51.100.9')).toMatch(NEIGHBOR);
});

test('a loss makes it a suspect again; one of another prefix, table or length does not', async () => {
  const bed = await ready();
  const { kernelRoutes } = bed.fib;
  check(bed, () => kernelRoutes.confirm(TABLE, ADDRESS, 24, BOOT, leads('10.0.1.2@1')));
  expect(kernelRoutes.lost(TABLE, ADDRESS, 25)).toBe(false);
  expect(kernelRoutes.lost(7, ADDRESS, 24)).toBe(false);
  expect(kernelRoutes.lost(TABLE, parseAddress('0.0.0.0')!, 0)).toBe(false);
  expect(kernelRoutes.lost(TABLE, ADDRESS, 24)).toBe(true);
  expect(check(bed)).toBe(1);
});

test('a route that zebra sends while the tables are read waits for the next check', async () => {
  const bed = await ready();
  expect(check(bed, () => kernelRoute(bed))).toBe(0);
  expect(bed.packet('198.51.100.9')).toMatch(NEIGHBOR);
  bed.fib.kernelRoutes.begin();
  expect(bed.fib.kernelRoutes.left()).toEqual([{ table: TABLE, ip6: false }]);
});

test("a route that is zebra's own by the end of the check stays", async () => {
  const bed = await ready();
  expect(check(bed, () => bed.via(PREFIX, '10.0.2.2@2'))).toBe(0);
  expect(bed.packet('198.51.100.9')).toMatch(/^p2/);
});

test('a prefix that zebra deleted and whose row another one has by now is left alone', async () => {
  const bed = await ready();
  expect(check(bed, () => bed.withdraw(PREFIX).settle().via('203.0.113.0/24', '10.0.2.2@2'))).toBe(0);
  expect(bed.packet('203.0.113.9')).toMatch(/^p2/);
});

test("the kernel's own route for a subnet doesn't speak for one by a gateway, but for a connected one", async () => {
  const bed = await ready();
  const { kernelRoutes } = bed.fib;
  expect(check(bed, () => kernelRoutes.confirm(TABLE, ADDRESS, 24, KERNEL, leads('@1')))).toBe(1);
  kernelRoute(bed, PREFIX, '@1');
  expect(check(bed, () => kernelRoutes.confirm(TABLE, ADDRESS, 24, KERNEL, leads('@1')))).toBe(0);
});

test.each([
  ['by another gateway', leads('10.0.1.3@1'), 1],
  ['by another interface', leads('10.0.1.2@2'), 1],
  ['onto the link', leads('@1'), 1],
  ['to nowhere', { kind: 'drop' } as const, 1],
  ['by one more way, that zebra leaves out', leads('10.0.1.3@1', '10.0.1.2@1'), 0],
  ['by a nexthop object that the kernel doesn’t spell out', { kind: 'unknown' } as const, 0],
])('a route that leads elsewhere in the kernel isn’t there: %s', async (_, kernel, removed) => {
  const bed = await ready();
  expect(check(bed, () => bed.fib.kernelRoutes.confirm(TABLE, ADDRESS, 24, BOOT, kernel))).toBe(removed);
  expect(bed.packet('198.51.100.9')).toMatch(removed === 1 ? /^p2/ : NEIGHBOR);
});

test('of a route with two ways the kernel has to have both, in one message or in several of one check', async () => {
  const bed = await ready();
  const { kernelRoutes } = bed.fib;
  const paths = leads('10.0.1.2@1', '10.0.2.2@2');
  const two = {
    kind: 'paths' as const,
    paths: paths.kind === 'paths' ? paths.paths.map((path) => ({ ...path, weight: 1 })) : [],
  };
  const again = (): Bed => bed.route(PREFIX, two, { protocol: KERNEL }).settle();
  const confirm = (...hops: string[]): void => kernelRoutes.confirm(TABLE, ADDRESS, 24, BOOT, leads(...hops));
  again();
  expect(check(bed, () => confirm('10.0.1.2@1', '10.0.2.2@2'))).toBe(0);
  again();
  expect(check(bed, () => ['10.0.2.2@2', '10.0.1.2@1'].forEach((hop) => confirm(hop)))).toBe(0);
  again();
  expect(check(bed, () => confirm('10.0.1.2@1'))).toBe(1);
  again();
  // What an earlier check has seen doesn't count.
  kernelRoutes.begin();
  confirm('10.0.1.2@1');
  kernelRoutes.abandon();
  expect(check(bed, () => confirm('10.0.2.2@2'))).toBe(1);
});

test('a blackhole of the kernel’s stays while the kernel has one, and goes when it leads somewhere', async () => {
  const bed = await ready();
  const { kernelRoutes } = bed.fib;
  const again = (): Bed => bed.route(PREFIX, { kind: 'drop', drop: 'unreachable' }, { protocol: KERNEL }).settle();
  again();
  expect(check(bed, () => kernelRoutes.confirm(TABLE, ADDRESS, 24, BOOT, { kind: 'drop' }))).toBe(0);
  again();
  expect(check(bed, () => kernelRoutes.confirm(TABLE, ADDRESS, 24, BOOT, leads('10.0.1.2@1')))).toBe(1);
});

test('a connected subnet that the kernel has no route for stays with its address, and goes with it', async () => {
  const bed = await ready(PREFIX, '@1');
  const { kernelRoutes } = bed.fib;
  bed.address(1, '198.51.100.1/24');
  expect(check(bed, () => kernelRoutes.confirmAddress(undefined, parseAddress('198.51.100.1')!))).toBe(0);
  expect(kernelRoutes.lostAny()).toBe(true);
  expect(check(bed, () => kernelRoutes.confirmAddress(undefined, parseAddress('198.51.101.1')!))).toBe(1);
});

test('an abandoned check is made up for; only what zebra has from the kernel is a suspect', async () => {
  const bed = await ready();
  const { kernelRoutes } = bed.fib;
  kernelRoutes.begin();
  kernelRoutes.abandon();
  expect(check(bed)).toBe(1);
  expect(kernelRoutes.lostAny()).toBe(false);
  expect(bed.packet('198.51.100.9')).toMatch(/^p2/);
});

test('a nexthop that zebra has sent is zebra’s word alone', async () => {
  const bed = await new Bed().neighbor(1, '10.0.1.2', MAC).nexthop(7, '10.0.1.2@1').up();
  bed.route(PREFIX, { kind: 'nexthopId', id: 7 }, { protocol: KERNEL }).settle();
  expect(bed.fib.kernelRoutes.begin()).toEqual({ missingNexthops: [] });
  const content = { kind: 'drop', drop: 'blackhole' } as const;
  bed.fib.kernelRoutes.applyNexthop({ kind: 'nexthopAdd', id: 7, family: 2, protocol: BOOT, content });
  bed.settle();
  expect(bed.packet('198.51.100.9')).toMatch(NEIGHBOR);
  expect(bed.fib.kernelRoutes.lostNexthop(7)).toBe(true);
});

describe('nexthop objects that are not zebra’s', () => {
  const path = { gateway: parseAddress('10.0.1.2')!, ifindex: ifindexOf(1), weight: 1 };
  const object = (id: number) =>
    ({ kind: 'nexthopAdd', id, family: 2, protocol: BOOT, content: { kind: 'path', path } }) as const;

  test('one that zebra has not sent is asked for, and the answer forwards; it follows the kernel', async () => {
    const bed = await new Bed().neighbor(1, '10.0.1.2', MAC).up();
    const { kernelRoutes } = bed.fib;
    bed.route(PREFIX, { kind: 'nexthopId', id: 540 }, { protocol: KERNEL }).settle();
    expect(bed.packet('198.51.100.9')).toMatch(/^punt/);
    expect(kernelRoutes.begin()).toEqual({ missingNexthops: [540] });
    expect(kernelRoutes.applyNexthop(object(540))).toEqual([]);
    bed.settle();
    expect(bed.packet('198.51.100.9')).toMatch(NEIGHBOR);
    kernelRoutes.applyNexthop({ ...object(540), content: { kind: 'drop', drop: 'blackhole' } });
    bed.settle();
    expect(bed.packet('198.51.100.9')).toBe('dropped');
  });

  test('the members of a group are asked for after it; ids that no such route names are not taken', async () => {
    const bed = await new Bed().neighbor(1, '10.0.1.2', MAC).up();
    const { kernelRoutes } = bed.fib;
    bed.route(PREFIX, { kind: 'nexthopId', id: 600 }, { protocol: KERNEL }).settle();
    const members = [540, 541].map((id) => ({ id, weight: 1 }));
    expect(kernelRoutes.begin()).toEqual({ missingNexthops: [600] });
    expect(kernelRoutes.applyNexthop(object(540))).toEqual([]);
    expect(kernelRoutes.applyNexthop({ ...object(600), content: { kind: 'group', members } })).toEqual([540, 541]);
    // Once: a group may have to wait for its members, and is no reason to ask again and again.
    expect(kernelRoutes.applyNexthop({ ...object(600), content: { kind: 'group', members } })).toEqual([]);
    for (const { id } of members) kernelRoutes.applyNexthop(object(id));
    bed.settle();
    expect(bed.packet('198.51.100.9')).toMatch(NEIGHBOR);
    expect(kernelRoutes.applyNexthop(object(7))).toEqual([]);
    expect([7, 540, 600].map((id) => kernelRoutes.lostNexthop(id))).toEqual([false, true, true]);
    expect(bed.fib.rows.nexthops.zebraIdCount()).toBe(3);
  });
});

test('zebra takes a route back, or makes one of its own of it, while a check runs: the check has nothing to do with it', async () => {
  const bed = await ready();
  const other = '203.0.113.0/24';
  kernelRoute(bed, other).settle();
  const removed = check(bed, () => {
    bed.withdraw(PREFIX).via(other, '10.0.1.2@1').settle();
    bed.fib.kernelRoutes.confirmAddress(undefined, parseAddress('10.0.0.1')!);
    bed.fib.kernelRoutes.confirm(TABLE, ADDRESS, 24, KERNEL, leads('@1'));
    expect(bed.fib.kernelRoutes.left()).toEqual([]);
  });
  expect(removed).toBe(0);
  expect(bed.packet('198.51.100.9')).toMatch(/^p2/);
  expect(bed.packet('203.0.113.9')).toMatch(NEIGHBOR);
});

test.each([
  ['0.0.0.0/0', '10.0.1.1'],
  ['10.0.0.0/8', '10.0.1.1'],
  ['::/0', '2001:db8:1::1'],
])('an own address speaks for its subnet, and not for %s onto the same interface', async (prefix, own) => {
  const bed = await ready(prefix, '@1');
  const [length, subnet] = own.includes(':') ? [64, '2001:db8:1::/64'] : [24, '10.0.1.0/24'];
  kernelRoute(bed.address(1, `${own}/${length}`), subnet, '@1').settle();
  expect(check(bed, () => bed.fib.kernelRoutes.confirmAddress(undefined, parseAddress(own)!))).toBe(1);
  expect([bed.entries().has(prefix), bed.entries().has(subnet)]).toEqual([false, true]);
});

test("local addresses speak for their own table: a VRF's for the VRF's, those in no VRF for the others", async () => {
  const RED = 1001;
  const kernelPath = { kind: 'paths', paths: [{ ifindex: ifindexOf(1), weight: 1 }] } as const;
  const own = parseAddress('198.51.100.1')!;
  const bed = new Bed().vrf(100, 'red', RED).link(1, true, true, { master: 100 });
  await bed.up();
  const both = (): void => {
    for (const table of [TABLE, RED]) bed.route('198.51.100.1/32', kernelPath, { table, protocol: KERNEL });
  };
  const has = (table: number): boolean => {
    both();
    return check(bed, () => bed.fib.kernelRoutes.confirmAddress(table === RED ? RED : undefined, own)) === 1;
  };
  const tables = (): number[] => {
    const { routes } = bed.fib.rows;
    const found: number[] = [];
    for (let row = 1; row < routes.end; row++) {
      if (routes.live(row) && (routes.flags[row]! & ROW.zebra) !== 0) found.push(routes.tableOf(row));
    }
    return found;
  };
  expect([has(RED), tables()]).toEqual([true, [RED]]);
  expect([has(TABLE), tables()]).toEqual([true, [TABLE]]);
});
