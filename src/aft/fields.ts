/**
 * The fields of a packet that nodes look at: their numbers on the wire, their names, and those that make a flow. How a field is
 * found in a packet is the engine's (src/vasic/engine/fields.ts).
 */

/** Packet and metadata fields. Numbers are the wire's (proto/afi/afi.proto, AftField). */
export enum AftField {
  None = 0,
  /** Destination address of whatever network header the packet has: IPv4 or IPv6; none for anything else. */
  PacketLookupKey = 1,
  EtherSaddr = 2,
  EtherDaddr = 3,
  EtherType = 4,
  EtherVlan1 = 5,
  EtherVlan2 = 6,
  Ip4Saddr = 7,
  Ip4Daddr = 8,
  Ip4Ttl = 9,
  Ip4Proto = 10,
  Ip4Tos = 11,
  Ip6Saddr = 12,
  Ip6Daddr = 13,
  Ip6HopLimit = 14,
  Ip6NextHeader = 15,
  Ip6FlowLabel = 16,
  Ip6TrafficClass = 17,
  L4Sport = 18,
  L4Dport = 19,
  MplsLabel = 20,
  MetaIfInput = 21,
  MetaIfOutput = 22,
  MetaNhId = 23,
  /** Ours: 1 when the destination hardware address is a group (multicast or broadcast) address, else 0. */
  EtherGroup = 24,
  /** Ours: a hash of what tells flows of labelled packets apart; absent in packets without a label. */
  MplsFlow = 25,
}

/** Field names as AFI writes them; the CLI and parameters show these. */
export const FIELD_NAMES: Readonly<Record<AftField, string>> = {
  [AftField.None]: 'none',
  [AftField.PacketLookupKey]: 'packet.lookupkey',
  [AftField.EtherSaddr]: 'packet.ether.saddr',
  [AftField.EtherDaddr]: 'packet.ether.daddr',
  [AftField.EtherType]: 'packet.ether.type',
  [AftField.EtherVlan1]: 'packet.ether.vlan1',
  [AftField.EtherVlan2]: 'packet.ether.vlan2',
  [AftField.Ip4Saddr]: 'packet.ip4.saddr',
  [AftField.Ip4Daddr]: 'packet.ip4.daddr',
  [AftField.Ip4Ttl]: 'packet.ip4.ttl',
  [AftField.Ip4Proto]: 'packet.ip4.proto',
  [AftField.Ip4Tos]: 'packet.ip4.tos',
  [AftField.Ip6Saddr]: 'packet.ip6.saddr',
  [AftField.Ip6Daddr]: 'packet.ip6.daddr',
  [AftField.Ip6HopLimit]: 'packet.ip6.hoplimit',
  [AftField.Ip6NextHeader]: 'packet.ip6.nexthdr',
  [AftField.Ip6FlowLabel]: 'packet.ip6.flowlabel',
  [AftField.Ip6TrafficClass]: 'packet.ip6.tclass',
  [AftField.L4Sport]: 'packet.l4.sport',
  [AftField.L4Dport]: 'packet.l4.dport',
  [AftField.MplsLabel]: 'packet.mpls.label',
  [AftField.MetaIfInput]: 'meta.ifinput',
  [AftField.MetaIfOutput]: 'meta.ifoutput',
  [AftField.MetaNhId]: 'meta.nhid',
  [AftField.EtherGroup]: 'packet.ether.group',
  [AftField.MplsFlow]: 'packet.mpls.flow',
};

/** What a flow is to a load balancer that isn't told otherwise: the 5-tuple, and the flow label for IPv6 (RFC 6438). */
export const FLOW_FIELDS: readonly AftField[] = [
  AftField.Ip4Saddr,
  AftField.Ip4Daddr,
  AftField.Ip4Proto,
  AftField.Ip6Saddr,
  AftField.Ip6Daddr,
  AftField.Ip6NextHeader,
  AftField.Ip6FlowLabel,
  AftField.L4Sport,
  AftField.L4Dport,
];

/** The same for a load balancer that labelled packets come to: their labels, and the IP header behind these. */
export const LABEL_FLOW_FIELDS: readonly AftField[] = [...FLOW_FIELDS, AftField.MplsFlow];
