/**
 * Which of zebra's replays confirmed a thing last, and how much was confirmed anew in all: as long as that grows, a replay goes on. What zebra
 * sends a second time in the same replay is a change, and none of it.
 *
 * nexthops.ts has generations of its own, and nothing of nexthops counts here: zebra makes them anew with every change, and replays them before its routes.
 */
export class Replays {
  private current = 0;
  private counted = 0;

  /** zebra (re)connected and sends everything again. */
  begin(): void {
    this.current++;
  }

  /** zebra has sent a thing that had this generation, or none. Returns the one that it has now. */
  confirm(generation: number | undefined): number {
    if (generation !== this.current) this.counted++;
    return this.current;
  }

  /** The same of a thing that keeps its generation elsewhere. */
  count(): void {
    this.counted++;
  }

  /** Whether a thing of this generation has not been confirmed since zebra connected last. */
  isStale(generation: number): boolean {
    return generation !== this.current;
  }

  /** How much was confirmed anew, ever. */
  get anew(): number {
    return this.counted;
  }
}
