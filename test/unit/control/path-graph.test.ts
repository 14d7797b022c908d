/** `why` and `trace` as graphs, and how a way through one is drawn. */
import type { TraceView, WhyLabelView, WhyNode } from '../../../src/control/explain-types';
import { graphSvg } from '../../../src/control/graph-text';
import { chainGraph, chainOf, traceGraph } from '../../../src/control/path-graph';
import { STORY, TRACE, WHY } from './explained';

const node = (token: number, depth: number, more: Partial<WhyNode> = {}): WhyNode => ({
  ...{ token, depth, type: 'indirect', purpose: `node ${token}` },
  ...more,
});
/** Two ways that come together at a port. */
const CHAIN = [
  node(1152, 0, { type: 'match', others: [1153, 1154] }),
  node(1088, 1),
  node(10, 2),
  node(513, 3),
  node(20, 2),
  node(513, 3),
];
const trace = (...steps: readonly (readonly [number, string])[]): TraceView => ({
  ...TRACE,
  steps: steps.map(([token, detail]) => ({ token, type: 'x', purpose: '', detail })),
});
const ends = (edges: readonly { from: number; to: number }[]): string[] => edges.map(({ from, to }) => `${from}-${to}`);

test('the nodes of why: those of the entry that decides', () => {
  expect(chainOf(WHY)).toBe(STORY.chain);
  expect(chainOf({ ...WHY, decides: '0.0.0.0/0' })).toEqual([]);
  expect(chainOf({ label: 16, chain: CHAIN } as unknown as WhyLabelView)).toBe(CHAIN);
});

test('a chain is a tree by depth, in which each node and edge is there once', () => {
  const { graph, path } = chainGraph(CHAIN);
  expect(graph.nodes.map(({ token }) => token)).toEqual([1152, 1088, 10, 513, 20]);
  expect(ends(graph.edges)).toEqual(['1152-1088', '1088-10', '10-513', '1088-20', '20-513']);
  expect(path).toEqual([]);
});

test('a trace: its steps, among the ways that it could have gone, from the port that it came in by', () => {
  const { graph, path } = traceGraph(
    trace([1, 'p1'], [1153, 'yes'], [1088, '10.0.0.0/8'], [20, ''], [513, 'p2']),
    CHAIN,
  );
  expect(path).toEqual([1, 1153, 1088, 20, 513]);
  expect(graph.nodes.map(({ token }) => token)).toEqual([1, 1153, 1088, 20, 513, 10]);
  expect(ends(graph.edges)).toEqual(['1-1153', '1153-1088', '1088-20', '20-513', '1088-10', '10-513']);
  expect(graph.nodes.find(({ token }) => token === 1088)).toMatchObject({ purpose: 'node 1088', detail: '10.0.0.0/8' });
});

test('a node that is passed twice tells of both', () => {
  const { graph, path } = traceGraph(trace([1, 'in'], [7, 'label 16'], [1, 'again'], [8, '']), []);
  expect(path).toEqual([1, 7, 1, 8]);
  expect(graph.nodes.map(({ token, detail }) => [token, detail])).toEqual([
    [1, 'in; again'],
    [7, 'label 16'],
    [8, ''],
  ]);
  expect(ends(graph.edges)).toEqual(['1-7', '7-1', '1-8']);
});

test('drawn: the way is marked, and nothing else', () => {
  const { graph, path } = traceGraph(trace([1, ''], [1152, ''], [1088, ''], [20, ''], [513, '']), CHAIN);
  const count = (svg: string, text: string): number => svg.split(text).length - 1;
  const marked = graphSvg(graph, { path, down: true });
  expect([count(marked, 'stroke-width="3"/>'), count(marked, 'url(#passed)')]).toEqual([5, 4]);
  expect([count(marked, 'stroke-width="1"/>'), count(marked, 'url(#end)')]).toEqual([1, 2]);
  const plain = graphSvg(graph);
  expect([count(plain, 'stroke-width="3"'), count(plain, 'passed')]).toEqual([0, 0]);
  const size = (svg: string): number[] => /viewBox="0 0 (\d+) (\d+)"/.exec(svg)!.slice(1).map(Number);
  const [[width, height], [wide, low]] = [size(marked), size(plain)];
  expect([height! > width!, wide! > low!]).toEqual([true, true]);
});
