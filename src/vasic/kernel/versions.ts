/**
 * The versions by which the kernel's program notices that what it read was being changed (layout.ts). The writer, one thread,
 * turns a version odd before its first store and even after its last. Atomics.add() is a full barrier on x86-64, and V8 moves
 * no store across it.
 */
import { GLOBAL_GRAPH_VERSION, GLOBAL_TREE_VERSIONS, TREE_VERSIONS } from './layout';

export class Versions {
  constructor(private readonly globals: Uint32Array) {}

  /** Begins a change of records, slots, bindings, roots or tables, or ends it. */
  turnGraph(): void {
    Atomics.add(this.globals, GLOBAL_GRAPH_VERSION, 1);
  }

  /** Begins or ends a change in a trie; `place`: an address's first 16 bits, or a small trie's root / 4. */
  turnTree(place: number): void {
    Atomics.add(this.globals, GLOBAL_TREE_VERSIONS + (place & (TREE_VERSIONS - 1)), 1);
  }
}
