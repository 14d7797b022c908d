// The graph of imports below a root, from the sources as they are on disk: static, type-only and dynamic imports alike.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';

const TREES = ['src', 'lab', 'demo', 'test'];

/** The file (relative to `root`) that `specifier` means in the file `from`; undefined when it is none of ours. */
export function target(root, from, specifier) {
  if (!specifier.startsWith('.')) return undefined;
  const base = join(dirname(resolve(root, from)), specifier);
  const found = [`${base}.ts`, join(base, 'index.ts'), base].find((path) => existsSync(path) && path.endsWith('.ts'));
  return found === undefined ? undefined : relative(root, found);
}

/** file → the files it imports. */
function fileGraph(root) {
  const graph = new Map();
  for (const tree of TREES.filter((name) => existsSync(join(root, name)))) {
    for (const entry of readdirSync(join(root, tree), { recursive: true })) {
      if (!entry.endsWith('.ts')) continue;
      const file = join(tree, entry);
      const { importedFiles } = ts.preProcessFile(readFileSync(join(root, file), 'utf8'), true, true);
      const targets = importedFiles.map(({ fileName }) => target(root, file, fileName));
      graph.set(
        file,
        targets.filter((to) => to !== undefined),
      );
    }
  }
  return graph;
}

/** A file's room, a folder of src/; undefined for files outside of src/ and for those in src/ itself. */
export function room(file) {
  const parts = file.split('/');
  return parts[0] === 'src' && parts.length > 2 ? parts[1] : undefined;
}

/** A file's folder, however deep below src/; undefined where it has no room. */
export function folder(file) {
  return room(file) === undefined ? undefined : dirname(file);
}

/** The graph of files with each taken for the `place` it lies in (`room` or `folder`): place → the places it imports from. */
function graphOfPlaces(files, place) {
  const graph = new Map();
  for (const [file, targets] of files) {
    const from = place(file);
    if (from === undefined) continue;
    const known = graph.get(from) ?? [];
    graph.set(from, [...new Set([...known, ...targets.map(place).filter((to) => to !== undefined && to !== from)])]);
  }
  return graph;
}

const graphs = new Map();

/** The graphs of files, of folders and of rooms below `root`, read once. */
export function graphsOf(root) {
  if (!graphs.has(root)) {
    const files = fileGraph(root);
    graphs.set(root, { files, folders: graphOfPlaces(files, folder), rooms: graphOfPlaces(files, room) });
  }
  return graphs.get(root);
}

/** The shortest path from one node to another, both included; undefined when there is none. */
export function shortestPath(graph, from, to) {
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
