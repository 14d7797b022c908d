/**
 * Operations in flight and how long the oldest has been waited for. The server answers in stream order, so an operation's
 * time starts when it is sent or when all before it were answered, whichever is later: a long queue isn't a dead server.
 *
 * If the timer itself comes late, this process was busy and answers may lie unread in the socket: it waits once more.
 */

/** Times the oldest of the ids that were added and not taken. */
export class AckTimer {
  /** In order of sending. */
  private readonly inFlight = new Set<number>();
  private timer: NodeJS.Timeout | undefined;
  private dueAt = 0;

  /** @param expired called once per expiry with the oldest id */
  constructor(
    private readonly timeoutMs: number,
    private readonly expired: (id: number) => void,
  ) {}

  get size(): number {
    return this.inFlight.size;
  }

  add(id: number): void {
    this.inFlight.add(id);
    if (this.inFlight.size === 1) this.restart();
  }

  /** Answered. False: no such operation in flight. */
  take(id: number): boolean {
    const [oldest] = this.inFlight;
    if (!this.inFlight.delete(id)) return false;
    if (this.inFlight.size === 0) this.close();
    else if (id === oldest) this.dueAt = performance.now() + this.timeoutMs;
    return true;
  }

  /** Stops timing; nothing expires any more. */
  close(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private restart(): void {
    this.dueAt = performance.now() + this.timeoutMs;
    if (this.timer === undefined) this.arm(this.timeoutMs);
  }

  private arm(delay: number): void {
    const expectedAt = performance.now() + delay;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      const now = performance.now();
      const late = now - expectedAt > this.timeoutMs / 4;
      if (late) this.dueAt = Math.max(this.dueAt, now + this.timeoutMs / 2);
      const [oldest] = this.inFlight;
      if (oldest === undefined) return;
      if (now + 1 < this.dueAt) this.arm(this.dueAt - now);
      else this.expired(oldest);
    }, delay);
  }
}
