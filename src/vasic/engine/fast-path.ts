/**
 * The seam between the engine and what forwards packets beside it (src/vasic/kernel): it keeps a compiled copy of the graph, counts
 * what it forwards, and says of a packet whether it would take it. Nothing here does I/O; a sandbox without one is the engine alone.
 */
import type { Counters } from './counters';
import type { GraphSurroundings } from './node-image';

/** What passed. */
export interface Counted {
  readonly packets: number;
  readonly bytes: number;
}

/** At a port: received and dealt with beside the engine, sent, discarded. */
export interface PortCounted {
  readonly received: Counted;
  readonly sent: Counted;
  readonly discarded: Counted;
}

/** Who would take a packet: the kernel, with a reason where it decides by other tables than these; or the engine and why. */
export type Taker =
  { readonly by: 'kernel'; readonly reason?: string } | { readonly by: 'engine'; readonly reason: string };

export interface FastPath extends GraphSurroundings {
  /** What a node counted beside the engine's own counters of it, since it has these. */
  counted(counters: Counters): Counted;
  portCounted(port: number): PortCounted;
  /** Who would take a complete frame that is received on a port now. */
  taker(port: number, frame: Uint8Array): Taker;
  /** Whether changes had better wait: room for them is being made, and whoever makes one now waits with all packets until it is there. */
  isMakingRoom(): boolean;
  /** The sandbox is no more: nothing is forwarded. */
  close(): void;
}
