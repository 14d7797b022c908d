/**
 * Graphs for the comparison of the two engines: the one that fpm2afi builds, plain ones of its shape, and odd ones, nodes of any kind
 * that lead anywhere, in circles too. And changes of them.
 */
import { baseGraph, ROUTE_TREE, type BasePort } from '../../../src/afi/base-graph';
import { vrfTokens } from '../../../src/afi/base-tokens';
import {
  AftField,
  LABEL_FLOW_FIELDS,
  PARAM,
  TOKEN_DISCARD,
  TOKEN_FIRST_CLIENT,
  TOKEN_NONE,
  type AftEntry,
  type AftInsert,
  type AftKey,
  type AftNode,
  type AftOperation,
  type AftParams,
  type Token,
} from '../../../src/aft/model';
import { maskAddress } from '../../../src/net/address';
import { inputPortToken, outputPortToken } from '../../../src/vasic/engine/ports';
import type { Random } from '../random';

export const PORTS = 4;
export const MACS = Array.from({ length: PORTS }, (_, port) => Uint8Array.of(2, 0, 0, 0, 1, port));

export type Shape = 'fpm2afi' | 'plain' | 'odd';

/** Addresses that routes and packets have in common. */
export interface Prefixed {
  readonly bytes: Uint8Array;
  readonly length: number;
}

/** A graph, as what is told to a sandbox one after the other; refused operations are part of it. */
export interface GraphPlan {
  readonly shape: Shape;
  readonly operations: readonly AftOperation[];
  readonly prefixes: readonly Prefixed[];
  /** Another change of it. */
  readonly change: () => AftOperation;
}

const FIRST = TOKEN_FIRST_CLIENT + 20_000;

const insert = (what: Partial<AftInsert>): AftOperation => ({
  kind: 'insert',
  insert: { nodes: [], entries: [], ...what },
});

const remove = (entries: readonly { parent: Token; key: AftKey }[], tokens: readonly Token[]): AftOperation => ({
  kind: 'remove',
  remove: { entries, tokens },
});

function bytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256));
}

/** One in a few networks, so that prefixes nest, and packets meet them. */
export function address(random: Random, size: 4 | 16): Uint8Array {
  const found = bytes(random, size);
  if (size === 4) found.set([10, random.below(3), random.below(4)].slice(0, 1 + random.below(3)));
  else found.set([0x20, 0x01, 0x0d, 0xb8, 0, random.below(3)].slice(0, 3 + random.below(4)));
  return found;
}

function prefixed(random: Random): Prefixed {
  const size = random.below(2) === 0 ? 4 : 16;
  const length = random.below(8) === 0 ? random.below(16) : random.below(size * 8 + 1);
  return { bytes: maskAddress(address(random, size), length), length };
}

function routeTo(parent: Token, { bytes: prefix, length }: Prefixed, next: Token): AftEntry {
  const field = prefix.length === 4 ? AftField.Ip4Daddr : AftField.Ip6Daddr;
  return { parent, key: { field, data: { kind: 'prefix', bytes: prefix, length } }, next };
}

const int = (value: number): { kind: 'int'; value: number } => ({ kind: 'int', value });
const bool = (value: boolean): { kind: 'bool'; value: boolean } => ({ kind: 'bool', value });

function ethernet(random: Random, token: Token, next: Token): AftNode {
  const ether = (field: AftField, mac: Uint8Array): AftKey => ({ field, data: { kind: 'ether', bytes: mac } });
  const keys = [ether(AftField.EtherDaddr, bytes(random, 6)), ether(AftField.EtherSaddr, bytes(random, 6))];
  const mtu: AftParams =
    random.below(4) === 0 ? { [PARAM.nhMtu]: int(random.pick([1, 68, 600, 1280, 1500, 9000])) } : {};
  return { type: 'encap', token, template: 'ethernet', keys, next, params: mtu };
}

function pushLabel(random: Random, token: Token, next: Token): AftNode {
  const ttl: AftParams = random.pick<AftParams>([
    ...[{}, { [PARAM.labelTtl]: int(1 + random.below(255)) }],
    ...[{ [PARAM.labelTtlPropagate]: bool(true) }, { [PARAM.labelTtlPropagate]: bool(true) }],
    { [PARAM.labelTtlPropagate]: bool(false) },
  ]);
  const params = { [PARAM.labelValue]: int(random.below(2 ** 20)), ...ttl };
  return { type: 'encap', token, template: 'label', keys: [], params, next };
}

/** Neighbors, and groups of them: encapsulations behind indirects, load balancers in front. */
function groups(random: Random, count: number): { readonly insert: AftInsert; readonly heads: readonly Token[] } {
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
  return { insert: { nodes, entries }, heads };
}

/** What a route may lead to beside a group. */
const ENDS: readonly Token[] = [TOKEN_DISCARD, outputPortToken(PORTS)];

/** Adds routes to a tree, and changes what they lead to. */
function routed(random: Random, shape: Shape, tree: Token, before: AftOperation): GraphPlan {
  const { insert: parts, heads } = groups(random, 2 + random.below(6));
  const count = random.below(10) === 0 ? 1100 + random.below(400) : 1 + random.below(30);
  const prefixes = Array.from({ length: count }, () => prefixed(random));
  const next = (): Token => (random.below(8) === 0 ? random.pick(ENDS) : random.pick(heads));
  const entries = prefixes.map((prefix) => routeTo(tree, prefix, next()));
  const change = (): AftOperation => {
    const route = routeTo(tree, random.pick(prefixes), next());
    const fresh = routeTo(tree, prefixed(random), next());
    switch (random.below(6)) {
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
  return { shape, operations: [before, insert(parts), insert({ entries })], prefixes, change };
}

/** The graph that fpm2afi builds, as it is. */
function fpm2afi(random: Random): GraphPlan {
  const ports = MACS.map((mac, index): BasePort => ({ index, mac: random.below(8) === 0 ? undefined : mac }));
  const vrfs = [{ table: 254, tokens: vrfTokens(254, 254), withTree: true }];
  return routed(random, 'fpm2afi', ROUTE_TREE, { kind: 'insert', insert: baseGraph(ports, vrfs, {}) });
}

/** The same without its policers and classes. */
function plain(random: Random): GraphPlan {
  const [tree, types, counter] = [FIRST + 500, FIRST + 501, FIRST + 502];
  const policy = { [PARAM.rtTtlExpired]: int(outputPortToken(PORTS)) };
  const nodes: AftNode[] = [
    { type: 'tree', token: tree, fields: [AftField.PacketLookupKey], defaultNext: random.pick(ENDS), params: policy },
    { type: 'counter', token: counter, packets: random.below(5), bytes: 0, next: tree },
    { type: 'switch', token: types, field: AftField.EtherType, defaultNext: TOKEN_DISCARD },
    ...MACS.map((mac, index): AftNode => ({
      ...{ type: 'match', token: FIRST + 510 + index, field: AftField.EtherDaddr, op: 'eq' },
      ...{ value: { kind: 'ether', bytes: mac }, trueNext: types, falseNext: TOKEN_DISCARD },
    })),
  ];
  const entries = [0x0800, 0x86dd].map((type): AftEntry => ({
    parent: types,
    key: { field: AftField.EtherType, data: int(type) },
    next: counter,
  }));
  const binds = MACS.map((_, port) => ({ port, next: FIRST + 510 + port }));
  return routed(random, 'plain', tree, insert({ nodes, entries, binds }));
}

const KINDS = [
  ...['discard', 'counter', 'counter', 'indirect', 'indirect', 'match', 'match', 'switch', 'switch'],
  ...['tree', 'tree', 'tree', 'loadBalance', 'loadBalance', 'encap', 'encap', 'encap', 'encap'],
  ...['label', 'decap', 'write', 'list', 'lookup', 'policer', 'receive', 'table'],
] as const;

/** A node of any kind, which leads anywhere. */
function oddNode(
  random: Random,
  kind: (typeof KINDS)[number],
  token: Token,
  to: () => Token,
  trees: readonly Token[],
): AftNode {
  const none = (): Token => (random.below(6) === 0 ? TOKEN_NONE : to());
  const next = random.below(8) === 0 ? {} : { next: to() };
  switch (kind) {
    case 'discard':
      return { type: 'discard', token };
    case 'counter':
      return { type: 'counter', token, packets: random.below(100), bytes: random.below(100), ...next };
    case 'indirect':
      return { type: 'indirect', token, target: to() };
    case 'match':
      if (random.below(4) === 0) {
        const ttl = { field: AftField.Ip4Ttl, op: 'gt', value: int(random.below(100)) } as const;
        return { type: 'match', token, ...ttl, trueNext: none(), falseNext: none() };
      }
      return {
        ...{ type: 'match', token, field: AftField.EtherDaddr, op: random.below(6) === 0 ? 'ne' : 'eq' },
        ...{ value: { kind: 'ether', bytes: random.pick(MACS) }, trueNext: none(), falseNext: none() },
      };
    case 'switch': {
      const field = random.below(5) === 0 ? AftField.Ip4Proto : AftField.EtherType;
      return { type: 'switch', token, field, defaultNext: none(), ...next };
    }
    case 'tree': {
      const fields = random.pick([
        ...[[AftField.PacketLookupKey], [AftField.PacketLookupKey], [AftField.Ip4Daddr, AftField.Ip6Daddr]],
        ...[[AftField.Ip4Daddr], [AftField.Ip4Saddr, AftField.PacketLookupKey]],
      ]);
      const name = random.pick([PARAM.rtMtuExceeded, PARAM.rtIpOptions, PARAM.rtLinkLocalSource]);
      const ttl: AftParams = random.below(5) === 0 ? {} : { [PARAM.rtTtlExpired]: int(to()) };
      const other: AftParams = random.below(2) === 0 ? {} : { [name]: int(to()) };
      return { type: 'tree', token, fields, defaultNext: none(), params: { ...ttl, ...other }, ...next };
    }
    case 'loadBalance': {
      const fields = random.pick([[], [], LABEL_FLOW_FIELDS, [AftField.Ip4Daddr]]);
      return { type: 'loadBalance', token, max: random.pick([1, 2, 5, 16, 300]), fields };
    }
    case 'encap': {
      const node = ethernet(random, token, to());
      return random.below(8) === 0 ? { ...node, params: { [PARAM.etherOuterVlan]: int(1 + random.below(100)) } } : node;
    }
    case 'label':
      return pushLabel(random, token, to());
    case 'decap':
      return { type: 'decap', token, template: random.pick(['ethernet', 'label']), next: to() };
    case 'write':
      return {
        type: 'write',
        token,
        key: { field: AftField.Ip4Ttl, data: int(random.below(256)) },
        op: 'set',
        ...next,
      };
    case 'list':
      return { type: 'list', token, tokens: [to(), to()], ...next };
    case 'lookup':
      return trees.length === 0
        ? { type: 'discard', token }
        : { type: 'lookup', token, container: random.pick(trees), fields: [], ...next };
    case 'policer':
      return { type: 'policer', token, rate: 0, burst: 1e6, packetMode: true, ...next };
    case 'receive':
      return { type: 'receive', token, code: random.below(20), context: 0 };
    case 'table':
      return { type: 'table', token, fields: [AftField.MetaIfInput], size: PORTS, defaultNext: none() };
  }
}

function odd(random: Random): GraphPlan {
  const count = 3 + random.below(20);
  const kinds = Array.from({ length: count }, () => random.pick(KINDS));
  const tokens = kinds.map((_, i) => FIRST + i);
  const fixed = [
    ...Array.from({ length: PORTS }, (_, port) => outputPortToken(port)),
    ...[outputPortToken(PORTS), inputPortToken(random.below(PORTS)), TOKEN_DISCARD],
  ];
  // Nearer ones more often, so that ways are long and come to an end.
  const to = (from: number): Token => {
    if (random.below(4) === 0) return random.pick(fixed);
    return random.below(8) === 0 ? random.pick(tokens) : (tokens[from + 1 + random.below(4)] ?? random.pick(fixed));
  };
  const trees = tokens.filter((_, i) => kinds[i] === 'tree');
  const make = (i: number): AftNode => oddNode(random, kinds[i]!, tokens[i]!, () => to(i), trees);
  // Everything is there before anything leads to it; a lookup needs its tree even then.
  const inOrder = [...kinds.keys()].sort((a, b) => Number(kinds[b] === 'tree') - Number(kinds[a] === 'tree'));
  const placeholders = inOrder.map((i) => oddNode(random, kinds[i]!, tokens[i]!, () => TOKEN_DISCARD, trees));
  const prefixes = Array.from({ length: 1 + random.below(20) }, () => prefixed(random));
  const entry = (): AftEntry | undefined => {
    const at = random.below(count);
    const parent = tokens[at]!;
    const key = (value: number, field = AftField.None): AftKey => ({ field, data: int(value) });
    switch (kinds[at]) {
      case 'tree':
        return routeTo(parent, random.pick(prefixes), to(at));
      case 'loadBalance':
        return { parent, key: key(random.below(16)), next: to(at) };
      case 'switch':
        return { parent, key: key(random.pick([0x0800, 0x86dd, 0x8847, 6, 17])), next: to(at) };
      case 'table':
        return { parent, key: key(random.below(PORTS)), next: to(at) };
      default:
        return undefined;
    }
  };
  const some = (most: number): AftEntry[] => Array.from({ length: most }, entry).filter((made) => made !== undefined);
  const bind = (): { port: number; next: Token } => ({
    port: random.below(PORTS),
    next: random.below(8) === 0 ? TOKEN_NONE : tokens[random.below(Math.min(4, count))]!,
  });
  const change = (): AftOperation => {
    switch (random.below(4)) {
      case 0:
        return insert({ nodes: [make(random.below(count)), make(random.below(count))], entries: some(3) });
      case 1:
        return insert({ entries: some(2), binds: [bind()] });
      case 2:
        return remove(some(1), []);
      default:
        return remove([], [random.pick(tokens)]);
    }
  };
  const entries = some(40);
  return {
    shape: 'odd',
    operations: [
      ...placeholders.map((node) => insert({ nodes: [node] })),
      ...tokens.map((_, i) => insert({ nodes: [make(i)] })),
      ...entries.map((made) => insert({ entries: [made] })),
      insert({ binds: Array.from({ length: PORTS }, (_, port) => ({ port, next: tokens[0]! })) }),
    ],
    prefixes,
    change,
  };
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
