/**
 * The compiled copy of a sandbox's graph that the kernel's program forwards by, kept in step with the graph.
 *
 * **How a change reaches the kernel.** The graph tells what changed; that is gathered as a set of slots. Before entries of a
 * route trie change, and at the end of each operation, the slots are written (settle): graph version odd, then each record in
 * its place (zeros for a slot without a node), and those of other slots that have it in them, each load balancer's slots,
 * bindings, and what ports have of the records behind them (short-ways.ts); version even. A program that ran meanwhile sees the
 * version and leaves its packet to the engine. Entries of tries are stored in place at once, each under the version of its own
 * part of the trie (shared-trie.ts).
 *
 * So at every moment the program sees the graph as it was before, or after, one change of the operation, in their order: nodes and
 * load balancers first, as far as they come before the next route. A refused operation is taken back the same way. What no longer
 * leads anywhere is written before what it led to is given to somebody else: a slot that is free has zeros, and a record's words are
 * overwritten only while the version is odd.
 *
 * **Room.** What a node needs of the heap is allocated when the graph changes, not when it is written. Where there is no room the graph
 * hears of it (fault) and takes the change back.
 */
import type { GraphWatcher, WatchedGraph } from '../engine/node-image';
import type { FastPath, PortCounted, Taker } from '../engine/fast-path';
import { END } from '../engine/walk';
import { TABLES_FROM } from '../engine/word-pool';
import { Buckets } from './buckets';
import { CounterIds, type CounterReader } from './counter-ids';
import { decide } from './decide';
import { Heap, PAGE_WORDS, type HeapBacking } from './heap';
import * as layout from './layout';
import { LeafPages } from './leaf-pages';
import { portAt } from './port-table';
import { Records } from './records';
import { EarlyTables, SharedTrieMemory } from './shared-trie';
import { ShortWays } from './short-ways';
import { Versions } from './versions';

const FIRST_SLOTS = 1024;

/** What the program reads and writes, mapped; or in tests ordinary memory. */
export interface KernelTables {
  readonly heap: HeapBacking;
  /** GLOBAL_WORDS words. */
  readonly globals: Uint32Array;
  readonly counters: CounterReader & { port(port: number): PortCounted };
}

class Image implements GraphWatcher {
  private readonly records: Records;
  private readonly dirty = new Set<number>();
  private readonly ports = new Set<number>();
  /** Slots that the table of records has. */
  private slots = 0;

  constructor(
    private readonly graph: WatchedGraph,
    private readonly globals: Uint32Array,
    private readonly heap: Heap,
    private readonly versions: Versions,
    ids: CounterIds,
    private readonly shortWays: ShortWays,
    private readonly portCount: number,
  ) {
    this.records = new Records(heap, ids);
  }

  placed(slot: number): void {
    const image = this.graph.imageOf(slot);
    if (image === undefined) return;
    if (!this.makeSlot(slot) || !this.records.hold(slot, image)) this.heap.missed = true;
    this.dirty.add(slot);
  }

  gone(slot: number): void {
    this.dirty.add(slot);
  }

  entriesChanged(slot: number): void {
    if (!this.records.entriesChanged(slot)) this.heap.missed = true;
    this.dirty.add(slot);
  }

  bound(port: number): void {
    this.ports.add(port);
    this.placed(this.graph.inputSlot(port));
  }

  settle(): void {
    if (this.dirty.size === 0 && this.ports.size === 0) return;
    const gone = new Set([...this.dirty].filter((slot) => this.graph.imageOf(slot) === undefined));
    this.versions.turnGraph();
    this.records.write(this.dirty, gone);
    for (const port of this.ports) this.globals[portAt(port) + layout.PORT_START] = this.graph.inputStart(port);
    if (this.ports.size > 0 || this.shortWays.needs(this.dirty))
      this.shortWays.write(this.heap.words, this.records.table, this.portCount);
    this.versions.turnGraph();
    this.dirty.clear();
    this.ports.clear();
  }

  fault(): string | undefined {
    if (!this.heap.missed) return undefined;
    this.heap.missed = false;
    const size = Math.round(this.heap.bytes / 2 ** 20);
    return `the tables that the kernel forwards by are full (${size} MiB): give softvasic more --kernel-memory, or --engine engine`;
  }

  rollback(run: () => void): void {
    this.heap.withReserve(run);
    this.heap.missed = false;
  }

  /** Makes the table of records long enough; false: there is no room. */
  private makeSlot(slot: number): boolean {
    if (slot < this.slots) return true;
    const slots = Math.max(FIRST_SLOTS, 2 * this.slots);
    const [before, words] = [this.slots * layout.RECORD_WORDS, slots * layout.RECORD_WORDS];
    if (!this.heap.makesRoom(() => this.heap.hasPages(words / PAGE_WORDS))) return false;
    const at = this.heap.allocateWords(words);
    if (at === 0) return false;
    const { table } = this.records;
    this.heap.words.fill(0, at, at + words);
    this.heap.words.copyWithin(at, table, table + before);
    this.versions.turnGraph();
    this.globals[layout.GLOBAL_RECORDS] = at;
    this.versions.turnGraph();
    if (this.slots > 0) this.heap.releaseWords(table, before);
    this.records.table = at;
    this.slots = slots;
    return this.makeSlot(slot);
  }
}

function since(now: PortCounted, before: PortCounted): PortCounted {
  const part = (of: keyof PortCounted): PortCounted[typeof of] => ({
    packets: now[of].packets - before[of].packets,
    bytes: now[of].bytes - before[of].bytes,
  });
  return { received: part('received'), sent: part('sent'), discarded: part('discarded') };
}

/** Compiles a sandbox's graph into the tables, which are empty from then on until it has something. One at a time. */
export function createFastPath(tables: KernelTables, ports: number): FastPath {
  const { globals } = tables;
  const versions = new Versions(globals);
  const heap = new Heap(tables.heap);
  const ids = new CounterIds(tables.counters);
  const shortWays = new ShortWays(globals);
  const early = new EarlyTables();

  function forget(): void {
    versions.turnGraph();
    globals[layout.GLOBAL_RECORDS] = 0;
    for (let port = 0; port < ports; port++) globals[portAt(port) + layout.PORT_START] = END;
    shortWays.clear(ports);
    versions.turnGraph();
  }

  forget();
  const before = Array.from({ length: ports }, (_, port) => tables.counters.port(port));
  return {
    watch: (graph) => new Image(graph, globals, heap, versions, ids, shortWays, ports),
    trieMemory: (family) =>
      new SharedTrieMemory(heap, versions, early, family === 4 ? new LeafPages(heap, TABLES_FROM) : new Buckets(heap)),
    counted: (counters) => ids.counted(counters),
    portCounted: (port) => since(tables.counters.port(port), before[port]!),
    taker(port, frame): Taker {
      const decision = decide({ heap: heap.words, globals }, port, frame);
      return decision.verdict === 'slow' ? { by: 'engine', reason: decision.reason } : { by: 'kernel' };
    },
    isMakingRoom: () => heap.isAwaited,
    close: forget,
  };
}
