/**
 * The part of the graph that doesn't depend on routes: the route tree, the receive nodes that name a reason for every
 * punt, each behind a policer, and what stands between an input port and the tree. Its tokens are fixed, so a restarted bridge writes the same
 * nodes again and changes nothing.
 *
 *   input port → match (my MAC?) ──yes──▶ switch (ether type) ──IPv4, IPv6──▶ route tree ──▶ entries
 *                     │ no                      └──else──▶ receive nonIp        └─default──▶ receive noRoute
 *                     ▼
 *              match (group address?) ──yes──▶ switch (ether type) ──IPv6──▶ receive multicast
 *                     │ no                            │ else   └─IPv4─▶ match (all ones?) ──▶ receive broadcast, or multicast
 *                     ▼                               ▼
 *              discard: for somebody else      receive nonIp: ARP, IS-IS, LLDP, which no flood of IP packets may starve
 *
 * Wherever it says receive, a policer comes first (policers.ts).
 */
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from '../net/ethertypes';
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
import { policerNode, policerToken, type PuntLimits } from './policers';
import type { TrapReason } from '../fib/intents';

/** The route tree, as the original client called it. */
export const ROUTE_TREE: Token = TOKEN_FIRST_CLIENT + 64;
const ETHER_TYPE_SWITCH: Token = TOKEN_FIRST_CLIENT + 65;
const GROUP_MATCH: Token = TOKEN_FIRST_CLIENT + 66;
const GROUP_SWITCH: Token = TOKEN_FIRST_CLIENT + 67;
const BROADCAST_MATCH: Token = TOKEN_FIRST_CLIENT + 68;
const FIRST_PORT_MATCH: Token = TOKEN_FIRST_CLIENT + 128;
/** Tokens from here on are allocated as nexthops and neighbors come. */
export const FIRST_DYNAMIC: Token = 8192;

/** The receive node of a reason; a packet gets there through its policer. */
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
  return policerToken(TRAP_REASONS[reason]);
}

/** A used port: its index and hardware address; without one, every frame is taken for ours. */
export interface BasePort {
  readonly index: number;
  readonly mac: Uint8Array | undefined;
}

/** The whole base graph as one transaction. `withTree` false leaves out the tree, for a server that has it already. */
export function baseGraph(ports: readonly BasePort[], withTree: boolean, limits: PuntLimits): AftInsert {
  const nodes: AftNode[] = [];
  for (const reason of Object.values(PuntReason)) {
    if (typeof reason !== 'number') continue;
    const name = `punt.${PuntReason[reason]}`;
    nodes.push({ type: 'receive', token: receiveToken(reason), name, code: reason, context: 0 });
    nodes.push(policerNode(reason, limits, receiveToken(reason)));
  }
  if (withTree) {
    nodes.push({
      type: 'tree',
      token: ROUTE_TREE,
      name: 'routeTable',
      fields: [AftField.PacketLookupKey],
      defaultNext: policerToken(PuntReason.NoRoute),
      params: {
        [PARAM.rtApp]: { kind: 'string', value: 'NH' },
        [PARAM.rtNhType]: { kind: 'string', value: 'route' },
        [PARAM.rtSkipBits]: { kind: 'int', value: 16 },
        [PARAM.rtTtlExpired]: { kind: 'int', value: policerToken(PuntReason.TtlExpired) },
        [PARAM.rtMtuExceeded]: { kind: 'int', value: policerToken(PuntReason.Mtu) },
        [PARAM.rtIpOptions]: { kind: 'int', value: policerToken(PuntReason.IpOptions) },
        [PARAM.rtLinkLocalSource]: { kind: 'int', value: policerToken(PuntReason.LinkLocal) },
      },
    });
  }
  nodes.push(
    {
      type: 'switch',
      token: ETHER_TYPE_SWITCH,
      name: 'etherType',
      field: AftField.EtherType,
      defaultNext: policerToken(PuntReason.NonIp),
    },
    {
      type: 'switch',
      token: GROUP_SWITCH,
      name: 'groupEtherType',
      field: AftField.EtherType,
      defaultNext: policerToken(PuntReason.NonIp),
    },
    {
      type: 'match',
      token: BROADCAST_MATCH,
      name: 'broadcastAddress',
      field: AftField.EtherDaddr,
      op: 'eq',
      value: { kind: 'ether', bytes: new Uint8Array(6).fill(0xff) },
      trueNext: policerToken(PuntReason.Broadcast),
      falseNext: policerToken(PuntReason.Multicast),
    },
    {
      type: 'match',
      token: GROUP_MATCH,
      name: 'groupAddress',
      field: AftField.EtherGroup,
      op: 'eq',
      value: { kind: 'int', value: 1 },
      trueNext: GROUP_SWITCH,
      falseNext: TOKEN_DISCARD,
    },
  );
  const entry = (parent: Token, value: number, next: Token): AftEntry => ({
    parent,
    key: { field: AftField.EtherType, data: { kind: 'int', value } },
    next,
  });
  const entries = [
    entry(ETHER_TYPE_SWITCH, ETHERTYPE_IPV4, ROUTE_TREE),
    entry(ETHER_TYPE_SWITCH, ETHERTYPE_IPV6, ROUTE_TREE),
    entry(GROUP_SWITCH, ETHERTYPE_IPV4, BROADCAST_MATCH),
    entry(GROUP_SWITCH, ETHERTYPE_IPV6, policerToken(PuntReason.Multicast)),
  ];
  const binds = ports.map(({ index, mac }) => {
    if (mac === undefined) return { port: index, next: ETHER_TYPE_SWITCH };
    const token = FIRST_PORT_MATCH + index;
    nodes.push({
      type: 'match',
      token,
      name: `myMac.${index}`,
      field: AftField.EtherDaddr,
      op: 'eq',
      value: { kind: 'ether', bytes: mac },
      trueNext: ETHER_TYPE_SWITCH,
      falseNext: GROUP_MATCH,
    });
    return { port: index, next: token };
  });
  return { nodes, entries, binds };
}

const MATCH_NAMES: ReadonlyMap<Token, string> = new Map([
  [GROUP_MATCH, 'frames for group addresses'],
  [BROADCAST_MATCH, 'frames for the broadcast address'],
]);

/** What the fixed tokens stand for, for `show tokens`. */
export function baseTokens(
  ports: readonly BasePort[],
): { token: Token; type: string; name: string; next: readonly Token[] }[] {
  const { nodes, entries } = baseGraph(ports, true, {});
  return nodes.map((node) => {
    const { token, type } = node;
    switch (node.type) {
      case 'receive':
        return { token, type, name: `to the host: ${PuntReason[node.code]}`, next: [] };
      case 'policer':
        return { token, type, name: `rate limit before that`, next: node.next === undefined ? [] : [node.next] };
      case 'tree':
        return { token, type, name: 'the route tree', next: [node.defaultNext] };
      case 'switch': {
        const name = token === GROUP_SWITCH ? 'IP packets for groups' : 'IPv4 and IPv6 to the route tree';
        const next = entries.filter(({ parent }) => parent === token).map((entry) => entry.next);
        return { token, type, name, next: [...new Set(next), node.defaultNext] };
      }
      case 'match': {
        const name = MATCH_NAMES.get(token) ?? `frames for port ${token - FIRST_PORT_MATCH}`;
        return { token, type, name, next: [node.trueNext, node.falseNext] };
      }
      default:
        return { token, type, name: node.name ?? '', next: [] };
    }
  });
}
