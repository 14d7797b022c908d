/**
 * What this client has in the vASIC, layer by layer: the base graph, the VRFs, the ports, neighbors, labels, nexthop groups, routes,
 * LSPs, and what waits to be removed. The programmer decides when each of them is looked at; here is what is asked about them together.
 */
import { AdoptedNodes } from './adopted-nodes';
import { AdjacencyWriter } from './adjacency-writer';
import { baseGraph, baseTokens, commonGraph } from './base-graph';
import { GarbageQueue } from './garbage-queue';
import { Graph, programmedParts, type ProgrammedNode, type TokenUse } from './graph';
import { DEFAULT_LABEL_TTL, LABEL_TABLE, type LabelTtl } from './label-graph';
import { LabelWriter } from './label-writer';
import { LspWriter } from './lsp-writer';
import { NexthopWriter } from './nexthop-writer';
import type { PuntLimits } from './policers';
import { PortWriter } from './port-writer';
import { RouteWriter } from './route-writer';
import { VrfWriter } from './vrf-writer';
import type { AftInsert, Token } from '../aft/model';
import type { ForwardingSource } from '../fib/intents';
import type { Logger } from '../observe/log';

export interface VasicTablesOptions {
  readonly source: ForwardingSource;
  /** Routes of one operation at most. */
  readonly batch: number;
  /** How many packets a second are handed to the host, by reason. */
  readonly limits: PuntLimits;
  /** How TTLs go from packets to labels and back; as Linux has it without a word. */
  readonly labelTtl?: LabelTtl;
  readonly log: Logger;
}

export class VasicTables {
  readonly garbage: GarbageQueue;
  readonly adopted = new AdoptedNodes();
  readonly graph: Graph;
  readonly vrfs: VrfWriter;
  readonly ports: PortWriter;
  readonly adjacencies: AdjacencyWriter;
  readonly nexthops: NexthopWriter;
  readonly routes: RouteWriter;
  readonly labels: LabelWriter;
  readonly lsps: LspWriter;
  /** The sandbox has the table of labels, which must be left as it is. */
  hasLabelTable = false;

  constructor(private readonly options: VasicTablesOptions) {
    const { source, log } = options;
    this.garbage = new GarbageQueue(this.adopted, log);
    this.graph = new Graph(
      this.adopted,
      (garbage) => this.garbage.push(garbage),
      (port) => source.portRules(port),
      (table) => this.vrfs.tokensOf(table).etherTypes,
    );
    this.vrfs = new VrfWriter(
      source,
      (garbage) => this.garbage.push(garbage),
      () => {
        this.ports.review();
        this.labels.wake();
        this.nexthops.wake();
      },
      log,
    );
    this.ports = new PortWriter(this.graph, this.vrfs, log);
    this.adjacencies = new AdjacencyWriter(source, this.graph, log);
    this.labels = new LabelWriter(
      this.graph,
      this.adjacencies,
      (table) => (this.vrfs.isPlaced(table) ? this.vrfs.tokensOf(table).tree : undefined),
      this.labelTtl,
      log,
    );
    this.nexthops = new NexthopWriter(source, this.graph, this.adjacencies, this.labels, log);
    this.routes = new RouteWriter(source, this.nexthops, this.vrfs, options.batch, log);
    this.lsps = new LspWriter(source.lsps, this.nexthops, this.graph, log);
  }

  /** The vASIC has none of it, or what it has isn't known. */
  clear(): void {
    this.vrfs.clear();
    this.ports.clear();
    this.adjacencies.clear();
    this.labels.clear();
    this.nexthops.clear();
    this.lsps.clear();
    this.garbage.clear();
    this.adopted.clear();
    this.routes.forgetFull();
    this.hasLabelTable = false;
    this.graph.restart();
  }

  private get labelTtl(): LabelTtl {
    return this.options.labelTtl ?? DEFAULT_LABEL_TTL;
  }

  /**
   * The base graph, without the route tree and the table of labels where they are there. Of VRFs it has the default one alone, and
   * nothing of what Linux says of ports: the server may refuse one of those, and the others are forwarded for.
   */
  base(): AftInsert {
    const labels = { hasTable: this.hasLabelTable, ttl: this.labelTtl };
    return commonGraph(this.graph.ports, [this.vrfs.base()], this.options.limits, labels);
  }

  /** The base graph is in place: VRFs and ports may follow. */
  basePlaced(): void {
    this.hasLabelTable = true;
    this.vrfs.basePlaced();
    this.ports.basePlaced();
  }

  /** Queues for removal what is done to labels and nobody needs any more. Returns whether there was something. */
  collectLabels(): boolean {
    return this.labels.collect();
  }

  /** Queues VRFs for removal that are not wanted any more, and that nothing uses. Returns whether there were some. */
  collectVrfs(): boolean {
    return this.vrfs.collect((etherTypes) => this.ports.mayLeadTo(etherTypes));
  }

  /** Has tried again what was refused of VRFs, ports, neighbors, labels, nexthop groups and LSPs. */
  retryNodes(): void {
    this.vrfs.retryRefused();
    this.ports.retryRefused();
    this.adjacencies.retryRefused();
    this.labels.retryRefused();
    this.nexthops.retryRefused();
    this.lsps.retryRefused();
    this.options.source.retryNexthops();
  }

  /** The token that entries of this nexthop group point at. */
  tokenOfGroup(id: number): Token | undefined {
    return this.nexthops.tokenOf(id);
  }

  /** The nodes made for each nexthop group, the one that entries point at first. */
  tokensByGroup(): Map<number, Token[]> {
    return this.nexthops.tokensByGroup();
  }

  /** The nodes that do a group's work on labels, and count its packets: the first of each path. */
  labelTokensOf(group: number): Token[] {
    return this.nexthops.labelsOf(group).flatMap((id) => this.labels.tokenOf(id) ?? []);
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
    yield* baseTokens(
      this.graph.ports,
      Array.from(this.vrfs.all(), (vrf) => ({ ...vrf, withTree: true })),
    );
    yield* this.adjacencies.tokens();
    yield* this.labels.tokens();
    yield* this.nexthops.tokens();
  }

  /** Every node that the vASIC is to hold, as far as its content is acknowledged; not those on their way out. */
  *programmed(): Generator<ProgrammedNode> {
    const ofPorts = new Set<Token>();
    for (const part of this.ports.programmed()) {
      ofPorts.add(part.token);
      yield part;
    }
    const base = baseGraph(this.graph.ports, [], this.options.limits, { hasTable: false, ttl: this.labelTtl });
    for (const part of programmedParts(base, 'base', 0)) {
      if (part.token === LABEL_TABLE) yield this.lsps.programmed(part.node);
      else if (!ofPorts.has(part.token)) yield part;
    }
    yield* this.vrfs.programmed();
    yield* this.adjacencies.programmed();
    yield* this.labels.programmed();
    yield* this.nexthops.programmed();
  }
}
