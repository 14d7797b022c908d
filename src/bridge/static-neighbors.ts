/**
 * Neighbors that the configuration names: they are there as soon as their TAP is, and again whenever it is made anew. One that is gone, or
 * has another name, has none of them: another interface may have its index next.
 */
import type { Config } from '../config/types';
import { bytesEqual, formatAddress } from '../net/address';
import type { KernelUpdate, LinkChange, NeighborUpdate } from '../fib/updates';

type Entry = Config['neighbors']['static'][number];

export class StaticNeighbors {
  /** What holds of each interface that has some: by its index, then by the neighbor's address. */
  private readonly told = new Map<number, ReadonlyMap<string, Entry>>();

  constructor(private entries: readonly Entry[]) {}

  /** What follows from the kernel's news. */
  follow(update: KernelUpdate): NeighborUpdate[] {
    return update.kind === 'link' ? this.review(update) : [];
  }

  /** What follows from another configuration for the interfaces that there are. */
  reload(entries: readonly Entry[], links: readonly LinkChange[]): NeighborUpdate[] {
    this.entries = entries;
    return links.flatMap((link) => this.review(link));
  }

  private review({ ifindex, name, present }: LinkChange): NeighborUpdate[] {
    const before = this.told.get(ifindex) ?? new Map<string, Entry>();
    const own = present ? this.entries.filter(({ tap }) => tap === name) : [];
    const after = new Map(own.map((entry) => [formatAddress(entry.address), entry]));
    if (after.size > 0) this.told.set(ifindex, after);
    else this.told.delete(ifindex);
    const updates: NeighborUpdate[] = [];
    for (const [key, { address }] of before) {
      if (!after.has(key)) updates.push({ kind: 'neighborDelete', source: 'static', ifindex, address });
    }
    for (const [key, { address, mac }] of after) {
      const known = before.get(key);
      if (known !== undefined && bytesEqual(known.mac, mac)) continue;
      updates.push({ kind: 'neighborAdd', source: 'static', ifindex, address, mac, state: 'permanent' });
    }
    return updates;
  }
}
