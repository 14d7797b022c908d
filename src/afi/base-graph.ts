/**
 * The part of the graph that doesn't depend on routes: the receive nodes that name a reason for every punt, and what
 * stands between an input port and the route trees. Its tokens are fixed, so a restarted bridge writes the same nodes again
 * and changes nothing. What belongs to one port, and follows Linux's word on it, is port-graph.ts; to one VRF, vrf-graph.ts.
 *
 *   input port → (port-graph.ts) ──for us──▶ its VRF's switch and route tree (vrf-graph.ts) ──▶ entries
 *                     │                  └─labels──▶ the table of labels (label-graph.ts)
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
  GROUP_MATCH,
  GROUP_SWITCH,
  HOST_PORT_SWITCH,
  LENGTH_MATCH,
  OTHER_ADDRESS_MATCH,
  VLAN_PORT_SWITCH,
  ROUTE_TREE,
} from './base-tokens';
import { DEFAULT_LABEL_TTL, LABEL_NAMES, labelEntries, labelNodes, type LabelTtl } from './label-graph';
import { policedNodes, policedReason, policedToken, portPolicer, REASONS, type PuntLimits } from './policers';
import { portGraph, portNames, type BasePort } from './port-graph';
import { CLASS_ENTRIES, classNodes, puntToken } from './punt-classes';
import { etherTypeEntry, etherTypeSwitch, vrfGraph, vrfNames, type BaseVrf } from './vrf-graph';
import type { TrapReason } from '../fib/intents';

export type { BasePort } from './port-graph';
export { ROUTE_TREE } from './base-tokens';

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

/** What there is of labels in the base graph. */
export interface BaseLabels {
  /** The server has the table of labels already, which is left as it is: the LSPs are in there. */
  readonly hasTable: boolean;
  readonly ttl: LabelTtl;
}

/** A server that has nothing, and labels as Linux has them. */
const PLAIN_LABELS: BaseLabels = { hasTable: false, ttl: DEFAULT_LABEL_TTL };

/** The whole graph of fixed tokens, with these ports and VRFs. */
export function baseGraph(
  ports: readonly BasePort[],
  vrfs: readonly BaseVrf[],
  limits: PuntLimits,
  labels: BaseLabels = PLAIN_LABELS,
): AftInsert {
  const { nodes, entries } = commonGraph(ports, vrfs, limits, labels);
  const parts = ports.map(portGraph);
  return {
    nodes: [...nodes, ...parts.flatMap((part) => part.nodes)],
    entries: [...entries, ...parts.flatMap((part) => part.entries)],
    binds: parts.flatMap((part) => part.binds),
  };
}

/** The same without what follows Linux's word on each port, which is written port by port. */
export function commonGraph(
  ports: readonly Pick<BasePort, 'index'>[],
  vrfs: readonly BaseVrf[],
  limits: PuntLimits,
  labels: BaseLabels,
): AftInsert {
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
  nodes.push(...sharedNodes());
  entries.push(...classes.entries, ...sharedEntries());
  for (const vrf of vrfs) {
    const part = vrfGraph(vrf);
    nodes.push(...part.nodes);
    entries.push(...part.entries);
  }
  nodes.push(...labelNodes(ROUTE_TREE, !labels.hasTable, labels.ttl));
  entries.push(...labelEntries());
  return { nodes, entries };
}

/** In the order of what leads where: a node comes after those it names. */
function sharedNodes(): AftNode[] {
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
    etherTypeSwitch(GROUP_SWITCH, 'groupEtherType', LENGTH_MATCH),
    etherTypeSwitch(HOST_PORT_SWITCH, 'hostPortEtherType', puntToken(PuntReason.HostPort)),
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
  return [
    etherTypeEntry(GROUP_SWITCH, ETHERTYPE_IPV4, BROADCAST_MATCH),
    etherTypeEntry(GROUP_SWITCH, ETHERTYPE_IPV6, puntToken(PuntReason.Multicast)),
    ...[GROUP_SWITCH, HOST_PORT_SWITCH].map((parent) =>
      etherTypeEntry(parent, ETHERTYPE_ARP, policedToken(PuntReason.Arp)),
    ),
    ...ETHERTYPES_TAGGED.map((tag) => etherTypeEntry(GROUP_SWITCH, tag, VLAN_PORT_SWITCH)),
  ];
}

const NAMES: ReadonlyMap<Token, string> = new Map([
  [GROUP_SWITCH, 'IP packets for groups'],
  [GROUP_MATCH, 'frames for group addresses'],
  [BROADCAST_MATCH, 'frames for the broadcast address'],
  [LENGTH_MATCH, 'frames with a length: IS-IS'],
  [OTHER_ADDRESS_MATCH, 'frames for others, which Linux takes'],
  [HOST_PORT_SWITCH, 'frames at ports that Linux has for itself'],
  [VLAN_PORT_SWITCH, 'frames with a VLAN tag'],
  ...LABEL_NAMES,
]);

/** What the fixed tokens stand for, for `show tokens`. */
export function baseTokens(
  ports: readonly BasePort[],
  vrfs: readonly BaseVrf[],
): { token: Token; type: string; name: string; next: readonly Token[] }[] {
  const { nodes, entries } = baseGraph(ports, vrfs, {});
  const names = new Map([...NAMES, ...vrfs.flatMap(vrfNames), ...ports.flatMap(portNames)]);
  const entriesOf = new Map<Token, Token[]>();
  for (const { parent, next } of entries) entriesOf.set(parent, [...(entriesOf.get(parent) ?? []), next]);
  return nodes.map((node) => {
    const { token, type } = node;
    const name = names.get(token) ?? node.name ?? '';
    // There are dozens of nodes for control protocols and ports: what most packets meet says more.
    const others = CLASS_ENTRIES.get(token);
    if (others !== undefined) return { token, type, name: 'control protocols apart', next: [others] };
    const reason = policedReason(token);
    if (reason !== undefined) return { token, type, name: 'rate limits, port by port', next: [receiveToken(reason)] };
    switch (node.type) {
      case 'receive':
        return { token, type, name: `to the host: ${PuntReason[node.code]}`, next: [] };
      case 'policer':
        return { token, type, name: `rate limit before that`, next: node.next === undefined ? [] : [node.next] };
      case 'tree':
        return { token, type, name, next: [node.defaultNext] };
      case 'switch':
      case 'table':
        return { token, type, name, next: [...new Set([...(entriesOf.get(token) ?? []), node.defaultNext])] };
      case 'match':
        return { token, type, name, next: [node.trueNext, node.falseNext] };
      default:
        return { token, type, name, next: [] };
    }
  });
}
