/**
 * The rows of the route table as the FIB uses them: which part of a row counts, which rows want a nexthop group, and the two
 * queues (to be programmed, to be told to zebra), in each of which a row stands at most once.
 *
 * A row's entry in the vASIC is wanted for one of three parts, the first that is there: `host` (addresses that always go
 * to the host), `zebra` (its route), `neighbor` (a known neighbor on a connected subnet; before `zebra` where the route itself
 * leads onto the neighbor's interface). A row lives until no part is left, it is in no queue, and the vASIC has no entry for it.
 */
import { addressLength, type Prefix } from '../net/address';
import { intentsEqual, type NexthopIntent } from './intents';
import { NexthopTable, type NexthopGroup } from './nexthops';
import { ROW, RouteTable } from './route-table';
import { RowQueue } from './row-queue';

export interface RowsOptions {
  /** The kernel table whose routes the vASIC's route tree holds. */
  readonly table: number;
  readonly onWork: () => void;
  readonly onReport: () => void;
  /** A set is not wanted any more: what it depends on can be let go. */
  readonly onRetire: (set: NexthopGroup) => void;
}

/** Sets that may wait for the end of a turn; while the AFI server is away there is no turn. */
const MAX_RETIRING = 1000;

export class Rows {
  readonly routes = new RouteTable();
  readonly nexthops = new NexthopTable();
  readonly work = new RowQueue();
  readonly reports = new RowQueue();
  readonly dirtyNexthops = new Set<number>();
  /** Refused rows, and why. */
  readonly failed = new Map<number, string>();
  /** Those of them that only found no room, in the order in which they were refused. */
  readonly withoutRoom = new Set<number>();
  /** Host parts: row → who asked for it → nexthop group. */
  private readonly hostParts = new Map<number, Map<string, number>>();
  /** Neighbor parts: row → nexthop group. */
  private readonly neighborParts = new Map<number, number>();
  private readonly retiring = new Set<NexthopGroup>();
  private readonly fixedSets = new Map<string, NexthopGroup>();

  constructor(private readonly options: RowsOptions) {}

  get table(): number {
    return this.options.table;
  }

  prefixOf(row: number): Prefix {
    const bytes = this.routes.addressOf(row);
    return { family: bytes.length === addressLength(4) ? 4 : 6, bytes, length: this.routes.lengthOf(row) };
  }

  /** The set that always means this; `detail` says more of why, and comes from a small choice of texts. */
  fixed(intent: NexthopIntent, detail?: string): NexthopGroup {
    const meaning = intent.kind === 'punt' ? `punt ${intent.reason}` : intent.kind;
    const name = detail === undefined ? meaning : `${meaning}: ${detail}`;
    let set = this.fixedSets.get(name);
    if (set === undefined) this.fixedSets.set(name, (set = this.nexthops.fixed(name, intent, detail)));
    return set;
  }

  // ---- parts ------------------------------------------------------------------------------------------------------

  addHostPart(row: number, owner: string, set: NexthopGroup): void {
    let owners = this.hostParts.get(row);
    if (owners === undefined) this.hostParts.set(row, (owners = new Map()));
    owners.set(owner, set.id);
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

  setNeighborPart(row: number, set: NexthopGroup): void {
    this.neighborParts.set(row, set.id);
    this.routes.flags[row]! |= ROW.neighbor;
    this.chooseWanted(row);
  }

  /** Takes the part away, unless another neighbor's set has it by now. */
  removeNeighborPart(row: number, set: NexthopGroup): void {
    if (this.neighborParts.get(row) !== set.id) return;
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
    if (routes.tableOf(row) === this.options.table) {
      if ((flags & ROW.host) !== 0) wanted = this.hostParts.get(row)!.values().next().value!;
      else if ((flags & ROW.zebra) === 0) wanted = this.neighborParts.get(row) ?? 0;
      // A route onto an interface leaves its host to be found: once it is, it goes straight there.
      else wanted = ((flags & ROW.connected) !== 0 && this.neighborParts.get(row)) || routes.zebraSet[row]!;
    }
    const before = routes.wanted[row]!;
    if (before === wanted) return;
    if (before !== 0) {
      const set = this.nexthops.get(before)!;
      this.unlink(row, set);
      routes.wanted[row] = 0;
      this.retireIfUnwanted(set);
    }
    routes.wanted[row] = wanted;
    if (wanted !== 0) this.link(row, this.nexthops.get(wanted)!);
    this.clearFailed(row);
    this.markDirty(row);
  }

  // ---- rows of a set ----------------------------------------------------------------------------------------------

  private link(row: number, set: NexthopGroup): void {
    const { routes } = this;
    routes.nextInSet[row] = set.firstRow;
    routes.prevInSet[row] = 0;
    if (set.firstRow !== 0) routes.prevInSet[set.firstRow] = row;
    set.firstRow = row;
    set.rows++;
    // A set that no route uses is not in the vASIC; the first one that does brings it there.
    if (!intentsEqual(set.intent, set.acked)) this.markNexthop(set);
  }

  private unlink(row: number, set: NexthopGroup): void {
    const { routes } = this;
    const next = routes.nextInSet[row]!;
    const prev = routes.prevInSet[row]!;
    if (prev === 0) set.firstRow = next;
    else routes.nextInSet[prev] = next;
    if (next !== 0) routes.prevInSet[next] = prev;
    routes.nextInSet[row] = 0;
    routes.prevInSet[row] = 0;
    set.rows--;
  }

  /** The rows that want a set, as they are now. */
  rowsOf(set: NexthopGroup): number[] {
    const rows: number[] = [];
    for (let row = set.firstRow; row !== 0; row = this.routes.nextInSet[row]!) rows.push(row);
    return rows;
  }

  /** The rows whose zebra route names a set, whichever part of them counts. */
  rowsNaming(set: NexthopGroup): number[] {
    const rows = this.rowsOf(set);
    for (const parts of [this.hostParts, this.neighborParts]) {
      for (const row of parts.keys()) {
        if (this.routes.zebraSet[row] === set.id && this.routes.wanted[row] !== set.id) rows.push(row);
      }
    }
    return rows;
  }

  /** Has the programmer look at the set. */
  markNexthop(set: NexthopGroup): void {
    this.dirtyNexthops.add(set.id);
    this.options.onWork();
  }

  /** Nothing wants the set at the moment; whether it goes is decided at the end of the turn (`retireUnwanted`). */
  retireIfUnwanted(set: NexthopGroup): void {
    if (this.nexthops.wanted(set)) return;
    this.retiring.add(set);
    this.options.onWork();
    if (this.retiring.size > MAX_RETIRING) this.retireUnwanted();
  }

  /** Lets go of the sets that nothing wants: one that was deleted and came again within a turn has stayed the same. */
  retireUnwanted(): void {
    for (const set of this.retiring) {
      this.retiring.delete(set);
      if (this.nexthops.wanted(set)) continue;
      this.options.onRetire(set);
      const orphans = this.nexthops.retire(set);
      this.markNexthop(set);
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
    this.failed.delete(row);
    this.withoutRoom.delete(row);
  }

  freeIfDone(row: number): void {
    const { routes } = this;
    const busy = ROW.zebra | ROW.host | ROW.neighbor | ROW.dirty | ROW.notify | ROW.inFlight;
    if ((routes.flags[row]! & busy) !== 0 || routes.programmed[row] !== 0) return;
    this.forgetRefusal(row);
    routes.free(row);
  }
}
