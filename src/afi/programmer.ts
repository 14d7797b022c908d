/**
 * The programmer: makes the vASIC hold what the FIB wants.
 *
 * It pulls work from the FIB whenever fewer than `inFlight` operations are unacknowledged, so a slow server lets dirty
 * sets grow (bounded by the tables) and no queue. Order keeps make-before-break: a layer is only pointed at when the
 * layer below it is acknowledged (adjacency, then nexthop group, then route entry), and nodes are removed when nothing
 * acknowledged or in flight points at them any more. One member (adjacency, group or row) has at most one operation in
 * flight; if its intent changes meanwhile, it is written again after the acknowledgement.
 *
 * A refused operation is bisected: the member at fault, where the server names it, gets its verdict, the rest is sent
 * again in halves, down to single members.
 */
import { AdjacencyWriter } from './adjacency-writer';
import { adoptTables, type TableReader } from './adoption';
import { instanceOf, isOpen, type AfiSession, type AfiState } from './connection-state';
import { ROUTE_TREE, baseGraph, baseTokens, type BasePort } from './base-graph';
import { GarbageQueue, removalOf } from './garbage-queue';
import { Graph, NODES_PER_OPERATION, SLOTS_PER_OPERATION, programmedParts } from './graph';
import type { Garbage, NodeInsert, NodeWriter, ProgrammedNode, TokenUse } from './graph';
import type { AftError, AftNode, AftOperation, AftSandboxInfo, Token } from '../aft/model';
import { NexthopWriter } from './nexthop-writer';
import type { PuntLimits } from './policers';
import { PortWriter } from './port-writer';
import { RouteWriter, halves, type RouteBatch } from './route-writer';
import type { ForwardingSource } from '../fib/intents';
import { errorText } from '../net/error-text';
import type { Logger } from '../observe/log';

/** What the programmer needs of the connection to the AFI server. */
export interface ProgrammerTransport extends TableReader {
  /** False: taken, but nothing more should be sent before the connection drains. */
  send(id: number, operation: AftOperation): boolean;
}

export interface ProgrammerOptions {
  readonly transport: ProgrammerTransport;
  readonly source: ForwardingSource;
  /** Routes of one operation, and operations in flight, at most. */
  readonly batch: number;
  readonly inFlight: number;
  /** The ports in use; `mac` where the configuration gives one. */
  readonly ports: readonly BasePort[];
  /** How many packets a second are handed to the host, by reason. */
  readonly limits: PuntLimits;
  readonly log: Logger;
}

interface NodeBatch {
  readonly kind: 'nodes';
  readonly writer: NodeWriter;
  readonly ids: readonly number[];
}

type Batch =
  | { readonly kind: 'base'; readonly ports: readonly BasePort[] }
  | NodeBatch
  | RouteBatch
  | { readonly kind: 'garbage'; readonly items: readonly Garbage[] };

/** Totals since start; `operations` and `refused` count AFI operations, the others members. */
export interface ProgrammerCounters {
  readonly operations: number;
  readonly refused: number;
  readonly routesWritten: number;
  readonly routesRemoved: number;
  readonly nexthopsWritten: number;
  readonly adjacenciesWritten: number;
}

export class Programmer {
  private state: AfiState = { kind: 'connecting', since: new Date() };
  /** The life of the server whose tables hold our base graph; undefined: none that is known. */
  private placedIn: string | undefined;
  private readonly garbage: GarbageQueue;
  private readonly graph: Graph;
  private readonly ports: PortWriter;
  private readonly adjacencies: AdjacencyWriter;
  private readonly nexthops: NexthopWriter;
  private readonly routes: RouteWriter;
  private readonly inFlight = new Map<number, Batch>();
  private retries: Batch[] = [];
  private nextId = 1;
  private writable = true;
  /** Something was removed since refused removals were last tried again, and nodes among it. */
  private removed = false;
  private nodesRemoved = false;
  /** What an earlier run left may go when everything is written anew. */
  private adoptedDue = false;
  /** The sandbox has a route tree, which must be left as it is. */
  private hasTree = false;
  private operations = 0;
  private refusedOperations = 0;

  constructor(private readonly options: ProgrammerOptions) {
    const { source, log } = options;
    this.garbage = new GarbageQueue(log);
    this.graph = new Graph(
      (garbage) => this.garbage.push(garbage),
      (port) => source.portRules(port),
    );
    this.ports = new PortWriter(this.graph, log);
    this.adjacencies = new AdjacencyWriter(source, this.graph, log);
    this.nexthops = new NexthopWriter(source, this.graph, this.adjacencies, log);
    this.routes = new RouteWriter(source, this.nexthops, options.batch, log);
  }

  /** What the connection has come to. */
  get connection(): AfiState {
    return this.state;
  }

  get ready(): boolean {
    return this.state.kind === 'ready';
  }

  /** Why the server refused the base graph. */
  get failure(): string | undefined {
    if (this.state.kind === 'placingGraph') return this.state.refusedBefore;
    return this.state.kind === 'refused' ? this.state.reason : undefined;
  }

  get operationsInFlight(): number {
    return this.inFlight.size;
  }

  /** Whether nothing is left to send and everything sent is acknowledged. */
  get idle(): boolean {
    return this.inFlight.size === 0 && this.retries.length === 0 && this.options.source.dirtyRoutes === 0;
  }

  get counters(): ProgrammerCounters {
    return {
      operations: this.operations,
      refused: this.refusedOperations,
      routesWritten: this.routes.written,
      routesRemoved: this.routes.removed,
      nexthopsWritten: this.nexthops.written,
      adjacenciesWritten: this.adjacencies.written,
    };
  }

  // ---- connection -------------------------------------------------------------------------------------------------

  /** The sandbox is open. Brings an empty server up, resumes with one we know, adopts what another bridge left. */
  async up(info: AftSandboxInfo): Promise<void> {
    const { log, source } = this.options;
    const before = this.placedIn;
    const session: AfiSession = { since: new Date(), instance: info.instance };
    const adopting = { kind: 'adopting', ...session } as const;
    this.state = adopting;
    this.writable = true;
    this.graph.setPorts(info, this.options.ports);
    if (before === info.instance) {
      log.info('the AFI server is the one we programmed: going on where the connection broke');
      this.state = { kind: 'ready', ...session };
      this.ports.review();
      this.pump();
      return;
    }
    if (before !== undefined) {
      log.warn('the AFI server has restarted with empty tables: programming everything again');
    }
    this.placedIn = undefined;
    this.ports.clear();
    this.adjacencies.clear();
    this.nexthops.clear();
    this.retries = [];
    this.garbage.clear();
    this.adoptedDue = false;
    this.routes.forgetFull();
    this.graph.restart();
    source.forgetProgrammed();
    await this.adopt(info, adopting);
  }

  private async adopt(info: AftSandboxInfo, adopting: AfiState & { readonly kind: 'adopting' }): Promise<void> {
    const { since, instance } = adopting;
    try {
      const hasTree = info.nodes > 0 && (await adoptTables(this.options, info, this.graph, this.garbage, this.ports));
      if (this.state !== adopting) return;
      this.hasTree = hasTree;
      this.sendBase(adopting);
    } catch (error) {
      if (this.state !== adopting) return;
      const reason = errorText(error);
      this.options.log.error('what the vASIC holds could not be read, so nothing is programmed: it is tried again', {
        reason,
      });
      this.state = { kind: 'unreadable', since, instance, reason, info };
    }
  }

  /** Reads again what the server holds, where that failed. Call now and then. */
  async retryAdoption(): Promise<void> {
    if (this.state.kind !== 'unreadable') return;
    const { since, instance, info } = this.state;
    const adopting = { kind: 'adopting', since, instance } as const;
    this.state = adopting;
    await this.adopt(info, adopting);
  }

  private sendBase({ since, instance }: AfiSession): void {
    this.state = { kind: 'placingGraph', since, instance, refusedBefore: this.failure };
    const { ports } = this.graph;
    this.send(
      { kind: 'base', ports },
      { kind: 'insert', insert: baseGraph(ports, !this.hasTree, this.options.limits) },
    );
  }

  /** Whether nodes of an earlier run wait for `releaseAdopted`. */
  get holdsAdopted(): boolean {
    return this.garbage.holdsAdopted && !this.adoptedDue;
  }

  /** The replay is over: the nodes of an earlier run go when all entries are written, so that none uses them. */
  releaseAdopted(): void {
    this.adoptedDue = true;
    this.pump();
  }

  /**
   * The connection is lost: what was in flight has an unknown outcome and is written again.
   * @param tables `lost`: the sandbox was closed, and what was in it may be gone
   */
  down(reason: string, tables: 'kept' | 'lost' = 'kept'): void {
    if (tables === 'lost') this.placedIn = undefined;
    this.state = { kind: 'down', since: new Date(), reason, instance: instanceOf(this.state) };
    const batches = [...this.inFlight.values()];
    this.inFlight.clear();
    for (const batch of batches) {
      switch (batch.kind) {
        case 'base':
          break;
        case 'nodes':
          for (const id of batch.ids) batch.writer.uncertain(id);
          break;
        case 'insert':
        case 'remove':
          this.routes.uncertain(batch);
          break;
        case 'garbage':
          for (const item of batch.items) this.garbage.push(item);
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
    if (!this.ready) return;
    while (this.writable && this.inFlight.size < this.options.inFlight) {
      const batch = this.nextBatch();
      if (batch === undefined) return this.whenIdle();
      this.sendBatch(batch);
    }
  }

  private send(batch: Batch, operation: AftOperation): void {
    const id = this.nextId++;
    this.inFlight.set(id, batch);
    this.operations++;
    if (!this.options.transport.send(id, operation)) this.writable = false;
  }

  /** What comes next: lower layers first, then removals that make room, then routes. */
  private nextBatch(): Batch | undefined {
    const { source } = this.options;
    // Before anything else: what is looked at while it isn't wanted is removed, and may not be wanted again.
    source.retireUnwanted();
    const retry = this.retries.shift();
    if (retry !== undefined) return retry;
    const ports = takeMembers(this.ports.dirty, () => source.takePort());
    if (ports.length > 0) return { kind: 'nodes', writer: this.ports, ids: ports };
    const neighbors = takeMembers(this.adjacencies.dirty, () => source.takeAdjacency());
    if (neighbors.length > 0) return { kind: 'nodes', writer: this.adjacencies, ids: neighbors };
    const groups = takeMembers(this.nexthops.dirty, () => source.takeNexthop());
    if (groups.length > 0) return { kind: 'nodes', writer: this.nexthops, ids: groups };
    if (!this.garbage.empty) return { kind: 'garbage', items: this.garbage.take() };
    const [first, ...others] = this.routes.take();
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
        const operation = this.routes.build(batch);
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
    let looked = 0;
    while (looked < ids.length && insert.entries.length < SLOTS_PER_OPERATION) {
      const id = ids[looked++]!;
      const result = writer.build(id, insert);
      switch (result.kind) {
        case 'written':
          sent.push(id);
          break;
        case 'settled':
          this.options.source.nexthopDone(id, result.verdict);
          break;
        case 'gone':
          this.options.source.nexthopGone(id);
          break;
        case 'nothing':
          break;
      }
    }
    if (looked < ids.length) this.retries.push({ kind: 'nodes', writer, ids: ids.slice(looked) });
    if (sent.length > 0) this.send({ kind: 'nodes', writer, ids: sent }, { kind: 'insert', insert });
  }

  /** Nothing more to send: what was refused may go now, as much as there is room for. */
  private whenIdle(): void {
    if (!this.idle) return;
    const { adoptedDue, removed, nodesRemoved } = this;
    const room = this.routes.takeRoom();
    this.adoptedDue = false;
    this.removed = false;
    this.nodesRemoved = false;
    if (adoptedDue) this.garbage.releaseAdopted();
    if (removed) this.garbage.retryStuck();
    if (nodesRemoved) this.retryNodes();
    if (room > 0) this.options.source.retryWithoutRoom(room);
    if (adoptedDue || removed) this.pump();
  }

  private retryNodes(): void {
    this.adjacencies.retryRefused();
    this.nexthops.retryRefused();
    this.options.source.retryNexthops();
  }

  /** Tries again all that the server refused: its mind, or the room it has, may have changed. */
  retry(): void {
    if (this.state.kind === 'refused') this.sendBase(this.state);
    if (!this.ready) return;
    this.garbage.retryStuck();
    this.routes.forgetFull();
    this.ports.retryRefused();
    this.retryNodes();
    this.options.source.retryFailed();
    this.pump();
  }

  // ---- acknowledgements -------------------------------------------------------------------------------------------

  /** The server's verdict on an operation. */
  ack(id: number, error: AftError | undefined): void {
    const batch = this.inFlight.get(id);
    if (batch === undefined) return;
    this.inFlight.delete(id);
    if (error === undefined) this.accepted(batch);
    else this.refused(batch, error);
    this.pump();
  }

  private accepted(batch: Batch): void {
    switch (batch.kind) {
      case 'base':
        if (!isOpen(this.state)) return;
        this.state = { kind: 'ready', since: this.state.since, instance: this.state.instance };
        this.placedIn = this.state.instance;
        this.ports.placed(batch.ports);
        this.options.log.info('the forwarding graph is in place', { ports: this.graph.ports.length });
        return;
      case 'nodes':
        return this.nodesDone(batch, undefined);
      case 'insert':
        return this.routes.done(batch);
      case 'remove':
        this.removed = true;
        return this.routes.done(batch);
      case 'garbage':
        this.removed = true;
        this.nodesRemoved = true;
        for (const item of batch.items) item.done();
    }
  }

  private nodesDone({ writer, ids }: NodeBatch, error: string | undefined): void {
    for (const id of ids) writer.done(id, error);
    if (writer !== this.adjacencies) return;
    this.nexthops.wake();
    for (const id of ids) if (this.adjacencies.get(id)?.error !== undefined) this.nexthops.adjacencyRefused(id);
  }

  private refused(batch: Batch, error: AftError): void {
    this.refusedOperations++;
    const reason = `${error.code}: ${error.message}`;
    switch (batch.kind) {
      case 'base':
        this.options.log.error('the AFI server refused the forwarding graph: nothing can be forwarded', { reason });
        if (!isOpen(this.state)) return;
        this.state = { kind: 'refused', reason, since: this.state.since, instance: this.state.instance };
        return;
      case 'nodes':
        if (batch.ids.length === 1) return this.nodesDone(batch, reason);
        for (const id of batch.ids) batch.writer.returned(id);
        for (const ids of halves(batch.ids)) this.retries.push({ ...batch, ids });
        return;
      case 'insert':
      case 'remove':
        this.retries.push(...this.routes.refused(batch, error, reason));
        return;
      case 'garbage':
        if (batch.items.length === 1) return this.garbage.refused(batch.items[0]!, error);
        for (const items of halves(batch.items)) this.retries.push({ kind: 'garbage', items });
    }
  }

  // ---- for the control API ----------------------------------------------------------------------------------------

  /** The token that entries of this nexthop group point at. */
  tokenOfGroup(id: number): Token | undefined {
    return this.nexthops.tokenOf(id);
  }

  /** The nodes made for each nexthop group, the one that entries point at first. */
  tokensByGroup(): Map<number, Token[]> {
    return this.nexthops.tokensByGroup();
  }

  /** Ports of which the server refused what Linux says, and why. */
  portFailures(): Iterable<readonly [port: number, reason: string]> {
    return this.ports.failures();
  }

  /** The token of a neighbor's AftIndirect. */
  tokenOfAdjacency(id: number): Token | undefined {
    return this.adjacencies.get(id)?.indirect;
  }

  /** The token of a neighbor's AftEncap, which counts its packets; undefined while the vASIC has none. */
  encapOfAdjacency(id: number): Token | undefined {
    const view = this.adjacencies.get(id);
    return view?.exists === true ? view.encap : undefined;
  }

  /** Every token in use: its node type, what it stands for, and where it leads. */
  *tokens(): Generator<TokenUse> {
    yield* baseTokens(this.graph.ports);
    yield* this.adjacencies.tokens();
    yield* this.nexthops.tokens();
  }

  // ---- for an audit -----------------------------------------------------------------------------------------------

  /** Every node that the vASIC is to hold, as far as its content is acknowledged; not those on their way out. */
  *programmed(): Generator<ProgrammedNode> {
    const ofPorts = new Set<Token>();
    for (const part of this.ports.programmed()) {
      ofPorts.add(part.token);
      yield part;
    }
    const base = baseGraph(this.graph.ports, !this.hasTree, this.options.limits);
    for (const part of programmedParts(base, 'base', 0)) if (!ofPorts.has(part.token)) yield part;
    if (this.hasTree) {
      yield { layer: 'base', id: 0, name: 'routeTable', token: ROUTE_TREE, node: undefined, entries: undefined };
    }
    yield* this.adjacencies.programmed();
    yield* this.nexthops.programmed();
  }

  /** The nodes that are being removed, or wait for that. */
  removing(): Set<Token> {
    const tokens = new Set(this.garbage.tokens());
    for (const batch of [...this.inFlight.values(), ...this.retries]) {
      if (batch.kind === 'garbage') for (const item of batch.items) for (const token of item.tokens) tokens.add(token);
    }
    return tokens;
  }

  /** Writes a node again that isn't as it was acknowledged, with all that belongs to it. */
  rewrite({ layer, id }: Pick<ProgrammedNode, 'layer' | 'id'>): void {
    switch (layer) {
      case 'base':
        if (this.state.kind !== 'ready') return;
        this.hasTree = true;
        return this.sendBase(this.state);
      case 'port':
        return this.ports.rewrite(id);
      case 'adjacency':
        return this.adjacencies.rewrite(id);
      case 'nexthop':
        return this.nexthops.rewrite(id);
    }
  }

  /** Removes nodes that nothing here made. */
  removeForeign(nodes: readonly AftNode[]): void {
    this.garbage.pushNodes(nodes);
    this.pump();
  }
}

/** As many as one operation may hold: first those that their writer has to look at again, then those of the source. */
function takeMembers(dirty: Set<number>, next: () => number | undefined): number[] {
  const ids: number[] = [];
  for (const id of dirty) {
    if (ids.length === NODES_PER_OPERATION) break;
    dirty.delete(id);
    ids.push(id);
  }
  while (ids.length < NODES_PER_OPERATION) {
    const id = next();
    if (id === undefined) break;
    ids.push(id);
  }
  return ids;
}
