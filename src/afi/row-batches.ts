/**
 * The rows of operations in flight, in arrays that are used again: a full table goes through here a thousand rows at a time, and
 * what lives as long as an operation is in flight would all be promoted to V8's old generation, and lie there.
 */

/** Some rows, and what was sent of each: its owner may change them. What is behind `count` means nothing. */
export interface RowBatch {
  readonly rows: Uint32Array;
  /** The nexthop group that the row's entry was sent with; 0: its removal. */
  readonly groups: Uint32Array;
  count: number;
}

export class RowBatches {
  private readonly spare: RowBatch[] = [];

  /** @param most rows of one batch */
  constructor(private readonly most: number) {}

  /** An empty batch. */
  take(): RowBatch {
    const batch = this.spare.pop() ?? {
      rows: new Uint32Array(this.most),
      groups: new Uint32Array(this.most),
      count: 0,
    };
    batch.count = 0;
    return batch;
  }

  /** Its owner is done with it. */
  give(batch: RowBatch): void {
    this.spare.push(batch);
  }
}
