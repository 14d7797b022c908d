/**
 * LSPs in the vASIC: each an entry of the table of labels that points at its nexthop group's node. An entry is written again
 * in place when its group is another; its removal is queued like that of nodes.
 */
import {
  keyText,
  NOTHING,
  WRITTEN,
  type BuildResult,
  type Graph,
  type NodeInsert,
  type NodeWriter,
  type ProgrammedNode,
} from './graph';
import { LABEL_TABLE, labelEntries, labelKey } from './label-graph';
import type { NexthopWriter } from './nexthop-writer';
import type { AftNode, Token } from '../aft/model';
import type { LspSource } from '../fib/intents';
import { WorkSet } from '../fib/work-set';
import type { Logger } from '../observe/log';

/** Entries of one operation at most. */
export const LSPS_PER_OPERATION = 1024;

export class LspWriter implements NodeWriter {
  readonly dirty = new WorkSet();
  written = 0;
  removed = 0;
  /** Labels whose removal was refused, and is not tried again before something else was removed. */
  private readonly kept = new Set<number>();

  constructor(
    private readonly source: LspSource,
    private readonly nexthops: NexthopWriter,
    private readonly graph: Graph,
    private readonly log: Logger,
  ) {}

  clear(): void {
    this.kept.clear();
    this.dirty.clear();
  }

  build(label: number, { entries }: NodeInsert): BuildResult {
    // The verdict brings it back.
    if (this.source.isBusy(label)) return NOTHING;
    const wanted = this.source.wanted(label);
    if (wanted === this.source.programmed(label)) return NOTHING;
    if (wanted === 0) {
      if (!this.kept.has(label)) this.remove(label);
      return NOTHING;
    }
    this.kept.delete(label);
    const next = this.nexthops.tokenOf(wanted);
    // The group's acknowledgement brings it back.
    if (next === undefined) return NOTHING;
    if (this.source.adoptedTarget(label) === next) {
      this.source.confirmed(label, wanted);
      return NOTHING;
    }
    entries.push({ parent: LABEL_TABLE, key: labelKey(label), next });
    this.source.sent(label, wanted);
    return WRITTEN;
  }

  private remove(label: number): void {
    this.source.sent(label, 0);
    this.graph.discard({
      entries: [{ parent: LABEL_TABLE, key: labelKey(label) }],
      tokens: [],
      done: () => {
        this.removed++;
        this.source.done(label, undefined);
      },
      // It may be wanted again, which must not wait for this.
      refused: ({ reason }) => {
        this.kept.add(label);
        this.source.done(label, { reason, noRoom: false });
      },
    });
  }

  /** Has entries removed that could not be. */
  retryRefused(): void {
    for (const label of this.kept) this.dirty.add(label);
    this.kept.clear();
  }

  done(label: number, error: string | undefined): void {
    if (error === undefined) this.written++;
    else this.log.warn('the vASIC refused an LSP', { code: 'afi-lsp-refused', label, reason: error });
    this.source.done(label, error === undefined ? undefined : { reason: error, noRoom: false });
  }

  returned(label: number): void {
    this.source.returned(label);
  }

  uncertain(label: number): void {
    this.source.uncertain(label);
  }

  /** Has every entry written again, whatever the vASIC holds. */
  rewrite(): void {
    for (const label of [...this.source.labels()]) this.source.rewrite(label);
  }

  /**
   * The table of labels as the vASIC is known to hold it, where all of it is sure.
   * @param node the table's node
   */
  programmed(node: AftNode | undefined): ProgrammedNode {
    const sure = new Map<string, Token>(labelEntries().map(({ key, next }) => [keyText(key), next]));
    let settled = this.source.pending === 0 && this.dirty.size === 0;
    for (const label of this.source.labels()) {
      const group = this.source.programmed(label);
      if (group === 0 && !this.source.isBusy(label)) continue;
      const next = this.source.isBusy(label) ? undefined : this.nexthops.tokenOf(group);
      if (next === undefined) settled = false;
      else sure.set(keyText(labelKey(label)), next);
    }
    const entries = settled ? sure : undefined;
    return {
      layer: 'lsp',
      id: 0,
      name: 'the table of labels',
      token: LABEL_TABLE,
      node: settled ? node : undefined,
      entries,
    };
  }
}
