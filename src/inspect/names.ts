/**
 * The names of rtnetlink's numbers as Linux's headers have them, for reading only: also of what the FIB doesn't use.
 * Sources: linux/rtnetlink.h, nexthop.h, neighbor.h, lwtunnel.h, seg6_local.h; FRR's zebra_fpm_netlink.c.
 */

/** A number's name, or undefined. */
export type Names = Readonly<Record<number, string>>;

function numbered(first: number, words: string): Names {
  return Object.fromEntries(words.split(' ').map((word, i) => [first + i, word]));
}

export const MESSAGES: Names = {
  ...numbered(1, 'NLMSG_NOOP NLMSG_ERROR NLMSG_DONE NLMSG_OVERRUN'),
  ...numbered(16, 'RTM_NEWLINK RTM_DELLINK RTM_GETLINK RTM_SETLINK'),
  ...numbered(20, 'RTM_NEWADDR RTM_DELADDR RTM_GETADDR'),
  ...numbered(24, 'RTM_NEWROUTE RTM_DELROUTE RTM_GETROUTE'),
  ...numbered(28, 'RTM_NEWNEIGH RTM_DELNEIGH RTM_GETNEIGH'),
  ...numbered(32, 'RTM_NEWRULE RTM_DELRULE RTM_GETRULE'),
  ...numbered(36, 'RTM_NEWQDISC RTM_DELQDISC RTM_GETQDISC'),
  ...numbered(40, 'RTM_NEWTCLASS RTM_DELTCLASS RTM_GETTCLASS'),
  ...numbered(44, 'RTM_NEWTFILTER RTM_DELTFILTER RTM_GETTFILTER'),
  ...numbered(104, 'RTM_NEWNEXTHOP RTM_DELNEXTHOP RTM_GETNEXTHOP'),
  ...numbered(116, 'RTM_NEWNEXTHOPBUCKET RTM_DELNEXTHOPBUCKET RTM_GETNEXTHOPBUCKET'),
};

export const FAMILIES: Names = { 0: 'unspec', 2: 'ipv4', 7: 'bridge', 10: 'ipv6', 28: 'mpls' };

export const ROUTE_ATTRIBUTES: Names = numbered(
  1,
  'RTA_DST RTA_SRC RTA_IIF RTA_OIF RTA_GATEWAY RTA_PRIORITY RTA_PREFSRC RTA_METRICS RTA_MULTIPATH RTA_PROTOINFO ' +
    'RTA_FLOW RTA_CACHEINFO RTA_SESSION RTA_MP_ALGO RTA_TABLE RTA_MARK RTA_MFC_STATS RTA_VIA RTA_NEWDST RTA_PREF ' +
    'RTA_ENCAP_TYPE RTA_ENCAP RTA_EXPIRES RTA_PAD RTA_UID RTA_TTL_PROPAGATE RTA_IP_PROTO RTA_SPORT RTA_DPORT RTA_NH_ID',
);

export const METRICS: Names = numbered(
  1,
  'lock mtu window rtt rttvar ssthresh cwnd advmss reordering hoplimit initcwnd features rto_min initrwnd quickack ' +
    'cc_algo fastopen_no_cookie',
);

export const NEXTHOP_ATTRIBUTES: Names = numbered(
  1,
  'NHA_ID NHA_GROUP NHA_GROUP_TYPE NHA_BLACKHOLE NHA_OIF NHA_GATEWAY NHA_ENCAP_TYPE NHA_ENCAP NHA_GROUPS NHA_MASTER ' +
    'NHA_FDB NHA_RES_GROUP NHA_RES_BUCKET NHA_OP_FLAGS NHA_GROUP_STATS NHA_HW_STATS_ENABLE NHA_HW_STATS_USED',
);

export const NEIGHBOR_ATTRIBUTES: Names = numbered(
  1,
  'NDA_DST NDA_LLADDR NDA_CACHEINFO NDA_PROBES NDA_VLAN NDA_PORT NDA_VNI NDA_IFINDEX NDA_MASTER NDA_LINK_NETNSID ' +
    'NDA_SRC_VNI NDA_PROTOCOL NDA_NH_ID NDA_FDB_EXT_ATTRS NDA_FLAGS_EXT',
);

export const ROUTE_TYPES: Names = numbered(
  0,
  'unspec unicast local broadcast anycast multicast blackhole unreachable prohibit throw nat xresolve',
);

export const SCOPES: Names = { 0: 'universe', 200: 'site', 253: 'link', 254: 'host', 255: 'nowhere' };

export const GROUP_TYPES: Names = { 0: 'multipath', 1: 'resilient' };

export const ENCAPS: Names = {
  ...numbered(0, 'none mpls ip ila ip6 seg6 bpf seg6local rpl ioam6 xfrm'),
  100: 'vxlan (FRR)',
};

export const SEG6_MODES: Names = numbered(0, 'inline encap l2encap encap.red l2encap.red');

export const SEG6_LOCAL_ATTRIBUTES: Names = numbered(
  1,
  'SEG6_LOCAL_ACTION SEG6_LOCAL_SRH SEG6_LOCAL_TABLE SEG6_LOCAL_NH4 SEG6_LOCAL_NH6 SEG6_LOCAL_IIF SEG6_LOCAL_OIF ' +
    'SEG6_LOCAL_BPF SEG6_LOCAL_VRFTABLE SEG6_LOCAL_COUNTERS SEG6_LOCAL_FLAVORS',
);

export const SEG6_LOCAL_ACTIONS: Names = numbered(
  1,
  'End End.X End.T End.DX2 End.DX6 End.DX4 End.DT6 End.DT4 End.B6 End.B6.Encaps End.BM End.S End.AS End.AM End.BPF End.DT46',
);

/** Bits, lowest first, by name. */
export type Bits = readonly (readonly [number, string])[];

/** Bits of nlmsg_flags that every message has; the next two sets depend on whether it makes or deletes something. */
export const MESSAGE_FLAGS: Bits = [
  [0x1, 'REQUEST'],
  [0x2, 'MULTI'],
  [0x4, 'ACK'],
  [0x8, 'ECHO'],
  [0x10, 'DUMP_INTR'],
  [0x20, 'DUMP_FILTERED'],
];
export const NEW_FLAGS: Bits = [
  [0x100, 'REPLACE'],
  [0x200, 'EXCL'],
  [0x400, 'CREATE'],
  [0x800, 'APPEND'],
];
export const DELETE_FLAGS: Bits = [
  [0x100, 'NONREC'],
  [0x200, 'BULK'],
  // Means nothing there, but zebra sets it.
  [0x400, 'CREATE'],
];

/** Flags of a nexthop, which share rtm_flags with those of a route. */
export const HOP_FLAGS: Bits = [
  [0x1, 'DEAD'],
  [0x2, 'PERVASIVE'],
  [0x4, 'ONLINK'],
  [0x8, 'HOP_OFFLOAD'],
  [0x10, 'LINKDOWN'],
  [0x20, 'UNRESOLVED'],
  [0x40, 'HOP_TRAP'],
];
export const ROUTE_FLAGS: Bits = [
  ...HOP_FLAGS,
  [0x100, 'NOTIFY'],
  [0x200, 'CLONED'],
  [0x400, 'EQUALIZE'],
  [0x800, 'PREFIX'],
  [0x1000, 'LOOKUP_TABLE'],
  [0x2000, 'FIB_MATCH'],
  [0x4000, 'OFFLOAD'],
  [0x8000, 'TRAP'],
  [0x20000000, 'OFFLOAD_FAILED'],
];
export const NEIGHBOR_STATES: Bits = [
  [0x1, 'incomplete'],
  [0x2, 'reachable'],
  [0x4, 'stale'],
  [0x8, 'delay'],
  [0x10, 'probe'],
  [0x20, 'failed'],
  [0x40, 'noarp'],
  [0x80, 'permanent'],
];
export const NEIGHBOR_FLAGS: Bits = [
  [0x1, 'USE'],
  [0x2, 'SELF'],
  [0x4, 'MASTER'],
  [0x8, 'PROXY'],
  [0x10, 'EXT_LEARNED'],
  [0x20, 'OFFLOADED'],
  [0x40, 'STICKY'],
  [0x80, 'ROUTER'],
];

/** The name, or the number as text. */
export function nameOf(names: Names, value: number): string {
  return names[value] ?? String(value);
}

/** The names of the bits set; bits without a name come last, in hex. */
export function bitNames(bits: Bits, value: number): string[] {
  const names = bits.filter(([bit]) => (value & bit) !== 0).map(([, name]) => name);
  const rest = bits.reduce((left, [bit]) => left & ~bit, value) >>> 0;
  return rest === 0 ? names : [...names, `0x${rest.toString(16)}`];
}
