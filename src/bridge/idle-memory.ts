/** Gives memory back to the system once after each burst of zebra's: what a table left behind would stay ours otherwise. */

/** After so long without a byte from zebra a burst is over. */
export const QUIET_MS = 2000;

export class IdleMemory {
  private givenBack = 0;

  /** `giveBack` is what the C library has for it (sys/libc.ts). */
  constructor(private readonly giveBack: () => void) {}

  /** Times are monotonic, in ms; `idle`: nothing is left to program. Call now and then. */
  check(now: number, lastActivity: number, idle: boolean): void {
    if (lastActivity <= this.givenBack || now - lastActivity <= QUIET_MS || !idle) return;
    this.givenBack = now;
    this.giveBack();
  }
}
