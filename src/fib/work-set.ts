/**
 * Numbers of what has to be looked at, each once, first come first served.
 *
 * `for (const id of set) { set.delete(id); return id; }` would do the same, but begins anew at the set's first place each time and passes over all
 * that were taken before: with a hundred thousand of them, taking is most of the work. Here the place is kept.
 */
export class WorkSet extends Set<number> {
  private place: SetIterator<number> | undefined;

  /** The one that waits longest, taken out; undefined when there is none. */
  take(): number | undefined {
    if (this.size === 0) return undefined;
    this.place ??= this.values();
    let { value, done } = this.place.next();
    // An iterator that has come to the end once stays there.
    if (done === true) {
      this.place = this.values();
      ({ value, done } = this.place.next());
    }
    if (done === true || value === undefined) return undefined;
    this.delete(value);
    return value;
  }
}
