/**
 * A bridge that finds what an earlier life left: nodes and entries that are as they would be made are kept as they are, with no operation; what isn't
 * is written, and what nobody wants is removed. The base graph alone is written anew each time.
 */
import type { AftNode, AftOperation } from '../../../src/aft/model';
import { Bed, pathOf, Server } from '../../bed/bed';

const A = '02:00:00:00:00:0a';
const B = '02:00:00:00:00:0b';

interface World {
  readonly macs?: Readonly<Record<string, string>>;
  /** Prefix → what it leads to, where it isn't the usual. */
  readonly routes?: Readonly<Record<string, number>>;
  readonly members?: readonly number[];
  /** Without the last so many of the usual routes. */
  readonly fewer?: number;
}

const ROUTES = 600;

/** What the kernel and zebra say: neighbors, nexthops of each kind, routes, labels. */
function tell(bed: Bed, { macs = {}, routes = {}, members = [1, 2], fewer = 0 }: World = {}): Bed {
  for (const [port, address, mac] of [
    [1, '10.0.1.2', A],
    [2, '10.0.2.2', B],
    // The same router by another address: another adjacency of the same hardware address.
    [2, 'fe80::2', B],
    [3, '10.0.3.2', A],
  ] as const)
    bed.neighbor(port, address, macs[address] ?? mac);
  bed.address(1, '10.0.1.1/24').via('10.0.1.0/24', '@1');
  bed
    .nexthop(1, '10.0.1.2@1')
    .nexthop(2, '10.0.2.2@2')
    .nexthop(4, '10.0.3.2@3')
    .group(3, ...members);
  for (let i = 0; i < ROUTES - fewer; i++) {
    const prefix = `20.${i >> 8}.${i & 255}.0/24`;
    bed.viaId(prefix, routes[prefix] ?? 1 + (i % 3));
  }
  bed.via('2001:db8::/32', 'fe80::2@2').via('2001:db8:1::/48', '10.0.2.2@2');
  bed.via('30.0.0.0/8', '10.0.1.2@1*3', '10.0.2.2@2');
  bed
    .route('31.0.0.0/8', { kind: 'drop', drop: 'blackhole' })
    .route('32.0.0.0/8', { kind: 'drop', drop: 'unreachable' });
  const pushed = { ...pathOf('10.0.1.2@1'), encap: { kind: 'mpls', labels: [16, 17] } } as const;
  bed.route('33.0.0.0/8', { kind: 'paths', paths: [pushed] });
  for (let i = 0; i < 20; i++) {
    const paths = [{ ...pathOf('10.0.1.2@1'), outLabels: i % 2 === 0 ? [2000 + i, 18] : [] }];
    bed.apply({ kind: 'lspAdd', label: 100 + i, protocol: 193, paths });
  }
  return bed;
}

async function firstLife(server: Server): Promise<Bed> {
  return tell(await new Bed(server, { inFlight: 16, batch: 1000 }).up()).settle();
}

/** A second bridge on the same vASIC, up to the end of zebra's replay; its operations but for the first, the base graph and the ports. */
async function secondLife(server: Server, world: World = {}): Promise<{ bed: Bed; operations: AftOperation[] }> {
  const bed = new Bed(server, { inFlight: 16, batch: 1000 });
  bed.fib.beginReplay();
  await bed.open();
  tell(bed, world).settle();
  bed.fib.endReplay();
  bed.programmer.releaseAdopted();
  bed.settle();
  const [base, ports, ...operations] = bed.sent;
  expect(base).toMatchObject({ kind: 'insert', insert: { nodes: expect.arrayContaining([]) as unknown } });
  expect(ports).toMatchObject({ kind: 'insert', insert: { binds: [0, 1, 2, 3].map((port) => ({ port })) } });
  return { bed, operations };
}

const wayTo = (port: number, mac: string): string => `p${port} ${mac.replaceAll(':', '')}`;
const size = ({ sandbox }: Server): readonly number[] => [sandbox.info().nodes, sandbox.info().entries];
const count = (operations: readonly AftOperation[]): readonly number[] =>
  operations.reduce(
    ([nodes, entries], one) => {
      const { entries: some, prefixes } = one.kind === 'insert' ? one.insert : one.remove;
      const more = one.kind === 'insert' ? one.insert.nodes.length : one.remove.tokens.length;
      return [nodes! + more, entries! + some.length + (prefixes?.count ?? 0)];
    },
    [0, 0] as number[],
  );

/** As it was made without an earlier life. */
async function afresh(world: World): Promise<Server> {
  const server = new Server();
  tell(await new Bed(server, { inFlight: 16, batch: 1000 }).up(), world).settle();
  return server;
}

test('nothing has changed: not one operation', async () => {
  const server = new Server();
  const first = await firstLife(server);
  const before = size(server);
  const ways = (bed: Bed): string[] => Array.from({ length: 100 }, (_, i) => bed.packet(`30.0.${i}.1`));
  const went = ways(first);
  const { bed, operations } = await secondLife(server);
  expect(operations).toEqual([]);
  expect(size(server)).toEqual(before);
  expect(ways(bed)).toEqual(went);
  expect(bed.told.get('20.0.7.0/24')).toBe('offloaded');
  expect([...bed.fib.lsps.all()].every((one) => bed.fib.lsps.stateOf(one) === 'offloaded')).toBe(true);
  expect(bed.programmer.holdsAdopted).toBe(false);
});

test('and what comes after it works on these nodes: a MAC, a member, a route, their removal', async () => {
  const server = new Server();
  await firstLife(server);
  const { bed } = await secondLife(server);
  const mac = bed.operationsFor(() => bed.neighbor(1, '10.0.1.2', '02:00:00:00:00:99'));
  expect(count(mac)).toEqual([1, 0]);
  expect(bed.packet('20.0.0.1')).toBe('p1 020000000099');
  bed.group(3, 1, 2, 4).settle();
  expect(new Set(Array.from({ length: 200 }, (_, i) => bed.packet(`20.0.2.${i}`)))).toEqual(
    new Set(['p1 020000000099', wayTo(2, B), wayTo(3, A)]),
  );
  for (let i = 0; i < ROUTES; i++) bed.withdraw(`20.${i >> 8}.${i & 255}.0/24`);
  for (const prefix of ['2001:db8::/32', '2001:db8:1::/48', '30.0.0.0/8', '31.0.0.0/8', '32.0.0.0/8', '33.0.0.0/8'])
    bed.withdraw(prefix);
  for (let i = 0; i < 20; i++) bed.apply({ kind: 'lspDelete', label: 100 + i });
  for (const id of [3, 1, 2, 4]) bed.apply({ kind: 'nexthopDelete', id });
  for (const [port, address] of [
    [1, '10.0.1.2'],
    [2, '10.0.2.2'],
    [2, 'fe80::2'],
    [3, '10.0.3.2'],
  ] as const)
    // prettier-ignore
    bed.neighborGone(port, address);
  bed.address(1, '10.0.1.1/24', false).withdraw('10.0.1.0/24').settle();
  const empty = new Server();
  await new Bed(empty).up();
  expect(size(server)).toEqual(size(empty));
});

test.each<[string, World, nodes: number, entries: number]>([
  // Two new nodes, and two that go.
  ['a hardware address', { macs: { '10.0.3.2': '02:00:00:00:00:77' } }, 4, 0],
  ['where one route leads', { routes: { '20.0.5.0/24': 1 } }, 0, 1],
  ['routes that are gone', { fewer: 50 }, 0, 50],
])('%s has changed meanwhile: that is written, and nothing else', async (_, world, nodes, entries) => {
  const server = new Server();
  await firstLife(server);
  const { bed, operations } = await secondLife(server, world);
  expect(count(operations)).toEqual([nodes, entries]);
  expect(size(server)).toEqual(size(await afresh(world)));
  for (const prefix of ['20.0.0.1', '20.0.1.1', '20.0.5.1', '10.0.3.2']) {
    expect(bed.packet(prefix)).toBe((await secondLife(await afresh(world), world)).bed.packet(prefix));
  }
});

test('a group has got another member meanwhile: flows of the paths that stay stay', async () => {
  const server = new Server();
  const first = await firstLife(server);
  const ways = (bed: Bed): string[] => Array.from({ length: 256 }, (_, i) => bed.packet(`20.0.2.${i}`));
  const before = ways(first);
  const { bed } = await secondLife(server, { members: [1, 2, 4] });
  const after = ways(bed);
  const moved = after.filter((way, i) => way !== before[i] && !way.startsWith('p3'));
  expect(moved).toEqual([]);
  expect(after.some((way) => way.startsWith('p3'))).toBe(true);
});

describe('what was changed behind its back is not taken for right', () => {
  const changed = async (change: (nodes: readonly AftNode[]) => AftOperation): Promise<Bed> => {
    const server = new Server();
    await firstLife(server);
    expect(server.sandbox.apply(change(server.sandbox.find({})))).toBeUndefined();
    const { bed } = await secondLife(server);
    return bed;
  };
  const insert = (...nodes: AftNode[]): AftOperation => ({ kind: 'insert', insert: { nodes, entries: [] } });

  test('an encapsulation', async () => {
    const bed = await changed((nodes) => {
      const encap = nodes.find((node) => node.type === 'encap' && node.template === 'ethernet')!;
      return insert({ ...encap, params: {} });
    });
    expect(bed.packet('20.0.0.1')).toBe(wayTo(1, A));
    expect(bed.packet('20.0.1.1')).toBe(wayTo(2, B));
  });

  test('where nexthops lead', async () => {
    const bed = await changed((nodes) =>
      insert(
        ...nodes.flatMap((node) => (node.type === 'indirect' && node.token >= 8192 ? [{ ...node, target: 0 }] : [])),
      ),
    );
    expect(bed.packet('20.0.0.1')).toBe(wayTo(1, A));
    expect(bed.packet('20.0.1.1')).toBe(wayTo(2, B));
    expect(bed.packet('20.0.2.1')).not.toBe('dropped');
  });

  test('an entry', async () => {
    const server = new Server();
    await firstLife(server);
    const [tree] = server.sandbox.find({ type: 'tree' });
    const key = { field: 8, data: { kind: 'prefix', bytes: Uint8Array.of(20, 0, 0, 0), length: 24 } } as const;
    const entries = [{ parent: tree!.token, key, next: 0 }];
    expect(server.sandbox.apply({ kind: 'insert', insert: { nodes: [], entries } })).toBeUndefined();
    const { bed, operations } = await secondLife(server);
    expect(bed.packet('20.0.0.1')).toBe(wayTo(1, A));
    expect(count(operations)).toEqual([0, 1]);
  });
});
