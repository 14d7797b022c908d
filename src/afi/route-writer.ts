/**
 * Routes in the vASIC: rows of the FIB, each an entry of its VRF's route tree that points at its nexthop group. They travel in
 * batches, each of one tree, rows in arrays that are used again and entries as columns: a full table takes no object a route.
 */
import { TOKEN_DISCARD, type AftError, type AftOperation, type Token } from '../aft/model';
import type { NexthopWriter } from './nexthop-writer';
import { PrefixBatch } from '../aft/prefix-batch';
import { RefusalLog } from './refusal-log';
import { RowBatches, type RowBatch } from './row-batches';
import type { VrfWriter } from './vrf-writer';
import type { ForwardingSource } from '../fib/intents';
import { formatPrefix } from '../net/address';
import type { Logger } from '../observe/log';

/** Rows whose entries are written, or removed, by one operation. */
export interface RouteBatch {
  readonly kind: 'insert' | 'remove';
  /** All of them are of this kernel table. */
  readonly table: number;
  readonly routes: RowBatch;
  /** The server took these before it found no room for what came after them. */
  readonly fits?: boolean;
}

export class RouteWriter {
  written = 0;
  removed = 0;
  /** Entries that were removed since `takeRoom`. */
  private room = 0;
  /** Why the server has no room for further entries, by family. */
  private readonly full = new Map<4 | 6, string>();
  private readonly batches: RowBatches;
  private readonly refusals: RefusalLog;

  /** @param most rows of one batch */
  constructor(
    private readonly source: ForwardingSource,
    private readonly nexthops: NexthopWriter,
    private readonly vrfs: Pick<VrfWriter, 'isPlaced' | 'tokensOf'>,
    private readonly most: number,
    log: Logger,
  ) {
    this.batches = new RowBatches(most);
    this.refusals = new RefusalLog(log);
  }

  /** Takes the next rows that have something to do: removals, then inserts, where there are any, of each table. */
  take(): RouteBatch[] {
    const removals: RouteBatch[] = [];
    const inserts: RouteBatch[] = [];
    for (let taken = 0; taken < this.most; taken++) {
      const row = this.source.takeRoute();
      if (row === 0) break;
      const table = this.source.routeTable(row);
      const isRemoval = this.source.routeWanted(row) === 0;
      const { routes } = this.batchFor(isRemoval ? removals : inserts, isRemoval ? 'remove' : 'insert', table);
      routes.rows[routes.count++] = row;
    }
    return [...removals, ...inserts];
  }

  /** The table's batch, the last one where rows come table by table. */
  private batchFor(batches: RouteBatch[], kind: RouteBatch['kind'], table: number): RouteBatch {
    for (let i = batches.length - 1; i >= 0; i--) if (batches[i]!.table === table) return batches[i]!;
    const batch = { kind, table, routes: this.batches.take() };
    batches.push(batch);
    return batch;
  }

  /** A batch of these rows, to be built. */
  private batchOf({ kind, table }: RouteBatch, rows: readonly number[]): RouteBatch {
    const routes = this.batches.take();
    routes.rows.set(rows);
    routes.count = rows.length;
    return { kind, table, routes };
  }

  /** The batch's operation, from the state as it is now; undefined when nothing of it is left to do: it is over then. */
  build({ kind, table, routes, fits }: RouteBatch): AftOperation | undefined {
    const prefixes = new PrefixBatch(this.vrfs.tokensOf(table).tree, routes.count);
    if (kind === 'insert' && !this.vrfs.isPlaced(table)) this.keepRows(routes, (row) => this.park(row));
    else if (kind === 'insert') this.keepRows(routes, (row) => this.insert(row, prefixes, fits === true));
    else this.keepRows(routes, (row) => this.remove(row, prefixes));
    if (routes.count === 0) {
      this.batches.give(routes);
      return undefined;
    }
    if (kind === 'insert') return { kind, insert: { nodes: [], entries: [], prefixes } };
    return { kind, remove: { entries: [], prefixes, tokens: [] } };
  }

  /** The table's tree isn't there: the row comes back when it is. */
  private park(row: number): undefined {
    this.source.routeParked(row);
    return undefined;
  }

  /** Returns the group that the row's entry points at; undefined: nothing to write (now). */
  private insert(row: number, prefixes: PrefixBatch, fits: boolean): number | undefined {
    const wanted = this.source.routeWanted(row);
    if (wanted === 0) return undefined;
    const next = this.nexthops.tokenOf(wanted);
    if (next === undefined) return this.park(row);
    if (this.source.adoptedTarget(row) === next) {
      this.source.routeConfirmed(row, wanted);
      return undefined;
    }
    if (this.full.size > 0 && !fits && this.refuseUnsent(row, wanted)) return undefined;
    this.addPrefix(prefixes, row, next);
    this.source.routeSent(row, wanted);
    return wanted;
  }

  /** A new entry where the server has no room is refused here: asking for each would cost an operation each. */
  private refuseUnsent(row: number, group: number): boolean {
    const reason = this.full.get(this.source.routeFamily(row));
    if (reason === undefined || this.source.routeHasEntry(row)) return false;
    this.refusals.add(formatPrefix(this.source.routePrefix(row)), 'insert', reason);
    this.source.routeSent(row, group);
    this.source.routeDone(row, group, { reason, noRoom: true });
    return true;
  }

  /** What found no room may be tried again. */
  forgetFull(): void {
    this.full.clear();
  }

  /** How many entries were removed since this was asked last: so many may go in that found no room. */
  takeRoom(): number {
    const { room } = this;
    this.room = 0;
    if (room > 0) this.full.clear();
    return room;
  }

  /** Returns 0, which stands for no group; undefined: its entry is wanted again. */
  private remove(row: number, prefixes: PrefixBatch): number | undefined {
    if (this.source.routeWanted(row) !== 0) return undefined;
    this.addPrefix(prefixes, row, TOKEN_DISCARD);
    this.source.routeSent(row, 0);
    return 0;
  }

  private addPrefix(prefixes: PrefixBatch, row: number, next: Token): void {
    const at = prefixes.reserve();
    const { count } = prefixes;
    prefixes.sizes[count] = this.source.copyAddress(row, prefixes.addresses, at);
    prefixes.lengths[count] = this.source.routeLength(row);
    prefixes.nexts[count] = next;
    prefixes.count++;
  }

  /** Keeps of a batch the rows that `send` sends: it returns the group that it sent, and undefined otherwise. */
  private keepRows(routes: RowBatch, send: (row: number) => number | undefined): void {
    const { rows, groups, count } = routes;
    routes.count = 0;
    for (let i = 0; i < count; i++) {
      const group = send(rows[i]!);
      if (group === undefined) continue;
      rows[routes.count] = rows[i]!;
      groups[routes.count++] = group;
    }
  }

  /** Calls `use` with each row of a batch, which is over then, and the group that was sent. */
  private forRows(routes: RowBatch, use: (row: number, group: number) => void): void {
    for (let i = 0; i < routes.count; i++) use(routes.rows[i]!, routes.groups[i]!);
    this.batches.give(routes);
  }

  /** The server has done it. */
  done({ kind, routes }: RouteBatch): void {
    if (kind === 'insert') this.written += routes.count;
    else {
      this.removed += routes.count;
      this.room += routes.count;
    }
    this.forRows(routes, (row, group) => this.source.routeDone(row, group, undefined));
  }

  /**
   * The server refused it: the row at fault, if that is known, gets its verdict. Returns the other rows in smaller batches, to
   * be sent again, and whether the verdict was that something can't be.
   */
  refused(
    batch: RouteBatch,
    error: AftError,
    reason: string,
  ): { readonly left: readonly RouteBatch[]; readonly failed: boolean } {
    const { source } = this;
    const { kind, routes } = batch;
    const named = error.item?.list === 'entry' && error.item.index < routes.count ? error.item.index : undefined;
    const culprit = routes.count === 1 ? 0 : named;
    const noRoom = kind === 'insert' && error.code === 'full';
    // An entry that isn't there is as good as removed; so is one whose tree isn't there.
    const gone = kind === 'remove' && (error.code === 'unknownEntry' || error.code === 'unknownParent');
    const failed = culprit !== undefined && !gone;
    if (culprit !== undefined) {
      const row = routes.rows[culprit]!;
      if (!gone) this.refusals.add(formatPrefix(source.routePrefix(row)), kind, reason);
      if (noRoom) this.full.set(source.routeFamily(row), reason);
      source.routeDone(row, routes.groups[culprit]!, gone ? undefined : { reason, noRoom });
      routes.rows.copyWithin(culprit, culprit + 1, routes.count);
      routes.groups.copyWithin(culprit, culprit + 1, routes.count--);
    }
    const rest = Array.from(routes.rows.subarray(0, routes.count));
    this.forRows(routes, (row, group) => source.routeReturned(row, group));
    if (culprit === undefined || !noRoom)
      return { left: halves(rest).map((rows) => this.batchOf(batch, rows)), failed };
    const before = { ...this.batchOf(batch, rest.slice(0, culprit)), fits: true };
    const left = [before, this.batchOf(batch, rest.slice(culprit))].filter(({ routes }) => routes.count > 0);
    return { left, failed };
  }

  /** What became of it is not known: its rows are written again. */
  uncertain({ routes }: RouteBatch): void {
    this.forRows(routes, (row, group) => this.source.routeUncertain(row, group));
  }
}

/** Both halves, those that have something in them. */
export function halves<T>(members: readonly T[]): (readonly T[])[] {
  const middle = Math.ceil(members.length / 2);
  return [members.slice(0, middle), members.slice(middle)].filter((part) => part.length > 0);
}
