/**
 * The rows of the route table as the FIB uses them: which part of a row counts, which rows want a nexthop group, and the two
 * queues (to be programmed, to be told to zebra), in each of which a row stands at most once.
 *
 * A row's entry in the vASIC is wanted for one of three parts, the first that is there: `host` (addresses that always go
 * to the host), the route (zebra's; an own subnet's where zebra has none), `neighbor` (a known neighbor on a connected subnet; before the route where that
 * leads onto the neighbor's interface). A row lives until no part is left, it is in no queue, and the vASIC has no entry for it.
 */
import { addressLength, type Prefix } from '../net/address';
import { Changes } from './changes';
import { intentsEqual, type NexthopIntent } from './intents';
import { NexthopTable, type NexthopGroup } from './nexthops';
import { ROW, RouteTable, TARGET_UNKNOWN } from './route-table';
import { RowQueue } from './row-queue';
import type { Vrfs } from './vrfs';
import { WorkSet } from './work-set';

export interface RowsOptions {
  /** The tables that the vASIC forwards by. */
  readonly vrfs: Vrfs;
  readonly onWork: () => void;
  readonly onReport: () => void;
  /** A group is not wanted any more: what it depends on can be let go. */
  readonly onRetire: (group: NexthopGroup) => void;
}

/** Groups that may wait for the end of a turn; while the AFI server is away there is no turn. */
const MAX_RETIRING = 1000;

export class Rows {
  readonly changes = new Changes();
  readonly routes = new RouteTable();
  readonly nexthops = new NexthopTable();
  readonly work = new RowQueue();
  readonly reports = new RowQueue();
  readonly dirtyNexthops = new WorkSet();
  /** Refused rows, and why. */
  readonly failed = new Map<number, string>();
  /** Those of them that only found no room, in the order in which they were refused. */
  readonly withoutRoom = new Set<number>();
  /** Host parts: row → who asked for it → nexthop group. */
  private readonly hostParts = new Map<number, Map<string, number>>();
  /** Neighbor parts: row → nexthop group. */
  private readonly neighborParts = new Map<number, number>();
  private readonly retiring = new Set<NexthopGroup>();
  private readonly fixedGroups = new Map<string, NexthopGroup>();

  constructor(private readonly options: RowsOptions) {}

  /** The tables that the vASIC forwards by. */
  get vrfs(): Vrfs {
    return this.options.vrfs;
  }

  prefixOf(row: number): Prefix {
    const bytes = this.routes.addressOf(row);
    return { family: bytes.length === addressLength(4) ? 4 : 6, bytes, length: this.routes.lengthOf(row) };
  }

  /** The group that always means this; `detail` says more of why, and comes from a small choice of texts. */
  fixed(intent: NexthopIntent, detail?: string): NexthopGroup {
    const meaning = intent.kind === 'punt' ? `punt ${intent.reason}` : intent.kind;
    const name = detail === undefined ? meaning : `${meaning}: ${detail}`;
    let group = this.fixedGroups.get(name);
    if (group === undefined) this.fixedGroups.set(name, (group = this.nexthops.fixed(name, intent, detail)));
    return group;
  }

  // ---- parts ------------------------------------------------------------------------------------------------------

  addHostPart(row: number, owner: string, group: NexthopGroup): void {
    let owners = this.hostParts.get(row);
    if (owners === undefined) this.hostParts.set(row, (owners = new Map()));
    owners.set(owner, group.id);
    this.routes.flags[row]! |= ROW.host;
    this.chooseWanted(row);
  }

  removeHostPart(row: number, owner: string): void {
    const owners = this.hostParts.get(row);
    if (owners?.delete(owner) !== true) return;
    if (owners.size === 0) {
      this.hostParts.delete(row);
      this.routes.flags[row]! &= ~ROW.host;
    }
    this.chooseWanted(row);
    this.freeIfDone(row);
  }

  /** Who asks for host parts, with the row of each. */
  *hostOwners(): Generator<{ readonly row: number; readonly owner: string }> {
    for (const [row, owners] of this.hostParts) for (const owner of owners.keys()) yield { row, owner };
  }

  setNeighborPart(row: number, group: NexthopGroup): void {
    this.neighborParts.set(row, group.id);
    this.routes.flags[row]! |= ROW.neighbor;
    this.chooseWanted(row);
  }

  /** Takes the part away, unless another neighbor's group has it by now; `heir` gets it where there is one. */
  removeNeighborPart(row: number, group: NexthopGroup, heir: NexthopGroup | undefined): void {
    if (this.neighborParts.get(row) !== group.id) return;
    if (heir !== undefined) return this.setNeighborPart(row, heir);
    this.neighborParts.delete(row);
    this.routes.flags[row]! &= ~ROW.neighbor;
    this.chooseWanted(row);
    this.freeIfDone(row);
  }

  /** Decides which part of a row counts, and queues the row when that changes. */
  chooseWanted(row: number): void {
    const { routes } = this;
    const flags = routes.flags[row]!;
    let wanted = 0;
    if (this.options.vrfs.has(routes.tableOf(row))) {
      // Most rows have zebra's part only.
      if ((flags & (ROW.zebra | ROW.host | ROW.connected)) === ROW.zebra) wanted = routes.routeGroup[row]!;
      else if ((flags & ROW.host) !== 0) wanted = this.hostParts.get(row)!.values().next().value!;
      else if (routes.routeGroup[row] === 0) wanted = this.neighborParts.get(row) ?? 0;
      // A route onto an interface leaves its host to be found: once it is, it goes straight there.
      else wanted = ((flags & ROW.connected) !== 0 && this.neighborParts.get(row)) || routes.routeGroup[row]!;
    }
    const before = routes.wanted[row]!;
    if (before === wanted) return;
    if (before !== 0) {
      const group = this.nexthops.get(before)!;
      this.unlink(row, group);
      routes.wanted[row] = 0;
      this.retireIfUnwanted(group);
    }
    routes.wanted[row] = wanted;
    if (wanted !== 0) this.link(row, this.nexthops.get(wanted)!);
    this.clearFailed(row);
    this.markDirty(row);
  }

  // ---- rows of a group ----------------------------------------------------------------------------------------------

  private link(row: number, group: NexthopGroup): void {
    const { routes } = this;
    routes.nextInGroup[row] = group.firstRow;
    routes.prevInGroup[row] = 0;
    if (group.firstRow !== 0) routes.prevInGroup[group.firstRow] = row;
    group.firstRow = row;
    group.rows++;
    // A group that no route uses is not in the vASIC; the first one that does brings it there.
    if (!intentsEqual(group.intent, group.acked)) this.markNexthop(group);
  }

  private unlink(row: number, group: NexthopGroup): void {
    const { routes } = this;
    const next = routes.nextInGroup[row]!;
    const prev = routes.prevInGroup[row]!;
    if (prev === 0) group.firstRow = next;
    else routes.nextInGroup[prev] = next;
    if (next !== 0) routes.prevInGroup[next] = prev;
    routes.nextInGroup[row] = 0;
    routes.prevInGroup[row] = 0;
    group.rows--;
  }

  /** The rows that want a group, as they are now. */
  rowsOf(group: NexthopGroup): number[] {
    const rows: number[] = [];
    for (let row = group.firstRow; row !== 0; row = this.routes.nextInGroup[row]!) rows.push(row);
    return rows;
  }

  /** The rows whose zebra route names a group, whichever part of them counts. */
  rowsNaming(group: NexthopGroup): number[] {
    const rows = this.rowsOf(group);
    for (const parts of [this.hostParts, this.neighborParts]) {
      for (const row of parts.keys()) {
        if (this.routes.routeGroup[row] === group.id && this.routes.wanted[row] !== group.id) rows.push(row);
      }
    }
    return rows;
  }

  /** Something has made work for the programmer. */
  markWork(): void {
    this.options.onWork();
  }

  /** Where packets go whose nexthop group the vASIC can't be made to leave. */
  toHost(): NexthopGroup {
    return this.fixed({ kind: 'punt', reason: 'unresolved' });
  }

  /** An operation was sent by which an entry points at the group; 0: at none. */
  entrySent(id: number): void {
    if (id !== 0) this.nexthops.get(id)!.entries++;
  }

  /** An entry no longer points at the group: its nodes may be removable now. */
  entryGone(id: number): void {
    if (id === 0 || id === TARGET_UNKNOWN) return;
    const group = this.nexthops.get(id);
    if (group === undefined) return;
    if (--group.entries === 0 && !this.nexthops.wanted(group)) this.markNexthop(group);
  }

  /** Has the programmer look at the group. */
  markNexthop(group: NexthopGroup): void {
    this.changes.listener?.nexthop(group);
    this.dirtyNexthops.add(group.id);
    this.options.onWork();
  }

  /** Nothing wants the group at the moment; whether it goes is decided at the end of the turn (`retireUnwanted`). */
  retireIfUnwanted(group: NexthopGroup): void {
    if (this.nexthops.wanted(group)) return;
    this.retiring.add(group);
    this.options.onWork();
    if (this.retiring.size > MAX_RETIRING) this.retireUnwanted();
  }

  /** Lets go of the groups that nothing wants: one that was deleted and came again within a turn has stayed the same. */
  retireUnwanted(): void {
    for (const group of this.retiring) {
      this.retiring.delete(group);
      if (this.nexthops.wanted(group)) continue;
      this.options.onRetire(group);
      const orphans = this.nexthops.retire(group);
      this.markNexthop(group);
      for (const orphan of orphans) if (!this.nexthops.wanted(orphan)) this.retiring.add(orphan);
    }
  }

  // ---- queues -----------------------------------------------------------------------------------------------------

  markDirty(row: number): void {
    if ((this.routes.flags[row]! & ROW.dirty) !== 0) return;
    this.routes.flags[row]! |= ROW.dirty;
    this.work.push(row);
    this.options.onWork();
  }

  /** zebra is to be told of the row's status, if it has one that zebra doesn't know. */
  markReport(row: number): void {
    this.changes.listener?.route(row);
    const flags = this.routes.flags[row]!;
    if ((flags & ROW.notify) !== 0 || (flags & ROW.zebra) === 0) return;
    this.routes.flags[row] = flags | ROW.notify;
    this.reports.push(row);
    this.options.onReport();
  }

  clearFailed(row: number): void {
    this.routes.flags[row]! &= ~ROW.failed;
    this.forgetRefusal(row);
  }

  forgetRefusal(row: number): void {
    if (this.failed.size > 0) this.failed.delete(row);
    if (this.withoutRoom.size > 0) this.withoutRoom.delete(row);
  }

  freeIfDone(row: number): void {
    const { routes } = this;
    const busy = ROW.zebra | ROW.host | ROW.neighbor | ROW.subnet | ROW.dirty | ROW.notify | ROW.inFlight;
    if ((routes.flags[row]! & busy) !== 0 || routes.programmed[row] !== 0) return;
    this.forgetRefusal(row);
    routes.free(row);
  }
}
