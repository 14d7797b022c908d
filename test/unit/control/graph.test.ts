/** `graph`: its texts, its query, and the command. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseGraph } from '../../../src/control/graph-query';
import { graphDot, graphSvg, leftOutText } from '../../../src/control/graph-text';
import { startControlServer } from '../../../src/control/server';
import { nullLogger } from '../../../src/observe/log';
import { fakeBackend, GRAPH } from './backend';
import { run, type Result } from './run-cli';

test('for Graphviz: names quoted, lines broken, what is left out said', () => {
  expect(graphDot(GRAPH)).toBe(
    [
      'digraph aft {',
      '  rankdir=LR;',
      '  node [shape=box, fontname="monospace", fontsize=10];',
      '  edge [fontname="monospace", fontsize=9];',
      '  label="3 more nodes that these lead to are left out (--limit); no entry for 10.9.9.0/24";',
      '  1 [label="inputPort 1\\nport 0"];',
      '  1030 [label="match 1030\\nmy \\"MAC\\"\\npacket.ether.daddr eq 02:00:00:00:00:01 &\\n<more> of it than fits a line"];',
      '  0 [label="discard 0"];',
      '  1 -> 1030 [label="next"];',
      '  1030 -> 0;',
      '}',
      '',
    ].join('\n'),
  );
});

test('as a picture: each node and edge is in it, inside of its frame, and nothing that is markup', () => {
  const svg = graphSvg(GRAPH);
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="0 0 \d+ \d+"/);
  expect(svg.match(/<rect x=/g)).toHaveLength(GRAPH.nodes.length);
  expect(svg.match(/marker-end/g)).toHaveLength(GRAPH.edges.length);
  expect(svg).toContain('&lt;more&gt; of it');
  expect(svg).toContain('02:00:00:00:00:01 &amp;');
  expect(svg).toContain('3 more nodes');
  const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)!.map(Number);
  for (const [, x, y, w, h] of svg.matchAll(/<rect x="([\d.-]+)" y="([\d.-]+)" width="([\d.]+)" height="([\d.]+)"/g)) {
    expect([Number(x) >= 0, Number(x) + Number(w) <= width!, Number(y) >= 0, Number(y) + Number(h) <= height!]).toEqual(
      [true, true, true, true],
    );
  }
});

test('nothing left out', () => {
  const whole = { ...GRAPH, leftOut: 0, missing: [] };
  expect(leftOutText(whole)).toBeUndefined();
  expect(graphDot(whole)).not.toContain('left out');
  expect(graphSvg({ nodes: [], edges: [], leftOut: 0, missing: [] })).toMatch(/^<svg [^]*<\/svg>\n$/);
});

test('queries', () => {
  const parse = (text: string): unknown => parseGraph(new URLSearchParams(text));
  expect(parse('')).toEqual({ prefixes: [], limit: 200 });
  expect(parse('prefix=10.0.0.0/8&prefix=::/0&limit=5')).toMatchObject({
    prefixes: [{ length: 8 }, { length: 0 }],
    limit: 5,
  });
  expect(() => parse('prefix=x')).toThrow('prefix: x is not a prefix such as 10.0.255.0/24');
  expect(() => parse('limit=0')).toThrow('limit: 0 is not a whole number from 1 to 5000');
  expect(() => parse('color=7')).toThrow('color: unknown parameter, known: prefix, limit');
});

test('the command: for Graphviz, as JSON, as a picture, not as both', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'fpm2afi-graph-'));
  const socket = join(directory, 'control.sock');
  const server = await startControlServer(socket, fakeBackend(), nullLogger);
  const graph = (...words: readonly string[]): Promise<Result> => run('graph', ...words, '--socket', socket);
  expect((await graph()).out).toBe(graphDot(GRAPH));
  expect(JSON.parse((await graph('--json')).out)).toEqual(GRAPH);
  expect((await graph('--svg')).out).toBe(graphSvg(GRAPH));
  expect((await graph('--svg', '--json')).code).toBe(2);
  await server.close();
  rmSync(directory, { recursive: true });
});
