/**
 * Graphs for the comparison of the two engines: the one that fpm2afi builds, plain ones of its shape, and odd ones (odd-graphs.ts). And
 * changes of them.
 */
import { baseGraph, ROUTE_TREE, type BasePort } from '../../../src/afi/base-graph';
import { vrfTokens } from '../../../src/afi/base-tokens';
import { LABEL_TABLE, labelPortEntry } from '../../../src/afi/label-graph';
import {
  AftField,
  LABEL_FLOW_FIELDS,
  PARAM,
  TOKEN_DISCARD,
  type AftEntry,
  type AftInsert,
  type AftNode,
  type AftOperation,
  type Token,
} from '../../../src/aft/model';
import { outputPortToken } from '../../../src/vasic/engine/ports';
import type { Random } from '../random';
import {
  ethernet,
  FIRST,
  insert,
  int,
  MACS,
  PORTS,
  prefixed,
  remove,
  routeTo,
  type GraphPlan,
  type Shape,
} from './graph-parts';
import { labelTable, lsps, pushLabel } from './label-graphs';
import { odd } from './odd-graphs';

/** Neighbors, and groups of them: encapsulations behind indirects, load balancers in front. */
function groups(
  random: Random,
  count: number,
): { readonly insert: AftInsert; readonly heads: readonly Token[]; readonly neighbors: readonly Token[] } {
  const nodes: AftNode[] = [];
  const entries: AftEntry[] = [];
  const neighbors: Token[] = [];
  const heads: Token[] = [];
  let token = FIRST;
  for (let i = 0; i < count; i++) {
    const encap = token++;
    const indirect = token++;
    nodes.push(ethernet(random, encap, outputPortToken(random.below(PORTS))));
    nodes.push({ type: 'indirect', token: indirect, target: encap });
    neighbors.push(indirect);
    // Labels on the way to it, as fpm2afi chains them: the innermost first.
    if (random.below(2) === 0) continue;
    const stack = Array.from({ length: 1 + random.below(4) }, () => token++);
    nodes.push(...stack.map((own, at) => pushLabel(random, own, stack[at + 1] ?? indirect)).reverse());
    neighbors.push(stack[0]!);
  }
  for (let i = 0; i < count; i++) {
    const head = token++;
    if (random.below(2) === 0) nodes.push({ type: 'indirect', token: head, target: random.pick(neighbors) });
    else {
      const balancer = token++;
      const max = random.pick([1, 2, 3, 8, 128]);
      nodes.push({ type: 'loadBalance', token: balancer, max, fields: random.below(2) === 0 ? [] : LABEL_FLOW_FIELDS });
      nodes.push({ type: 'indirect', token: head, target: balancer });
      const filled = random.below(4) === 0 ? random.below(max + 1) : max;
      for (let place = 0; place < filled; place++) {
        const at = filled === max ? place : random.below(max);
        entries.push({
          parent: balancer,
          key: { field: AftField.None, data: int(at) },
          next: random.pick(neighbors),
        });
      }
    }
    heads.push(head);
  }
  return { insert: { nodes, entries }, heads, neighbors };
}

/** What a route may lead to beside a group. */
const ENDS: readonly Token[] = [TOKEN_DISCARD, outputPortToken(PORTS)];

/** Adds routes to a tree, and changes what they lead to. */
function routed(random: Random, shape: Shape, [tree, table]: readonly [Token, Token], before: AftOperation): GraphPlan {
  const { insert: parts, heads, neighbors } = groups(random, 2 + random.below(6));
  const switched = lsps(random, FIRST + 600, { table, trees: [tree], neighbors: [...neighbors, ...heads] });
  // Now and then so many that the trees have tables, the IPv4 one with pages in front of them (src/vasic/kernel/leaf-pages.ts).
  const count = random.below(12) === 0 ? 1100 + random.below(5000) : 1 + random.below(30);
  const prefixes = Array.from({ length: count }, () => prefixed(random));
  const next = (): Token => (random.below(8) === 0 ? random.pick(ENDS) : random.pick(heads));
  const entries = prefixes.map((prefix) => routeTo(tree, prefix, next()));
  const change = (): AftOperation => {
    const route = routeTo(tree, random.pick(prefixes), next());
    const fresh = routeTo(tree, prefixed(random), next());
    switch (random.below(9)) {
      case 6:
        return insert({ nodes: [switched.another()] });
      case 7:
        return insert({ entries: [switched.entry(), switched.entry()] });
      case 8:
        return remove([switched.entry()], []);
      case 0:
        return insert({ entries: [route, fresh] });
      case 1:
        return remove([route], []);
      case 2: {
        const old = parts.nodes.filter((node) => node.type === 'encap');
        const { token, next: after, template } = random.pick(old);
        return insert({ nodes: [(template === 'label' ? pushLabel : ethernet)(random, token, after!)] });
      }
      case 3: {
        const from = random.pick(parts.nodes.filter((node) => node.type === 'indirect' && !heads.includes(node.token)));
        const to = random.pick(
          parts.nodes.filter((node) => node.type === 'encap' && node.template === 'ethernet'),
        ).token;
        return insert({ nodes: [{ type: 'indirect', token: from.token, target: to }], entries: [fresh] });
      }
      case 4: {
        if (parts.entries.length === 0) return insert({ entries: [fresh] });
        const { parent, key } = random.pick(parts.entries);
        const to = random.pick(parts.nodes.filter((node) => node.type === 'indirect' && !heads.includes(node.token)));
        return random.below(3) === 0
          ? remove([{ parent, key }], [])
          : insert({ entries: [{ parent, key, next: to.token }] });
      }
      default:
        // Refused as a whole: the last entry leads nowhere.
        return insert({
          nodes: [ethernet(random, FIRST, outputPortToken(0))],
          entries: [fresh, { ...fresh, next: FIRST + 999 }],
        });
    }
  };
  const operations = [
    before,
    insert(parts),
    insert({ nodes: switched.nodes, entries: switched.entries }),
    insert({ entries }),
  ];
  return { shape, operations, prefixes, change };
}

/** The graph that fpm2afi builds, as it is. */
function fpm2afi(random: Random): GraphPlan {
  const ports = MACS.map((mac, index): BasePort => ({ index, mac: random.below(8) === 0 ? undefined : mac }));
  const vrfs = [{ table: 254, tokens: vrfTokens(254, 254), withTree: true }];
  const base = baseGraph(ports, vrfs, {});
  const takes = MACS.map((_, port) => labelPortEntry(port, random.below(4) > 0));
  return routed(
    random,
    'fpm2afi',
    [ROUTE_TREE, LABEL_TABLE],
    insert({ ...base, entries: [...base.entries, ...takes] }),
  );
}

/** The same without its policers and classes. */
function plain(random: Random): GraphPlan {
  const [tree, types, counter, table, labelled] = [FIRST + 500, FIRST + 501, FIRST + 502, FIRST + 503, FIRST + 504];
  const policy = { [PARAM.rtTtlExpired]: int(outputPortToken(PORTS)) };
  const nodes: AftNode[] = [
    { type: 'tree', token: tree, fields: [AftField.PacketLookupKey], defaultNext: random.pick(ENDS), params: policy },
    { type: 'counter', token: counter, packets: random.below(5), bytes: 0, next: tree },
    { type: 'switch', token: types, field: AftField.EtherType, defaultNext: TOKEN_DISCARD },
    labelTable(random, table, random.pick(ENDS), outputPortToken(PORTS)),
    { type: 'switch', token: labelled, field: AftField.MetaIfInput, defaultNext: table },
    ...MACS.map((mac, index): AftNode => ({
      ...{ type: 'match', token: FIRST + 510 + index, field: AftField.EtherDaddr, op: 'eq' },
      ...{ value: { kind: 'ether', bytes: mac }, trueNext: types, falseNext: TOKEN_DISCARD },
    })),
  ];
  // Without the counter between, the kernel's program has a short way.
  const front = random.below(2) === 0 ? counter : tree;
  const entries = [0x0800, 0x86dd, 0x8847].map((type): AftEntry => ({
    parent: types,
    key: { field: AftField.EtherType, data: int(type) },
    next: type === 0x8847 ? labelled : front,
  }));
  if (random.below(2) === 0)
    entries.push({
      parent: labelled,
      key: { field: AftField.None, data: int(random.below(PORTS)) },
      next: TOKEN_DISCARD,
    });
  const binds = MACS.map((_, port) => ({ port, next: FIRST + 510 + port }));
  return routed(random, 'plain', [tree, table], insert({ nodes, entries, binds }));
}

/** A graph of one of the shapes. */
export function makeGraph(random: Random): GraphPlan {
  switch (random.below(8)) {
    case 0:
      return fpm2afi(random);
    case 1:
    case 2:
      return plain(random);
    default:
      return odd(random);
  }
}
