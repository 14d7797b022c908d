/**
 * What zebra tells that has no counterpart in the vASIC at all: EVPN MAC addresses, SRv6 local segments.
 * They are kept to be shown; their packets are no plain IP packets for the vASIC, which hands them to the host, and Linux has
 * them from zebra. As with routes, what a replay doesn't confirm goes when it ends.
 */
import type { Replays } from './replays';
import type { MacAdd, MacName, MacUpdate, SidAdd, SidUpdate } from './updates';

/** One kept thing, and the replay that confirmed it last. */
interface Held<T> {
  readonly value: T;
  readonly generation: number;
}

/** A kept thing as it is shown. */
export interface Kept<T> {
  readonly value: T;
  /** Not confirmed since zebra connected last. */
  readonly stale: boolean;
}

class Keeping<K, T> {
  private readonly held = new Map<K, Held<T>>();

  constructor(private readonly replays: Replays) {}

  set(key: K, value: T): void {
    this.held.set(key, { value, generation: this.replays.confirm(this.held.get(key)?.generation) });
  }

  delete(key: K): void {
    this.held.delete(key);
  }

  /** Returns how many went. */
  sweep(): number {
    let swept = 0;
    for (const [key, held] of this.held) {
      if (!this.replays.isStale(held.generation)) continue;
      this.held.delete(key);
      swept++;
    }
    return swept;
  }

  *all(): Generator<Kept<T>> {
    for (const { value, generation } of this.held.values()) yield { value, stale: this.replays.isStale(generation) };
  }

  get size(): number {
    return this.held.size;
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const macKey = (name: MacName): string => `${name.ifindex} ${name.vlan} ${name.vni} ${hex(name.mac)}`;

export class KeptThings {
  private readonly macsByName: Keeping<string, MacAdd>;
  private readonly sidsByAddress: Keeping<string, SidAdd>;

  constructor(replays: Replays) {
    this.macsByName = new Keeping(replays);
    this.sidsByAddress = new Keeping(replays);
  }

  apply(update: MacUpdate | SidUpdate): void {
    switch (update.kind) {
      case 'macAdd': {
        const { mac, vtep, ...rest } = update;
        const copy = { ...rest, mac: Uint8Array.from(mac), ...(vtep && { vtep: Uint8Array.from(vtep) }) };
        return this.macsByName.set(macKey(update), copy);
      }
      case 'macDelete':
        return this.macsByName.delete(macKey(update));
      case 'sidAdd': {
        const { sid, nexthop, ...rest } = update;
        const gateway = nexthop?.gateway && { gateway: Uint8Array.from(nexthop.gateway) };
        const copy = { ...rest, sid: Uint8Array.from(sid), ...(nexthop && { nexthop: { ...nexthop, ...gateway } }) };
        return this.sidsByAddress.set(hex(sid), copy);
      }
      case 'sidDelete':
        return this.sidsByAddress.delete(hex(update.sid));
    }
  }

  /** Drops what the replay didn't confirm; returns how much that was. */
  endReplay(): number {
    return [this.macsByName, this.sidsByAddress].reduce((swept, things) => swept + things.sweep(), 0);
  }

  macs(): Iterable<Kept<MacAdd>> {
    return this.macsByName.all();
  }

  sids(): Iterable<Kept<SidAdd>> {
    return this.sidsByAddress.all();
  }

  get size(): number {
    return this.macsByName.size + this.sidsByAddress.size;
  }
}
