/** Labels in graphs for the comparison of the two engines: nodes that push, swap and take them, and LSPs, as fpm2afi makes them and otherwise. */
import { labelKey } from '../../../src/afi/label-graph';
import {
  AftField,
  LABEL_FLOW_FIELDS,
  PARAM,
  type AftEntry,
  type AftNode,
  type AftParams,
  type Token,
} from '../../../src/aft/model';
import type { Random } from '../random';
import { int } from './graph-parts';

/** Those that tables have entries for, and packets have: reserved ones, neighbors in one page of a table, and others. */
const LABELS = [0, 1, 2, 7, 13, 16, 17, 18, 19, 1023, 1024, 99_999, 2 ** 20 - 1];

const bool = (value: boolean): { kind: 'bool'; value: boolean } => ({ kind: 'bool', value });

/** One that tables and packets have in common. */
export function someLabel(random: Random): number {
  return random.pick(LABELS);
}

function encap(random: Random, token: Token, next: Token, params: AftParams): AftNode {
  const value = { [PARAM.labelValue]: int(random.below(2 ** 20)) };
  return { type: 'encap', token, template: 'label', keys: [], params: { ...value, ...params }, next };
}

/** A label in front of the packet. */
export function pushLabel(random: Random, token: Token, next: Token): AftNode {
  const ttl = random.pick<AftParams>([
    ...[{}, { [PARAM.labelTtl]: int(1 + random.below(255)) }],
    ...[{ [PARAM.labelTtlPropagate]: bool(true) }, { [PARAM.labelTtlPropagate]: bool(true) }],
    { [PARAM.labelTtlPropagate]: bool(false) },
  ]);
  return encap(random, token, next, ttl);
}

/** A label in place of another. */
export function swapLabel(random: Random, token: Token, next: Token): AftNode {
  return encap(random, token, next, { [PARAM.labelSwap]: bool(true) });
}

/** One label off. */
export function popLabel(random: Random, token: Token, next: Token, stack: Token): AftNode {
  const params = {
    [PARAM.labelCount]: int(1),
    ...(random.below(4) > 0 && { [PARAM.labelTtlPropagate]: bool(random.below(2) === 0) }),
    ...(random.below(2) === 0 && { [PARAM.labelStack]: int(stack) }),
    ...(random.below(4) === 0 && { [PARAM.labelPayload]: int(random.pick([4, 6])) }),
  };
  return { type: 'decap', token, template: 'label', next, params };
}

/** A table of labels, mostly a router's, which hands those that expire to a node. */
export function labelTable(random: Random, token: Token, otherwise: Token, expired: Token): AftNode {
  const expires = random.below(4) > 0 && { [PARAM.mplsTtlExpired]: int(expired) };
  return {
    ...{ type: 'table', token, fields: [AftField.MplsLabel], size: 2 ** 20, defaultNext: otherwise },
    params: { ...expires },
  };
}

/** Where LSPs lead to. */
export interface LspTargets {
  readonly table: Token;
  readonly trees: readonly Token[];
  readonly neighbors: readonly Token[];
}

export interface Lsps {
  /** In the order that they can be inserted in. */
  readonly nodes: readonly AftNode[];
  readonly entries: readonly AftEntry[];
  /** One of its nodes, made otherwise. */
  readonly another: () => AftNode;
  /** An entry of the table that may be there already. */
  readonly entry: () => AftEntry;
}

/** LSPs with tokens from `first` on. */
export function lsps(random: Random, first: Token, { table, trees, neighbors }: LspTargets): Lsps {
  const nodes: AftNode[] = [];
  const entries: AftEntry[] = [];
  const work: (() => AftNode)[] = [];
  const heads: Token[] = [];
  let free = first;
  const add = (make: (token: Token) => AftNode): Token => {
    const token = free++;
    nodes.push(make(token));
    work.push(() => make(token));
    return token;
  };
  for (let i = 2 + random.below(6); i > 0; i--) {
    let next = random.pick(neighbors);
    switch (random.below(4)) {
      case 0:
        heads.push(add((token) => popLabel(random, token, random.pick(trees), table)));
        break;
      case 1:
        heads.push(add((token) => popLabel(random, token, random.pick(neighbors), table)));
        break;
      default:
        for (let pushes = random.below(3); pushes > 0; pushes--) {
          const behind = next;
          next = add((token) => pushLabel(random, token, behind));
        }
        heads.push(add((token) => swapLabel(random, token, next)));
    }
  }
  for (let i = random.below(3); i > 0; i--) {
    const token = free++;
    const max = random.pick([1, 3, 8]);
    nodes.push({ type: 'loadBalance', token, max, fields: random.below(4) === 0 ? [] : LABEL_FLOW_FIELDS });
    for (let place = 0; place < max; place++) {
      const key = { field: AftField.None, data: int(place) };
      if (random.below(6) > 0) entries.push({ parent: token, key, next: random.pick(heads) });
    }
    heads.push(token, token);
  }
  const entry = (): AftEntry => ({ parent: table, key: labelKey(someLabel(random)), next: random.pick(heads) });
  for (const label of LABELS) if (random.below(4) > 0) entries.push({ ...entry(), key: labelKey(label) });
  return { nodes, entries, another: () => random.pick(work)(), entry };
}
