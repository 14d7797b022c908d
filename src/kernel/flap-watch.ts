/**
 * Neighbors whose hardware address goes to and fro: an address that two hosts claim, or a host that moves between ports of a switch. The
 * kernel believes whoever answered last, for half a minute or more, even when that one is gone by then. So when the changes
 * have stopped, the kernel is made to probe the one it believes: if nobody answers there it asks everybody, within
 * seconds. One record a neighbor, a bounded number of them, and nothing is asked while the changes go on.
 */
import { formatMac } from '../net/address';
import { addressKey } from './mirror';

/** Changes are counted for so long. */
export const WINDOW_MS = 60_000;
/** So many within it are no move of a host, but a quarrel. */
export const FLAPS = 3;
/** Probed after so much quiet: soon, and once more for a probe that was answered by the wrong one just before it left. */
const QUIET_MS = [2000, 10_000];
const MAX_NEIGHBORS = 1024;

interface Flapping {
  readonly ifindex: number;
  readonly address: Uint8Array;
  changes: number;
  lastAt: number;
  /** The last two addresses that it had. */
  macs: readonly string[];
  probes: number;
}

/** A neighbor that is quarrelled about. */
export interface FlapView {
  readonly ifindex: number;
  readonly address: Uint8Array;
  readonly changes: number;
  /** The last two hardware addresses. */
  readonly macs: readonly string[];
}

export class FlapWatch {
  private readonly watched = new Map<string, Flapping>();

  constructor(
    private readonly options: {
      /** Monotonic, ms. */
      readonly now: () => number;
      /** Has the kernel probe the neighbor. */
      readonly probe: (ifindex: number, address: Uint8Array) => void;
    },
  ) {}

  /** How many are watched; while there are any, `tick` is to be called each second or so. */
  get size(): number {
    return this.watched.size;
  }

  /** A neighbor has another hardware address than before. */
  changed(ifindex: number, address: Uint8Array, before: Uint8Array, mac: Uint8Array): void {
    const now = this.options.now();
    const key = addressKey(ifindex, address);
    let found = this.watched.get(key);
    if (found === undefined) {
      if (this.watched.size >= MAX_NEIGHBORS) return;
      found = { ifindex, address: Uint8Array.from(address), changes: 0, lastAt: now, macs: [], probes: 0 };
      this.watched.set(key, found);
    }
    found.changes++;
    found.lastAt = now;
    found.probes = 0;
    found.macs = [formatMac(before), formatMac(mac)];
  }

  /** Probes those that are quiet now, forgets those that were for long. */
  tick(): void {
    const now = this.options.now();
    for (const [key, found] of this.watched) {
      const quiet = now - found.lastAt;
      if (quiet >= WINDOW_MS) this.watched.delete(key);
      // One change is a host that has a new network card: it has just answered with it.
      else if (found.changes > 1 && quiet >= (QUIET_MS[found.probes] ?? Infinity)) {
        found.probes++;
        this.options.probe(found.ifindex, found.address);
      }
    }
  }

  /** Those that are quarrelled about, or were within the last minute. */
  *flapping(): Generator<FlapView> {
    for (const { ifindex, address, changes, macs } of this.watched.values()) {
      if (changes >= FLAPS) yield { ifindex, address, changes, macs };
    }
  }
}
