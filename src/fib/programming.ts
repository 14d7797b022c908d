/**
 * The FIB seen by the programmer (ForwardingSource), and what became of its work: which entries the vASIC has, what it
 * refused, and what zebra is to be told of each route. What is reported follows from acknowledgements only.
 */
import type { AdjacencyIntent, ForwardingSource, NexthopIntent, NexthopGroupIntent } from './intents';
import type { Interfaces } from './interfaces';
import { Latencies } from './latencies';
import type { NeighborTable } from './neighbors';
import type { NexthopGroup } from './nexthops';
import { newKey, setKey } from './route-key';
import { ROW, TARGET_UNKNOWN } from './route-table';
import type { Rows } from './rows';
import { decodeTime, encodeTime } from './times';
import type { RouteStatus, StatusReport } from './updates';

/** What a row's state is called, beyond what zebra is told: `pending` is not acknowledged yet. */
export type RouteState = RouteStatus | 'pending';

const STATUS_CODE: Readonly<Record<RouteStatus, number>> = { offloaded: 1, trapped: 2, failed: 3, unresolved: 4 };
const STATUS_OF_CODE: readonly (RouteStatus | undefined)[] = [
  undefined,
  'offloaded',
  'trapped',
  'failed',
  'unresolved',
];

/**
 * A route that waits for its neighbor is told to zebra as unresolved only after so long, when the kernel has given up
 * resolving: zebra never takes a trap flag back, and most neighbors are found within milliseconds.
 */
export const UNRESOLVED_GRACE_MS = 4000;

/** Of a set's routes, so many are asked which set they had before: they mostly move together. */
const PREDECESSOR_ROWS = 16;

/** Whether packets go to the host for want of something that may yet come. */
export function isPassing(intent: NexthopIntent | undefined): boolean {
  if (intent?.kind !== 'punt') return false;
  return intent.reason === 'unresolved' || intent.reason === 'missingNexthop' || intent.reason === 'linkDown';
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class Programming implements ForwardingSource {
  readonly dirtyAdjacencies = new Set<number>();
  /** Entries found in the vASIC that nobody has asked for since. */
  adopted = 0;
  /** From zebra's last message about a route to the acknowledgement of what it changed. */
  readonly latencies = new Latencies();
  private readonly key = newKey();
  /** What `nextReport` returns, filled anew each time: a replay asks for a million. */
  private readonly address = { 4: new Uint8Array(4), 6: new Uint8Array(16) };
  private readonly next: Mutable<StatusReport> = {
    table: 0,
    family: 4,
    bytes: this.address[4],
    length: 0,
    protocol: 0,
    status: 'failed',
  };
  /** Sets whose routes are not reported as unresolved before this time (`now`). */
  private readonly passing = new Map<number, number>();

  constructor(
    private readonly rows: Rows,
    private readonly neighbors: NeighborTable,
    private readonly interfaces: Interfaces,
    private readonly now: () => number,
  ) {}

  // ---- adjacencies and nexthop groups -------------------------------------------------------------------------------

  nextAdjacency(): number | undefined {
    this.rows.retireUnwanted();
    return takeFirst(this.dirtyAdjacencies);
  }

  adjacency(id: number): AdjacencyIntent | undefined {
    const neighbor = this.neighbors.byIdOf(id);
    const port = neighbor === undefined ? undefined : this.interfaces.portOf(neighbor.ifindex);
    if (neighbor === undefined || port === undefined) return undefined;
    return { id, port, ifindex: neighbor.ifindex, address: neighbor.address, mac: neighbor.mac };
  }

  nextNexthop(): number | undefined {
    return takeFirst(this.rows.dirtyNexthops);
  }

  nexthop(id: number): NexthopGroupIntent | undefined {
    const set = this.rows.nexthops.get(id);
    return set === undefined || !this.rows.nexthops.wanted(set) ? undefined : set;
  }

  entriesUsing(id: number): number {
    return this.rows.nexthops.get(id)?.entries ?? 0;
  }

  predecessor(id: number): number | undefined {
    const { nexthops, routes } = this.rows;
    let row = nexthops.get(id)?.firstRow ?? 0;
    for (let looked = 0; row !== 0 && looked < PREDECESSOR_ROWS; looked++, row = routes.nextInSet[row]!) {
      const before = routes.programmed[row]!;
      if (before !== 0 && before !== id && before !== TARGET_UNKNOWN) return before;
    }
    return undefined;
  }

  nexthopDone(id: number, intent: NexthopIntent, error: string | undefined): void {
    const { nexthops, routes } = this.rows;
    const set = nexthops.get(id);
    if (set === undefined) return;
    const first = set.acked === undefined && error === undefined;
    const otherWay = set.acked?.kind !== intent.kind || isPassing(set.acked) !== isPassing(intent);
    const changed = first || otherWay || set.error !== error;
    set.error = error;
    if (error === undefined) {
      if (!isPassing(intent)) this.passing.delete(id);
      else if (!isPassing(set.acked)) this.passing.set(id, this.now() + UNRESOLVED_GRACE_MS);
      set.acked = intent;
      set.ackedAt = this.now();
    }
    if (!changed) return;
    for (let row = set.firstRow; row !== 0; row = routes.nextInSet[row]!) {
      if (routes.programmed[row] === set.id || error !== undefined) this.rows.markReport(row);
      else this.rows.markDirty(row);
    }
  }

  nexthopGone(id: number): void {
    const { nexthops } = this.rows;
    const set = nexthops.get(id);
    if (set === undefined || nexthops.wanted(set)) return;
    this.passing.delete(id);
    nexthops.release(set);
  }

  // ---- routes -----------------------------------------------------------------------------------------------------

  get dirtyRoutes(): number {
    return this.rows.work.length;
  }

  nextRoute(): number {
    const { routes, work } = this.rows;
    for (let row = work.shift(); row !== 0; row = work.shift()) {
      routes.flags[row]! &= ~ROW.dirty;
      if ((routes.flags[row]! & ROW.inFlight) !== 0) continue;
      if (this.routeWanted(row) !== routes.programmed[row]) return row;
      routes.flags[row]! &= ~ROW.timed;
      this.rows.markReport(row);
      this.rows.freeIfDone(row);
    }
    return 0;
  }

  /** The set whose entry the vASIC should have: none for a refused route, so that no outdated entry stays. */
  routeWanted(row: number): number {
    const { routes } = this.rows;
    return (routes.flags[row]! & ROW.failed) !== 0 ? 0 : routes.wanted[row]!;
  }

  routePrefix(row: number): { readonly bytes: Uint8Array; readonly length: number } {
    return { bytes: this.rows.routes.addressOf(row), length: this.rows.routes.lengthOf(row) };
  }

  copyAddress(row: number, bytes: Uint8Array, at: number): number {
    return this.rows.routes.copyAddress(row, bytes, at);
  }

  routeLength(row: number): number {
    return this.rows.routes.lengthOf(row);
  }

  routeSent(row: number, set: number): void {
    const { nexthops, routes } = this.rows;
    routes.flags[row]! |= ROW.inFlight;
    if (set !== 0) nexthops.get(set)!.entries++;
  }

  routeDone(row: number, sent: number, error: string | undefined): void {
    const { routes, failed } = this.rows;
    routes.flags[row]! &= ~ROW.inFlight;
    if (error === undefined) {
      this.entryGone(routes.programmed[row]!);
      routes.programmed[row] = sent;
      routes.acknowledgedAt[row] = encodeTime(this.now());
    } else {
      this.entryGone(sent);
      failed.set(row, error);
      // A refused entry is not asked for again before something changes; a refused removal keeps its entry.
      if (sent !== 0 && sent === routes.wanted[row]) routes.flags[row]! |= ROW.failed;
    }
    const flags = routes.flags[row]!;
    if (this.routeWanted(row) !== routes.programmed[row]) {
      if (error === undefined || sent !== 0) this.rows.markDirty(row);
    } else if (error === undefined) {
      if ((flags & ROW.timed) !== 0) this.countLatency(row);
      if ((flags & ROW.failed) === 0) failed.delete(row);
    }
    this.rows.markReport(row);
    this.rows.freeIfDone(row);
  }

  /** What zebra changed is in the vASIC since just now. */
  private countLatency(row: number): void {
    const { routes } = this.rows;
    routes.flags[row]! &= ~ROW.timed;
    this.latencies.add(decodeTime(routes.acknowledgedAt[row]!)! - decodeTime(routes.receivedAt[row]!)!);
  }

  /** An entry no longer points at the set: its nodes may be removable now. */
  private entryGone(id: number): void {
    if (id === 0 || id === TARGET_UNKNOWN) return;
    const set = this.rows.nexthops.get(id);
    if (set === undefined) return;
    if (--set.entries === 0 && !this.rows.nexthops.wanted(set)) this.rows.markNexthop(set);
  }

  routeReturned(row: number, sent: number): void {
    this.rows.routes.flags[row]! &= ~ROW.inFlight;
    this.entryGone(sent);
  }

  routeParked(row: number): void {
    this.rows.markReport(row);
  }

  routeUncertain(row: number, sent: number): void {
    const { routes } = this.rows;
    routes.flags[row]! &= ~ROW.inFlight;
    this.entryGone(routes.programmed[row]!);
    this.entryGone(sent);
    routes.programmed[row] = TARGET_UNKNOWN;
    this.rows.markDirty(row);
  }

  // ---- the server's lives -----------------------------------------------------------------------------------------

  adoptRoute(bytes: Uint8Array, length: number): void {
    const { routes } = this.rows;
    const row = routes.upsert(setKey(this.key, this.rows.table, bytes, length));
    if (routes.programmed[row] !== 0 || (routes.flags[row]! & ROW.inFlight) !== 0) return;
    routes.programmed[row] = TARGET_UNKNOWN;
    if (routes.wanted[row] === 0) this.adopted++;
    else this.rows.markDirty(row);
  }

  /** Has entries removed that were adopted and nobody wants. Returns how many. */
  dropAdopted(): number {
    const { routes } = this.rows;
    let dropped = 0;
    for (let row = 1; row < routes.end; row++) {
      if (!routes.live(row) || routes.wanted[row] !== 0 || routes.programmed[row] !== TARGET_UNKNOWN) continue;
      this.rows.markDirty(row);
      dropped++;
    }
    this.adopted = 0;
    return dropped;
  }

  forgetProgrammed(): void {
    const { nexthops, routes } = this.rows;
    for (const set of nexthops.all()) this.rows.retireIfUnwanted(set);
    this.rows.retireUnwanted();
    this.passing.clear();
    for (const set of [...nexthops.all()]) {
      set.entries = 0;
      set.acked = undefined;
      set.ackedAt = undefined;
      set.error = undefined;
      if (!nexthops.wanted(set)) nexthops.release(set);
      else if (set.rows > 0) this.rows.markNexthop(set);
    }
    for (const neighbor of this.neighbors.all()) this.dirtyAdjacencies.add(neighbor.id);
    for (let row = 1; row < routes.end; row++) {
      if (!routes.live(row)) continue;
      routes.programmed[row] = 0;
      routes.acknowledgedAt[row] = 0;
      routes.flags[row]! &= ~ROW.inFlight;
      this.rows.clearFailed(row);
      if (routes.wanted[row] !== 0) this.rows.markDirty(row);
      else this.rows.freeIfDone(row);
    }
    this.adopted = 0;
  }

  retryFailed(): void {
    for (const row of [...this.rows.failed.keys()]) {
      this.rows.clearFailed(row);
      this.rows.markDirty(row);
    }
    for (const set of this.rows.nexthops.all()) if (set.error !== undefined) this.rows.markNexthop(set);
  }

  /** Why the vASIC refused the row's entry, or the set it needs. */
  failureOf(row: number): string | undefined {
    return this.rows.failed.get(row) ?? this.wantedSet(row)?.error;
  }

  // ---- status for zebra -------------------------------------------------------------------------------------------

  private wantedSet(row: number): NexthopGroup | undefined {
    return this.rows.nexthops.get(this.rows.routes.wanted[row]!);
  }

  /** What is true of the row in the vASIC now. */
  stateOf(row: number): RouteState {
    const { routes } = this.rows;
    if (routes.tableOf(row) !== this.rows.table) return 'trapped';
    const set = this.wantedSet(row);
    if ((routes.flags[row]! & ROW.failed) !== 0 || set?.error !== undefined) return 'failed';
    if (set?.acked === undefined || routes.programmed[row] !== set.id) return 'pending';
    if (set.acked.kind !== 'punt') return 'offloaded';
    return isPassing(set.acked) ? 'unresolved' : 'trapped';
  }

  /** What zebra was told of the row last. */
  reportedOf(row: number): RouteStatus | undefined {
    return STATUS_OF_CODE[this.rows.routes.reported[row]!];
  }

  /** How much `nextReport` has at most. */
  get reportsDue(): number {
    return this.rows.reports.length;
  }

  /**
   * The next status that zebra has not been told, which counts as told then; undefined: none. What is returned is valid
   * until the next call.
   */
  nextReport(): StatusReport | undefined {
    const { routes, reports } = this.rows;
    for (let row = reports.shift(); row !== 0; row = reports.shift()) {
      routes.flags[row]! &= ~ROW.notify;
      if ((routes.flags[row]! & ROW.zebra) === 0) {
        this.rows.freeIfDone(row);
        continue;
      }
      const status = this.stateOf(row);
      if (status === 'unresolved' && this.passing.has(routes.wanted[row]!)) continue;
      if (status === 'pending' || STATUS_CODE[status] === routes.reported[row]) continue;
      routes.reported[row] = STATUS_CODE[status];
      routes.reportedAt[row] = encodeTime(this.now());
      const report = this.next;
      report.table = routes.tableOf(row);
      report.family = routes.isIp6(row) ? 6 : 4;
      report.bytes = this.address[report.family];
      routes.copyAddress(row, report.bytes, 0);
      report.length = routes.lengthOf(row);
      report.protocol = routes.protocol[row]!;
      report.status = status;
      return report;
    }
    return undefined;
  }

  /** Lets routes be reported as unresolved whose nexthop has not come within the grace time. Call now and then. */
  settlePassing(): void {
    const now = this.now();
    for (const [id, until] of this.passing) {
      if (now < until) continue;
      this.passing.delete(id);
      const set = this.rows.nexthops.get(id);
      if (set !== undefined) for (const row of this.rows.rowsOf(set)) this.rows.markReport(row);
    }
  }
}

function takeFirst(set: Set<number>): number | undefined {
  for (const id of set) {
    set.delete(id);
    return id;
  }
  return undefined;
}
