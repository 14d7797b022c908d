/**
 * How many connections and calls the AFI server has at a time: so many that nobody who is there needs more, so few that strangers can't fill
 * its memory. When all places are taken, a newcomer gets that of the oldest connection that has no call open; so connections that only
 * stand there keep nobody out.
 */

/** A bridge has one connection and three or four calls; tools have one of each for a moment. */
export const MAX_CONNECTIONS = 64;
export const MAX_CALLS = 32;
/** Of one connection. */
export const MAX_STREAMS = 16;

interface Connection {
  calls: number;
  end(): void;
}

export class Connections {
  /** By name, the oldest first. */
  private readonly byName = new Map<string, Connection>();
  private calls = 0;

  get size(): number {
    return this.byName.size;
  }

  /**
   * A connection wants in.
   * @param name as gRPC names it (`getPeer`)
   * @param end ends it
   * @returns false: there is no place for it
   */
  admit(name: string, end: () => void): boolean {
    if (this.byName.size >= MAX_CONNECTIONS && !this.makeRoom()) return false;
    this.byName.set(name, { calls: 0, end });
    return true;
  }

  /** It is closed. */
  left(name: string): void {
    this.byName.delete(name);
  }

  /** A call begins. @returns false: there are too many */
  began(name: string): boolean {
    if (this.calls >= MAX_CALLS) return false;
    this.calls++;
    const connection = this.byName.get(name);
    if (connection !== undefined) connection.calls++;
    return true;
  }

  /** A call that began is over. */
  over(name: string): void {
    this.calls--;
    const connection = this.byName.get(name);
    if (connection !== undefined) connection.calls--;
  }

  /** Ends all. */
  close(): void {
    for (const connection of [...this.byName.values()]) connection.end();
    this.byName.clear();
  }

  private makeRoom(): boolean {
    for (const [name, connection] of this.byName) {
      if (connection.calls > 0) continue;
      this.byName.delete(name);
      connection.end();
      return true;
    }
    return false;
  }
}
