/** Load balancing as packets see it: how flows spread, and how few of them move when paths come and go. */
import type { AftOperation } from '../../../src/aft/model';
import { Bed } from '../../bed/bed';

const GROUP = 1000;
const PREFIX = '20.0.0.0/16';
const addressOf = (path: number): string => `10.0.${path >> 6}.${(path & 63) + 2}`;
const macOf = (path: number): string => `02:00:00:00:01:${path.toString(16).padStart(2, '0')}`;
const portOf = (path: number): number => path % 4;

/** A group of `weights.length` paths, one neighbor each, with a route of each family by it. */
async function group(weights: readonly number[], paths = weights.map((_, path) => path)): Promise<Bed> {
  const bed = await new Bed().up();
  const most = Math.max(...paths) + 1;
  for (let path = 0; path < most; path++) {
    bed.neighbor(portOf(path), addressOf(path), macOf(path));
    bed.nexthop(path + 1, `${addressOf(path)}@${portOf(path)}`);
  }
  groupPaths(bed, paths, weights);
  return bed.viaId(PREFIX, GROUP).viaId('2001:db8:20::/48', GROUP).settle();
}

function groupPaths(bed: Bed, paths: readonly number[], weights: readonly number[] = []): Bed {
  return bed.group(GROUP, ...paths.map((path, i) => [path + 1, weights[i] ?? 1] as const));
}

/** The path that each of `count` flows takes, told by the MAC that its packet leaves with. */
function flows(bed: Bed, count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const out = bed.packet(`20.0.${i % 251}.9`, 0, { source: `198.51.100.${i % 241}`, sport: 1024 + (i % 50_000) });
    const path = parseInt(out.slice(-2), 16);
    // Not expect(): too slow for so many.
    if (out !== `p${portOf(path)} ${macOf(path).replaceAll(':', '')}`) throw new Error(`flow ${i} came out as ${out}`);
    return path;
  });
}

const moved = (before: readonly number[], after: readonly number[]): number =>
  before.filter((path, flow) => after[flow] !== path).length / before.length;

/** The paths that flows went to (`to`) or came from when they moved. */
function movers(before: readonly number[], after: readonly number[], end: 'from' | 'to'): number[] {
  const ends = before.flatMap((path, flow) => (after[flow] === path ? [] : [end === 'from' ? path : after[flow]!]));
  return [...new Set(ends)];
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

describe('distribution', () => {
  test.each([
    ['2 paths', [1, 1]],
    ['3 paths', [1, 1, 1]],
    ['5 paths of different weights', [1, 2, 3, 4, 5]],
    ['1 : 15', [1, 15]],
    ['16-bit weights', [30_000, 10_001, 65_535]],
    ['16 paths', Array<number>(16).fill(3)],
  ])('%s: 40,000 flows within 5 % of the weights', async (_what, weights) => {
    const seen = flows(await group(weights), 40_000);
    const sum = weights.reduce((total, weight) => total + weight, 0);
    for (const path of range(weights.length)) {
      const share = seen.filter((took) => took === path).length / seen.length;
      // 5 % of the path's share, and what chance does to so few flows (four standard deviations).
      const due = weights[path]! / sum;
      const chance = 4 * Math.sqrt((due * (1 - due)) / seen.length);
      expect(Math.abs(share - due)).toBeLessThan(Math.max(0.05 * due, chance));
    }
  });

  test('128 paths: every one is used, none has more than its share and 5 points in a thousand', async () => {
    const seen = flows(await group(Array<number>(128).fill(1)), 20_000);
    for (const path of range(128)) {
      const share = seen.filter((took) => took === path).length / seen.length;
      expect(share).toBeGreaterThan(0);
      expect(Math.abs(share - 1 / 128)).toBeLessThan(0.005);
    }
  });

  test('IPv6: the flow label alone spreads 10,000 flows within 5 %', async () => {
    const bed = await group([1, 1, 1, 1]);
    const counts = [0, 0, 0, 0];
    for (let flow = 0; flow < 10_000; flow++) {
      counts[parseInt(bed.packet('2001:db8:20::9', 0, { flow: flow + 1 }).slice(-2), 16)]!++;
    }
    for (const count of counts) expect(Math.abs(count / 2500 - 1)).toBeLessThan(0.05);
  });
});

describe('resilience', () => {
  test.each([2, 3, 4, 8, 16, 64, 128])(
    '%i paths: one removed moves its flows only, one added takes its share',
    async (n) => {
      const bed = await group(Array<number>(n).fill(1));
      const before = flows(bed, 10_000);
      const gone = n >> 1;
      const rest = range(n).filter((path) => path !== gone);
      groupPaths(bed, rest).settle();
      const without = flows(bed, 10_000);
      expect(movers(before, without, 'from')).toEqual([gone]);
      expect(moved(before, without)).toBeLessThanOrEqual(1 / n + 0.02);

      groupPaths(bed, range(n)).settle();
      const back = flows(bed, 10_000);
      expect(movers(without, back, 'to')).toEqual([gone]);
      expect(moved(without, back)).toBeLessThanOrEqual(1 / n + 0.02);
    },
  );

  test('a lost neighbor, a port that goes down and comes back: the same', async () => {
    const bed = await group([1, 1, 1, 1]);
    const before = flows(bed, 10_000);
    bed.neighbor(portOf(1), addressOf(1), undefined, 'failed').settle();
    const lost = flows(bed, 10_000);
    expect(movers(before, lost, 'from')).toEqual([1]);
    expect(new Set(lost)).toEqual(new Set([0, 2, 3]));
    bed.link(2, true, false).settle();
    const down = flows(bed, 10_000);
    expect(movers(lost, down, 'from')).toEqual([2]);
    expect(new Set(down)).toEqual(new Set([0, 3]));
    bed.link(2, true).settle();
    const up = flows(bed, 10_000);
    expect(movers(down, up, 'to')).toEqual([2]);
  });

  test('unequal weights: a removed path moves no more than its share and 2 %', async () => {
    const weights = range(20).map((path) => 1 + ((path * 7) % 13));
    const bed = await group(weights);
    const before = flows(bed, 10_000);
    const gone = 11;
    const rest = range(20).filter((path) => path !== gone);
    groupPaths(
      bed,
      rest,
      rest.map((path) => weights[path]!),
    ).settle();
    const share = weights[gone]! / weights.reduce((sum, weight) => sum + weight, 0);
    expect(moved(before, flows(bed, 10_000))).toBeLessThanOrEqual(share + 0.02);
  });

  test('growing from 2 paths to 128 one by one: each newcomer takes its share, although the table grows', async () => {
    const bed = await group([1, 1], [0, 127]);
    let before = flows(bed, 2000);
    for (let n = 3; n <= 128; n++) {
      groupPaths(bed, [...range(n - 1), 127]).settle();
      const after = flows(bed, 2000);
      expect(movers(before, after, 'to')).toEqual([n - 2]);
      expect(moved(before, after)).toBeLessThanOrEqual(1 / n + 0.02);
      before = after;
    }
  });

  test('zebra gives the route another nexthop id instead: flows stay there too', async () => {
    const bed = await group([1, 1, 1, 1]);
    const before = flows(bed, 10_000);
    bed
      .group(GROUP + 1, 1, 3, 4)
      .viaId(PREFIX, GROUP + 1)
      .settle();
    const after = flows(bed, 10_000);
    expect(movers(before, after, 'from')).toEqual([1]);
    bed.via(PREFIX, ...range(4).map((path) => `${addressOf(path)}@${portOf(path)}`)).settle();
    const inline = flows(bed, 10_000);
    expect(movers(after, inline, 'to')).toEqual([1]);
  });

  test('… also when the same paths carry another route in other shares', async () => {
    const bed = await group([1, 2, 3, 4]);
    bed
      .group(GROUP + 1, 1, 3, 4)
      .viaId('30.0.0.0/16', GROUP + 1)
      .settle();
    const before = flows(bed, 10_000);
    bed
      .group(GROUP + 2, [1, 1], [3, 3], [4, 4])
      .viaId(PREFIX, GROUP + 2)
      .settle();
    expect(movers(before, flows(bed, 10_000), 'from')).toEqual([1]);
  });
});

describe('one change is one operation, in place', () => {
  const written = (ops: readonly AftOperation[]): { nodes: string[]; entries: number } => {
    expect(ops.map(({ kind }) => kind)).toEqual(['insert']);
    const [op] = ops;
    if (op?.kind !== 'insert') throw new Error('no insert');
    return { nodes: op.insert.nodes.map(({ type }) => type), entries: op.insert.entries.length };
  };

  test('a path removed or added rewrites its slots and no node, for 10 routes as for 3,000', async () => {
    const seen: unknown[] = [];
    for (const routes of [10, 3000]) {
      const bed = await group(Array<number>(8).fill(1));
      for (let i = 0; i < routes; i++) bed.viaId(`30.${i >> 8}.${i & 255}.0/24`, GROUP);
      bed.settle();
      const tokens = [...bed.programmer.tables.tokensByGroup().values()];
      const removal = written(bed.operationsFor(() => groupPaths(bed, [0, 1, 2, 4, 5, 6, 7])));
      expect(removal).toEqual({ nodes: [], entries: 32 });
      const adding = written(bed.operationsFor(() => groupPaths(bed, range(8))));
      expect(adding).toEqual({ nodes: [], entries: 32 });
      expect([...bed.programmer.tables.tokensByGroup().values()]).toEqual(tokens);
      seen.push(removal, adding);
    }
    expect(seen.slice(0, 2)).toEqual(seen.slice(2));
  });

  test('down to one path, to none and back: the load balancer stays', async () => {
    const bed = await group([1, 1]);
    const tokens = [...bed.programmer.tables.tokensByGroup().values()];
    const steps = [
      () => groupPaths(bed, [1]),
      () => bed.neighbor(portOf(1), addressOf(1), undefined, 'failed'),
      () => bed.neighbor(portOf(1), addressOf(1), macOf(1)),
      () => groupPaths(bed, [0, 1]),
    ];
    const ways = [];
    for (const step of steps) {
      step();
      bed.settle();
      expect([...bed.programmer.tables.tokensByGroup().values()]).toEqual(tokens);
      ways.push(new Set(range(200).map((i) => bed.packet('20.0.1.9', 0, { sport: 2000 + i }).slice(0, 2))));
    }
    expect(ways.map((way) => [...way].sort())).toEqual([['p1'], ['pu'], ['p1'], ['p0', 'p1']]);
  });

  test('a change whose acknowledgement is lost is written again whole; adjacencies stay while slots may lead there', async () => {
    for (const arrives of [true, false]) {
      const bed = await group([1, 1, 1]);
      const before = flows(bed, 2000);
      groupPaths(bed, [0, 2]);
      bed.programmer.pump();
      const { operation } = bed.queue[0]!;
      if (arrives) bed.server.sandbox.apply(operation);
      bed.queue.length = 0;
      bed.programmer.down('the connection broke');
      bed.neighborGone(portOf(1), addressOf(1));
      await bed.up();
      const after = flows(bed, 2000);
      expect(movers(before, after, 'from')).toEqual([1]);
      expect(new Set(after)).toEqual(new Set([0, 2]));
    }
  });

  /** Sends a change whose acknowledgement never comes; `arrives`: the server has applied it. */
  function lose(bed: Bed, arrives: boolean): void {
    bed.programmer.pump();
    if (arrives) bed.server.sandbox.apply(bed.queue[0]!.operation);
    bed.queue.length = 0;
    bed.programmer.down('the connection broke');
  }

  test.each([true, false])(
    'a change of unknown outcome (applied: %s) and taken back: all slots are right',
    async (arrives) => {
      const bed = await group([1, 1, 1]);
      const before = flows(bed, 2000);
      groupPaths(bed, [0, 2]);
      lose(bed, arrives);
      groupPaths(bed, [0, 1, 2]);
      await bed.up();
      expect(flows(bed, 2000)).toEqual(before);
    },
  );

  test.each([true, false])(
    'a table whose growth has an unknown outcome (applied: %s) is removed whole',
    async (arrives) => {
      const bed = await group([1, 1], [0, 7]);
      const { nodes } = bed.server.sandbox.info();
      groupPaths(bed, range(8));
      lose(bed, arrives);
      bed.withdraw(PREFIX).withdraw('2001:db8:20::/48').apply({ kind: 'nexthopDelete', id: GROUP });
      await bed.up();
      bed.programmer.retry();
      bed.settle();
      // The AftIndirect and the AftLoadBalance are gone, and nothing else has come.
      expect(bed.server.sandbox.info().nodes).toBe(nodes - 2);
    },
  );

  test('a removal whose acknowledgement is lost costs a few operations, not one for each slot', async () => {
    const bed = await group(Array<number>(8).fill(1));
    const { nodes } = bed.server.sandbox.info();
    bed.withdraw(PREFIX).withdraw('2001:db8:20::/48').apply({ kind: 'nexthopDelete', id: GROUP });
    for (let guard = 0; guard < 100; guard++) {
      bed.programmer.pump();
      const operation = bed.queue[0]?.operation;
      if (operation?.kind === 'remove' && operation.remove.tokens.length > 0) break;
      bed.answer();
    }
    lose(bed, true);
    const sent = bed.sent.length;
    await bed.up();
    expect(bed.sent.length - sent).toBeLessThanOrEqual(6);
    expect(bed.server.sandbox.info().nodes).toBe(nodes - 2);
  });

  test('a path is not removed before the transaction that takes it out of the slots is acknowledged', async () => {
    const bed = await group([1, 1, 1]);
    groupPaths(bed, [0, 2]).apply({ kind: 'nexthopDelete', id: 2 }).neighborGone(portOf(1), addressOf(1));
    bed.programmer.pump();
    // The neighbor's own change is answered, that of the slots is not.
    bed.answer();
    bed.programmer.pump();
    expect(bed.queue.map(({ operation }) => operation.kind)).toEqual(['insert']);
    const before = bed.server.sandbox.info().nodes;
    bed.settle();
    expect(bed.server.sandbox.info().nodes).toBeLessThan(before);
  });
});
