/** What passes a port or a node, and what was dropped there. */
export interface Counters {
  packets: number;
  bytes: number;
  drops: number;
}

export function newCounters(): Counters {
  return { packets: 0, bytes: 0, drops: 0 };
}
