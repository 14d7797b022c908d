/**
 * What stands for one VRF: a switch by ether type, where packets come from its ports, and its route tree. The reasons that both
 * lead to are everybody's (base-graph.ts): a policer counts by port, and a port belongs to one VRF.
 *
 *   its ports ──for us──▶ switch (ether type) ──IPv4, IPv6──▶ route tree ──▶ entries
 *                              ├─labels──▶ the table of labels, which is everybody's (label-graph.ts)
 *                              └─▶ ARP, tags, nonIp               └─default──▶ noRoute
 */
import { ETHERTYPES_TAGGED, ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_MPLS } from '../net/ethertypes';
import { AftField, PARAM, PuntReason, type AftEntry, type AftNode, type Token } from '../aft/model';
import { ROUTE_TREE, VLAN_PORT_SWITCH, type VrfTokens } from './base-tokens';
import { LABEL_PORT_SWITCH } from './label-graph';
import { policedToken } from './policers';
import { puntToken } from './punt-classes';

/** A VRF to be made. */
export interface BaseVrf {
  readonly table: number;
  readonly tokens: VrfTokens;
  /** False: the vASIC has the tree already, which must be left as it is. */
  readonly withTree: boolean;
}

/** A VRF's part of the graph. A node comes after those it names. */
export function vrfGraph(vrf: BaseVrf): { readonly nodes: readonly AftNode[]; readonly entries: readonly AftEntry[] } {
  const { tree, etherTypes } = vrf.tokens;
  return {
    nodes: [
      ...(vrf.withTree ? [routeTree(vrf)] : []),
      etherTypeSwitch(etherTypes, `etherType${suffixOf(vrf)}`, policedToken(PuntReason.NonIp)),
    ],
    entries: switchEntries(etherTypes, tree),
  };
}

/** The name of a VRF's tree in the vASIC. */
export function treeName(vrf: Pick<BaseVrf, 'table' | 'tokens'>): string {
  return `routeTable${suffixOf(vrf)}`;
}

/** What the tokens stand for, in plain words. */
export function vrfNames(vrf: Pick<BaseVrf, 'table' | 'tokens'>): [Token, string][] {
  const of = vrf.tokens.tree === ROUTE_TREE ? '' : ` of table ${vrf.table}`;
  return [
    [vrf.tokens.tree, `the route tree${of}`],
    [vrf.tokens.etherTypes, `IPv4 and IPv6 to the route tree${of}`],
  ];
}

function suffixOf({ table, tokens }: Pick<BaseVrf, 'table' | 'tokens'>): string {
  return tokens.tree === ROUTE_TREE ? '' : `.${table}`;
}

function routeTree(vrf: BaseVrf): AftNode {
  const token = (reason: PuntReason): { kind: 'int'; value: Token } => ({ kind: 'int', value: policedToken(reason) });
  return {
    type: 'tree',
    token: vrf.tokens.tree,
    name: treeName(vrf),
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

/** A switch by ether type. */
export function etherTypeSwitch(token: Token, name: string, defaultNext: Token): AftNode {
  return { type: 'switch', token, name, field: AftField.EtherType, defaultNext };
}

/** An entry of one. */
export function etherTypeEntry(parent: Token, value: number, next: Token): AftEntry {
  return { parent, key: { field: AftField.EtherType, data: { kind: 'int', value } }, next };
}

/** The entries of a VRF's switch; the keys are also those that are removed with it. */
export function switchEntries(etherTypes: Token, tree: Token): AftEntry[] {
  return [
    etherTypeEntry(etherTypes, ETHERTYPE_IPV4, tree),
    etherTypeEntry(etherTypes, ETHERTYPE_IPV6, tree),
    etherTypeEntry(etherTypes, ETHERTYPE_MPLS, LABEL_PORT_SWITCH),
    etherTypeEntry(etherTypes, ETHERTYPE_ARP, policedToken(PuntReason.Arp)),
    ...ETHERTYPES_TAGGED.map((tag) => etherTypeEntry(etherTypes, tag, VLAN_PORT_SWITCH)),
  ];
}
