/**
 * The programmer: makes the vASIC hold what the FIB wants.
 *
 * It owns the connection's state (connection-state.ts) and what follows from it: an empty server is given the base graph, one
 * that we know is gone on with, one that holds another life's tables is taken over. The work itself is pipeline.ts, what the
 * vASIC holds is vasic-tables.ts.
 */
import { adoptTables, type TableReader } from './adoption';
import { instanceOf, isOpen, type AfiSession, type AfiState } from './connection-state';
import type { BasePort } from './base-graph';
import type { LabelTtl } from './label-graph';
import type { ProgrammedNode } from './graph';
import type { AftError, AftNode, AftOperation, AftSandboxInfo, Token } from '../aft/model';
import { Pipeline } from './pipeline';
import type { PuntLimits } from './policers';
import { VasicTables } from './vasic-tables';
import type { ForwardingSource } from '../fib/intents';
import { errorText } from '../net/error-text';
import type { Logger } from '../observe/log';
import { Moment } from '../observe/moment';

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
  /** How TTLs go from packets to labels and back; as Linux has it without a word. */
  readonly labelTtl?: LabelTtl;
  readonly log: Logger;
}

/** Totals since start; the first three count AFI operations, the others members. */
export interface ProgrammerCounters {
  readonly operations: number;
  /** Refused, and that was the word on something in it: an entry, a node. */
  readonly failed: number;
  /** Refused, and tried again in parts, later, or done already. */
  readonly retried: number;
  readonly routesWritten: number;
  readonly routesRemoved: number;
  readonly nexthopsWritten: number;
  readonly adjacenciesWritten: number;
  readonly lspsWritten: number;
  readonly lspsRemoved: number;
}

export class Programmer {
  private state: AfiState = { kind: 'connecting', since: new Moment() };
  /** The life of the server whose tables hold our base graph; undefined: none that is known. */
  private placedIn: string | undefined;
  /** The base graph there may be another than it is to be: it is to be sent (again). */
  private baseDue = false;
  /** What the vASIC holds, or is on its way there. */
  readonly tables: VasicTables;
  private readonly pipeline: Pipeline;

  constructor(private readonly options: ProgrammerOptions) {
    const { inFlight, source, transport } = options;
    this.tables = new VasicTables(options);
    this.pipeline = new Pipeline({
      ...{ tables: this.tables, source, inFlight },
      send: (id, operation) => transport.send(id, operation),
      ready: () => this.ready,
      baseDone: (error) => this.baseDone(error),
      baseUncertain: () => (this.baseDue = true),
      log: options.log,
    });
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
    return this.pipeline.operationsInFlight;
  }

  /** Whether nothing is left to send and everything sent is acknowledged. */
  get idle(): boolean {
    return this.pipeline.idle;
  }

  get counters(): ProgrammerCounters {
    return {
      operations: this.pipeline.sent,
      failed: this.pipeline.failed,
      retried: this.pipeline.retried,
      routesWritten: this.tables.routes.written,
      routesRemoved: this.tables.routes.removed,
      nexthopsWritten: this.tables.nexthops.written,
      adjacenciesWritten: this.tables.adjacencies.written,
      lspsWritten: this.tables.lsps.written,
      lspsRemoved: this.tables.lsps.removed,
    };
  }

  // ---- connection -------------------------------------------------------------------------------------------------

  /**
   * The sandbox is open. Brings an empty server up, resumes with one we know, adopts what another bridge left.
   * @param tables `unknown`: another client had the sandbox since it was ours, so what it holds is taken over as a stranger's
   */
  async up(info: AftSandboxInfo, tables: 'kept' | 'unknown' = 'kept'): Promise<void> {
    const { log, source } = this.options;
    const before = this.placedIn;
    const session: AfiSession = { since: new Moment(), instance: info.instance };
    const adopting = { kind: 'adopting', ...session } as const;
    this.state = adopting;
    this.pipeline.opened();
    this.tables.graph.setPorts(info, this.options.ports);
    if (before === info.instance && tables === 'kept') {
      log.info('the AFI server is the one we programmed: going on where the connection broke');
      this.state = { kind: 'ready', ...session };
      this.tables.ports.review();
      this.goOn();
      return;
    }
    if (before !== undefined && before !== info.instance) {
      log.warn('the AFI server has restarted with empty tables: programming everything again', {
        code: 'afi-restarted',
      });
    }
    this.placedIn = undefined;
    this.tables.clear();
    this.pipeline.reset();
    source.forgetProgrammed();
    await this.adopt(info, adopting);
  }

  private async adopt(info: AftSandboxInfo, adopting: AfiState & { readonly kind: 'adopting' }): Promise<void> {
    const { since, instance } = adopting;
    try {
      if (info.nodes > 0) await adoptTables(this.options, info, this.tables);
      if (this.state !== adopting) return;
      this.sendBase(adopting);
    } catch (error) {
      if (this.state !== adopting) return;
      const reason = errorText(error);
      this.options.log.error('what the vASIC holds could not be read, so nothing is programmed: it is tried again', {
        code: 'afi-unreadable',
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

  /** The base graph again where that is due, else what has changed. */
  private goOn(): void {
    if (this.baseDue && this.state.kind === 'ready') this.sendBase(this.state);
    else this.pump();
  }

  private sendBase({ since, instance }: AfiSession): void {
    this.baseDue = false;
    this.state = { kind: 'placingGraph', since, instance, refusedBefore: this.failure };
    this.pipeline.sendBase(this.tables.base());
  }

  /** Whether nodes of an earlier run wait for `releaseAdopted`. */
  get holdsAdopted(): boolean {
    return !this.tables.adopted.empty && !this.pipeline.releasesAdopted;
  }

  /** The replay is over: the nodes of an earlier run go when all entries are written, so that none uses them. */
  releaseAdopted(): void {
    this.pipeline.releaseAdopted();
  }

  /**
   * The connection is lost: what was in flight has an unknown outcome and is written again.
   * @param tables `lost`: the sandbox was closed, and what was in it may be gone
   */
  down(reason: string, tables: 'kept' | 'lost' = 'kept'): void {
    if (tables === 'lost') this.placedIn = undefined;
    this.state = { kind: 'down', since: new Moment(), reason, instance: instanceOf(this.state) };
    this.pipeline.abandon();
  }

  /** The connection has room again. */
  drained(): void {
    this.pipeline.drained();
  }

  /** Sends as much as may be in flight. Call after anything that may have made work. */
  pump(): void {
    this.pipeline.pump();
  }

  /** The server's verdict on an operation. */
  ack(id: number, error: AftError | undefined): void {
    this.pipeline.ack(id, error);
  }

  private baseDone(error: string | undefined): void {
    const { log } = this.options;
    if (error !== undefined) {
      log.error('the AFI server refused the forwarding graph: nothing can be forwarded', {
        code: 'afi-graph-refused',
        reason: error,
      });
      this.baseDue = true;
    }
    if (!isOpen(this.state)) return;
    const { since, instance } = this.state;
    if (error !== undefined) {
      this.state = { kind: 'refused', reason: error, since, instance };
      return;
    }
    this.state = { kind: 'ready', since, instance };
    this.placedIn = instance;
    this.tables.basePlaced();
    log.info('the forwarding graph is in place', { ports: this.tables.graph.ports.length });
    // It may have been asked for again meanwhile.
    if (this.baseDue) this.goOn();
  }

  /** Tries again all that the server refused: its mind, or the room it has, may have changed. */
  retry(): void {
    if (this.state.kind === 'refused') this.sendBase(this.state);
    if (!this.ready) return;
    this.tables.garbage.retryStuck();
    this.tables.routes.forgetFull();
    this.tables.retryNodes();
    this.options.source.retryFailed();
    this.pump();
  }

  /** The nodes that are being removed, or wait for that. */
  removing(): Set<Token> {
    return this.pipeline.removing();
  }

  // ---- for an audit -----------------------------------------------------------------------------------------------

  /** Writes a node again that isn't as it was acknowledged, with all that belongs to it. */
  rewrite({ layer, id }: Pick<ProgrammedNode, 'layer' | 'id'>): void {
    switch (layer) {
      case 'base':
        // Entries of ports are in its nodes, too.
        this.tables.ports.rewriteAll();
        this.baseDue = true;
        if (this.ready) this.goOn();
        return;
      case 'vrf':
        return this.tables.vrfs.rewrite(id);
      case 'port':
        return this.tables.ports.rewrite(id);
      case 'adjacency':
        return this.tables.adjacencies.rewrite(id);
      case 'nexthop':
        return this.tables.nexthops.rewrite(id);
      case 'label':
        return this.tables.labels.rewrite(id);
      case 'lsp':
        return this.tables.lsps.rewrite();
    }
  }

  /** Removes nodes that nothing here made. */
  removeForeign(nodes: readonly AftNode[]): void {
    this.tables.garbage.pushNodes(nodes);
    this.pump();
  }
}
