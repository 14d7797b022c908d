/**
 * Numbers of Linux's rtnetlink protocol (linux/netlink.h, rtnetlink.h, neighbor.h, nexthop.h, lwtunnel.h) that FPM and
 * the kernel monitor use.
 */
export const NLMSG_HEADER = 16;

export const NLMSG_NOOP = 1;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const NLMSG_OVERRUN = 4;

export const NLM_F_REQUEST = 0x1;
export const NLM_F_MULTI = 0x2;
export const NLM_F_ACK = 0x4;
export const NLM_F_DUMP_INTR = 0x10;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_DUMP = 0x300;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;

export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;
export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
export const RTM_GETADDR = 22;
export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;
export const RTM_GETROUTE = 26;
export const RTM_NEWNEIGH = 28;
export const RTM_DELNEIGH = 29;
export const RTM_GETNEIGH = 30;
export const RTM_NEWNEXTHOP = 104;
export const RTM_DELNEXTHOP = 105;
export const RTM_GETNEXTHOP = 106;

export const AF_UNSPEC = 0;
export const AF_INET = 2;
export const AF_BRIDGE = 7;
export const AF_INET6 = 10;
export const AF_MPLS = 28;

export const RTMGRP_LINK = 0x1;
export const RTMGRP_NEIGH = 0x4;
export const RTMGRP_IPV4_IFADDR = 0x10;
export const RTMGRP_IPV4_ROUTE = 0x40;
export const RTMGRP_IPV6_IFADDR = 0x100;
export const RTMGRP_IPV6_ROUTE = 0x400;
/** The bit of RTNLGRP_NEXTHOP, which has no such name. */
export const RTMGRP_NEXTHOP = 0x8000_0000;

/** struct rtmsg and its attributes. */
export const RTMSG_LEN = 12;
export const RTA_DST = 1;
export const RTA_SRC = 2;
export const RTA_IIF = 3;
export const RTA_OIF = 4;
export const RTA_GATEWAY = 5;
export const RTA_PRIORITY = 6;
export const RTA_PREFSRC = 7;
export const RTA_METRICS = 8;
export const RTA_MULTIPATH = 9;
export const RTA_TABLE = 15;
export const RTA_VIA = 18;
export const RTA_NEWDST = 19;
export const RTA_ENCAP_TYPE = 21;
export const RTA_ENCAP = 22;
export const RTA_NH_ID = 30;

export const RTN_UNICAST = 1;
export const RTN_LOCAL = 2;
export const RTN_BROADCAST = 3;
export const RTN_ANYCAST = 4;
export const RTN_MULTICAST = 5;
export const RTN_BLACKHOLE = 6;
export const RTN_UNREACHABLE = 7;
export const RTN_PROHIBIT = 8;
export const RTN_THROW = 9;

/** Values of rtm_protocol: the kernel's own routes, those of `ip route add`, of an administrator, of router advertisements, DHCP. */
export const RTPROT_KERNEL = 2;
export const RTPROT_BOOT = 3;
export const RTPROT_STATIC = 4;
export const RTPROT_RA = 9;
export const RTPROT_DHCP = 16;

export const RT_TABLE_MAIN = 254;
export const RT_TABLE_LOCAL = 255;

export const RTNH_F_ONLINK = 4;

export const RTM_F_CLONED = 0x200;
/** In a request: answer with the entry of the FIB that matches, not with the way of a packet. */
export const RTM_F_FIB_MATCH = 0x2000;
export const RTM_F_OFFLOAD = 0x4000;
export const RTM_F_TRAP = 0x8000;
export const RTM_F_OFFLOAD_FAILED = 0x20000000;

/** struct nhmsg and its attributes. */
export const NHMSG_LEN = 8;
export const NHA_ID = 1;
export const NHA_GROUP = 2;
export const NHA_GROUP_TYPE = 3;
export const NHA_BLACKHOLE = 4;
export const NHA_OIF = 5;
export const NHA_GATEWAY = 6;
export const NHA_ENCAP_TYPE = 7;
export const NHA_ENCAP = 8;
export const NHA_FDB = 11;
/** Values of NHA_GROUP_TYPE. */
export const NEXTHOP_GRP_TYPE_MPATH = 0;
export const NEXTHOP_GRP_TYPE_RES = 1;

/** struct ndmsg and its attributes. */
export const NDMSG_LEN = 12;
export const NDA_DST = 1;
export const NDA_LLADDR = 2;
export const NDA_VLAN = 5;
export const NDA_VNI = 7;
export const NDA_IFINDEX = 8;
export const NDA_MASTER = 9;
export const NDA_SRC_VNI = 11;
export const NDA_NH_ID = 13;

export const NUD_INCOMPLETE = 0x01;
export const NUD_REACHABLE = 0x02;
export const NUD_STALE = 0x04;
export const NUD_DELAY = 0x08;
export const NUD_PROBE = 0x10;
export const NUD_FAILED = 0x20;
export const NUD_NOARP = 0x40;
export const NUD_PERMANENT = 0x80;
export const NTF_USE = 0x01;
export const NTF_PROXY = 0x08;
export const NTF_STICKY = 0x40;

/** struct ifaddrmsg and its attributes. */
export const IFADDRMSG_LEN = 8;
export const IFA_ADDRESS = 1;
export const IFA_LOCAL = 2;
export const IFA_BROADCAST = 4;
export const IFA_FLAGS = 8;
export const IFA_F_NOPREFIXROUTE = 0x200;

/** struct ifinfomsg and its attributes. */
export const IFINFOMSG_LEN = 16;
export const IFLA_ADDRESS = 1;
export const IFLA_IFNAME = 3;
export const IFLA_MTU = 4;
export const IFLA_LINK = 5;
export const IFLA_MASTER = 10;
export const IFLA_OPERSTATE = 16;
export const IFLA_LINKINFO = 18;
export const IFLA_PROMISCUITY = 30;
export const IFLA_ALLMULTI = 61;
/** Nested in IFLA_LINKINFO. */
export const IFLA_INFO_KIND = 1;
export const IFLA_INFO_DATA = 2;
/** Nested in the IFLA_INFO_DATA of a VLAN device, and of a VRF device. */
export const IFLA_VLAN_ID = 1;
export const IFLA_VRF_TABLE = 1;
export const IFF_UP = 0x1;
export const IFF_RUNNING = 0x40;
export const IFF_ALLMULTI = 0x200;
export const IFF_LOWER_UP = 0x10000;

/** Lightweight tunnel encapsulations (linux/lwtunnel.h), and FRR's own number for VXLAN (zebra_fpm_netlink.c). */
export const LWTUNNEL_ENCAP_MPLS = 1;
export const LWTUNNEL_ENCAP_IP = 2;
export const LWTUNNEL_ENCAP_IP6 = 4;
export const LWTUNNEL_ENCAP_SEG6 = 5;
export const LWTUNNEL_ENCAP_SEG6_LOCAL = 7;
export const FRR_ENCAP_VXLAN = 100;
export const MPLS_IPTUNNEL_DST = 1;
/** Eight bytes in network order: the VNI, where FRR encapsulates EVPN routes by LWTUNNEL_ENCAP_IP or _IP6. */
export const LWTUNNEL_IP_ID = 1;
export const SEG6_IPTUNNEL_SRH = 1;
export const SEG6_LOCAL_ACTION = 1;
export const SEG6_LOCAL_SRH = 2;
export const SEG6_LOCAL_TABLE = 3;
export const SEG6_LOCAL_NH4 = 4;
export const SEG6_LOCAL_NH6 = 5;
export const SEG6_LOCAL_OIF = 7;
export const SEG6_LOCAL_VRFTABLE = 9;
export const SEG6_LOCAL_FLAVORS = 11;
export const SEG6_LOCAL_FLV_OPERATION = 1;
/** The one attribute nested in an encapsulation of type FRR_ENCAP_VXLAN. */
export const FRR_VXLAN_VNI = 0;
