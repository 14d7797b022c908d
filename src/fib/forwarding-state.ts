/**
 * The FIB seen by the programmer: the work it takes, and what became of it, which is which entries the vASIC has and which
 * it refused. A row's entry follows its nexthop group (`routeWanted`), and work is only ever the difference to what was
 * acknowledged. What follows from that for zebra is route-status.ts.
 */
import type { AdjacencyIntent, ForwardingSource, NexthopIntent, NexthopGroupIntent } from './intents';
import type { Interfaces } from './interfaces';
import type { PortRules } from './intents';
import { Latencies } from './latencies';
import type { NeighborTable } from './neighbors';
import { newKey, setKey } from './route-key';
import { isPassing, type RouteStatuses } from './route-status';
import { ROW, TARGET_UNKNOWN } from './route-table';
import type { Rows } from './rows';
import { decodeTime, encodeTime } from './times';

/** Of a set's routes, so many are asked which set they had before: they mostly move together. */
const PREDECESSOR_ROWS = 16;

/** What the vASIC is to have, has, and refused. */
export class ForwardingState implements ForwardingSource {
  readonly dirtyPorts = new Set<number>();
  readonly dirtyAdjacencies = new Set<number>();
  /** Entries found in the vASIC that nobody has asked for since. */
  adopted = 0;
  /** From zebra's last message about a route to the acknowledgement of what it changed. */
  readonly latencies = new Latencies();
  private readonly key = newKey();

  constructor(
    private readonly rows: Rows,
    private readonly neighbors: NeighborTable,
    private readonly interfaces: Interfaces,
    private readonly status: RouteStatuses,
    private readonly now: () => number,
  ) {}

  // ---- adjacencies and nexthop groups -------------------------------------------------------------------------------

  retireUnwanted(): void {
    this.rows.retireUnwanted();
  }

  takeAdjacency(): number | undefined {
    return takeFirst(this.dirtyAdjacencies);
  }

  adjacency(id: number): AdjacencyIntent | undefined {
    const neighbor = this.neighbors.byIdOf(id);
    const port = neighbor === undefined ? undefined : this.interfaces.portOf(neighbor.ifindex);
    if (neighbor === undefined || port === undefined) return undefined;
    return { id, port, ifindex: neighbor.ifindex, address: neighbor.address, mac: neighbor.mac };
  }

  takePort(): number | undefined {
    return takeFirst(this.dirtyPorts);
  }

  portRules(port: number): PortRules | undefined {
    return this.interfaces.rules(port);
  }

  takeNexthop(): number | undefined {
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
      this.status.nexthopAcknowledged(id, set.acked, intent);
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
    this.status.nexthopGone(id);
    nexthops.release(set);
  }

  // ---- routes -----------------------------------------------------------------------------------------------------

  get dirtyRoutes(): number {
    return this.rows.work.length;
  }

  takeRoute(): number {
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
    this.status.forgetGrace();
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
}

function takeFirst(set: Set<number>): number | undefined {
  for (const id of set) {
    set.delete(id);
    return id;
  }
  return undefined;
}
