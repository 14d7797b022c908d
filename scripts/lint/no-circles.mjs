// An ESLint rule over the graph of imports: no file, and no room (folder of src/), may lead back to itself; lab knows src
// only, demo knows lab and src. Its option `root` is the folder that src/, lab/, demo/ and test/ lie in.
import { relative } from 'node:path';
import { graphsOf, room, shortestPath, target } from './import-graph.mjs';

/** What each tree may import besides itself; test may import all. */
const TREE_MAY_KNOW = { src: [], lab: ['src'], demo: ['lab', 'src'] };

/** What is wrong with the import of `to` in `file`. */
function* faults(root, file, to) {
  const { files, rooms } = graphsOf(root);
  const tree = file.split('/')[0];
  const other = to.split('/')[0];
  if (other !== tree && TREE_MAY_KNOW[tree]?.includes(other) === false) yield `${tree} may not know ${other}.`;
  const back = shortestPath(files, to, file);
  if (back !== undefined) yield `Circle of files: ${[file, ...back].join(' -> ')}`;
  const [here, there] = [room(file), room(to)];
  if (here === undefined || there === undefined || here === there) return;
  const roomsBack = shortestPath(rooms, there, here);
  if (roomsBack !== undefined) yield `Circle of rooms: ${[here, ...roomsBack].join(' -> ')}`;
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
