/**
 * What changes, as it changes, for `fpm2afi monitor`. Each watcher has a set of what is to be told, at most MOST entries: a route that
 * changes ten times before it is told is told once, as it is then, and a reader that is too slow learns how much was left out.
 * Nothing is made before the reader takes it, and nothing is noted while nobody watches.
 *
 * The FIB tells of routes, nexthops and neighbors itself (src/fib/changes.ts). Ports, sessions and problems are few, and looked at every
 * second.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { RequestError, routeMatches } from '../control/filter';
import type { MonitorChange, MonitorEvent, MonitorQuery, PortStateView } from '../control/monitor-types';
import type { PortView, RouteFilter, RouteView } from '../control/types';
import type { StatusView } from '../control/status-types';
import type { ChangeListener } from '../fib/changes';
import type { Fib } from '../fib/fib';
import type { Neighbor } from '../fib/neighbors';
import type { NexthopGroup } from '../fib/nexthops';
import { keyWithin, newKey, setKey } from '../fib/route-key';
import { ROW } from '../fib/route-table';
import type { RouteViews } from './routes';
import { tableAsked, tableView } from './vrfs';

/** Changes noted for one watcher at most. */
const MOST = 10_000;
/** Told in one turn. */
const PORTION = 500;
/** How long is waited for more of the same. */
const GATHER_MS = 100;
const LOOK_MS = 1000;
const WATCHERS = 16;

/** A row, a nexthop group, a neighbor, or what is told of something that is gone. */
type Noted = number | NexthopGroup | Neighbor | Told;

class Told {
  constructor(readonly change: MonitorChange) {}
}

export interface MonitorParts {
  readonly fib: Fib;
  readonly views: RouteViews;
  readonly status: () => Promise<StatusView>;
  readonly ports: () => AsyncIterable<PortView>;
}

/** All who watch. */
export class Monitor {
  private readonly watchers = new Set<Watcher>();
  private readonly closed = new AbortController();

  constructor(private readonly parts: MonitorParts) {}

  /** Yields what changes until `signal` is aborted. Rejects with a RequestError when too many watch already. */
  async *watch(query: MonitorQuery, signal: AbortSignal): AsyncGenerator<readonly MonitorEvent[]> {
    if (this.watchers.size >= WATCHERS) throw new RequestError(503, `${WATCHERS} readers watch already`);
    const watcher = new Watcher(this.parts, query);
    this.watchers.add(watcher);
    this.listen();
    try {
      yield* watcher.events(AbortSignal.any([signal, this.closed.signal]));
    } finally {
      this.watchers.delete(watcher);
      this.listen();
    }
  }

  /** Ends what all are told. */
  close(): void {
    this.closed.abort();
  }

  private listen(): void {
    const all = [...this.watchers];
    this.parts.fib.rows.changes.listener =
      all.length === 0
        ? undefined
        : {
            route: (row) => all.forEach((watcher) => watcher.route(row)),
            routeGone: (row) => all.forEach((watcher) => watcher.routeGone(row)),
            nexthop: (group) => all.forEach((watcher) => watcher.nexthop(group)),
            neighbor: (neighbor) => all.forEach((watcher) => watcher.neighbor(neighbor)),
          };
  }
}

class Watcher implements ChangeListener {
  private readonly noted = new Set<Noted>();
  private readonly neighbors = new Set<Neighbor>();
  private skipped = 0;
  private wake: () => void = () => undefined;
  private readonly outer = newKey();
  private readonly key = newKey();
  private readonly table: number | undefined;

  constructor(
    private readonly parts: MonitorParts,
    private readonly query: MonitorQuery,
  ) {
    const { within } = query.filter;
    this.table = tableAsked(parts.fib, query.filter);
    if (within !== undefined) setKey(this.outer, 0, within.bytes, within.length);
  }

  private note(what: Noted): void {
    if (this.noted.size >= MOST && !this.noted.has(what)) this.skipped++;
    else this.noted.add(what);
    this.wake();
  }

  private wants(row: number): boolean {
    const { within } = this.query.filter;
    const { routes } = this.parts.fib.rows;
    return (
      this.query.kinds.has('routes') &&
      (routes.flags[row]! & ROW.zebra) !== 0 &&
      (this.table === undefined || routes.tableOf(row) === this.table) &&
      (within === undefined || keyWithin(routes.readKey(row, this.key), this.outer))
    );
  }

  /** The filter with the table of its VRF. */
  private matching(): RouteFilter {
    return this.table === undefined ? this.query.filter : { ...this.query.filter, table: this.table };
  }

  route(row: number): void {
    if (this.wants(row)) this.note(row);
  }

  routeGone(row: number): void {
    if (!this.wants(row)) return;
    this.noted.delete(row);
    const route = this.parts.views.route(row);
    // What became of it doesn't count any more.
    if (!routeMatches({ ...route, state: this.query.filter.state ?? route.state }, this.matching())) return;
    const { prefix, protocol, table } = route;
    const view = { prefix, ...tableView(this.parts.fib, table), protocol };
    this.note(new Told({ kind: 'route', change: 'gone', route: view }));
  }

  nexthop(group: NexthopGroup): void {
    if (this.query.kinds.has('nexthops') && (group.zebraId !== undefined || group.inlineKey !== undefined)) {
      this.note(group);
    }
  }

  neighbor(neighbor: Neighbor): void {
    if (!this.query.kinds.has('neighbors')) return;
    this.neighbors.add(neighbor);
    this.note(neighbor);
  }

  async *events(signal: AbortSignal): AsyncGenerator<readonly MonitorEvent[]> {
    const { kinds } = this.query;
    const looks = kinds.has('ports') || kinds.has('sessions') || kinds.has('problems');
    let seen = looks ? await this.look() : new Map<string, MonitorChange>();
    let lookAt = performance.now() + LOOK_MS;
    // At once, so that the reader knows that it watches.
    yield [];
    while (!signal.aborted) {
      if (this.noted.size === 0) await this.pause(signal, looks ? Math.max(0, lookAt - performance.now()) : undefined);
      await sleep(GATHER_MS, undefined, { signal }).catch(() => undefined);
      const changes: MonitorChange[] = [];
      if (looks && performance.now() >= lookAt) {
        const now = await this.look();
        changes.push(...differences(seen, now));
        [seen, lookAt] = [now, performance.now() + LOOK_MS];
      }
      this.take(changes);
      const time = new Date().toISOString();
      if (changes.length > 0 && !signal.aborted) yield changes.map((change) => ({ time, ...change }));
    }
  }

  /** Until something is noted, the time is over, or the reader gone. */
  private pause(signal: AbortSignal, ms: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(() => this.wake(), ms);
      const done = (): void => this.wake();
      signal.addEventListener('abort', done);
      this.wake = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.wake = () => undefined;
        resolve();
      };
      if (signal.aborted) this.wake();
    });
  }

  /** What was noted, as it is now. */
  private take(changes: MonitorChange[]): void {
    const { fib, views } = this.parts;
    const tokens = [...this.noted].some((what) => typeof what === 'object') ? views.tokensByGroup() : undefined;
    for (const what of this.noted) {
      if (changes.length >= PORTION) return;
      this.noted.delete(what);
      if (typeof what === 'number') {
        if (!fib.rows.routes.live(what) || !this.wants(what)) continue;
        const route: RouteView = views.route(what);
        if (routeMatches(route, this.matching())) {
          changes.push({ kind: 'route', change: 'set', route });
        }
      } else if (what instanceof Told) changes.push(what.change);
      else if (this.neighbors.delete(what as Neighbor)) {
        const neighbor = what as Neighbor;
        const change = neighbor.told.size === 0 ? 'gone' : 'set';
        changes.push({ kind: 'neighbor', change, neighbor: views.neighbor(neighbor) });
      } else {
        const group = what as NexthopGroup;
        const change = fib.rows.nexthops.get(group.id) === group && !group.deleted ? 'set' : 'gone';
        changes.push({ kind: 'nexthop', change, nexthop: views.nexthop(group, tokens!) });
      }
    }
    if (this.skipped > 0) changes.push({ kind: 'skipped', count: this.skipped });
    this.skipped = 0;
  }

  /** Ports, sessions and problems, by what they are about. */
  private async look(): Promise<Map<string, MonitorChange>> {
    const { kinds } = this.query;
    const found = new Map<string, MonitorChange>();
    if (kinds.has('ports')) {
      for await (const port of this.parts.ports()) {
        found.set(`port ${port.index}`, { kind: 'port', change: 'set', port: stateOf(port) });
      }
    }
    if (!kinds.has('sessions') && !kinds.has('problems')) return found;
    const { fpm, afi, problems } = await this.parts.status();
    if (kinds.has('sessions')) {
      const peer = fpm.peer === undefined ? {} : { peer: fpm.peer };
      found.set(`fpm ${fpm.since}`, { kind: 'session', session: 'fpm', state: fpm.state, ...peer });
      const { state, server, error, since } = afi;
      // That it writes is no news of the session.
      const session = state === 'reprogramming' ? 'up' : state;
      const why = error === undefined ? {} : { error };
      found.set(`afi ${since}`, { kind: 'session', session: 'afi', state: session, server, ...why });
    }
    if (kinds.has('problems')) {
      for (const text of problems) found.set(`problem ${text}`, { kind: 'problem', change: 'new', text });
    }
    return found;
  }
}

function stateOf({ index, tap, ifindex, mac, mtu, tapState, vasicState }: PortView): PortStateView {
  return {
    ...{ index, tap, tapState, vasicState },
    ...(ifindex === undefined ? {} : { ifindex }),
    ...(mac === undefined ? {} : { mac }),
    ...(mtu === undefined ? {} : { mtu }),
  };
}

/** What is new or other in the second, and which problems are over. */
function differences(
  before: ReadonlyMap<string, MonitorChange>,
  now: ReadonlyMap<string, MonitorChange>,
): MonitorChange[] {
  const changes: MonitorChange[] = [];
  for (const [name, change] of before) {
    if (change.kind === 'problem' && !now.has(name)) changes.push({ ...change, change: 'over' });
  }
  for (const [name, change] of now) {
    if (JSON.stringify(before.get(name)) !== JSON.stringify(change)) changes.push(change);
  }
  return changes;
}
