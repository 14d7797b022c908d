/**
 * What stands at one input port, by Linux's word on it: a frame goes on as if a network card had looked at it first.
 *
 *   input port → match (my MAC?) ──yes──▶ the ether type of what is for us, in the port's VRF
 *                     │ no
 *                     ▼
 *              switch (address) ──broadcast, groups that Linux takes──▶ the ether type of what is for a group
 *                     └──else──▶ discard; all groups, or all addresses, where Linux takes those
 *
 * A port that Linux has for itself hands everything to the host; one that is group down discards. Tagged frames come by the
 * port's switch of VLANs, labelled ones by the switch that says which ports take labels (label-graph.ts).
 */
import {
  AftField,
  PuntReason,
  TOKEN_DISCARD,
  TOKEN_FIRST_CLIENT,
  type AftEntry,
  type AftKey,
  type AftNode,
  type Token,
} from '../aft/model';
import {
  ETHER_TYPE_SWITCH,
  GROUP_MATCH,
  GROUP_SWITCH,
  HOST_PORT_SWITCH,
  OTHER_ADDRESS_MATCH,
  VLAN_PORT_SWITCH,
} from './base-tokens';
import { labelPortEntry } from './label-graph';
import { PORT_PLACE, portBlock, portEntry } from './policers';
import { puntToken } from './punt-classes';
import type { PortRules } from '../fib/intents';

const FIRST_PORT_MATCH: Token = TOKEN_FIRST_CLIENT + 128;
const TAGGED = puntToken(PuntReason.Tagged);
const BROADCAST = new Uint8Array(6).fill(0xff);

/** A used port: its index and hardware address; without one, every frame is taken for ours. */
export interface BasePort {
  readonly index: number;
  readonly mac: Uint8Array | undefined;
  /** Linux's word; undefined: it forwards, and takes all groups and tags. */
  readonly rules?: PortRules | undefined;
  /** The switch of its VRF; absent: the default VRF's. */
  readonly etherTypes?: Token;
}

/** An input port's nodes, their entries, and where it is bound to. */
export interface PortGraph {
  readonly nodes: readonly AftNode[];
  readonly entries: readonly AftEntry[];
  readonly binds: readonly { readonly port: number; readonly next: Token }[];
}

/** The switch of the port's groups, and that of its VLANs: their entries come and go. */
export function filterTokens(port: number): { readonly groups: Token; readonly vlans: Token } {
  const first = portBlock(port);
  return { groups: first + PORT_PLACE.groups, vlans: first + PORT_PLACE.vlans };
}

/** What the nodes of a port stand for. */
export function portNames({ index }: Pick<BasePort, 'index'>): [Token, string][] {
  const { groups, vlans } = filterTokens(index);
  return [
    [FIRST_PORT_MATCH + index, `frames for port ${index}`],
    [groups, `frames for groups at port ${index}`],
    [vlans, `frames with a VLAN tag at port ${index}`],
  ];
}

/** A port's part of the graph. */
export function portGraph(port: BasePort): PortGraph {
  const { index, mac, rules } = port;
  const { groups, vlans } = filterTokens(index);
  const nodes: AftNode[] = [
    {
      type: 'switch',
      token: groups,
      name: `groups.${index}`,
      field: AftField.EtherDaddr,
      defaultNext: otherwise(port, groups),
    },
    {
      type: 'switch',
      token: vlans,
      name: `vlans.${index}`,
      field: AftField.EtherVlan1,
      defaultNext: otherwise(port, vlans),
    },
  ];
  if (mac !== undefined) {
    nodes.push({
      type: 'match',
      token: FIRST_PORT_MATCH + index,
      name: `myMac.${index}`,
      field: AftField.EtherDaddr,
      op: 'eq',
      value: { kind: 'ether', bytes: mac },
      trueNext: port.etherTypes ?? ETHER_TYPE_SWITCH,
      falseNext: groups,
    });
  }
  return {
    nodes,
    entries: [
      portEntry(VLAN_PORT_SWITCH, index, vlans),
      labelPortEntry(index, rules?.labels === true),
      ...filterKeys(port).map(({ parent, key }) => ({ parent, key, next: parent === groups ? GROUP_SWITCH : TAGGED })),
    ],
    binds: [{ port: index, next: startOf(port) }],
  };
}

/** What the port's switches have entries for. */
export function filterKeys({ index, rules }: BasePort): { readonly parent: Token; readonly key: AftKey }[] {
  const { groups, vlans } = filterTokens(index);
  return [
    ...[BROADCAST, ...(rules?.groups ?? [])].map((bytes) => ({
      parent: groups,
      key: { field: AftField.EtherDaddr, data: { kind: 'ether', bytes } } as const,
    })),
    ...(rules?.vlans ?? []).map((value) => ({
      parent: vlans,
      key: { field: AftField.EtherVlan1, data: { kind: 'int', value } } as const,
    })),
  ];
}

/** Where frames go at one of the port's switches (`filterTokens`) that has no entry for them. */
export function otherwise({ index, rules }: BasePort, parent: Token): Token {
  if (parent === filterTokens(index).vlans) return rules?.vlans === undefined ? TAGGED : TOKEN_DISCARD;
  if (rules?.promiscuous === true) return OTHER_ADDRESS_MATCH;
  return rules?.groups === undefined ? GROUP_MATCH : TOKEN_DISCARD;
}

function startOf({ index, mac, rules, etherTypes }: BasePort): Token {
  switch (rules?.input) {
    case 'discard':
      return TOKEN_DISCARD;
    case 'host':
      return HOST_PORT_SWITCH;
    case 'forward':
    case undefined:
      return mac === undefined ? (etherTypes ?? ETHER_TYPE_SWITCH) : FIRST_PORT_MATCH + index;
  }
}
