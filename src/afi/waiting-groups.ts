/**
 * Nexthop groups that can't be written yet, by what they wait for: a neighbor (any verdict on one has them looked at again), or
 * what is done to labels. Those wait for the one action that is missing, as an acknowledgement of a thousand others would
 * otherwise have each of them looked at in vain: a cost by the square of their number.
 */
export class WaitingGroups {
  private readonly forNeighbor = new Set<number>();
  private readonly forLabels = new Map<number, number[]>();

  /** @param dirty where a group goes that may go on @param isKnown whether there still is such a group */
  constructor(
    private readonly dirty: Set<number>,
    private readonly isKnown: (id: number) => boolean,
  ) {}

  /** @param labels the label writer's number of what is missing; undefined: a neighbor is */
  add(id: number, labels: number | undefined): void {
    if (labels === undefined) {
      this.forNeighbor.add(id);
      return;
    }
    const others = this.forLabels.get(labels);
    if (others === undefined) this.forLabels.set(labels, [id]);
    else others.push(id);
  }

  delete(id: number): void {
    this.forNeighbor.delete(id);
  }

  clear(): void {
    this.forNeighbor.clear();
    this.forLabels.clear();
  }

  /** Something changed that any of them may wait for. */
  wakeAll(): void {
    for (const id of this.forNeighbor) this.wake(id);
    this.forNeighbor.clear();
    this.wakeLabels(this.forLabels.keys());
  }

  /** These label actions got their verdict, or may be asked for again. */
  wakeLabels(actions: Iterable<number>): void {
    for (const action of actions) {
      const ids = this.forLabels.get(action);
      if (ids === undefined) continue;
      this.forLabels.delete(action);
      for (const id of ids) this.wake(id);
    }
  }

  /** Whoever waits for label actions may ask for them anew. */
  wakeAllLabels(): void {
    this.wakeLabels(this.forLabels.keys());
  }

  private wake(id: number): void {
    if (this.isKnown(id)) this.dirty.add(id);
  }
}
