/** What a watcher is told: what changed, as it is now, filtered; how much was left out; and that nobody's watching costs nothing. */
import type { MonitorEvent, MonitorKind } from '../../../src/control/monitor-types';
import type { PortView, RouteFilter } from '../../../src/control/types';
import type { StatusView } from '../../../src/control/status-types';
import { parsePrefix } from '../../../src/net/address';
import { Monitor } from '../../../src/views/monitor';
import { RouteViews } from '../../../src/views/routes';
import { Bed } from '../../bed/bed';
import { faultsOf } from '../../schemas';
import { PORTS, STATUS } from '../control/backend';

const MAC = '02:00:00:00:00:0a';

interface Stage {
  readonly b: Bed;
  /** What is told next, each event in a few words. */
  readonly next: () => Promise<string[]>;
  readonly end: () => Promise<unknown>;
  status: StatusView;
  port: PortView;
}

async function stage(kinds: readonly MonitorKind[], filter: RouteFilter = {}): Promise<Stage> {
  const b = await new Bed().up();
  const found: Pick<Stage, 'status' | 'port'> = { status: STATUS, port: PORTS[0]! };
  const monitor = new Monitor({
    fib: b.fib,
    views: new RouteViews(b.fib, b.programmer),
    status: () => Promise.resolve(found.status),
    ports: async function* () {
      yield await Promise.resolve(found.port);
    },
  });
  expect(b.fib.rows.changes.listener).toBeUndefined();
  const gone = new AbortController();
  const events = monitor.watch({ kinds: new Set(kinds), filter }, gone.signal);
  expect((await events.next()).value).toEqual([]);
  return Object.assign(found, {
    b,
    next: async () => ((await events.next()).value as MonitorEvent[]).map(words),
    end: async () => {
      gone.abort();
      return (await events.next()).done;
    },
  });
}

function words(event: MonitorEvent): string {
  expect(faultsOf('monitor', event)).toEqual([]);
  switch (event.kind) {
    case 'route':
      return `${event.route.prefix} ${event.change === 'gone' ? 'gone' : event.route.state}`;
    case 'nexthop':
      return `nexthop ${event.nexthop.id ?? '-'} ${event.change} ${event.nexthop.state}`;
    case 'neighbor':
      return `${event.neighbor.address} ${event.change} ${event.neighbor.state}`;
    case 'port':
      return `port ${event.port.index} ${event.port.vasicState}`;
    case 'session':
      return `${event.session} ${event.state}`;
    case 'problem':
      return `${event.change} ${event.text}`;
    case 'skipped':
      return `skipped ${event.count}`;
  }
}

test('routes: what became of them, and that they are gone; the last of many changes', async () => {
  const { b, next, end } = await stage(['routes']);
  b.neighbor(1, '10.0.1.2', MAC).via('20.0.0.0/8', '10.0.1.2@1').via('21.0.0.0/8', '10.0.1.9@1').settle();
  expect(await next()).toEqual(['20.0.0.0/8 offloaded', '21.0.0.0/8 unresolved']);
  b.withdraw('20.0.0.0/8').via('20.0.0.0/8', '10.0.1.9@1').withdraw('21.0.0.0/8').settle();
  expect(await next()).toEqual(['20.0.0.0/8 gone', '20.0.0.0/8 unresolved', '21.0.0.0/8 gone']);
  expect(await end()).toBe(true);
  expect(b.fib.rows.changes.listener).toBeUndefined();
});

test('only the routes that the filter wants', async () => {
  const { b, next, end } = await stage(['routes'], { within: parsePrefix('20.0.0.0/8')!, port: 'tap1' });
  b.neighbor(1, '10.0.1.2', MAC).via('20.1.0.0/16', '10.0.1.2@1').via('20.2.0.0/16', '10.0.2.2@2');
  b.via('21.0.0.0/8', '10.0.1.2@1').via('20.3.0.0/16', '10.0.1.2@1').settle();
  expect(await next()).toEqual(['20.1.0.0/16 offloaded', '20.3.0.0/16 offloaded']);
  b.withdraw('21.0.0.0/8').withdraw('20.2.0.0/16').withdraw('20.1.0.0/16').settle();
  expect(await next()).toEqual(['20.1.0.0/16 gone']);
  await end();
});

test('nexthops and neighbors', async () => {
  const { b, next, end } = await stage(['nexthops', 'neighbors']);
  b.nexthop(7, '10.0.1.2@1').viaId('20.0.0.0/8', 7).settle();
  expect(await next()).toEqual(['nexthop 7 set unresolved']);
  b.neighbor(1, '10.0.1.2', MAC).settle();
  expect(await next()).toEqual(['10.0.1.2 set reachable', 'nexthop 7 set offloaded']);
  b.neighborGone(1, '10.0.1.2').settle();
  expect(await next()).toEqual(['10.0.1.2 gone none', 'nexthop 7 set unresolved']);
  await end();
});

test('a reader that is too slow learns how much was left out', async () => {
  const { b, next, end } = await stage(['routes']);
  for (let i = 0; i < 10_500; i++) b.via(`20.${i >> 8}.${i & 255}.0/24`, '10.0.1.9@1');
  const told: string[] = [];
  let skipped = 0;
  while (told.length < 10_000) {
    for (const word of await next()) {
      if (word.startsWith('skipped')) skipped += Number(word.split(' ')[1]);
      else told.push(word);
    }
  }
  expect(new Set(told).size).toBe(10_000);
  expect(skipped).toBe(500);
  await end();
});

test('ports, sessions and problems', async () => {
  const s = await stage(['ports', 'sessions', 'problems']);
  s.port = { ...PORTS[0]!, vasicState: 'down', input: { packets: 1, bytes: 2, drops: 3 } };
  s.status = { ...STATUS, afi: { ...STATUS.afi, state: 'down', since: 'later' }, problems: ['the AFI server is gone'] };
  expect((await s.next()).sort()).toEqual(
    ['afi down', 'new the AFI server is gone', `over ${STATUS.problems[0]!}`, 'port 0 down'].sort(),
  );
  s.port = { ...s.port, input: { packets: 9, bytes: 9, drops: 9 } };
  s.status = { ...s.status, uptimeSeconds: 7, problems: [] };
  expect(await s.next()).toEqual(['over the AFI server is gone']);
  await s.end();
});
