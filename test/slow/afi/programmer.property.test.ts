/** Any sequence of updates, answers, lost connections and restarts ends in the state that the last updates call for. */
import fc from 'fast-check';
import { PuntReason } from '../../../src/aft/model';
import { Bed, Server } from '../../bed/bed';

const GATEWAYS = ['10.0.0.2@0', '10.0.1.2@1', '10.0.2.2@2', '10.0.3.2@3'] as const;
const SINGLES = [1, 2, 3, 4];
const GROUPS = [11, 12];
const ROUTES = 6;
const prefixOf = (i: number): string => `20.0.${i}.0/24`;
const macOf = (variant: number): string => `02:00:00:00:00:0${variant}`;

type Step =
  | { do: 'routeId'; route: number; id: number }
  | { do: 'routeInline'; route: number; gateways: number[] }
  | { do: 'drop'; route: number }
  | { do: 'withdraw'; route: number }
  | { do: 'nexthop'; id: number; gateway: number }
  | { do: 'group'; id: number; members: number[] }
  | { do: 'neighbor'; gateway: number; mac: number }
  | { do: 'answer'; count: number }
  | { do: 'refuse' }
  | { do: 'reconnect'; applied: number }
  | { do: 'serverRestart' }
  | { do: 'bridgeRestart' }
  | { do: 'replay' };

const few = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max });
const gateway = few(GATEWAYS.length - 1);
const route = few(ROUTES - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('routeId' as const), route, id: fc.constantFrom(...SINGLES, ...GROUPS) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('routeInline' as const),
      route,
      gateways: fc.uniqueArray(gateway, { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drop' as const), route }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('withdraw' as const), route }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('nexthop' as const), id: fc.constantFrom(...SINGLES), gateway }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('group' as const),
      id: fc.constantFrom(...GROUPS),
      members: fc.uniqueArray(fc.constantFrom(...SINGLES), { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('neighbor' as const), gateway, mac: few(3) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('answer' as const), count: few(6) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'refuse' as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reconnect' as const), applied: few(3) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'serverRestart' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'bridgeRestart' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'replay' as const }) },
);

/** What zebra and the kernel have said, and what follows from it. */
class Model {
  readonly routes = new Map<number, { id: number } | { gateways: number[] } | 'drop'>();
  readonly singles = new Map<number, number>();
  readonly groups = new Map<number, number[]>();
  /** Gateway → MAC variant; 0: none. */
  readonly macs = new Map<number, number>();

  private gatewaysOf(target: { id: number } | { gateways: number[] }): number[] {
    if ('gateways' in target) return target.gateways;
    const members = this.groups.get(target.id) ?? [target.id];
    return members.flatMap((id) => this.singles.get(id) ?? []);
  }

  /** Where a packet of the route may come out. */
  expected(index: number): string[] {
    const target = this.routes.get(index);
    if (target === undefined) return [`punt ${PuntReason.NoRoute}`];
    if (target === 'drop') return ['dropped'];
    const ways = this.gatewaysOf(target)
      .filter((g) => (this.macs.get(g) ?? 0) > 0)
      .map((g) => `p${g} ${macOf(this.macs.get(g)!).replaceAll(':', '')}`);
    return ways.length > 0 ? ways : [`punt ${PuntReason.Unresolved}`];
  }

  /** Says everything again, as zebra and the kernel do to a new listener. */
  replay(bed: Bed): void {
    for (const [g, mac] of this.macs) this.tellNeighbor(bed, g, mac);
    this.replayZebra(bed);
  }

  replayZebra(bed: Bed): void {
    for (const [id, g] of this.singles) bed.nexthop(id, GATEWAYS[g]!);
    for (const [id, members] of this.groups) bed.group(id, ...members);
    for (const index of this.routes.keys()) this.tellRoute(bed, index);
  }

  tellNeighbor(bed: Bed, g: number, mac: number): void {
    const [address, port] = GATEWAYS[g]!.split('@');
    bed.neighbor(Number(port), address!, mac === 0 ? undefined : macOf(mac), mac === 0 ? 'failed' : 'reachable');
  }

  tellRoute(bed: Bed, index: number): void {
    const target = this.routes.get(index)!;
    if (target === 'drop') bed.route(prefixOf(index), { kind: 'drop', drop: 'blackhole' });
    else if ('id' in target) bed.viaId(prefixOf(index), target.id);
    else bed.via(prefixOf(index), ...target.gateways.map((g) => GATEWAYS[g]!));
  }
}

async function play(steps: readonly Step[]): Promise<void> {
  const server = new Server();
  const model = new Model();
  const emptyNodes = (await new Bed(server).up()).server.sandbox.info();
  server.restart();
  let bed = await new Bed(server, { batch: 4, inFlight: 3 }).up();
  bed.fib.beginReplay();
  for (const now of steps) {
    switch (now.do) {
      case 'routeId':
        model.routes.set(now.route, { id: now.id });
        model.tellRoute(bed, now.route);
        break;
      case 'routeInline':
        model.routes.set(now.route, { gateways: now.gateways });
        model.tellRoute(bed, now.route);
        break;
      case 'drop':
        model.routes.set(now.route, 'drop');
        model.tellRoute(bed, now.route);
        break;
      case 'withdraw':
        model.routes.delete(now.route);
        bed.withdraw(prefixOf(now.route));
        break;
      case 'nexthop':
        model.singles.set(now.id, now.gateway);
        bed.nexthop(now.id, GATEWAYS[now.gateway]!);
        break;
      case 'group':
        model.groups.set(now.id, now.members);
        bed.group(now.id, ...now.members);
        break;
      case 'neighbor':
        model.macs.set(now.gateway, now.mac);
        model.tellNeighbor(bed, now.gateway, now.mac);
        break;
      case 'answer':
        bed.programmer.pump();
        for (let i = 0; i < now.count; i++) bed.answer();
        bed.report();
        break;
      case 'refuse':
        bed.programmer.pump();
        bed.answer({ code: 'internal', message: 'for the test' });
        break;
      case 'reconnect':
        for (const { operation } of bed.queue.slice(0, now.applied)) server.sandbox.apply(operation);
        bed.queue.length = 0;
        bed.programmer.down('the connection broke');
        await bed.programmer.up(server.sandbox.info());
        break;
      case 'serverRestart':
        bed.queue.length = 0;
        bed.programmer.down('the connection broke');
        server.restart();
        await bed.programmer.up(server.sandbox.info());
        break;
      case 'bridgeRestart':
        bed = new Bed(server, { batch: 4, inFlight: 3 });
        await bed.programmer.up(server.sandbox.info());
        bed.fib.beginReplay();
        model.replay(bed);
        break;
      case 'replay':
        bed.fib.beginReplay();
        model.replayZebra(bed);
        break;
    }
  }
  bed.settle();
  bed.fib.endReplay();
  bed.settle();
  bed.programmer.releaseAdopted();
  bed.settle();
  // What the test refused is asked for again by the bridge's timer; twice, as layers wait for each other.
  for (let i = 0; i < 2; i++) {
    bed.programmer.retry();
    bed.settle();
  }

  bed.later();

  for (let index = 0; index < ROUTES; index++) {
    const expected = model.expected(index);
    const seen = new Set<string>();
    for (let flow = 0; flow < 24; flow++) seen.add(bed.packet(`20.0.${index}.9`, 0, { sport: 7000 + 13 * flow }));
    for (const result of seen) expect(expected).toContain(result);
    if (!model.routes.has(index)) continue;
    const status = bed.told.get(prefixOf(index));
    const waits = expected[0] === `punt ${PuntReason.Unresolved}`;
    const told = waits ? 'unresolved' : expected[0]!.startsWith('punt') ? 'trapped' : 'offloaded';
    expect([index, status]).toEqual([index, told]);
  }

  // Everything withdrawn: nothing may be left.
  for (const index of model.routes.keys()) bed.withdraw(prefixOf(index));
  for (const id of [...GROUPS, ...SINGLES]) bed.apply({ kind: 'nexthopDelete', id });
  for (const g of model.macs.keys()) {
    const [address, port] = GATEWAYS[g]!.split('@');
    bed.neighborGone(Number(port), address!);
  }
  bed.settle();
  expect([...bed.entries().keys()].filter((prefix) => prefix.startsWith('20.'))).toEqual([]);
  expect(server.sandbox.info().nodes).toBe(emptyNodes.nodes);
}

test('any history ends in the right state, with nothing left behind', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), (steps) => play(steps)),
    { numRuns: 300 },
  );
}, 60_000);
