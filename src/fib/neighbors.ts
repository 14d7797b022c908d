/**
 * The neighbors: who answers at an IP address on a port. Several sources may speak of the same neighbor (static
 * configuration, the FPM stream, the kernel); each keeps its own word, and the first of them that has a usable one is
 * believed. A neighbor that nexthops wait for exists here before anybody knows its address.
 */
import { bytesEqual, isGroupMac } from '../net/address';
import type { NeighborAdd, NeighborSource, NeighborState } from './updates';

const PRECEDENCE: readonly NeighborSource[] = ['static', 'fpm', 'kernel'];

/** Whether packets may be sent to a neighbor in this state, given its own MAC: what Linux calls NUD_VALID. */
export function isUsable(state: NeighborState): boolean {
  switch (state) {
    case 'reachable':
    case 'stale':
    case 'delay':
    case 'probe':
    case 'permanent':
    case 'noarp':
      return true;
    case 'incomplete':
    case 'failed':
    case 'none':
      return false;
  }
}

/** What a source says of a neighbor. */
export interface NeighborWord {
  readonly mac: Uint8Array | undefined;
  readonly state: NeighborState;
  /** Of zebra's word: the replay that confirmed it last. */
  readonly generation?: number;
}

export interface Neighbor {
  /** Never used twice; also the adjacency's id. */
  readonly id: number;
  readonly ifindex: number;
  readonly address: Uint8Array;
  readonly told: Map<NeighborSource, NeighborWord>;
  /** The hardware address to use; undefined while there is none usable. */
  mac: Uint8Array | undefined;
  state: NeighborState;
  source: NeighborSource | undefined;
  /** Nexthop groups with a path at this neighbor. */
  readonly users: Set<number>;
  /** Nexthop group of its host entries, 0: it has none; their rows by table. */
  hostGroup: number;
  readonly hostRows: Map<number, number>;
}

function keyOf(ifindex: number, address: Uint8Array): string {
  return `${ifindex}/${Buffer.from(address.buffer, address.byteOffset, address.length).toString('latin1')}`;
}

export class NeighborTable {
  private readonly byKey = new Map<string, Neighbor>();
  private readonly byId = new Map<number, Neighbor>();
  private nextId = 1;

  get size(): number {
    return this.byKey.size;
  }

  all(): IterableIterator<Neighbor> {
    return this.byKey.values();
  }

  byIdOf(id: number): Neighbor | undefined {
    return this.byId.get(id);
  }

  find(ifindex: number, address: Uint8Array): Neighbor | undefined {
    return this.byKey.get(keyOf(ifindex, address));
  }

  /** The neighbor's record, made if there was none. */
  demand(ifindex: number, address: Uint8Array): Neighbor {
    const key = keyOf(ifindex, address);
    let neighbor = this.byKey.get(key);
    if (neighbor === undefined) {
      neighbor = {
        id: this.nextId++,
        ifindex,
        address: Uint8Array.from(address),
        told: new Map(),
        mac: undefined,
        state: 'none',
        source: undefined,
        users: new Set(),
        hostGroup: 0,
        hostRows: new Map(),
      };
      this.byKey.set(key, neighbor);
      this.byId.set(neighbor.id, neighbor);
    }
    return neighbor;
  }

  /** Takes one source's word, confirmed by this replay where it is zebra's. Returns the neighbor when what is to be used has changed. */
  add(update: NeighborAdd, generation?: number): Neighbor | undefined {
    const neighbor = this.demand(update.ifindex, update.address);
    const mac = update.mac === undefined ? undefined : Uint8Array.from(update.mac);
    const word = { mac, state: update.state };
    neighbor.told.set(update.source, generation === undefined ? word : { ...word, generation });
    return this.choose(neighbor) ? neighbor : undefined;
  }

  /** A source doesn't know the neighbor any more. Returns the neighbor when what is to be used has changed. */
  remove(source: NeighborSource, ifindex: number, address: Uint8Array): Neighbor | undefined {
    const neighbor = this.find(ifindex, address);
    if (neighbor === undefined) return undefined;
    neighbor.told.delete(source);
    const changed = this.choose(neighbor);
    this.dropIfUnused(neighbor);
    return changed ? neighbor : undefined;
  }

  /** Forgets a record that nobody tells of and nobody needs. */
  dropIfUnused(neighbor: Neighbor): void {
    if (neighbor.told.size > 0 || neighbor.users.size > 0 || neighbor.hostGroup !== 0) return;
    this.byKey.delete(keyOf(neighbor.ifindex, neighbor.address));
    this.byId.delete(neighbor.id);
  }

  private choose(neighbor: Neighbor): boolean {
    const before = neighbor.mac;
    neighbor.mac = undefined;
    neighbor.source = undefined;
    neighbor.state = 'none';
    for (const source of PRECEDENCE) {
      const word = neighbor.told.get(source);
      if (word === undefined) continue;
      if (neighbor.source === undefined) {
        neighbor.source = source;
        neighbor.state = word.state;
      }
      // Sent to the MAC of a group, packets would reach others too.
      if (word.mac !== undefined && !isGroupMac(word.mac) && isUsable(word.state)) {
        neighbor.mac = word.mac;
        neighbor.source = source;
        neighbor.state = word.state;
        break;
      }
    }
    if (before === undefined || neighbor.mac === undefined) return before !== neighbor.mac;
    return !bytesEqual(before, neighbor.mac);
  }
}
