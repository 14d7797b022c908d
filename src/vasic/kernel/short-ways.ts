/**
 * What the program has to know of the graph in front of the routes to send a usual packet (bpf/usual.h), beside the port that it comes to: the port's MAC
 * address, and for each family the trie and where its tree leads else. It is taken from the records, where a port leads to a KIND_FRONT and
 * that to a KIND_TREE, and spares usual packets these two. Other ports have none, and their packets go through the records.
 */
import * as layout from './layout';
import { portAt } from './port-table';

/** A family's bit, its slot in a KIND_FRONT, its root in a KIND_TREE, and where a port has root and default of it. */
const FAMILIES = [
  [layout.SHORT_IP4, layout.FRONT_IP4, layout.TREE_ROOT4, layout.PORT_SHORT_ROOT4, layout.PORT_SHORT_DEFAULT4],
  [layout.SHORT_IP6, layout.FRONT_IP6, layout.TREE_ROOT6, layout.PORT_SHORT_ROOT6, layout.PORT_SHORT_DEFAULT6],
] as const;

/** The ports' short ways in the globals (PORT_SHORT…), and which slots they are made of. Owner: the compiled graph. */
export class ShortWays {
  /** Slots that ports have what they have from. */
  private readonly sources = new Set<number>();

  constructor(private readonly globals: Uint32Array) {}

  /** Whether any port's way may be another once the records of these slots were written. */
  needs(written: ReadonlySet<number>): boolean {
    for (const slot of this.sources) if (written.has(slot)) return true;
    return false;
  }

  /**
   * Writes all ports' anew. Within a change of the graph's version.
   * @param table address of the table of records, whose words are in `heap`
   */
  write(heap: Uint32Array, table: number, ports: number): void {
    this.sources.clear();
    for (let port = 0; port < ports; port++) this.writePort(heap, table, portAt(port));
  }

  /** Takes all away. Likewise. */
  clear(ports: number): void {
    this.sources.clear();
    for (let port = 0; port < ports; port++) this.globals[portAt(port) + layout.PORT_SHORT] = 0;
  }

  private writePort(heap: Uint32Array, table: number, at: number): void {
    const { globals } = this;
    globals[at + layout.PORT_SHORT] = 0;
    const front = this.record(table, globals[at + layout.PORT_START]!);
    if (heap[front] !== layout.KIND_FRONT) return;
    globals[at + layout.PORT_SHORT_HIGH] = heap[front + layout.MATCH_MAC_HIGH]!;
    globals[at + layout.PORT_SHORT_LOW] = heap[front + layout.MATCH_MAC_LOW]!;
    for (const [bit, next, treeRoot, root, otherwise] of FAMILIES) {
      const tree = this.record(table, heap[front + next]!);
      if (heap[tree] !== layout.KIND_TREE) continue;
      globals[at + root] = heap[tree + treeRoot]!;
      globals[at + otherwise] = heap[tree + layout.TREE_DEFAULT]!;
      globals[at + layout.PORT_SHORT]! |= bit;
    }
  }

  /** Address of a slot's record; that of slot 0 is zeros. */
  private record(table: number, slot: number): number {
    if (slot !== 0) this.sources.add(slot);
    return table + slot * layout.RECORD_WORDS;
  }
}
