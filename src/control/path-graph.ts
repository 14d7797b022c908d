/** The answers of `why` and `trace` as graphs that can be drawn: the nodes that a route leads through, and the way of one packet through them. Pure. */
import type { TraceView, WhyAnswer, WhyNode } from './explain-types';
import type { GraphEdge, GraphNode, GraphView } from './graph-types';

/** A graph, and the tokens of a way through it, in order. */
export interface PathGraph {
  readonly graph: GraphView;
  readonly path: readonly number[];
}

/** The nodes of the entry that decides, or of the label's; none where the vASIC has no entry. */
export function chainOf(answer: WhyAnswer): readonly WhyNode[] {
  if ('label' in answer) return answer.chain;
  const { routes, decides } = answer;
  return routes.find(({ route, chain }) => route.prefix === decides && chain.length > 0)?.chain ?? [];
}

/** The ways that packets of a route can go. */
export function chainGraph(chain: readonly WhyNode[]): PathGraph {
  return { graph: graphOf(chain.map(withoutOthers), chainEdges(chain)), path: [] };
}

/** The way of a packet, among those that packets of its route can go. */
export function traceGraph({ steps }: TraceView, chain: readonly WhyNode[]): PathGraph {
  const path = steps.map(({ token }) => token);
  // A route's nodes are told with those of one input port; the packet may have come by another.
  const here = chain.map((node) => ({
    ...node,
    token: node.others?.find((other) => path.includes(other)) ?? node.token,
  }));
  const between = path.slice(1).map((to, i): GraphEdge => ({ from: path[i]!, to, label: '' }));
  return { graph: graphOf([...steps, ...here.map(withoutOthers)], [...between, ...chainEdges(here)]), path };
}

function withoutOthers({ token, type, purpose }: WhyNode): GraphNode {
  return { token, type, purpose, detail: '' };
}

/** From each node to those one deeper that follow it. */
function chainEdges(chain: readonly WhyNode[]): GraphEdge[] {
  const above: number[] = [];
  return chain.flatMap(({ token, depth }) => {
    above[depth] = token;
    const from = depth === 0 ? undefined : above[depth - 1];
    return from === undefined ? [] : [{ from, to: token, label: '' }];
  });
}

/** Each node and edge once; of what is said of a node several times, all that differs. */
function graphOf(nodes: readonly GraphNode[], edges: readonly GraphEdge[]): GraphView {
  const byToken = new Map<number, GraphNode>();
  for (const node of nodes) {
    const known = byToken.get(node.token);
    byToken.set(node.token, known === undefined ? node : together(known, node));
  }
  const byEnds = new Map(edges.map((edge) => [`${edge.from} ${edge.to}`, edge]));
  return { nodes: [...byToken.values()], edges: [...byEnds.values()], leftOut: 0, missing: [] };
}

function together(known: GraphNode, more: GraphNode): GraphNode {
  const details = new Set([known.detail, more.detail].filter((detail) => detail !== ''));
  return { ...known, purpose: known.purpose || more.purpose, detail: [...details].join('; ') };
}
