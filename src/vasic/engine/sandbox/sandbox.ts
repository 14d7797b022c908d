/**
 * A sandbox: the graph, the ports and the packet walk put together, as the AFI server and the data plane see it. It
 * owns all its parts; nothing here waits or does I/O.
 */
import { TOKEN_FIRST_CLIENT } from '../../../aft/model';
import type { AftEntry, AftNode, AftSandboxInfo, Token } from '../../../aft/model';
import { noOffload } from '../../../net/offload';
import type { FindRequest, Sandbox, SandboxOptions } from '../api';
import type { NodeInfo } from '../../../aft/model';
import type { FastPath } from '../fast-path';
import type { Packet } from '../packet';
import { Drops } from '../drops';
import { Graph } from './graph';
import { packetOf } from '../packet';
import type { Place } from './graph';
import type { Container } from '../node-kind';
import { mergedDrops, mergedNode, mergedPorts } from './merged-counters';
import { createPorts, inputPortTable, newCounters, outputPortTable, type PortState } from '../ports';
import { applyOperation, limitsOf } from './transaction';
import { createTrial } from './trace';
import { END, Walk } from '../walk';

/** A sandbox with nothing in it but its ports and the discard node. */
export function createSandbox(options: SandboxOptions): Sandbox {
  const { id, engine, name, instance } = options;
  const ports = createPorts(options.ports);
  const { fastPath } = options;
  const graph = new Graph(ports, options.now ?? (() => performance.now()), fastPath);
  graph.settle();
  const drops = new Drops();
  const limits = limitsOf(options.maxEntries, options.refuse);
  const environment = { sandboxId: id, nodes: graph.nodes, ports, host: options.host, drops };
  const walk = new Walk(environment);
  const complete = noOffload();

  /** Both for real packets and for trials. */
  function forward(by: Walk, port: PortState, packet: Packet): void {
    if (!by.begin(port, packet)) {
      by.drop('malformed');
      return;
    }
    const start = graph.inputStart(port.index);
    if (start === END) by.drop('unbound');
    else if (by.run(start) === END) by.drop('unfinished');
  }

  function inputPort(index: number): PortState {
    const port = ports.list[index];
    if (port === undefined) throw new Error(`Sandbox ${name} has no input port ${index}`);
    return port;
  }

  return {
    info(): AftSandboxInfo {
      const all = mergedPorts(ports, fastPath);
      return {
        id,
        engine,
        name,
        instance,
        inputPorts: inputPortTable(all),
        outputPorts: outputPortTable(all),
        nodes: graph.clientNodes,
        entries: graph.entries,
      };
    },

    apply: (operation) => applyOperation(graph, limits, operation),

    find: (request) => findNodes(graph, request),

    entriesOf(token) {
      const container = graph.at(token)?.compiled.container;
      return container && containerEntries(graph, token, container);
    },

    nodeInfo: (tokens) => tokens.map((token) => nodeInfo(graph, token, fastPath)),

    receive(index: number, packet: Packet): void {
      const port = inputPort(index);
      port.input.packets++;
      port.input.bytes += packet.length;
      forward(walk, port, packet);
    },

    test(index, frame) {
      const port = inputPort(index);
      const trial = createTrial(graph, port);
      forward(new Walk({ ...environment, trial }), port, packetOf(frame));
      const reply = trial.reply();
      const taker = fastPath?.taker(index, frame);
      if (taker === undefined) return reply;
      return { ...reply, engine: taker.by, ...(taker.reason !== undefined && { engineReason: taker.reason }) };
    },

    inject(index, frame, offset, length): boolean {
      const port = ports.list[index];
      if (port === undefined) return false;
      if (!port.io.send(frame, offset, length, complete)) {
        port.output.drops++;
        drops.count(port.io.up ? 'sendFailed' : 'portDown');
        return false;
      }
      port.output.packets++;
      port.output.bytes += length;
      return true;
    },

    drops: () => mergedDrops(drops.all(), ports, fastPath),

    close() {
      fastPath?.close();
    },
  };
}

/** As it was inserted; of an input port also what it is bound to, as its `next`. */
function shown(graph: Graph, { node }: Place): AftNode {
  const next = node.type === 'inputPort' ? graph.boundTo(node.index) : undefined;
  return next === undefined ? node : { ...node, next };
}

function findNodes(graph: Graph, request: FindRequest): AftNode[] {
  const tokens = request.tokens ?? [];
  const { type } = request;
  const byName = request.name === undefined || request.name === '' ? undefined : request.name;
  const matches = ({ node }: Place): boolean =>
    (type === undefined || node.type === type) && (byName === undefined || node.name === byName);
  if (tokens.length > 0) {
    return tokens.flatMap((token) => {
      const place = graph.at(token);
      return place !== undefined && matches(place) ? [shown(graph, place)] : [];
    });
  }
  if (byName !== undefined) {
    return graph
      .named(byName)
      .filter(matches)
      .map((place) => shown(graph, place));
  }
  const found: AftNode[] = [];
  for (const place of graph.all()) {
    if (matches(place) && (type !== undefined || place.node.token >= TOKEN_FIRST_CLIENT))
      found.push(shown(graph, place));
  }
  return found;
}

function* containerEntries(graph: Graph, parent: Token, container: Container): IterableIterator<AftEntry> {
  for (const { key, slot, params } of container.entries()) {
    const next = graph.nodes[slot]?.node.token;
    // Gone since the container listed it.
    if (next === undefined) continue;
    yield params === undefined ? { parent, key, next } : { parent, key, next, params };
  }
}

function nodeInfo(graph: Graph, token: Token, fastPath: FastPath | undefined): NodeInfo {
  const place = graph.at(token);
  const counters = place?.compiled.counters;
  const { packets, bytes, drops } =
    counters === undefined ? newCounters() : mergedNode(counters, graph.ports, fastPath);
  const entries = place?.compiled.container?.count ?? 0;
  const references = place?.references ?? 0;
  const counted = counters !== undefined;
  return { token, found: place !== undefined, packets, bytes, drops, entries, references, counted };
}
