/**
 * The ports as the BPF program knows them: each one's part of the globals, the table by which the program finds the port of an interface,
 * and the numbers of a port's counters (layout.ts).
 *
 * Owner: the dataplane thread.
 */
import type { PortMode } from './hooks';
import * as layout from './layout';

/** What a port's interface is like. */
export interface PortFacts {
  readonly mtu: number;
  readonly up: boolean;
}

/** Of a port's counters: packets received and dealt with, sent, discarded, and from here on those left to the TypeScript engine, by reason. */
export const FIRST_SLOW_COUNTER = 3;
/** Counters that each port has. */
export const COUNTERS_OF_PORT = FIRST_SLOW_COUNTER + layout.SLOW_REASONS;

/** The number of a port's first counter; 0 is no counter. */
export function firstCounterOf(port: number): number {
  return 1 + port * COUNTERS_OF_PORT;
}

/** Where a port's part of any program's globals begins. */
export function portAt(port: number): number {
  return layout.GLOBAL_PORTS + port * layout.PORT_WORDS;
}

/** After the last port's part of any program's globals. */
export const PORTS_END = portAt(layout.MAX_KERNEL_PORTS);

export class PortTable {
  /** Port → where its interface is in the table of these. */
  private readonly places = new Map<number, number>();

  constructor(
    private readonly globals: Uint32Array,
    ports: number,
  ) {
    for (let port = 0; port < ports; port++) this.numberCounters(port);
  }

  /** The interface that a port has; 0: none. */
  ifindexOf(port: number): number {
    return this.globals[portAt(port) + layout.PORT_IFINDEX]!;
  }

  setFacts(port: number, { mtu, up }: PortFacts): void {
    const at = portAt(port);
    this.globals[at + layout.PORT_MTU] = mtu;
    const flags = this.globals[at + layout.PORT_FLAGS]! & ~layout.PORT_UP;
    this.globals[at + layout.PORT_FLAGS] = flags | (up ? layout.PORT_UP : 0);
  }

  /**
   * Gives a port an interface; from now on the program takes what comes there for received on the port, and sends there.
   * @param slowIfindex where packets for the TypeScript engine go, for `tc`
   * @throws Error when there is no place for it; the port is as before then
   */
  give(port: number, ifindex: number, mode: PortMode, slowIfindex: number): void {
    const at = portAt(port);
    const place = this.placeOf(ifindex);
    this.globals[at + layout.PORT_SLOW_IFINDEX] = slowIfindex;
    const up = this.globals[at + layout.PORT_FLAGS]! & layout.PORT_UP;
    const kind = mode === 'xdp' ? layout.PORT_XDP_TARGET : mode === 'xdp-generic' ? layout.PORT_GENERIC : 0;
    this.globals[at + layout.PORT_FLAGS] = up | kind;
    this.globals[at + layout.PORT_IFINDEX] = ifindex;
    this.globals[place] = port + 1;
    this.places.set(port, place);
  }

  /** Takes a port's interface away from it. */
  take(port: number): void {
    const at = portAt(port);
    this.globals[at + layout.PORT_IFINDEX] = 0;
    this.globals[at + layout.PORT_FLAGS]! &= layout.PORT_UP;
    this.places.delete(port);
  }

  private numberCounters(port: number): void {
    const at = portAt(port);
    const first = firstCounterOf(port);
    this.globals[at + layout.PORT_INPUT_COUNTER] = first;
    this.globals[at + layout.PORT_OUTPUT_COUNTER] = first + 1;
    this.globals[at + layout.PORT_DISCARD_COUNTER] = first + 2;
    this.globals[at + layout.PORT_SLOW_COUNTERS] = first + FIRST_SLOW_COUNTER;
  }

  /**
   * A place for an interface among those that the program looks at: a free one, or one of a port that has left it, which stays
   * filled until then as the program stops looking at an empty one.
   */
  private placeOf(ifindex: number): number {
    const taken = new Set(this.places.values());
    for (let probe = 0; probe < layout.PORT_OF_PROBES; probe++) {
      const at = layout.GLOBAL_PORT_OF + ((ifindex + probe) % layout.PORT_OF_SLOTS);
      if (!taken.has(at)) return at;
    }
    throw new Error(`interface ${ifindex}: too many ports whose numbers collide in the kernel engine's table`);
  }
}
