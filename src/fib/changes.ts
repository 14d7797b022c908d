/**
 * Who wants to know what changes in the FIB: nobody, most of the time, and then a change costs one look at an empty place. A listener is
 * told that something may be other than it was, in the middle of the change: it notes what, and looks later.
 */
import type { Neighbor } from './neighbors';
import type { NexthopGroup } from './nexthops';

export interface ChangeListener {
  /** zebra's route of this row, or what became of it. */
  route(row: number): void;
  /** zebra's route of this row goes; it can still be read. */
  routeGone(row: number): void;
  nexthop(group: NexthopGroup): void;
  neighbor(neighbor: Neighbor): void;
}

/** The place where a listener is, or is not. */
export class Changes {
  listener: ChangeListener | undefined;
}
