/**
 * The part of the graph that doesn't depend on routes: the route tree, the receive nodes that name a reason for every
 * punt, and what stands between an input port and the tree. Its tokens are fixed, so a restarted bridge writes the same
 * nodes again and changes nothing. What belongs to one port, and follows Linux's word on it, is port-graph.ts.
 *
 *   input port → (port-graph.ts) ──for us──▶ switch (ether type) ──IPv4, IPv6──▶ route tree ──▶ entries
 *                     │                            └─▶ ARP, tags, nonIp               └─default──▶ noRoute
 *                     └──for a group──▶ switch (ether type) ──IPv6──▶ multicast
 *                                            │ └─IPv4─▶ match (all ones?) ──▶ broadcast, or multicast
 *                                            └─▶ ARP, tags, match (a length?) ──▶ IS-IS, or nonIp: LLDP
 *
 * The ends are names of reasons: the classes of control protocols come first there (punt-classes.ts), then a policer for
 * each port and reason (policers.ts), then the receive node.
 */
import { ETHERTYPES_TAGGED, ETHERTYPE_ARP, ETHERTYPE_FIRST, ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from '../net/ethertypes';
import {
  AftField,
  PARAM,
  PuntReason,
  TOKEN_DISCARD,
  TOKEN_FIRST_CLIENT,
  type AftEntry,
  type AftInsert,
  type AftNode,
  type Token,
} from '../aft/model';
import {
  BROADCAST_MATCH,
  ETHER_TYPE_SWITCH,
  GROUP_MATCH,
  GROUP_SWITCH,
  HOST_PORT_SWITCH,
  LENGTH_MATCH,
  OTHER_ADDRESS_MATCH,
  VLAN_PORT_SWITCH,
} from './base-tokens';
import { policedNodes, policedToken, portPolicer, REASONS, type PuntLimits } from './policers';
import { portGraph, type BasePort } from './port-graph';
import { classNodes, puntToken } from './punt-classes';
import type { TrapReason } from '../fib/intents';

export type { BasePort } from './port-graph';

/** The route tree, as the original client called it. */
export const ROUTE_TREE: Token = TOKEN_FIRST_CLIENT + 64;
/** Tokens from here on are allocated as nexthops and neighbors come. */
export const FIRST_DYNAMIC: Token = 8192;

/** The receive node of a reason; a packet gets there through a policer. */
function receiveToken(reason: PuntReason): Token {
  return TOKEN_FIRST_CLIENT + reason;
}

const TRAP_REASONS: Readonly<Record<TrapReason, PuntReason>> = {
  glean: PuntReason.Glean,
  local: PuntReason.Local,
  broadcast: PuntReason.Broadcast,
  multicast: PuntReason.Multicast,
  linkLocal: PuntReason.LinkLocal,
  unresolved: PuntReason.Unresolved,
  notAPort: PuntReason.NotAPort,
  unsupported: PuntReason.Unsupported,
  linkDown: PuntReason.Unresolved,
  unreachable: PuntReason.NoRoute,
  prohibit: PuntReason.NoRoute,
  missingNexthop: PuntReason.Unresolved,
  otherTable: PuntReason.NotAPort,
};

/** The node that hands packets to the host for this reason. */
export function trapToken(reason: TrapReason): Token {
  return puntToken(TRAP_REASONS[reason]);
}

/** The whole base graph as one transaction. `withTree` false leaves out the tree, for a server that has it already. */
export function baseGraph(ports: readonly BasePort[], withTree: boolean, limits: PuntLimits): AftInsert {
  const nodes: AftNode[] = [];
  const entries: AftEntry[] = [];
  for (const reason of REASONS) {
    const receive = receiveToken(reason);
    nodes.push({ type: 'receive', token: receive, name: `punt.${PuntReason[reason]}`, code: reason, context: 0 });
    nodes.push(...policedNodes(reason, limits, receive));
    for (const { index } of ports) {
      const { node, entry } = portPolicer(reason, index, limits, receive);
      nodes.push(node);
      entries.push(entry);
    }
  }
  const classes = classNodes();
  nodes.push(...classes.nodes);
  if (withTree) nodes.push(routeTree());
  nodes.push(...sharedNodes());
  entries.push(...classes.entries, ...sharedEntries());
  const parts = ports.map(portGraph);
  return {
    nodes: [...nodes, ...parts.flatMap((part) => part.nodes)],
    entries: [...entries, ...parts.flatMap((part) => part.entries)],
    binds: parts.flatMap((part) => part.binds),
  };
}

function routeTree(): AftNode {
  const token = (reason: PuntReason): { kind: 'int'; value: Token } => ({ kind: 'int', value: policedToken(reason) });
  return {
    type: 'tree',
    token: ROUTE_TREE,
    name: 'routeTable',
    fields: [AftField.PacketLookupKey],
    defaultNext: puntToken(PuntReason.NoRoute),
    params: {
      [PARAM.rtApp]: { kind: 'string', value: 'NH' },
      [PARAM.rtNhType]: { kind: 'string', value: 'route' },
      [PARAM.rtSkipBits]: { kind: 'int', value: 16 },
      [PARAM.rtTtlExpired]: token(PuntReason.TtlExpired),
      [PARAM.rtMtuExceeded]: token(PuntReason.Mtu),
      [PARAM.rtIpOptions]: token(PuntReason.IpOptions),
      [PARAM.rtLinkLocalSource]: token(PuntReason.LinkLocal),
    },
  };
}

/** In the order of what leads where: a node comes after those it names. */
function sharedNodes(): AftNode[] {
  const byType = (token: Token, name: string, defaultNext: Token): AftNode => ({
    ...{ type: 'switch', token, name, field: AftField.EtherType, defaultNext },
  });
  const isGroup = (token: Token, name: string, falseNext: Token): AftNode => ({
    ...{ type: 'match', token, name, field: AftField.EtherGroup, op: 'eq', value: { kind: 'int', value: 1 } },
    trueNext: GROUP_SWITCH,
    falseNext,
  });
  return [
    {
      type: 'switch',
      token: VLAN_PORT_SWITCH,
      name: 'vlanPorts',
      field: AftField.MetaIfInput,
      defaultNext: puntToken(PuntReason.Tagged),
    },
    byType(ETHER_TYPE_SWITCH, 'etherType', policedToken(PuntReason.NonIp)),
    {
      type: 'match',
      token: LENGTH_MATCH,
      name: 'length',
      field: AftField.EtherType,
      op: 'lt',
      value: { kind: 'int', value: ETHERTYPE_FIRST },
      trueNext: policedToken(PuntReason.Isis),
      falseNext: policedToken(PuntReason.NonIp),
    },
    byType(GROUP_SWITCH, 'groupEtherType', LENGTH_MATCH),
    byType(HOST_PORT_SWITCH, 'hostPortEtherType', puntToken(PuntReason.HostPort)),
    {
      type: 'match',
      token: BROADCAST_MATCH,
      name: 'broadcastAddress',
      field: AftField.EtherDaddr,
      op: 'eq',
      value: { kind: 'ether', bytes: new Uint8Array(6).fill(0xff) },
      trueNext: policedToken(PuntReason.Broadcast),
      falseNext: puntToken(PuntReason.Multicast),
    },
    isGroup(GROUP_MATCH, 'groupAddress', TOKEN_DISCARD),
    isGroup(OTHER_ADDRESS_MATCH, 'otherAddress', policedToken(PuntReason.OtherAddress)),
  ];
}

function sharedEntries(): AftEntry[] {
  const entry = (parent: Token, value: number, next: Token): AftEntry => ({
    parent,
    key: { field: AftField.EtherType, data: { kind: 'int', value } },
    next,
  });
  const arp = policedToken(PuntReason.Arp);
  return [
    entry(ETHER_TYPE_SWITCH, ETHERTYPE_IPV4, ROUTE_TREE),
    entry(ETHER_TYPE_SWITCH, ETHERTYPE_IPV6, ROUTE_TREE),
    entry(GROUP_SWITCH, ETHERTYPE_IPV4, BROADCAST_MATCH),
    entry(GROUP_SWITCH, ETHERTYPE_IPV6, puntToken(PuntReason.Multicast)),
    ...[ETHER_TYPE_SWITCH, GROUP_SWITCH, HOST_PORT_SWITCH].map((parent) => entry(parent, ETHERTYPE_ARP, arp)),
    ...ETHERTYPES_TAGGED.flatMap((tag) =>
      [ETHER_TYPE_SWITCH, GROUP_SWITCH].map((parent) => entry(parent, tag, VLAN_PORT_SWITCH)),
    ),
  ];
}

const NAMES: ReadonlyMap<Token, string> = new Map([
  [ETHER_TYPE_SWITCH, 'IPv4 and IPv6 to the route tree'],
  [GROUP_SWITCH, 'IP packets for groups'],
  [GROUP_MATCH, 'frames for group addresses'],
  [BROADCAST_MATCH, 'frames for the broadcast address'],
  [LENGTH_MATCH, 'frames with a length: IS-IS'],
  [OTHER_ADDRESS_MATCH, 'frames for others, which Linux takes'],
  [HOST_PORT_SWITCH, 'frames at ports that Linux has for itself'],
  [VLAN_PORT_SWITCH, 'frames with a VLAN tag'],
]);

/** What the fixed tokens stand for, for `show tokens`. */
export function baseTokens(
  ports: readonly BasePort[],
): { token: Token; type: string; name: string; next: readonly Token[] }[] {
  const { nodes, entries } = baseGraph(ports, true, {});
  const entriesOf = new Map<Token, Token[]>();
  for (const { parent, next } of entries) entriesOf.set(parent, [...(entriesOf.get(parent) ?? []), next]);
  return nodes.map((node) => {
    const { token, type } = node;
    const name = NAMES.get(token) ?? node.name ?? '';
    switch (node.type) {
      case 'receive':
        return { token, type, name: `to the host: ${PuntReason[node.code]}`, next: [] };
      case 'policer':
        return { token, type, name: `rate limit before that`, next: node.next === undefined ? [] : [node.next] };
      case 'tree':
        return { token, type, name: 'the route tree', next: [node.defaultNext] };
      case 'switch':
        return { token, type, name, next: [...new Set([...(entriesOf.get(token) ?? []), node.defaultNext])] };
      case 'match':
        return { token, type, name, next: [node.trueNext, node.falseNext] };
      default:
        return { token, type, name, next: [] };
    }
  });
}
