/**
 * What a forwarder beside the engine (the kernel's program) may do by itself at a node: the engine's own words for it, which
 * src/vasic/kernel/ puts into that program's records. Whatever it does not say is left to the engine.
 *
 * Slots are those of the graph; END (0) leads to the engine.
 */
import type { Counters } from './counters';
import type { TrieMemory } from './word-pool';

/** Why packets at a node are the engine's: its kind, or what it would come to. */
export type SlowNode = 'node' | 'host' | 'policer';

/** TTL of an IP packet whose last label is taken: its own still, the label's less one, its own less one. */
export type PoppedTtl = 'stays' | 'ofLabel' | 'ofPacket';

export type NodeImage =
  | { readonly kind: 'slow'; readonly reason: SlowNode }
  | { readonly kind: 'discard'; readonly counters: Counters }
  | { readonly kind: 'goto'; readonly next: number }
  /** Compares the destination MAC, six bytes. */
  | { readonly kind: 'matchMac'; readonly mac: Uint8Array; readonly whenTrue: number; readonly whenFalse: number }
  /** By ether type; `to`: where one leads, the default included. Asked whenever entries change. */
  | { readonly kind: 'etherSwitch'; readonly to: (type: number) => number }
  /** A lookup. `routes`: it is a router's, of the destination; any other is the engine's. */
  | {
      readonly kind: 'tree';
      readonly routes: boolean;
      readonly otherwise: number;
      readonly ip4: TrieMemory;
      readonly ip6: TrieMemory;
    }
  /** By FLOW_FIELDS, or `labels`: LABEL_FLOW_FIELDS; `paths`: places that are taken, in ascending order, and where they lead. Likewise. */
  | {
      readonly kind: 'balance';
      readonly max: number;
      readonly labels: boolean;
      readonly paths: () => readonly (readonly [number, number])[];
    }
  /** A new Ethernet header without tags; `mtu` 0: none of its own. `macs`: destination and source. */
  | {
      readonly kind: 'encap';
      readonly next: number;
      readonly mtu: number;
      readonly macs: Uint8Array;
      readonly counters: Counters;
    }
  /** A label in front of the packet; `ttl` undefined: that of the packet behind it. `keepsClass`: a label behind it gives it its class. */
  | {
      readonly kind: 'push';
      readonly next: number;
      readonly label: number;
      readonly ttl: number | undefined;
      readonly keepsClass: boolean;
      readonly counters: Counters;
    }
  /** Another label in place of the top one. */
  | { readonly kind: 'swap'; readonly next: number; readonly label: number; readonly counters: Counters }
  /** One label off; `stack`: where packets with more go, `payload`: the only ether type that may be behind the last one. */
  | {
      readonly kind: 'pop';
      readonly next: number;
      readonly stack: number;
      readonly ttl: PoppedTtl;
      readonly payload: number | undefined;
      readonly counters: Counters;
    }
  /**
   * By the top label. `expires`: those with an entry and a TTL that ends are the engine's. `to`: where a label's entry leads, END: it has none.
   * `changed`: labels whose entries changed since it was asked last, or all.
   */
  | {
      readonly kind: 'labelTable';
      readonly otherwise: number;
      readonly expires: boolean;
      readonly to: (label: number) => number;
      readonly changed: (all: boolean) => Iterable<number>;
    }
  /** By the input port, of so many; `to`: where one leads, the default included. */
  | { readonly kind: 'portSwitch'; readonly ports: number; readonly to: (port: number) => number }
  | { readonly kind: 'output'; readonly port: number }
  | { readonly kind: 'counter'; readonly next: number; readonly counters: Counters };

/** The graph as its watcher reads it. */
export interface WatchedGraph {
  /** The image of the node in a slot; undefined: there is none. */
  imageOf(slot: number): NodeImage | undefined;
  /** Slot where packets received on a port start, END: it isn't bound. */
  inputStart(port: number): number;
  /** Slot of the node that stands for an input port. */
  inputSlot(port: number): number;
}

/**
 * Is told what changed in the graph, each time once it has. Only entries of tries show by themselves (TrieMemory), so all else
 * has to show before those change: settle().
 */
export interface GraphWatcher {
  /** The node in this slot is new, another one, or back. */
  placed(slot: number): void;
  gone(slot: number): void;
  /** Its entries changed. */
  entriesChanged(slot: number): void;
  bound(port: number): void;
  settle(): void;
  /** What keeps the last change from staying: there is no room for it. It is then taken back. */
  fault(): string | undefined;
  /** Runs what takes changes back. */
  rollback(run: () => void): void;
}

/** Who is told of a graph's changes, and where the entries of its tries are. */
export interface GraphSurroundings {
  readonly watch: (graph: WatchedGraph) => GraphWatcher;
  readonly trieMemory: (family: 4 | 6) => TrieMemory;
}
