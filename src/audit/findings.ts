/** What comparing one layer with the FIB has found: everything counted, the first of it in words. */
import type { AuditDifference, AuditLayer, AuditLayerView, DifferenceKind } from '../control/audit-types';

/** Differences that are told one by one. */
const MOST_SHOWN = 100;

export class Findings {
  /** Things compared so far. */
  compared = 0;
  private readonly counts: Record<DifferenceKind, number> = { missing: 0, surplus: 0, differs: 0 };
  private readonly shown: AuditDifference[] = [];

  constructor(readonly layer: AuditLayer) {}

  get total(): number {
    return this.counts.missing + this.counts.surplus + this.counts.differs;
  }

  /** `words` is asked only for what is shown: a difference may come a million times. */
  add(kind: DifferenceKind, words: () => { readonly what: string; readonly why: string }): void {
    this.counts[kind]++;
    if (this.shown.length < MOST_SHOWN) this.shown.push({ kind, ...words() });
  }

  view(): AuditLayerView {
    const { layer, compared, counts, shown } = this;
    return { layer, state: 'compared', compared, differences: { ...counts }, shown: [...shown] };
  }
}
