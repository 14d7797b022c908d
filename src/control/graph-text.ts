/** A graph as text: for Graphviz (DOT), and as a picture (SVG), which is laid out here and needs no Graphviz. */
import { layout, graphlib } from '@dagrejs/dagre';
import { wrapped } from './wrap';
import type { GraphEdge, GraphNode, GraphView } from './graph-types';

/** Lines of a node: its kind with its token, what it is for, what is in it. */
function linesOf({ token, type, purpose, detail }: GraphNode): string[] {
  return [`${type} ${token}`, purpose, ...wrapped(detail, MOST_COLUMNS)].filter((line) => line !== '');
}

const MOST_COLUMNS = 42;

/** What the picture leaves out; undefined: nothing. */
export function leftOutText({ leftOut, missing }: GraphView): string | undefined {
  const parts = [
    ...(leftOut === 0
      ? []
      : [`${leftOut} more ${leftOut === 1 ? 'node' : 'nodes'} that these lead to are left out (--limit)`]),
    ...(missing.length === 0 ? [] : [`no entry for ${missing.join(', ')}`]),
  ];
  return parts.length === 0 ? undefined : parts.join('; ');
}

const quoted = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

/** For `dot -Tsvg` and the like. */
export function graphDot(view: GraphView): string {
  const left = leftOutText(view);
  const nodes = view.nodes.map(
    (node) => `  ${node.token} [label=${quoted(linesOf(node).join('\n')).replaceAll('\n', '\\n')}];`,
  );
  const edges = view.edges.map(
    ({ from, to, label }) => `  ${from} -> ${to}${label === '' ? '' : ` [label=${quoted(label)}]`};`,
  );
  return [
    'digraph aft {',
    '  rankdir=LR;',
    '  node [shape=box, fontname="monospace", fontsize=10];',
    '  edge [fontname="monospace", fontsize=9];',
    ...(left === undefined ? [] : [`  label=${quoted(left)};`]),
    ...nodes,
    ...edges,
    '}',
    '',
  ].join('\n');
}

const CHARACTER = 7;
const LINE = 14;
const PADDING = 8;
const FILL: Partial<Record<string, string>> = {
  ...{ inputPort: '#e3f2fd', outputPort: '#e3f2fd', tree: '#e8f5e9', encap: '#fff8e1', decap: '#fff8e1' },
  ...{ loadBalance: '#f3e5f5', receive: '#fbe9e7', discard: '#eeeeee' },
};

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const rounded = (value: number): string => String(Math.round(10 * value) / 10);

function textAt(x: number, y: number, text: string, attributes = ''): string {
  return `<text x="${rounded(x)}" y="${rounded(y)}"${attributes}>${escaped(text)}</text>`;
}

/** Of what a packet passed, and of all else. */
const MARKED = { stroke: '#0d47a1', width: 3, end: 'passed' };
const PLAIN = { stroke: '#546e7a', width: 1, end: 'end' };

function nodeSvg(node: GraphNode, { x, y, width, height }: Placed, { stroke, width: line }: typeof PLAIN): string {
  const [first, ...more] = linesOf(node);
  const [left, top] = [x - width / 2, y - height / 2];
  const box = `<rect x="${rounded(left)}" y="${rounded(top)}" width="${rounded(width)}" height="${rounded(height)}" rx="4" fill="${FILL[node.type] ?? '#ffffff'}" stroke="${stroke}" stroke-width="${line}"/>`;
  const texts = [first!, ...more].map((line, i) =>
    textAt(left + PADDING, top + PADDING + 10 + i * LINE, line, i === 0 ? ' font-weight="bold"' : ''),
  );
  return box + texts.join('');
}

function edgeSvg(
  { label }: GraphEdge,
  { points, x, y }: { points: readonly Point[]; x?: number; y?: number },
  { stroke, width, end }: typeof PLAIN,
): string {
  const path = points.map((point, i) => `${i === 0 ? 'M' : 'L'}${rounded(point.x)} ${rounded(point.y)}`).join(' ');
  const line = `<path d="${path}" fill="none" stroke="${stroke}" stroke-width="${width}" marker-end="url(#${end})"/>`;
  return label === '' || x === undefined || y === undefined
    ? line
    : line +
        textAt(
          x,
          y + 3,
          label,
          ' text-anchor="middle" fill="#37474f" stroke="#ffffff" stroke-width="3" paint-order="stroke"',
        );
}

interface Point {
  readonly x: number;
  readonly y: number;
}
interface Placed extends Point {
  readonly width: number;
  readonly height: number;
}

function endSvg({ stroke, end }: typeof PLAIN): string {
  return `<marker id="${end}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z" fill="${stroke}"/></marker>`;
}

/** How a picture is drawn. */
export interface Drawing {
  /** Tokens of nodes that follow each other: they, and what leads from one to the next, are marked. */
  readonly path?: readonly number[];
  /** From top to bottom; else from left to right. */
  readonly down?: boolean;
}

/** A picture of its own: no fonts, scripts or anything else from elsewhere. */
export function graphSvg(view: GraphView, { path = [], down = false }: Drawing = {}): string {
  const passed = new Set([...path.map(String), ...path.slice(1).map((to, i) => `${path[i]} ${to}`)]);
  const look = (name: string): typeof PLAIN => (passed.has(name) ? MARKED : PLAIN);
  const graph = new graphlib.Graph({ multigraph: false });
  const ranksep = down ? 28 : 48;
  graph.setGraph({ rankdir: down ? 'TB' : 'LR', nodesep: 16, ranksep, marginx: 12, marginy: 12 });
  for (const node of view.nodes) {
    const lines = linesOf(node);
    const width = Math.max(...lines.map((line) => line.length)) * CHARACTER + 2 * PADDING;
    graph.setNode(String(node.token), { width, height: lines.length * LINE + 2 * PADDING - 2 });
  }
  for (const { from, to, label } of view.edges) {
    graph.setEdge(String(from), String(to), { width: label.length * CHARACTER, height: LINE, labelpos: 'c' });
  }
  layout(graph);
  const left = leftOutText(view);
  const { width = 0, height = 0 } = graph.graph();
  const size = {
    width: Math.ceil(Math.max(width, (left?.length ?? 0) * CHARACTER + 24)),
    height: Math.ceil(height + (left === undefined ? 0 : 24)),
  };
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" width="${size.width}" height="${size.height}" font-family="monospace" font-size="11">`,
    `<defs>${endSvg(PLAIN)}${path.length === 0 ? '' : endSvg(MARKED)}</defs>`,
    '<rect width="100%" height="100%" fill="#ffffff"/>',
    ...view.edges.map((edge) => {
      const [from, to] = [String(edge.from), String(edge.to)];
      return edgeSvg(edge, graph.edge(from, to), look(`${from} ${to}`));
    }),
    ...view.nodes.map((node) => nodeSvg(node, graph.node(String(node.token)), look(String(node.token)))),
    ...(left === undefined ? [] : [textAt(12, size.height - 10, left, ' fill="#b71c1c"')]),
    '</svg>',
    '',
  ].join('\n');
}
