/**
 * The operations: what comes next, what is in flight, and what becomes of it.
 *
 * It pulls work from the FIB whenever fewer than `inFlight` operations are unacknowledged, so a slow server lets dirty
 * sets grow (bounded by the tables) and no queue. Order keeps make-before-break: a layer is only pointed at when the
 * layer below it is acknowledged (adjacency, then labels, then nexthop group, then LSPs and route entries), and nodes are removed when nothing
 * acknowledged or in flight points at them any more. One member (adjacency, group or row) has at most one operation in
 * flight; if its intent changes meanwhile, it is written again after the acknowledgement.
 *
 * A refused operation is bisected: the member at fault, where the server names it, gets its verdict, the rest is sent
 * again in halves, down to single members.
 */
import { LSPS_PER_OPERATION } from './lsp-writer';
import { removalOf } from './garbage-queue';
import { NODES_PER_OPERATION, SLOTS_PER_OPERATION, type Garbage, type NodeInsert, type NodeWriter } from './graph';
import { halves, type RouteBatch } from './route-writer';
import type { VasicTables } from './vasic-tables';
import type { AftError, AftInsert, AftOperation, Token } from '../aft/model';
import type { ForwardingSource } from '../fib/intents';
import type { WorkSet } from '../fib/work-set';
import type { Logger } from '../observe/log';

interface NodeBatch {
  readonly kind: 'nodes';
  readonly writer: NodeWriter;
  readonly ids: readonly number[];
}

type Batch =
  { readonly kind: 'base' } | NodeBatch | RouteBatch | { readonly kind: 'garbage'; readonly items: readonly Garbage[] };

export interface PipelineParts {
  readonly tables: VasicTables;
  readonly source: ForwardingSource;
  /** Operations in flight at most. */
  readonly inFlight: number;
  /** False: taken, but nothing more should be sent before the connection drains. */
  readonly send: (id: number, operation: AftOperation) => boolean;
  /** Whether the server takes routes. */
  readonly ready: () => boolean;
  /** The base graph is in place, or was refused for a reason. */
  readonly baseDone: (error: string | undefined) => void;
  /** What became of a base graph in flight is not known. */
  readonly baseUncertain: () => void;
  readonly log: Logger;
}

export class Pipeline {
  /** Operations since start: sent; refused for something in them; refused, and tried again in parts, later, or done already. */
  sent = 0;
  failed = 0;
  retried = 0;
  private readonly inFlight = new Map<number, Batch>();
  private retries: Batch[] = [];
  private nextId = 1;
  private writable = true;
  /** Something was removed since refused removals were last tried again, and nodes among it. */
  private removed = false;
  private nodesRemoved = false;
  /** What an earlier run left may go when everything is written anew. */
  private adoptedDue = false;

  constructor(private readonly parts: PipelineParts) {}

  get operationsInFlight(): number {
    return this.inFlight.size;
  }

  /** Whether nothing is left to send and everything sent is acknowledged. */
  get idle(): boolean {
    const { dirtyRoutes, lsps } = this.parts.source;
    return this.inFlight.size === 0 && this.retries.length === 0 && dirtyRoutes === 0 && lsps.pending === 0;
  }

  /** The nodes of an earlier run are to go. */
  get releasesAdopted(): boolean {
    return this.adoptedDue;
  }

  /** A connection begins. */
  opened(): void {
    this.writable = true;
  }

  /** The vASIC has nothing: what was to be tried again isn't any more. */
  reset(): void {
    this.retries = [];
    this.adoptedDue = false;
  }

  /** Has the nodes of an earlier run removed when all entries are written, so that none uses them. */
  releaseAdopted(): void {
    this.adoptedDue = true;
    this.pump();
  }

  sendBase(insert: AftInsert): void {
    this.send({ kind: 'base' }, { kind: 'insert', insert });
  }

  /** What is in flight has an unknown outcome: it is written again. */
  abandon(): void {
    const batches = [...this.inFlight.values()];
    this.inFlight.clear();
    for (const batch of batches) {
      switch (batch.kind) {
        case 'base':
          this.parts.baseUncertain();
          break;
        case 'nodes':
          for (const id of batch.ids) batch.writer.uncertain(id);
          break;
        case 'insert':
        case 'remove':
          this.parts.tables.routes.uncertain(batch);
          break;
        case 'garbage':
          for (const item of batch.items) this.parts.tables.garbage.push(item);
      }
    }
  }

  /** The connection has room again. */
  drained(): void {
    this.writable = true;
    this.pump();
  }

  // ---- sending ----------------------------------------------------------------------------------------------------

  /** Sends as much as may be in flight. Call after anything that may have made work. */
  pump(): void {
    if (!this.parts.ready()) return;
    while (this.writable && this.inFlight.size < this.parts.inFlight) {
      const batch = this.nextBatch();
      if (batch === undefined) return this.whenIdle();
      this.sendBatch(batch);
    }
  }

  private send(batch: Batch, operation: AftOperation): void {
    const id = this.nextId++;
    this.inFlight.set(id, batch);
    this.sent++;
    if (this.parts.log.verbose) this.parts.log.debug('operation sent', { id, ...sizeOf(operation) });
    if (!this.parts.send(id, operation)) this.writable = false;
  }

  /** What comes next: lower layers first, then removals that make room, then routes. */
  private nextBatch(): Batch | undefined {
    const { source } = this.parts;
    // Before anything else: what is looked at while it isn't wanted is removed, and may not be wanted again.
    source.retireUnwanted();
    const retry = this.retries.shift();
    if (retry !== undefined) return retry;
    const vrfs = takeMembers(this.parts.tables.vrfs.dirty, () => source.takeTable());
    if (vrfs.length > 0) return { kind: 'nodes', writer: this.parts.tables.vrfs, ids: vrfs };
    const ports = takeMembers(this.parts.tables.ports.dirty, () => source.takePort());
    if (ports.length > 0) return { kind: 'nodes', writer: this.parts.tables.ports, ids: ports };
    const neighbors = takeMembers(this.parts.tables.adjacencies.dirty, () => source.takeAdjacency());
    if (neighbors.length > 0) return { kind: 'nodes', writer: this.parts.tables.adjacencies, ids: neighbors };
    const labels = takeMembers(this.parts.tables.labels.dirty, () => undefined);
    if (labels.length > 0) return { kind: 'nodes', writer: this.parts.tables.labels, ids: labels };
    const groups = takeMembers(this.parts.tables.nexthops.dirty, () => source.takeNexthop());
    if (groups.length > 0) return { kind: 'nodes', writer: this.parts.tables.nexthops, ids: groups };
    const lsps = takeMembers(this.parts.tables.lsps.dirty, () => source.lsps.take(), LSPS_PER_OPERATION);
    if (lsps.length > 0) return { kind: 'nodes', writer: this.parts.tables.lsps, ids: lsps };
    if (!this.parts.tables.garbage.empty) return { kind: 'garbage', items: this.parts.tables.garbage.take() };
    const [first, ...others] = this.parts.tables.routes.take();
    this.retries.push(...others);
    return first;
  }

  /** Builds a batch's operation from the state as it is now and sends it, unless nothing of it is left to do. */
  private sendBatch(batch: Batch): void {
    switch (batch.kind) {
      case 'base':
        return;
      case 'nodes':
        return this.sendNodes(batch);
      case 'insert':
      case 'remove': {
        const operation = this.parts.tables.routes.build(batch);
        if (operation !== undefined) this.send(batch, operation);
        return;
      }
      case 'garbage':
        this.send(batch, removalOf(batch.items));
    }
  }

  private sendNodes({ writer, ids }: NodeBatch): void {
    const insert: NodeInsert = { nodes: [], entries: [], binds: [] };
    const sent: number[] = [];
    const found: number[] = [];
    let looked = 0;
    while (looked < ids.length && insert.entries.length < SLOTS_PER_OPERATION) {
      const id = ids[looked++]!;
      const result = writer.build(id, insert);
      switch (result.kind) {
        case 'written':
          sent.push(id);
          break;
        case 'found':
          found.push(id);
          break;
        case 'settled':
          this.parts.source.nexthopDone(id, result.verdict);
          break;
        case 'gone':
          this.parts.source.nexthopGone(id);
          break;
        case 'nothing':
          break;
      }
    }
    if (found.length > 0) this.nodesThere(writer, found);
    if (looked < ids.length) this.retries.push({ kind: 'nodes', writer, ids: ids.slice(looked) });
    if (sent.length > 0) this.send({ kind: 'nodes', writer, ids: sent }, { kind: 'insert', insert });
  }

  /** Nothing more to send: what was refused may go now, as much as there is room for. */
  private whenIdle(): void {
    if (!this.idle) return;
    const { adoptedDue, removed, nodesRemoved } = this;
    const room = this.parts.tables.routes.takeRoom();
    this.adoptedDue = false;
    this.removed = false;
    this.nodesRemoved = false;
    if (adoptedDue) this.parts.tables.garbage.releaseAdopted();
    if (removed) this.parts.tables.garbage.retryStuck();
    if (nodesRemoved) this.parts.tables.retryNodes();
    if (room > 0) this.parts.source.retryWithoutRoom(room);
    const collected = [this.parts.tables.collectLabels(), this.parts.tables.collectVrfs()].includes(true);
    if (adoptedDue || removed || collected) this.pump();
  }

  // ---- acknowledgements -------------------------------------------------------------------------------------------

  /** The server's verdict on an operation. */
  ack(id: number, error: AftError | undefined): void {
    const batch = this.inFlight.get(id);
    if (batch === undefined) return;
    this.inFlight.delete(id);
    if (this.parts.log.verbose) this.parts.log.debug('operation answered', { id, error: error?.message ?? 'none' });
    if (error === undefined) this.accepted(batch);
    else if (this.refused(batch, error)) this.failed++;
    else this.retried++;
    this.pump();
  }

  private accepted(batch: Batch): void {
    switch (batch.kind) {
      case 'base':
        return this.parts.baseDone(undefined);
      case 'nodes':
        return this.nodesDone(batch, undefined);
      case 'insert':
        return this.parts.tables.routes.done(batch);
      case 'remove':
        this.removed = true;
        return this.parts.tables.routes.done(batch);
      case 'garbage':
        this.removed = true;
        this.nodesRemoved ||= batch.items.some(({ isNoRoom }) => isNoRoom !== true);
        for (const item of batch.items) item.done();
    }
  }

  private nodesDone({ writer, ids }: NodeBatch, error: string | undefined): void {
    for (const id of ids) writer.done(id, error);
    this.nodesThere(writer, ids);
  }

  /** They got their verdict, or were found: who waits for them may go on. */
  private nodesThere(writer: NodeWriter, ids: readonly number[]): void {
    const { adjacencies, labels, nexthops } = this.parts.tables;
    if (writer === labels) nexthops.labelsDone(ids);
    if (writer !== adjacencies) return;
    labels.wake();
    nexthops.wake();
    for (const id of ids) if (adjacencies.get(id)?.error !== undefined) nexthops.adjacencyRefused(id);
  }

  /** Returns whether that was the word on something in it. */
  private refused(batch: Batch, error: AftError): boolean {
    const reason = `${error.code}: ${error.message}`;
    switch (batch.kind) {
      case 'base':
        this.parts.baseDone(reason);
        return true;
      case 'nodes':
        if (batch.ids.length === 1) {
          this.nodesDone(batch, reason);
          return true;
        }
        for (const id of batch.ids) batch.writer.returned(id);
        for (const ids of halves(batch.ids)) this.retries.push({ ...batch, ids });
        return false;
      case 'insert':
      case 'remove': {
        const { left, failed } = this.parts.tables.routes.refused(batch, error, reason);
        this.retries.push(...left);
        return failed;
      }
      case 'garbage':
        if (batch.items.length === 1) return this.parts.tables.garbage.refused(batch.items[0]!, error);
        for (const items of halves(batch.items)) this.retries.push({ kind: 'garbage', items });
        return false;
    }
  }

  /** The nodes that are being removed, or wait for that. */
  removing(): Set<Token> {
    const tokens = new Set(this.parts.tables.garbage.tokens());
    for (const batch of [...this.inFlight.values(), ...this.retries]) {
      if (batch.kind === 'garbage') for (const item of batch.items) for (const token of item.tokens) tokens.add(token);
    }
    return tokens;
  }
}

/** As many as one operation may hold: first those that their writer has to look at again, then those of the source. */
function takeMembers(dirty: WorkSet, next: () => number | undefined, most: number = NODES_PER_OPERATION): number[] {
  const ids: number[] = [];
  while (ids.length < most) {
    const id = dirty.take() ?? next();
    if (id === undefined) break;
    ids.push(id);
  }
  return ids;
}

/** How much there is in an operation, for a debug line. */
function sizeOf(operation: AftOperation): object {
  if (operation.kind === 'insert') {
    const { nodes, entries, prefixes } = operation.insert;
    return { kind: 'insert', nodes: nodes.length, entries: entries.length + (prefixes?.count ?? 0) };
  }
  const { tokens, entries, prefixes } = operation.remove;
  return { kind: 'remove', nodes: tokens.length, entries: entries.length + (prefixes?.count ?? 0) };
}
