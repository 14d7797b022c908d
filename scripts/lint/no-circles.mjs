// ESLint rules over the graph of imports (type-only ones too): no file, and no room (folder of src/), may lead back to
// itself; lab knows src only, demo knows lab and src. The graph is read once, from the sources as they are on disk.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
const TREES = ['src', 'lab', 'demo', 'test'];

/** Circles that are left: the imports `from -> to` that are let pass, with the reason. */
const ALLOWED = new Map([]);

/** What each tree may import besides itself; test may import all. */
const TREE_MAY_KNOW = { src: [], lab: ['src'], demo: ['lab', 'src'] };

function target(from, specifier) {
  const base = join(dirname(from), specifier);
  const found = [`${base}.ts`, join(base, 'index.ts'), base].find((path) => existsSync(path) && path.endsWith('.ts'));
  return found === undefined ? undefined : relative(ROOT, found);
}

function importsOf(path) {
  const text = readFileSync(path, 'utf8');
  return [...text.matchAll(/^(?:import|export|\})[^;'"]*?(?:from )?'(\.[^']*)'/gms)].flatMap((match) => {
    const to = target(path, match[1]);
    return to === undefined ? [] : [to];
  });
}

function readGraph() {
  const graph = new Map();
  for (const tree of TREES) {
    for (const entry of readdirSync(join(ROOT, tree), { recursive: true })) {
      if (!entry.endsWith('.ts')) continue;
      const file = join(tree, entry);
      graph.set(
        file,
        importsOf(join(ROOT, file)).filter((to) => !ALLOWED.has(`${file} -> ${to}`)),
      );
    }
  }
  return graph;
}

/** A file's room; undefined for files outside of src/ and for those in src/ itself. */
function room(file) {
  const parts = file.split('/');
  return parts[0] === 'src' && parts.length > 2 ? parts[1] : undefined;
}

function roomGraph(files) {
  const graph = new Map();
  for (const [file, targets] of files) {
    const from = room(file);
    if (from === undefined) continue;
    const known = graph.get(from) ?? [];
    graph.set(from, [...new Set([...known, ...targets.map(room).filter((to) => to !== undefined && to !== from)])]);
  }
  return graph;
}

/** The shortest way from one node to another, both included. */
function way(graph, from, to) {
  const before = new Map([[from, undefined]]);
  for (const node of before.keys()) {
    if (node === to) {
      const path = [];
      for (let at = to; at !== undefined; at = before.get(at)) path.unshift(at);
      return path;
    }
    for (const next of graph.get(node) ?? []) if (!before.has(next)) before.set(next, node);
  }
  return undefined;
}

let files;
let rooms;

const rule = {
  meta: { type: 'problem', schema: [], messages: { circle: '{{text}}' } },
  create(context) {
    files ??= readGraph();
    rooms ??= roomGraph(files);
    const file = relative(ROOT, context.filename);
    function check(node) {
      const specifier = node.source?.value;
      if (typeof specifier !== 'string' || !specifier.startsWith('.')) return;
      const to = target(context.filename, specifier);
      if (to === undefined || ALLOWED.has(`${file} -> ${to}`)) return;
      const report = (text) => context.report({ node, messageId: 'circle', data: { text } });
      const tree = file.split('/')[0];
      const other = to.split('/')[0];
      if (other !== tree && TREE_MAY_KNOW[tree]?.includes(other) === false) report(`${tree} may not know ${other}.`);
      const back = way(files, to, file);
      if (back !== undefined) report(`Circle of files: ${[file, ...back].join(' -> ')}`);
      const [here, there] = [room(file), room(to)];
      if (here === undefined || there === undefined || here === there) return;
      const roomsBack = way(rooms, there, here);
      if (roomsBack !== undefined) report(`Circle of rooms: ${[here, ...roomsBack].join(' -> ')}`);
    }
    return { ImportDeclaration: check, ExportNamedDeclaration: check, ExportAllDeclaration: check };
  },
};

export default { rules: { 'no-circles': rule } };
