/** Decoded nodes of one make have one hidden class of V8's: a class of its own takes more memory than a node, and there are as many nodes as LSPs. */
import { setFlagsFromString } from 'node:v8';
import { runInThisContext } from 'node:vm';
import { PARAM, type AftNode } from '../../../src/aft/model';
import { decodeOperation, encodeOperation } from '../../../src/aft/operation-codec';

setFlagsFromString('--allow-natives-syntax');
const haveSameMap = runInThisContext('(a, b) => %HaveSameMap(a, b)') as (a: object, b: object) => boolean;

const MANY = 2000;

const nodes = (label: number): readonly AftNode[] => [
  {
    ...{ type: 'encap', token: 1000 + label, template: 'label', keys: [], next: 7 },
    params: { [PARAM.labelValue]: { kind: 'int', value: label }, [PARAM.labelSwap]: { kind: 'bool', value: true } },
  },
  { type: 'indirect', token: 2000 + label, target: 1000 + label },
];

function decoded(label: number): readonly AftNode[] {
  const insert = { nodes: nodes(label), entries: [], binds: [] };
  const { operation } = decodeOperation(
    encodeOperation({ sandboxId: 1, id: 1, operation: { kind: 'insert', insert } }),
  );
  return operation.kind === 'insert' ? operation.insert.nodes : [];
}

test('nodes of one kind, and their parameters, share their hidden classes', () => {
  // V8 makes objects another way once it has made many.
  for (let label = 0; label < MANY; label++) decoded(label);
  const [first, second] = [decoded(MANY), decoded(MANY + 1)];
  expect(first).toEqual(nodes(MANY));
  first.forEach((node, i) => expect(haveSameMap(node, second[i]!)).toBe(true));
  expect(haveSameMap(first[0]!.params!, second[0]!.params!)).toBe(true);
});
