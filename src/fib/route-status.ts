/**
 * What a route's status depends on, and when zebra is told of it. A status follows from acknowledgements only: the row's
 * table, whether its entry or its nexthop group was refused, whether the entry that the vASIC has is the wanted group's, and
 * what that group was acknowledged to do. One status has a delay, the grace of `unresolved`.
 *
 * Reports are a set of rows, not a list of events: a row that is marked twice is reported once, with what is true then.
 */
import type { NexthopIntent } from './intents';
import { Latencies } from '../net/latencies';
import type { NexthopGroup } from './nexthops';
import { ROW } from './route-table';
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

/** Whether packets go to the host for want of something that may yet come. */
export function isPassing(intent: NexthopIntent | undefined): boolean {
  if (intent?.kind !== 'punt') return false;
  return intent.reason === 'unresolved' || intent.reason === 'missingNexthop' || intent.reason === 'linkDown';
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The status of each route, and the reports that zebra is due. */
export class RouteStatuses {
  /** What `takeReport` returns, filled anew each time: a replay asks for a million. */
  private readonly address = { 4: new Uint8Array(4), 6: new Uint8Array(16) };
  private readonly next: Mutable<StatusReport> = {
    table: 0,
    family: 4,
    bytes: this.address[4],
    length: 0,
    protocol: 0,
    status: 'failed',
  };
  /** From zebra's last message about a route to the first status of it that goes to zebra. */
  readonly latencies = new Latencies();
  /** The vASIC can't be asked, for so long that what it should forward is told as failed. */
  withdrawn = false;
  /** Nexthop groups whose routes are not reported as unresolved before this time (`now`). */
  private readonly grace = new Map<number, number>();

  constructor(
    private readonly rows: Rows,
    private readonly now: () => number,
  ) {}

  // ---- what is true -----------------------------------------------------------------------------------------------

  /** What is true of the row in the vASIC now. */
  stateOf(row: number): RouteState {
    const { routes } = this.rows;
    const { vrfs } = this.rows;
    const table = routes.tableOf(row);
    if (!vrfs.has(table)) return 'trapped';
    const group = this.wantedGroup(row);
    const refused = (routes.flags[row]! & ROW.failed) !== 0 || group?.error !== undefined;
    if (refused || vrfs.errorOf(table) !== undefined) return 'failed';
    if (group?.acked === undefined || routes.programmed[row] !== group.id) return 'pending';
    if (group.acked.kind !== 'punt') return 'offloaded';
    return isPassing(group.acked) ? 'unresolved' : 'trapped';
  }

  /** Why the vASIC refused the row's entry, or the group or the tree that it needs. */
  failureOf(row: number): string | undefined {
    const { failed, routes, vrfs } = this.rows;
    return failed.get(row) ?? this.wantedGroup(row)?.error ?? vrfs.errorOf(routes.tableOf(row));
  }

  private wantedGroup(row: number): NexthopGroup | undefined {
    return this.rows.nexthops.get(this.rows.routes.wanted[row]!);
  }

  /**
   * What zebra is to be told of it: a vASIC that stays away has failed what it should forward. What Linux forwards isn't
   * concerned.
   */
  private toldOf(row: number): RouteState {
    const state = this.stateOf(row);
    return this.withdrawn && (state === 'offloaded' || state === 'pending') ? 'failed' : state;
  }

  // ---- what is reported -------------------------------------------------------------------------------------------

  /** What was reported of the row to zebra last. */
  reportedOf(row: number): RouteStatus | undefined {
    return STATUS_OF_CODE[this.rows.routes.reported[row]!];
  }

  /** How much `takeReport` has at most. */
  get reportsDue(): number {
    return this.rows.reports.length;
  }

  /**
   * The next status that was not reported to zebra yet; it counts as reported from here on. Undefined: none. What is
   * returned is valid until the next call.
   */
  takeReport(): StatusReport | undefined {
    const { routes, reports } = this.rows;
    for (let row = reports.shift(); row !== 0; row = reports.shift()) {
      routes.flags[row]! &= ~ROW.notify;
      if ((routes.flags[row]! & ROW.zebra) === 0) {
        this.rows.freeIfDone(row);
        continue;
      }
      const status = this.toldOf(row);
      if (status === 'unresolved' && this.grace.has(routes.wanted[row]!)) continue;
      if (status === 'pending' || STATUS_CODE[status] === routes.reported[row]) continue;
      routes.reported[row] = STATUS_CODE[status];
      routes.reportedAt[row] = encodeTime(this.now());
      if ((routes.flags[row]! & ROW.untold) !== 0) this.countLatency(row);
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

  /** What zebra sent was answered just now. */
  private countLatency(row: number): void {
    const { routes } = this.rows;
    routes.flags[row]! &= ~ROW.untold;
    this.latencies.add(decodeTime(routes.reportedAt[row]!)! - decodeTime(routes.receivedAt[row]!)!);
  }

  /** Has the status of zebra's routes in `count` rows from `from` on told again, where it changed. Returns the next row; undefined: that was all. */
  review(from: number, count: number): number | undefined {
    const { routes } = this.rows;
    const end = Math.min(from + count, routes.end);
    for (let row = from; row < end; row++) {
      if (routes.live(row) && (routes.flags[row]! & ROW.zebra) !== 0) this.rows.markReport(row);
    }
    return end < routes.end ? end : undefined;
  }

  // ---- the grace of unresolved routes -----------------------------------------------------------------------------

  /** The vASIC acknowledged `intent` of a nexthop group, after `before`. */
  nexthopAcknowledged(id: number, before: NexthopIntent | undefined, intent: NexthopIntent): void {
    if (!isPassing(intent)) this.grace.delete(id);
    else if (!isPassing(before)) this.grace.set(id, this.now() + UNRESOLVED_GRACE_MS);
  }

  /** The nexthop group's number may be given to another. */
  nexthopGone(id: number): void {
    this.grace.delete(id);
  }

  /** The vASIC has lost everything: nothing is acknowledged any more. */
  forgetGrace(): void {
    this.grace.clear();
  }

  /** Reports the row's status once more. */
  reportAgain(row: number): void {
    this.rows.routes.reported[row] = 0;
    this.rows.markReport(row);
  }

  /** Lets routes be reported as unresolved whose nexthop has not come within the grace time. Call now and then. */
  settlePassing(): void {
    const now = this.now();
    for (const [id, until] of this.grace) {
      if (now < until) continue;
      this.grace.delete(id);
      const group = this.rows.nexthops.get(id);
      if (group !== undefined) for (const row of this.rows.rowsOf(group)) this.rows.markReport(row);
    }
  }
}
