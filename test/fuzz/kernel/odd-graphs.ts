/** Odd graphs for the comparison of the two engines: nodes of any kind that lead anywhere, in circles too. And changes of them. */
import { labelKey } from '../../../src/afi/label-graph';
import {
  AftField,
  LABEL_FLOW_FIELDS,
  PARAM,
  TOKEN_DISCARD,
  TOKEN_NONE,
  type AftEntry,
  type AftKey,
  type AftNode,
  type AftOperation,
  type AftParams,
  type Token,
} from '../../../src/aft/model';
import { inputPortToken, outputPortToken } from '../../../src/vasic/engine/ports';
import type { Random } from '../random';
import { ethernet, FIRST, insert, int, MACS, PORTS, prefixed, remove, routeTo, type GraphPlan } from './graph-parts';
import { labelTable, popLabel, pushLabel, someLabel, swapLabel } from './label-graphs';

const KINDS = [
  ...['discard', 'counter', 'counter', 'indirect', 'indirect', 'match', 'match', 'switch', 'switch'],
  ...['tree', 'tree', 'tree', 'loadBalance', 'loadBalance', 'encap', 'encap', 'encap', 'encap'],
  ...['label', 'decap', 'write', 'list', 'lookup', 'policer', 'receive', 'table', 'swap', 'pop', 'labelTable'],
] as const;
/** Those that the kernel does, nearly in an order that it does them in. */
const FAST_KINDS: readonly (typeof KINDS)[number][] = [
  ...(['match', 'switch', 'switch', 'counter', 'tree', 'tree', 'labelTable', 'tree', 'labelTable', 'tree'] as const),
  ...(['pop', 'indirect', 'loadBalance', 'pop', 'swap', 'label', 'label', 'encap', 'encap', 'encap', 'encap'] as const),
];

function inFastOrder(random: Random, count: number): (typeof KINDS)[number][] {
  const places = Array.from({ length: count }, () => random.below(FAST_KINDS.length));
  return places.sort((a, b) => a - b + random.below(5) - 2).map((place) => FAST_KINDS[place]!);
}

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
      const field = random.pick([
        ...[AftField.EtherType, AftField.EtherType, AftField.EtherType, AftField.Ip4Proto, AftField.MetaIfInput],
      ]);
      return { type: 'switch', token, field, defaultNext: none(), ...next };
    }
    case 'tree': {
      const fields = random.pick([
        ...[[AftField.PacketLookupKey], [AftField.PacketLookupKey], [AftField.Ip4Daddr, AftField.Ip6Daddr]],
        ...[[AftField.Ip4Daddr], [AftField.Ip4Saddr, AftField.PacketLookupKey]],
      ]);
      const name = random.pick([PARAM.rtMtuExceeded, PARAM.rtIpOptions, PARAM.rtLinkLocalSource]);
      const ttl: AftParams = random.below(8) === 0 ? {} : { [PARAM.rtTtlExpired]: int(to()) };
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
    case 'swap':
      return swapLabel(random, token, to());
    case 'pop':
      return popLabel(random, token, to(), to());
    case 'labelTable':
      return labelTable(random, token, none(), outputPortToken(PORTS));
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

/** One of them. */
export function odd(random: Random): GraphPlan {
  const count = 3 + random.below(20);
  const kinds =
    random.below(2) === 0 ? inFastOrder(random, count) : Array.from({ length: count }, () => random.pick(KINDS));
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
        return { parent, key: key(random.pick([0x0800, 0x86dd, 0x8847, 6, 17, random.below(PORTS)])), next: to(at) };
      case 'labelTable':
        return { parent, key: labelKey(someLabel(random)), next: to(at) };
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
