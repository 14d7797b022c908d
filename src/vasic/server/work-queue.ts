/** What is to be done in order, in slices of time. */

/** What is done is let go of once it is so much, or all. */
const MAX_DONE = 1024;

/** Work in the order in which it came. */
export class WorkQueue<T> {
  private items: T[] = [];
  private head = 0;

  /** There is nothing left to do. */
  get isEmpty(): boolean {
    return this.head === this.items.length;
  }

  push(item: T): void {
    this.items.push(item);
  }

  /**
   * Works for about `budgetMs`, at least one step; there has to be something to do.
   * @param step does a piece of an item; false: the item needs another
   */
  work(budgetMs: number, step: (item: T) => boolean): void {
    const until = performance.now() + budgetMs;
    do {
      if (step(this.items[this.head]!)) this.head++;
    } while (this.head < this.items.length && performance.now() < until);
    if (this.isEmpty) {
      this.items = [];
      this.head = 0;
    } else if (this.head > MAX_DONE) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
  }
}
