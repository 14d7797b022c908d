/**
 * Ports that still forward by the tables of an earlier softvasic: its globals (layout.ts) are told what changes meanwhile.
 *
 * Owner: the Forwarder.
 */
import { pastDeadline } from './deadline';
import * as layout from './layout';
import type { Left } from './legacy';
import { PORTS_END } from './port-table';

/** One whose globals can be read. */
export type Followed = Left & { readonly globals: Uint32Array };

export class LeftPorts {
  private readonly lefts = new Map<number, Followed>();

  get size(): number {
    return this.lefts.size;
  }

  has(port: number): boolean {
    return this.lefts.has(port);
  }

  ports(): readonly number[] {
    return [...this.lefts.keys()];
  }

  /**
   * A port goes on by what was left on its interface, and leaves packets to this process.
   * @param slowIfindex where these go
   * @returns the first number of each port that this interface was to the earlier one, in its counters
   */
  add(port: number, left: Followed, ifindex: number, slowIfindex: number): readonly number[] {
    this.lefts.set(port, left);
    return placesIn(left.globals, ifindex).map((at) => {
      left.globals[at + layout.PORT_SLOW_IFINDEX] = slowIfindex;
      return left.globals[at + layout.PORT_INPUT_COUNTER]!;
    });
  }

  /** All earlier tables send by an interface as it is now. */
  tell(ifindex: number, mtu: number, flags: number): void {
    this.everywhere(ifindex, (globals, at) => {
      globals[at + layout.PORT_MTU] = mtu;
      globals[at + layout.PORT_FLAGS] = flags;
    });
  }

  /** A port leaves its interface: no earlier tables send there any more, and its own are given up. */
  remove(port: number, ifindex: number): void {
    this.everywhere(ifindex, (globals, at) => (globals[at + layout.PORT_FLAGS]! &= ~layout.PORT_UP));
    this.lefts.get(port)?.release();
    this.lefts.delete(port);
  }

  setDeadline(deadline: number): void {
    for (const { globals } of this.lefts.values()) globals[layout.GLOBAL_DEADLINE] = deadline;
  }

  /** The most entries that one of the tables has. */
  get entries(): number {
    return Math.max(0, ...[...this.lefts.values()].map(({ globals }) => globals[layout.GLOBAL_ENTRIES]!));
  }

  /** The tables end at all ports that have them, at those that this process hasn't got as well. */
  end(): void {
    this.setDeadline(pastDeadline());
    for (const left of this.lefts.values()) left.release();
    this.lefts.clear();
  }

  private everywhere(ifindex: number, act: (globals: Uint32Array, at: number) => void): void {
    for (const { globals } of this.lefts.values()) for (const at of placesIn(globals, ifindex)) act(globals, at);
  }
}

/** Where ports with that interface begin in an earlier softvasic's globals. */
function placesIn(globals: Uint32Array, ifindex: number): readonly number[] {
  const places: number[] = [];
  for (let at = layout.GLOBAL_PORTS; ifindex !== 0 && at < PORTS_END; at += layout.PORT_WORDS)
    if (globals[at + layout.PORT_IFINDEX] === ifindex) places.push(at);
  return places;
}
