/**
 * Which number the kernel's program counts under in place of which of the engine's counters, and what it counted.
 *
 * The program adds to its counter of that number and never resets one; so a number that is handed out again starts from what the
 * counter says then, and what it came to is put into the engine's counters when it is given back. Numbers are reused in the order
 * they were given back, as late as possible: a packet that was on its way may still be counted under an old one.
 */
import type { Counted } from '../engine/fast-path';
import type { Counters } from '../engine/counters';

/** Reads what the program counted under a number, over all processors. */
export interface CounterReader {
  /** Numbers of nodes' counters: first…end-1. */
  readonly first: number;
  readonly end: number;
  /** Makes room for more numbers, behind the present end; false: there is none. */
  grow(): boolean;
  read(id: number): Counted;
}

interface Holder {
  readonly id: number;
  readonly from: Counted;
}

const NOTHING: Counted = { packets: 0, bytes: 0 };
/** Numbers that rest before they are used again. */
const RESTING = 64;

export class CounterIds {
  private next: number;
  private free: number[] = [];
  private readonly holders = new Map<Counters, Holder>();

  constructor(private readonly reader: CounterReader) {
    this.next = reader.first;
  }

  /** The number under which is counted what belongs into these counters; 0: there is none left. */
  take(counters: Counters): number {
    const held = this.holders.get(counters);
    if (held !== undefined) return held.id;
    const id = this.number();
    if (id !== 0) this.holders.set(counters, { id, from: this.reader.read(id) });
    return id;
  }

  /** Gives the number back; what was counted is in the counters now. */
  give(counters: Counters): void {
    const held = this.holders.get(counters);
    if (held === undefined) return;
    const { packets, bytes } = this.since(held);
    counters.packets += packets;
    counters.bytes += bytes;
    this.holders.delete(counters);
    this.free.push(held.id);
  }

  /** What was counted under these counters' number. */
  counted(counters: Counters): Counted {
    const held = this.holders.get(counters);
    return held === undefined ? NOTHING : this.since(held);
  }

  private number(): number {
    if (this.free.length > RESTING) return this.free.shift()!;
    if (this.next < this.reader.end || this.reader.grow()) return this.next++;
    return this.free.shift() ?? 0;
  }

  private since({ id, from }: Holder): Counted {
    const now = this.reader.read(id);
    return { packets: now.packets - from.packets, bytes: now.bytes - from.bytes };
  }
}
