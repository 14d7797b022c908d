/**
 * Which records have in them what nodes behind theirs say, so that they are written again with those. How many follow one node is bounded, as all
 * of them are written while packets wait for the graph.
 */

/** Records that may have a node in them. */
const MAX_FOLLOWERS = 1024;

const NONE: readonly number[] = [];

export class Followers {
  /** Slot of a node → slots of the records that have it in them, and the other way round. */
  private readonly of = new Map<number, Set<number>>();
  private readonly nodes = new Map<number, readonly number[]>();

  /** The record in `slot` is to have these nodes in it, and none of those before; false: too many have one of them, and it has none. */
  follow(slot: number, nodes: readonly number[]): boolean {
    for (const node of this.nodes.get(slot) ?? NONE) this.leave(node, slot);
    this.nodes.delete(slot);
    if (nodes.length === 0) return true;
    if (nodes.some((node) => (this.of.get(node)?.size ?? 0) >= MAX_FOLLOWERS)) return false;
    this.nodes.set(slot, nodes);
    for (const node of nodes) {
      const slots = this.of.get(node);
      if (slots === undefined) this.of.set(node, new Set([slot]));
      else slots.add(slot);
    }
    return true;
  }

  /** Adds to slots that changed all whose records have to be written with them. */
  addTo(changed: Set<number>): void {
    // A set is walked to its end, with what is added meanwhile.
    for (const node of changed) {
      const slots = this.of.get(node);
      if (slots !== undefined) for (const slot of slots) changed.add(slot);
    }
  }

  private leave(node: number, slot: number): void {
    const slots = this.of.get(node);
    if (slots?.delete(slot) === true && slots.size === 0) this.of.delete(node);
  }
}
