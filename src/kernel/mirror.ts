/**
 * The mirror of the kernel's links, and of the neighbors and addresses on our ports. It turns what the kernel says into
 * updates that each change something: repeated messages yield nothing, and what a dump doesn't confirm is deleted.
 *
 * Every record carries the generation of the dump that saw it last. A dump raises its kind's generation at its start;
 * whatever a message touches takes the present one; what still has an older one at the end is gone. So a dump after an
 * overrun replaces nothing that is still there.
 */
import type { KernelUpdate, NeighborState } from '../fib/updates';
import { sameBytes } from '../net/address';
import type { AddressMessage, KernelMessage, LinkMessage, NeighborMessage } from './decode';

type Kind = KernelMessage['kind'];

interface Seen<T> {
  readonly value: T;
  generation: number;
}

export interface MirrorOptions {
  /** Names of the ports' TAPs. */
  readonly taps: ReadonlySet<string>;
  readonly emit: (update: KernelUpdate) => void;
  /** An interface became a port by its name: what is on it may have been told before, and must be asked for again. */
  readonly portAppeared: () => void;
  /** Every message about a neighbor on a port, also one that changes nothing. */
  readonly neighborSeen: (ifindex: number, address: Uint8Array) => void;
  /** A neighbor has another hardware address than before. */
  readonly macChanged: (ifindex: number, address: Uint8Array, before: Uint8Array, mac: Uint8Array) => void;
  /** A link came, changed or went. */
  readonly linkChanged: (ifindex: number) => void;
}

/** Neighbors without an address now of which the last one is known, at most. */
const MAX_LAST = 4096;

/** Key of an address on an interface: the index, then the bytes as characters. */
export function addressKey(ifindex: number, address: Uint8Array): string {
  return `${ifindex}/${String.fromCharCode(...address)}`;
}

export class KernelMirror {
  private readonly links = new Map<number, Seen<LinkMessage>>();
  private readonly addresses = new Map<string, Seen<AddressMessage>>();
  private readonly neighbors = new Map<string, Seen<NeighborMessage>>();
  /** What neighbors had that have none now: one that comes back with another was changed. */
  private readonly lastMac = new Map<string, Uint8Array>();
  private readonly generation: Record<Kind, number> = { link: 0, address: 0, neighbor: 0 };

  constructor(private readonly options: MirrorOptions) {}

  apply(message: KernelMessage): void {
    switch (message.kind) {
      case 'link':
        this.applyLink(message);
        return;
      case 'address':
        this.applyAddress(message);
        return;
      case 'neighbor':
        this.applyNeighbor(message);
        return;
    }
  }

  /** A dump of this kind begins. */
  beginDump(kind: Kind): void {
    this.generation[kind]++;
  }

  /** The dump is complete: deletes what it didn't show. */
  endDump(kind: Kind): void {
    const now = this.generation[kind];
    switch (kind) {
      case 'link':
        for (const { value, generation } of this.links.values()) {
          if (generation !== now) this.applyLink({ ...value, present: false });
        }
        return;
      case 'address':
        for (const { value, generation } of this.addresses.values()) {
          if (generation !== now) this.applyAddress({ ...value, present: false });
        }
        return;
      case 'neighbor':
        for (const { value, generation } of this.neighbors.values()) {
          if (generation !== now) this.applyNeighbor({ ...value, present: false });
        }
        return;
    }
  }

  /** Indexes of the interfaces that are ports. */
  ports(): number[] {
    return [...this.links.keys()].filter((ifindex) => this.isPort(ifindex));
  }

  /** A port of ours that packets can leave by. */
  isPortUp(ifindex: number): boolean {
    return this.isPort(ifindex) && this.links.get(ifindex)?.value.up === true;
  }

  /** Undefined for a neighbor the kernel told nothing of. */
  neighborState(ifindex: number, address: Uint8Array): NeighborState | undefined {
    return this.neighbors.get(addressKey(ifindex, address))?.value.state;
  }

  sizes(): { readonly links: number; readonly addresses: number; readonly neighbors: number } {
    return { links: this.links.size, addresses: this.addresses.size, neighbors: this.neighbors.size };
  }

  private isPort(ifindex: number): boolean {
    const link = this.links.get(ifindex);
    return link !== undefined && this.options.taps.has(link.value.name);
  }

  private applyLink(message: LinkMessage): void {
    const { ifindex } = message;
    const known = this.links.get(ifindex);
    const wasPort = this.isPort(ifindex);
    if (!message.present) {
      if (known === undefined) return;
      this.forgetOn(ifindex);
      this.links.delete(ifindex);
    } else {
      this.links.set(ifindex, { value: message, generation: this.generation.link });
      if (known !== undefined && sameLink(known.value, message)) return;
      if (wasPort && !this.isPort(ifindex)) this.forgetOn(ifindex);
    }
    this.options.emit({ ...message, up: message.present && message.up });
    this.options.linkChanged(ifindex);
    // A new link has told of nothing yet, a renamed one has.
    if (known !== undefined && !wasPort && this.isPort(ifindex)) this.options.portAppeared();
  }

  /** Deletes what hung on an interface that is gone or no port any more. */
  private forgetOn(ifindex: number): void {
    for (const { value } of this.neighbors.values()) {
      if (value.ifindex === ifindex) this.applyNeighbor({ ...value, present: false });
    }
    for (const { value } of this.addresses.values()) {
      if (value.ifindex === ifindex) this.applyAddress({ ...value, present: false });
    }
  }

  private applyAddress(message: AddressMessage): void {
    const { ifindex, address, length, peer, broadcast, subnet } = message;
    // The same address may be there twice, with different lengths or peers.
    const key = `${length}/${addressKey(ifindex, address)}/${peer?.join('.') ?? ''}`;
    const name = { ifindex, address, length, ...(peer !== undefined && { peer }) };
    const known = this.addresses.get(key);
    if (!message.present) {
      if (!this.addresses.delete(key)) return;
      this.options.emit({ kind: 'addressDelete', ...name });
      return;
    }
    if (!this.isPort(ifindex)) return;
    this.addresses.set(key, { value: message, generation: this.generation.address });
    if (known !== undefined && sameAddress(known.value, message)) return;
    this.options.emit({
      kind: 'addressAdd',
      ...name,
      ...(broadcast !== undefined && { broadcast }),
      ...(subnet !== undefined && { subnet }),
    });
  }

  private applyNeighbor(message: NeighborMessage): void {
    const { ifindex, address, mac, state } = message;
    const key = addressKey(ifindex, address);
    const known = this.neighbors.get(key);
    if (!message.present) {
      if (!this.neighbors.delete(key)) return;
      this.lastMac.delete(key);
      this.options.emit({ kind: 'neighborDelete', source: 'kernel', ifindex, address });
      this.options.neighborSeen(ifindex, address);
      return;
    }
    if (!this.isPort(ifindex)) return;
    this.neighbors.set(key, { value: message, generation: this.generation.neighbor });
    const before = known?.value.mac ?? this.lastMac.get(key);
    if (mac !== undefined) {
      if (before !== undefined && !sameBytes(before, mac)) this.options.macChanged(ifindex, address, before, mac);
      this.lastMac.delete(key);
    } else if (before !== undefined && this.lastMac.size < MAX_LAST) this.lastMac.set(key, before);
    if (known === undefined || known.value.state !== state || !sameBytes(known.value.mac, mac)) {
      this.options.emit({
        kind: 'neighborAdd',
        source: 'kernel',
        ifindex,
        address,
        ...(mac !== undefined && { mac }),
        state,
      });
    }
    this.options.neighborSeen(ifindex, address);
  }
}

/** What may change of an address that stays. */
function sameAddress(a: AddressMessage, b: AddressMessage): boolean {
  return sameBytes(a.broadcast, b.broadcast) && sameBytes(a.subnet?.bytes, b.subnet?.bytes);
}

function sameLink(a: LinkMessage, b: LinkMessage): boolean {
  return LINK_FIELDS.every((field) => a[field] === b[field]) && sameBytes(a.mac, b.mac) && sameRole(a, b);
}

const LINK_FIELDS = ['name', 'up', 'mtu', 'master', 'adminDown', 'promiscuous', 'allMulticast', 'vrfTable'] as const;

function sameRole({ vlan: a }: LinkMessage, { vlan: b }: LinkMessage): boolean {
  return a?.id === b?.id && a?.parent === b?.parent;
}
