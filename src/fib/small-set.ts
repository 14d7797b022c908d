/**
 * A set that is mostly empty or holds one value: it makes a Set, which takes more than 200 bytes, for the second value only. There are as many of
 * these as there are nexthop groups, and as many groups as LSPs with a label of their own.
 */
export class SmallSet<T extends number | object> implements Iterable<T> {
  private one: T | undefined;
  private more: Set<T> | undefined;

  get size(): number {
    return this.more?.size ?? (this.one === undefined ? 0 : 1);
  }

  add(value: T): void {
    if (this.more !== undefined) this.more.add(value);
    else if (this.one === undefined) this.one = value;
    else if (this.one !== value) {
      this.more = new Set([this.one, value]);
      this.one = undefined;
    }
  }

  delete(value: T): void {
    if (this.one === value) this.one = undefined;
    else this.more?.delete(value);
  }

  clear(): void {
    this.one = undefined;
    this.more = undefined;
  }

  /** In the order in which they were added. */
  [Symbol.iterator](): Iterator<T> {
    if (this.more !== undefined) return this.more.values();
    return (this.one === undefined ? [] : [this.one]).values();
  }
}
