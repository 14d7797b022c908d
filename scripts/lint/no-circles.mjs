// An ESLint rule over the graph of imports: no file, no room (folder of src/) and no folder within a room may lead back to
// itself; lab knows src only, demo knows lab and src. Its option `root` is the folder that src/, lab/, demo/ and test/ lie in.
import { relative } from 'node:path';
import { folder, graphsOf, room, shortestPath, target } from './import-graph.mjs';

/** What each tree may import besides itself; test may import all. */
const TREE_MAY_KNOW = { src: [], lab: ['src'], demo: ['lab', 'src'] };

/** What is wrong with the import of `to` in `file`. */
function* faults(root, file, to) {
  const { files, folders, rooms } = graphsOf(root);
  const tree = file.split('/')[0];
  const other = to.split('/')[0];
  if (other !== tree && TREE_MAY_KNOW[tree]?.includes(other) === false) yield `${tree} may not know ${other}.`;
  yield* circle('files', files, file, to);
  // Folders of two rooms in a circle are a circle of these rooms, so one of the two is said.
  if (room(file) !== room(to)) yield* circle('rooms', rooms, room(file), room(to));
  else if (folder(file) !== folder(to)) yield* circle('folders', folders, folder(file), folder(to));
}

/** The circle that an import of `there` from `here` closes; nothing where one of the two is no place of the graph. */
function* circle(name, graph, here, there) {
  if (here === undefined || there === undefined) return;
  const back = shortestPath(graph, there, here);
  if (back !== undefined) yield `Circle of ${name}: ${[here, ...back].join(' -> ')}`;
}

const rule = {
  meta: {
    type: 'problem',
    schema: [
      { type: 'object', properties: { root: { type: 'string' } }, required: ['root'], additionalProperties: false },
    ],
    messages: { circle: '{{text}}' },
  },
  create(context) {
    const { root } = context.options[0];
    const file = relative(root, context.filename);
    function check(node) {
      const specifier = node.source?.value;
      const to = typeof specifier === 'string' ? target(root, file, specifier) : undefined;
      if (to === undefined) return;
      for (const text of faults(root, file, to)) context.report({ node, messageId: 'circle', data: { text } });
    }
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      TSImportType: check,
    };
  },
};

export default { rules: { 'no-circles': rule } };
