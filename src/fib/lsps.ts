/**
 * The LSPs: what becomes of packets by their top label, as zebra says it. A label leads to a nexthop group as a route does (one
 * for all LSPs with the same paths), and what is programmed is only ever the difference to what the vASIC acknowledged.
 *
 * An LSP without a usable neighbor, out of an interface that is no port, or that could not be read goes to the host: Linux has
 * zebra's LSPs, too. One that zebra withdraws is removed. zebra reads no status for LSPs, so nothing is reported of them.
 */
import { intentsEqual, type LspSource, type RouteRefusal } from './intents';
import { FIRST_UNRESERVED_LABEL } from './label-actions';
import { copyPath, Gateways } from './nexthop-paths';
import type { Replays } from './replays';
import { isPassing, type RouteState } from './route-status';
import { TARGET_UNKNOWN } from './route-table';
import type { Rows } from './rows';
import type { NexthopGroup } from './nexthops';
import { MALFORMED, type LspAdd, type LspPath, type LspUpdate, type NexthopPath } from './updates';
import { WorkSet } from './work-set';

/** What zebra wants done to a label. */
interface WantedLsp {
  readonly protocol: number;
  /** Each with its `outLabels`, as its nexthop group keeps them. */
  readonly paths: readonly NexthopPath[];
}

/** An LSP, or what is left of one in the vASIC. */
export interface Lsp {
  readonly label: number;
  /** What zebra said last; undefined: it wants none. */
  zebra: WantedLsp | undefined;
  /** The replay that confirmed it last; undefined: zebra never had one. */
  generation: number | undefined;
  wanted: NexthopGroup | undefined;
  /** The group that the vASIC's entry leads to: 0 for no entry, TARGET_UNKNOWN where that isn't known. */
  programmed: number;
  /** The group of the operation that is under way, 0 for a removal; undefined: none is. */
  sending: number | undefined;
  /** Why the vASIC refused its entry. */
  error: string | undefined;
  receivedAt: number | undefined;
  acknowledgedAt: number | undefined;
}

export interface LspOptions {
  readonly rows: Rows;
  readonly replays: Replays;
  /** The group of paths, resolved. */
  readonly groupOf: (paths: readonly LspPath[]) => NexthopGroup;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
}

export class LspTable implements LspSource {
  private readonly lsps = new Map<number, Lsp>();
  private readonly dirty = new WorkSet();
  /** Of LSPs without a nexthop group of their paths. */
  private readonly gateways = new Gateways();
  /** Where entries lead that were found in the vASIC, by label, until they are written. */
  private readonly found = new Map<number, number>();
  /** Entries were found in the vASIC since it was looked last whether zebra asked for them. */
  private mayHaveAdopted = false;

  constructor(private readonly options: LspOptions) {}

  // ---- what zebra tells -------------------------------------------------------------------------------------------

  apply(update: LspUpdate): void {
    if (update.kind === 'lspDelete') {
      const lsp = this.lsps.get(update.label);
      if (lsp !== undefined) this.withdraw(lsp);
      return;
    }
    const lsp = this.demand(update.label);
    lsp.generation = this.options.replays.confirm(lsp.generation);
    lsp.receivedAt = this.options.now();
    const group = this.groupFor(update);
    const paths =
      group?.content.kind === 'paths' ? group.content.paths : update.paths.map((path) => copyPath(path, this.gateways));
    lsp.zebra = { protocol: update.protocol, paths };
    this.want(lsp, group);
  }

  /** No entry is wanted for a reserved label: what it means doesn't depend on zebra. */
  private groupFor({ label, paths, unreadable }: LspAdd): NexthopGroup | undefined {
    if (label < FIRST_UNRESERVED_LABEL) return undefined;
    if (paths.length > 0) return this.options.groupOf(paths);
    const why = unreadable === true ? MALFORMED : 'no usable nexthop';
    return this.options.rows.fixed({ kind: 'punt', reason: 'unsupported' }, why);
  }

  private withdraw(lsp: Lsp): void {
    lsp.zebra = undefined;
    this.want(lsp, undefined);
    this.forgetIfDone(lsp);
  }

  private demand(label: number): Lsp {
    let lsp = this.lsps.get(label);
    if (lsp === undefined) {
      lsp = {
        label,
        zebra: undefined,
        generation: undefined,
        wanted: undefined,
        programmed: 0,
        sending: undefined,
        error: undefined,
        receivedAt: undefined,
        acknowledgedAt: undefined,
      };
      this.lsps.set(label, lsp);
    }
    return lsp;
  }

  private want(lsp: Lsp, group: NexthopGroup | undefined): void {
    const before = lsp.wanted;
    lsp.error = undefined;
    if (before !== group) {
      lsp.wanted = group;
      if (group !== undefined) {
        group.lsps.add(lsp.label);
        // A group that nothing uses is not in the vASIC; the first one that does brings it there.
        if (!intentsEqual(group.intent, group.acked)) this.options.rows.markNexthop(group);
      }
      if (before !== undefined) {
        before.lsps.delete(lsp.label);
        this.options.rows.retireIfUnwanted(before);
      }
    }
    if (this.target(lsp) !== lsp.programmed) this.mark(lsp.label);
  }

  private mark(label: number): void {
    this.dirty.add(label);
    this.options.rows.markWork();
  }

  private forgetIfDone(lsp: Lsp): void {
    if (lsp.zebra === undefined && lsp.programmed === 0 && lsp.sending === undefined) this.lsps.delete(lsp.label);
  }

  /** Withdraws what the replay didn't confirm; returns how many that were. */
  endReplay(): number {
    let swept = 0;
    for (const lsp of this.lsps.values()) {
      if (lsp.zebra === undefined || !this.isStale(lsp)) continue;
      this.withdraw(lsp);
      swept++;
    }
    return swept;
  }

  /** Whether zebra has not confirmed it since it connected last. */
  isStale(lsp: Lsp): boolean {
    return lsp.generation !== undefined && this.options.replays.isStale(lsp.generation);
  }

  // ---- what is shown ----------------------------------------------------------------------------------------------

  get(label: number): Lsp | undefined {
    return this.lsps.get(label);
  }

  /** Every label that zebra has an LSP for, or the vASIC an entry. */
  all(): Iterable<Lsp> {
    return this.lsps.values();
  }

  get size(): number {
    return this.lsps.size;
  }

  /** What is true of it in the vASIC now; undefined: zebra wants none. */
  stateOf(lsp: Lsp): RouteState | undefined {
    const { wanted, error, programmed } = lsp;
    if (lsp.zebra === undefined) return undefined;
    if (error !== undefined || wanted === undefined || wanted.error !== undefined) return 'failed';
    if (wanted.acked === undefined || programmed !== wanted.id) return 'pending';
    if (wanted.acked.kind !== 'punt') return 'offloaded';
    return isPassing(wanted.acked) ? 'unresolved' : 'trapped';
  }

  /** zebra's LSPs by state. */
  counts(): Record<RouteState, number> {
    const counts = { offloaded: 0, trapped: 0, failed: 0, unresolved: 0, pending: 0 };
    for (const lsp of this.lsps.values()) {
      const state = this.stateOf(lsp);
      if (state !== undefined) counts[state]++;
    }
    return counts;
  }

  /** Why it is not as wanted. */
  failureOf({ label, error, wanted }: Lsp): string | undefined {
    if (label < FIRST_UNRESERVED_LABEL) return `label ${label} is reserved (RFC 3032): the vASIC keeps its own meaning`;
    return error ?? wanted?.error;
  }

  // ---- the programmer's side --------------------------------------------------------------------------------------

  take(): number | undefined {
    return this.dirty.take();
  }

  labels(): Iterable<number> {
    return this.lsps.keys();
  }

  get pending(): number {
    return this.dirty.size;
  }

  wanted(label: number): number {
    const lsp = this.lsps.get(label);
    return lsp === undefined ? 0 : this.target(lsp);
  }

  private target({ wanted, error }: Lsp): number {
    if (wanted === undefined || error !== undefined) return 0;
    return wanted.stuck ? this.options.rows.toHost().id : wanted.id;
  }

  isBusy(label: number): boolean {
    return this.lsps.get(label)?.sending !== undefined;
  }

  programmed(label: number): number {
    return this.lsps.get(label)?.programmed ?? 0;
  }

  sent(label: number, group: number): void {
    this.found.delete(label);
    this.lsps.get(label)!.sending = group;
    this.options.rows.entrySent(group);
  }

  done(label: number, refusal: RouteRefusal | undefined): void {
    const lsp = this.lsps.get(label);
    if (lsp?.sending === undefined) return;
    const { sending } = lsp;
    lsp.sending = undefined;
    if (refusal === undefined) {
      this.options.rows.entryGone(lsp.programmed);
      lsp.programmed = sending;
      lsp.acknowledgedAt = this.options.now();
    } else {
      this.options.rows.entryGone(sending);
      // A refused change never leaves the old one in force: the entry goes.
      if (sending !== 0 && sending === this.target(lsp)) lsp.error = refusal.reason;
    }
    if (this.target(lsp) !== lsp.programmed) this.mark(label);
    this.forgetIfDone(lsp);
  }

  returned(label: number): void {
    const lsp = this.lsps.get(label);
    if (lsp?.sending === undefined) return;
    this.options.rows.entryGone(lsp.sending);
    lsp.sending = undefined;
    this.forgetIfDone(lsp);
  }

  uncertain(label: number): void {
    const lsp = this.lsps.get(label);
    if (lsp?.sending === undefined) return;
    this.options.rows.entryGone(lsp.programmed);
    this.options.rows.entryGone(lsp.sending);
    lsp.sending = undefined;
    lsp.programmed = TARGET_UNKNOWN;
    this.mark(label);
  }

  /** A nexthop group was acknowledged or refused, or is stuck: the entries that wait for that, or have to leave it. */
  groupChanged(group: NexthopGroup): void {
    for (const label of group.lsps) {
      if (this.target(this.lsps.get(label)!) !== this.programmed(label)) this.mark(label);
    }
  }

  adopt(label: number, token?: number): void {
    const lsp = this.demand(label);
    if (lsp.programmed !== 0 || lsp.sending !== undefined) return;
    lsp.programmed = TARGET_UNKNOWN;
    if (token !== undefined) this.found.set(label, token);
    if (lsp.wanted === undefined) this.mayHaveAdopted = true;
    else this.mark(label);
  }

  adoptedTarget(label: number): number | undefined {
    return this.found.get(label);
  }

  confirmed(label: number, group: number): void {
    this.sent(label, group);
    this.done(label, undefined);
  }

  /** How many entries were found in the vASIC that zebra has not asked for since. */
  get adopted(): number {
    if (!this.mayHaveAdopted) return 0;
    let count = 0;
    for (const { zebra, programmed } of this.lsps.values())
      if (zebra === undefined && programmed === TARGET_UNKNOWN) count++;
    return count;
  }

  /** Has entries removed that were adopted and nobody wants. Returns how many. */
  dropAdopted(): number {
    const count = this.adopted;
    this.mayHaveAdopted = false;
    this.found.clear();
    if (count === 0) return 0;
    for (const { zebra, programmed, label } of this.lsps.values())
      if (zebra === undefined && programmed === TARGET_UNKNOWN) this.mark(label);
    return count;
  }

  /** Has the label's entry written (or removed) again, whatever the vASIC holds. */
  rewrite(label: number): void {
    const lsp = this.demand(label);
    if (lsp.sending !== undefined) return;
    this.found.delete(label);
    this.options.rows.entryGone(lsp.programmed);
    lsp.programmed = TARGET_UNKNOWN;
    this.mark(label);
  }

  /** The vASIC started with empty tables. */
  forgetProgrammed(): void {
    this.mayHaveAdopted = false;
    this.found.clear();
    for (const lsp of [...this.lsps.values()]) {
      lsp.programmed = 0;
      lsp.acknowledgedAt = undefined;
      lsp.sending = undefined;
      lsp.error = undefined;
      this.dirty.delete(lsp.label);
      if (lsp.wanted !== undefined) this.mark(lsp.label);
      else this.forgetIfDone(lsp);
    }
  }

  /** What was refused is worth another try. */
  retryFailed(): void {
    for (const lsp of this.lsps.values()) {
      if (lsp.error === undefined) continue;
      lsp.error = undefined;
      this.mark(lsp.label);
    }
  }
}
