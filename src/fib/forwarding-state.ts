/**
 * The FIB seen by the programmer: the work it takes, and what became of it, which is which entries the vASIC has and which
 * it refused. A row's entry follows its nexthop group (`routeWanted`), and work is only ever the difference to what was
 * acknowledged. What follows from that for zebra is route-status.ts.
 */
import type { AdjacencyIntent, ForwardingSource, NexthopGroupIntent, NexthopVerdict, RouteRefusal } from './intents';
import type { Interfaces } from './interfaces';
import type { PortRules } from './intents';
import { Latencies } from '../net/latencies';
import type { NeighborTable } from './neighbors';
import type { LspTable } from './lsps';
import { isUsed } from './nexthops';
import { newKey, setKey } from './route-key';
import { ProgrammedEntries } from './programmed-entries';
import { isPassing, type RouteStatuses } from './route-status';
import { ROW, TARGET_UNKNOWN } from './route-table';
import type { Rows } from './rows';
import { decodeTime, encodeTime } from './times';
import { WorkSet } from './work-set';

/** Of a group's routes, so many are asked which group they had before: they mostly move together. */
const PREDECESSOR_ROWS = 16;

/** What the vASIC is to have, has, and refused. */
export class ForwardingState implements ForwardingSource {
  readonly dirtyPorts = new WorkSet();
  readonly dirtyTables = new WorkSet();
  readonly dirtyAdjacencies = new WorkSet();
  private readonly programmed: ProgrammedEntries;
  /** From zebra's last message about a route to the acknowledgement of what it changed. */
  readonly latencies = new Latencies();
  private readonly key = newKey();

  constructor(
    private readonly rows: Rows,
    private readonly neighbors: NeighborTable,
    private readonly interfaces: Interfaces,
    private readonly status: RouteStatuses,
    readonly lsps: LspTable,
    private readonly now: () => number,
  ) {
    this.programmed = new ProgrammedEntries(rows);
  }

  // ---- tables -------------------------------------------------------------------------------------------------------

  get defaultTable(): number {
    return this.rows.vrfs.defaultTable;
  }

  get tables(): ReadonlySet<number> {
    return this.rows.vrfs.tables;
  }

  takeTable(): number | undefined {
    return this.dirtyTables.take();
  }

  /** Its routes waited for the tree, or have failed with it. */
  tableDone(table: number, error: string | undefined): void {
    const { routes, vrfs } = this.rows;
    if (!vrfs.has(table)) return;
    vrfs.setError(table, error);
    for (let row = 1; row < routes.end; row++) {
      if (!routes.live(row) || routes.tableOf(row) !== table) continue;
      if (error === undefined && this.routeWanted(row) !== routes.programmed[row]) this.rows.markDirty(row);
      else this.rows.markReport(row);
    }
  }

  tableHasEntries(table: number): boolean {
    return this.entriesIn(table) > 0;
  }

  /** Entries of a table that the vASIC has or may have. */
  entriesIn(table: number): number {
    return this.programmed.entriesIn(table);
  }

  // ---- adjacencies and nexthop groups -------------------------------------------------------------------------------

  retireUnwanted(): void {
    this.rows.retireUnwanted();
  }

  takeAdjacency(): number | undefined {
    return this.dirtyAdjacencies.take();
  }

  adjacency(id: number): AdjacencyIntent | undefined {
    const neighbor = this.neighbors.byIdOf(id);
    const port = neighbor === undefined ? undefined : this.interfaces.portOf(neighbor.ifindex);
    if (neighbor === undefined || port === undefined) return undefined;
    return { id, port, ifindex: neighbor.ifindex, address: neighbor.address, mac: neighbor.mac };
  }

  takePort(): number | undefined {
    return this.dirtyPorts.take();
  }

  portRules(port: number): PortRules | undefined {
    return this.interfaces.rules(port);
  }

  takeNexthop(): number | undefined {
    return this.rows.dirtyNexthops.take();
  }

  nexthop(id: number): NexthopGroupIntent | undefined {
    const group = this.rows.nexthops.get(id);
    return group === undefined || !this.rows.nexthops.wanted(group) ? undefined : group;
  }

  entriesUsing(id: number): number {
    return this.rows.nexthops.get(id)?.entries ?? 0;
  }

  predecessor(id: number): number | undefined {
    const { nexthops, routes } = this.rows;
    let row = nexthops.get(id)?.firstRow ?? 0;
    for (let looked = 0; row !== 0 && looked < PREDECESSOR_ROWS; looked++, row = routes.nextInGroup[row]!) {
      const before = routes.programmed[row]!;
      if (before !== 0 && before !== id && before !== TARGET_UNKNOWN) return before;
    }
    return undefined;
  }

  nexthopDone(id: number, { acked, error, stuck }: NexthopVerdict): void {
    const { nexthops, routes } = this.rows;
    const group = nexthops.get(id);
    if (group === undefined) return;
    const first = group.acked === undefined && error === undefined;
    const otherWay =
      acked !== undefined && (group.acked?.kind !== acked.kind || isPassing(group.acked) !== isPassing(acked));
    const changed = first || otherWay || group.error !== error || group.stuck !== stuck;
    group.error = error;
    group.stuck = stuck;
    if (stuck) this.rows.markNexthop(this.rows.toHost());
    if (acked !== undefined) {
      this.status.nexthopAcknowledged(id, group.acked, acked);
      group.acked = acked;
      group.ackedAt = this.now();
    }
    if (!changed) return;
    this.rows.changes.listener?.nexthop(group);
    for (let row = group.firstRow; row !== 0; row = routes.nextInGroup[row]!) {
      if (routes.programmed[row] === this.routeWanted(row) || (error !== undefined && !stuck))
        this.rows.markReport(row);
      else this.rows.markDirty(row);
    }
    this.lsps.groupChanged(group);
  }

  nexthopGone(id: number): void {
    const { nexthops } = this.rows;
    const group = nexthops.get(id);
    if (group === undefined || nexthops.wanted(group)) return;
    this.status.nexthopGone(id);
    nexthops.release(group);
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

  /** The group whose entry the vASIC should have: none for a refused route, so that no outdated entry stays. */
  routeWanted(row: number): number {
    const { nexthops, routes } = this.rows;
    if ((routes.flags[row]! & ROW.failed) !== 0) return 0;
    const wanted = routes.wanted[row]!;
    return nexthops.get(wanted)?.stuck === true ? this.rows.toHost().id : wanted;
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

  routeTable(row: number): number {
    return this.rows.routes.tableOf(row);
  }

  routeSent(row: number, group: number): void {
    const { routes } = this.rows;
    this.programmed.forgetTarget(row);
    routes.flags[row]! |= ROW.inFlight;
    this.rows.entrySent(group);
  }

  routeHasEntry(row: number): boolean {
    return this.rows.routes.programmed[row] !== 0;
  }

  routeFamily(row: number): 4 | 6 {
    return this.rows.routes.isIp6(row) ? 6 : 4;
  }

  routeDone(row: number, sent: number, refusal: RouteRefusal | undefined): void {
    const { routes, failed, withoutRoom } = this.rows;
    routes.flags[row]! &= ~ROW.inFlight;
    if (refusal === undefined) {
      this.rows.entryGone(routes.programmed[row]!);
      this.programmed.set(row, sent);
      routes.acknowledgedAt[row] = encodeTime(this.now());
    } else {
      this.rows.entryGone(sent);
      failed.set(row, refusal.reason);
      if (refusal.noRoom) withoutRoom.add(row);
      // A refused entry is not asked for again before something changes; a refused removal keeps its entry.
      if (sent !== 0 && sent === this.routeWanted(row)) routes.flags[row]! |= ROW.failed;
    }
    const flags = routes.flags[row]!;
    if (this.routeWanted(row) !== routes.programmed[row]) {
      if (refusal === undefined || sent !== 0) this.rows.markDirty(row);
    } else if (refusal === undefined) {
      if ((flags & ROW.timed) !== 0) this.countLatency(row);
      if ((flags & ROW.failed) === 0) this.rows.forgetRefusal(row);
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

  routeReturned(row: number, sent: number): void {
    this.rows.routes.flags[row]! &= ~ROW.inFlight;
    this.rows.entryGone(sent);
    // What was sent isn't sent again when something else is wanted by now.
    if (this.routeWanted(row) !== sent) this.rows.markDirty(row);
  }

  routeParked(row: number): void {
    this.rows.markReport(row);
  }

  routeUncertain(row: number, sent: number): void {
    const { routes } = this.rows;
    routes.flags[row]! &= ~ROW.inFlight;
    this.rows.entryGone(routes.programmed[row]!);
    this.rows.entryGone(sent);
    this.programmed.set(row, TARGET_UNKNOWN);
    this.rows.markDirty(row);
  }

  // ---- the server's lives -----------------------------------------------------------------------------------------

  adoptRoute(table: number, bytes: Uint8Array, length: number, token?: number): void {
    this.programmed.adopt(table, bytes, length, token);
  }

  adoptedTarget(row: number): number | undefined {
    return this.programmed.targetOf(row);
  }

  routeConfirmed(row: number, group: number): void {
    this.routeSent(row, group);
    this.routeDone(row, group, undefined);
  }

  adoptedTargetOf(id: number): number | undefined {
    const { nexthops, routes } = this.rows;
    const group = nexthops.get(id);
    let row = group?.firstRow ?? 0;
    for (let looked = 0; row !== 0 && looked < PREDECESSOR_ROWS; looked++, row = routes.nextInGroup[row]!) {
      const token = this.programmed.targetOf(row);
      if (token !== undefined) return token;
    }
    let looked = 0;
    for (const label of group?.lsps ?? []) {
      const token = this.lsps.adoptedTarget(label);
      if (token !== undefined || ++looked === PREDECESSOR_ROWS) return token;
    }
    return undefined;
  }

  /** Has the row's entry written (or removed) again, whatever the vASIC holds. */
  rewriteRoute(row: number): void {
    const { routes } = this.rows;
    if (!routes.live(row) || (routes.flags[row]! & ROW.inFlight) !== 0) return;
    this.programmed.forgetTarget(row);
    this.rows.entryGone(routes.programmed[row]!);
    this.programmed.set(row, TARGET_UNKNOWN);
    this.rows.markDirty(row);
  }

  /** Has an entry removed that nothing here made, unless it is wanted by now. */
  removeForeign(table: number, bytes: Uint8Array, length: number): void {
    this.adoptRoute(table, bytes, length);
    this.rewriteRoute(this.rows.routes.find(setKey(this.key, table, bytes, length)));
  }

  /** How many entries were found in the vASIC that nobody has asked for since. */
  get adopted(): number {
    return this.programmed.adopted + this.lsps.adopted;
  }

  /** Has entries removed that were adopted and nobody wants. Returns how many. */
  dropAdopted(): number {
    const labels = this.lsps.dropAdopted();
    return this.programmed.dropAdopted() + labels;
  }

  forgetProgrammed(): void {
    const { nexthops, routes } = this.rows;
    this.programmed.forgetAdopted();
    for (const group of nexthops.all()) this.rows.retireIfUnwanted(group);
    this.rows.retireUnwanted();
    this.status.forgetGrace();
    for (const group of [...nexthops.all()]) {
      group.entries = 0;
      group.acked = undefined;
      group.ackedAt = undefined;
      group.error = undefined;
      group.stuck = false;
      if (!nexthops.wanted(group)) nexthops.release(group);
      else if (isUsed(group)) this.rows.markNexthop(group);
    }
    this.lsps.forgetProgrammed();
    for (const neighbor of this.neighbors.all()) this.dirtyAdjacencies.add(neighbor.id);
    for (const table of this.tables) this.rows.vrfs.setError(table, undefined);
    for (let row = 1; row < routes.end; row++) {
      if (!routes.live(row)) continue;
      this.programmed.set(row, 0);
      routes.acknowledgedAt[row] = 0;
      routes.flags[row]! &= ~ROW.inFlight;
      this.rows.clearFailed(row);
      if (routes.wanted[row] !== 0) this.rows.markDirty(row);
      else this.rows.freeIfDone(row);
    }
  }

  retryFailed(): void {
    for (const row of [...this.rows.failed.keys()]) this.retryRow(row);
    this.lsps.retryFailed();
    this.retryNexthops();
  }

  retryWithoutRoom(most: number): void {
    let left = most;
    for (const row of this.rows.withoutRoom) {
      if (left-- === 0) return;
      this.retryRow(row);
    }
  }

  private retryRow(row: number): void {
    this.rows.clearFailed(row);
    this.rows.markDirty(row);
  }

  retryNexthops(): void {
    for (const group of this.rows.nexthops.all()) if (group.error !== undefined) this.rows.markNexthop(group);
  }
}
