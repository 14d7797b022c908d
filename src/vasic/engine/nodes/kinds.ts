/** All node types by name: the one place to add a new one. */
import type { AftNode, AftNodeType } from '../../../aft/model';
import { counter } from './counter';
import { decap } from './decap';
import { discard } from './discard';
import { encap } from './encap';
import { indirect } from './indirect';
import { inputPort } from './input-port';
import { indexedList, list } from './list';
import { loadBalance } from './load-balance';
import { lookup } from './lookup';
import { match } from './match';
import type { NodeKind, NodeOf } from '../node-kind';
import { outputPort } from './output-port';
import { policer } from './policer';
import { receive } from './receive';
import { sandboxLink } from './sandbox-link';
import { switchNode } from './switch';
import { table } from './table';
import { tree } from './tree';
import { write } from './write';

const KINDS: { readonly [T in AftNodeType]: NodeKind<T> } = {
  discard,
  list,
  indexedList,
  counter,
  policer,
  match,
  switch: switchNode,
  tree,
  table,
  lookup,
  indirect,
  loadBalance,
  encap,
  decap,
  receive,
  write,
  inputPort,
  outputPort,
  sandboxLink,
};

export function isNodeType(type: string): boolean {
  return Object.hasOwn(KINDS, type);
}

/** What knows about this node's type. */
export function kindOf<T extends AftNodeType>(node: NodeOf<T> & AftNode): NodeKind<T> {
  const type: T = node.type;
  return KINDS[type];
}
