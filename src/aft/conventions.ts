/**
 * What a client and an AFI server agree on beyond nodes and entries: why a packet goes to the host, and the names of
 * parameters, with what softvasic does for each. A server ignores parameters that it doesn't know.
 */

/** Reasons for handing a packet to the host: AftReceive codes, and byte 1 of the hostpath header. */
export enum PuntReason {
  Unspecified = 0,
  /** No route: the tree's default. */
  NoRoute = 1,
  Glean = 2,
  Local = 3,
  Unresolved = 4,
  Multicast = 5,
  Broadcast = 6,
  LinkLocal = 7,
  TtlExpired = 8,
  NonIp = 9,
  /** The route leads out of an interface that is no port of the vASIC. */
  NotAPort = 10,
  /** A route kind with no AFT mapping (yet). */
  Unsupported = 11,
  Mtu = 12,
  IpOptions = 13,
  Neighbor = 14,
  /** Control protocols, apart from whatever else comes for the same reason. */
  Arp = 15,
  NeighborDiscovery = 16,
  Ospf = 17,
  Isis = 18,
  Bgp = 19,
  Bfd = 20,
  /** Of other protocols: LDP, RIP, EIGRP, PIM, VRRP. */
  Control = 21,
  /** Has a VLAN tag that Linux has a device for. */
  Tagged = 22,
  /** For another hardware address than the port's, which Linux takes nevertheless. */
  OtherAddress = 23,
  /** Linux has the whole port for itself, in a bridge or the like. */
  HostPort = 24,
  /** A labelled packet whose top label's TTL would expire. */
  LabelTtl = 25,
  /** Its top label is the router alert label (RFC 3032). */
  RouterAlert = 26,
}

/** Parameter names that we define or that the original client used. */
export const PARAM = {
  rtApp: 'rt.app',
  rtNhType: 'rt.nhType',
  rtSkipBits: 'rt.skipBits',
  routeString: 'route.string',
  routeHwFlush: 'route.hwFlush',
  metaNhId: 'meta.nhid',
  labelValue: 'label.value',
  /** VLAN ids on an ethernet encapsulation; one alone is the only tag. */
  etherInnerVlan: 'encap.ether.ivlan',
  etherOuterVlan: 'encap.ether.ovlan',
  listAllocDesc: 'list.allocDesc',
  /**
   * Ours, on a tree (int token): packets forwarded by a lookup in it have TTL or hop limit decremented (and the IPv4
   * checksum fixed) when they leave through an output port; those that would expire go to this token instead.
   * Packets that end at the host are left untouched. Without the parameter nothing is decremented, as on vMX.
   */
  rtTtlExpired: 'rt.ttlExpired',
  /**
   * Ours, on a tree (int token): packets forwarded by a lookup in it that are larger than the output port's MTU go to
   * this token (untouched, for the host to fragment or answer). Without the parameter they are dropped and counted.
   */
  rtMtuExceeded: 'rt.mtuExceeded',
  /**
   * Ours, on a tree (int token): packets with IPv4 options or IPv6 hop-by-hop options that are looked up in it go to this
   * token, whatever their address: the host does what the options ask for. Without the parameter options are ignored.
   */
  rtIpOptions: 'rt.ipOptions',
  /**
   * Ours, on a tree with rt.ttlExpired (int token): IPv6 packets with a link-local source that would be forwarded go to this
   * token instead, for the host to answer. Without the parameter they are dropped and counted.
   */
  rtLinkLocalSource: 'rt.linkLocalSource',
  /**
   * Ours, on an ethernet encapsulation (int): what leaves by it may be no larger than this, or than the output port
   * carries. Larger packets fare as those larger than the port's MTU.
   */
  nhMtu: 'nh.mtu',
  /**
   * Ours, on a label encapsulation (bool): the label takes the place of the top one instead of going in front of it; the
   * traffic class stays, the TTL is one less.
   */
  labelSwap: 'label.swap',
  /**
   * On a label encapsulation (bool): the TTL is that of the packet behind the label, as it will be on the wire. Ours, on a
   * label decapsulation that takes one (bool): the IP packet behind the last label gets that label's TTL, less one; or its
   * own, less one.
   */
  labelTtlPropagate: 'label.ttlPropagate',
  /** On a label encapsulation (int): the TTL; 255 where neither this nor the packet's is asked for. */
  labelTtl: 'label.ttl',
  /** Ours, on a label decapsulation (int, 1): takes one label, and goes on with the label or the IP packet behind it. */
  labelCount: 'label.count',
  /** Ours, on a label decapsulation that takes one (int token): where packets go that have labels left. */
  labelStack: 'label.stack',
  /** Ours, on a label decapsulation that takes one (int, 4 or 6): the IP version that has to be behind the last label. */
  labelPayload: 'label.payload',
  /**
   * Ours, on a table by packet.mpls.label (int token): packets whose label has an entry, but a TTL that would expire, go to
   * this token, untouched. Without the parameter the table only looks up.
   */
  mplsTtlExpired: 'mpls.ttlExpired',
} as const;
