/**
 * What this client has in the vASIC, layer by layer: the base graph, the ports, neighbors, nexthop groups, routes, and what
 * waits to be removed. The programmer decides when each of them is looked at; here is what is asked about them together.
 */
import { AdjacencyWriter } from './adjacency-writer';
import { ROUTE_TREE, baseGraph, baseTokens } from './base-graph';
import { GarbageQueue } from './garbage-queue';
import { Graph, programmedParts, type ProgrammedNode, type TokenUse } from './graph';
import { NexthopWriter } from './nexthop-writer';
import type { PuntLimits } from './policers';
import { PortWriter } from './port-writer';
import { RouteWriter } from './route-writer';
import type { AftInsert, Token } from '../aft/model';
import type { ForwardingSource } from '../fib/intents';
import type { Logger } from '../observe/log';

export interface VasicTablesOptions {
  readonly source: ForwardingSource;
  /** Routes of one operation at most. */
  readonly batch: number;
  /** How many packets a second are handed to the host, by reason. */
  readonly limits: PuntLimits;
  readonly log: Logger;
}

export class VasicTables {
  readonly garbage: GarbageQueue;
  readonly graph: Graph;
  readonly ports: PortWriter;
  readonly adjacencies: AdjacencyWriter;
  readonly nexthops: NexthopWriter;
  readonly routes: RouteWriter;
  /** The sandbox has a route tree, which must be left as it is. */
  hasTree = false;

  constructor(private readonly options: VasicTablesOptions) {
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

  /** The vASIC has none of it, or what it has isn't known. */
  clear(): void {
    this.ports.clear();
    this.adjacencies.clear();
    this.nexthops.clear();
    this.garbage.clear();
    this.routes.forgetFull();
    this.graph.restart();
  }

  /** The base graph, without the route tree where there is one. */
  base(): AftInsert {
    return baseGraph(this.graph.ports, !this.hasTree, this.options.limits);
  }

  /** Has nodes of neighbors and nexthop groups tried again that were refused. */
  retryNodes(): void {
    this.adjacencies.retryRefused();
    this.nexthops.retryRefused();
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

  /** Every node that the vASIC is to hold, as far as its content is acknowledged; not those on their way out. */
  *programmed(): Generator<ProgrammedNode> {
    const ofPorts = new Set<Token>();
    for (const part of this.ports.programmed()) {
      ofPorts.add(part.token);
      yield part;
    }
    for (const part of programmedParts(this.base(), 'base', 0)) if (!ofPorts.has(part.token)) yield part;
    if (this.hasTree) {
      yield { layer: 'base', id: 0, name: 'routeTable', token: ROUTE_TREE, node: undefined, entries: undefined };
    }
    yield* this.adjacencies.programmed();
    yield* this.nexthops.programmed();
  }
}
