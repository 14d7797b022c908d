/** What is to be done later, for as long as somebody is there to want it. */

/** Timers that end together. */
export class Delays {
  private readonly running = new Set<NodeJS.Timeout>();

  /** Runs `action` after `ms`, unless `clear` comes first. */
  later(ms: number, action: () => void): void {
    const delay = setTimeout(() => {
      this.running.delete(delay);
      action();
    }, ms);
    this.running.add(delay);
  }

  /** Nothing that waits is done any more. */
  clear(): void {
    for (const delay of this.running) clearTimeout(delay);
    this.running.clear();
  }
}
