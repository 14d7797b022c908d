/**
 * A part of the forwarding graph, read back from the vASIC (AFI Find): from the entries of some prefixes, or from the input ports, along
 * all ways, until there are enough nodes. Of a route tree only the entries asked for are followed, and its default.
 */
import type { FindReply } from '../aft/wire';
import type { AfiFindRequest } from '../afi/transport';
import {
  FIELD_NAMES,
  TOKEN_DISCARD,
  TOKEN_NONE,
  type AftData,
  type AftEntry,
  type AftKey,
  type AftNode,
  type Token,
} from '../aft/model';
import { RequestError } from '../control/filter';
import type { GraphEdge, GraphNode, GraphQuery, GraphView } from '../control/graph-types';
import { bytesEqual, formatAddress, formatMac, formatPrefix } from '../net/address';
import { errorText } from '../net/error-text';
import { ethertypeText } from '../net/ethertypes';

export interface GraphOptions {
  readonly find: (request: AfiFindRequest) => AsyncIterable<FindReply>;
  /** What each token stands for. */
  readonly purposes: () => ReadonlyMap<Token, string>;
}

/** Keys of one edge that are written out. */
const MOST_KEYS = 6;
const DISCARD: AftNode = { type: 'discard', token: TOKEN_DISCARD };

/** One way out of a node. */
interface Way {
  readonly to: Token;
  readonly label: string;
}

/** @throws RequestError 503 when the vASIC can't be read, 404 when it has none of the prefixes */
export async function graphView(options: GraphOptions, query: GraphQuery): Promise<GraphView> {
  try {
    return await new Reading(options, query).read();
  } catch (error) {
    if (error instanceof RequestError) throw error;
    throw new RequestError(503, errorText(error));
  }
}

class Reading {
  private readonly nodes = new Map<Token, AftNode>([[TOKEN_DISCARD, DISCARD]]);
  private readonly wanted: ReadonlySet<string>;
  /** By tree: entries that were asked for. */
  private readonly routes = new Map<Token, AftEntry[]>();

  constructor(
    private readonly options: GraphOptions,
    private readonly query: GraphQuery,
  ) {
    this.wanted = new Set(query.prefixes.map((prefix) => formatPrefix(prefix)));
  }

  async read(): Promise<GraphView> {
    // Ports are the vASIC's own: they are told of by their type only.
    for (const request of [{}, { type: 'inputPort' }, { type: 'outputPort' }] as const) {
      for await (const { nodes } of this.options.find(request))
        for (const node of nodes) this.nodes.set(node.token, node);
    }
    const begin = this.wanted.size === 0 ? this.inputPorts() : await this.findRoutes();
    const purposes = this.options.purposes();
    const shown = new Map<Token, GraphNode>();
    const edges: GraphEdge[] = [];
    const leftOut = new Set<Token>();
    const queue = [...begin];
    for (const token of queue) this.show(token, shown, purposes);
    for (let token = queue.shift(); token !== undefined; token = queue.shift()) {
      for (const { to, label } of together(await this.waysOf(this.nodes.get(token)!))) {
        if (!shown.has(to)) {
          if (shown.size >= this.query.limit || !this.show(to, shown, purposes)) {
            leftOut.add(to);
            continue;
          }
          queue.push(to);
        }
        edges.push({ from: token, to, label });
      }
    }
    return { nodes: [...shown.values()], edges, leftOut: leftOut.size, missing: this.missing() };
  }

  private inputPorts(): Token[] {
    return [...this.nodes.values()].filter(({ type }) => type === 'inputPort').map(({ token }) => token);
  }

  /** The trees that have an entry for one of the prefixes. */
  private async findRoutes(): Promise<Token[]> {
    for (const { token, type } of this.nodes.values()) {
      if (type !== 'tree') continue;
      for await (const { entries } of this.options.find({ entriesOf: token })) {
        for (const entry of entries) {
          if (!this.asked(entry.key)) continue;
          this.routes.set(token, [...(this.routes.get(token) ?? []), entry]);
        }
      }
    }
    if (this.routes.size === 0)
      throw new RequestError(404, `no tree of the vASIC has an entry for ${[...this.wanted].join(', ')}`);
    return [...this.routes.keys()];
  }

  /** There may be a million keys: they are compared, not written. */
  private asked({ data }: AftKey): boolean {
    if (data.kind !== 'prefix') return false;
    return this.query.prefixes.some(({ bytes, length }) => length === data.length && bytesEqual(bytes, data.bytes));
  }

  private missing(): string[] {
    const found = new Set([...this.routes.values()].flat().map(({ key }) => keyText(key)));
    return [...this.wanted].filter((prefix) => !found.has(prefix));
  }

  /** False: the vASIC has no such node. */
  private show(token: Token, shown: Map<Token, GraphNode>, purposes: ReadonlyMap<Token, string>): boolean {
    const node = this.nodes.get(token);
    if (node === undefined) return false;
    shown.set(token, {
      token,
      type: node.type,
      purpose: purposes.get(token) ?? node.name ?? '',
      detail: detailOf(node),
    });
    return true;
  }

  private async waysOf(node: AftNode): Promise<Way[]> {
    const ways: Way[] = [];
    const way = (to: Token | undefined, label: string): void => {
      if (to !== undefined && to !== TOKEN_NONE) ways.push({ to, label });
    };
    switch (node.type) {
      case 'list':
      case 'indexedList':
        node.tokens.forEach((token, i) => way(token, String(i)));
        break;
      case 'match':
        way(node.trueNext, 'true');
        way(node.falseNext, 'false');
        break;
      case 'indirect':
        way(node.target, '');
        break;
      case 'lookup':
        way(node.container, 'in');
        break;
      case 'tree':
        // From a prefix, what other destinations meet is no part of the picture.
        for (const { key, next } of this.routes.get(node.token) ?? []) way(next, keyText(key));
        if (this.wanted.size === 0) way(node.defaultNext, 'default');
        break;
      case 'switch':
      case 'table':
        for (const { key, next } of await this.entries(node.token)) way(next, keyText(key));
        way(node.defaultNext, 'default');
        break;
      case 'loadBalance':
        for (const { key, next } of await this.entries(node.token)) way(next, keyText(key));
        break;
      default:
        break;
    }
    way(node.next, 'next');
    return ways;
  }

  private async entries(container: Token): Promise<AftEntry[]> {
    const all: AftEntry[] = [];
    for await (const { entries } of this.options.find({ entriesOf: container })) all.push(...entries);
    return all;
  }
}

/** Ways to the same node as one. */
function together(ways: readonly Way[]): Way[] {
  const labels = new Map<Token, string[]>();
  for (const { to, label } of ways) labels.set(to, [...(labels.get(to) ?? []), label]);
  return Array.from(labels, ([to, all]) => {
    const more = all.length - MOST_KEYS;
    return { to, label: more > 0 ? `${all.slice(0, MOST_KEYS).join(', ')} and ${more} more` : all.join(', ') };
  });
}

function keyText({ field, data }: AftKey): string {
  return FIELD_NAMES[field] === 'packet.ether.type' && data.kind === 'int' ? ethertypeText(data.value) : dataText(data);
}

function dataText(data: AftData): string {
  switch (data.kind) {
    case 'int':
      return String(data.value);
    case 'ether':
      return formatMac(data.bytes);
    case 'prefix':
      return formatPrefix(data);
    case 'ip4':
    case 'ip6':
      return formatAddress(data.bytes);
    case 'label':
      return `label ${data.value}`;
    case 'bool':
    case 'string':
      return String(data.value);
  }
}

/** What is in a node beside where it leads. */
function detailOf(node: AftNode): string {
  const params = Object.entries(node.params ?? {}).map(([name, data]) => `${name} ${dataText(data)}`);
  return [...contentOf(node), ...params].join(', ');
}

function contentOf(node: AftNode): string[] {
  switch (node.type) {
    case 'encap':
      return [node.template, ...node.keys.map((key) => `${FIELD_NAMES[key.field]} ${dataText(key.data)}`)];
    case 'decap':
      return [node.template];
    case 'match':
      return [`${FIELD_NAMES[node.field]} ${node.op} ${dataText(node.value)}`];
    case 'switch':
      return [FIELD_NAMES[node.field]];
    case 'loadBalance':
      return [`${node.max} slots`];
    case 'policer':
      return [`${node.rate} ${node.packetMode ? 'packets' : 'bytes'} a second, burst ${node.burst}`];
    case 'receive':
      return [`reason ${node.code}`];
    case 'inputPort':
    case 'outputPort':
      return [`port ${node.index}`];
    case 'write':
      return [`${FIELD_NAMES[node.key.field]} ${node.op} ${dataText(node.key.data)}`];
    default:
      return [];
  }
}
