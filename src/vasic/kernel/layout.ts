/**
 * Where things lie in the memory that the dataplane thread shares with the BPF program (bpf/forward.bpf.c). bpf/layout.h has the
 * same numbers; test/unit/vasic/kernel/layout.test.ts compares them.
 *
 * Two maps, both arrays of 32-bit words in the machine's byte order, which the dataplane thread alone writes but for a few of the globals:
 *
 * - the *heap*: the table of records, load balancers' slots, and the route tries themselves. An address is an index of words,
 *   0 means none. It grows by being made anew, twice as large, with the same contents at the same addresses.
 * - the *globals*: versions, the ports, where the table of records is.
 *
 * A record is 8 words, one for each slot of the graph, in a table; of a free slot it is zeros, which lead to the engine. Where a record names
 * a node, it names its slot; slot 0 (END) leads to the TypeScript engine. A record may say at once what several nodes in a row come to, up to
 * FUSED_NODES of them (records.ts): a packet then takes one step for all.
 *
 * **Never torn.** The writer makes a version odd, changes, and makes it even: `GRAPH_VERSION` for records, bindings, the ports' short ways, load
 * balancers, and for the value of a prefix shorter than 16 bits that changes or goes, in a trie with tables, where the rest of such a change needs no version
 * (short-prefixes.ts); one of `TREE_VERSIONS` for other prefixes: by the low bits
 * of an address's first 16 in a trie with tables, by those of the root's address / 8 in a small one (tables that come or go, and a new
 * root, are the graph's). The program reads the version before and after and leaves a packet whose version was odd
 * or changed to the TypeScript engine, unchanged. Both steps have to be Atomics.add(): unlike Atomics.store() it also keeps later
 * stores behind it on processors that would reorder them (arm64).
 */
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_MPLS } from '../../net/ethertypes';

/** The heap map is an array of chunks of so many words. Nothing that is read through one pointer straddles two. */
export const CHUNK_BITS = 14;
export const CHUNK_WORDS = 16384;

/** Words of a record, and its alignment. Word 0 is its kind, unnamed words are zero. */
export const RECORD_WORDS = 8;

/** To the TypeScript engine; why (REASON_…). */
export const KIND_SLOW = 0;
export const SLOW_REASON = 1;

/** Dropped. The node's counter (packets, bytes as received). */
export const KIND_DISCARD = 1;
export const DISCARD_COUNTER = 1;

/** Indirect, and whatever else only leads on. */
export const KIND_GOTO = 2;
export const GOTO_NEXT = 1;

/** etherDaddr eq: the first 2 bytes of the address as a number in network order, and the other 4. */
export const KIND_MATCH_MAC = 3;
export const MATCH_MAC_HIGH = 1;
export const MATCH_MAC_LOW = 2;
export const MATCH_MAC_TRUE = 3;
export const MATCH_MAC_FALSE = 4;

/** A switch of ether types: where these three lead, defaults included. All other types go to the TypeScript engine. */
export const KIND_ETHER_SWITCH = 4;
/** In the order of the words. */
export const SWITCHED_TYPES: readonly number[] = [ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_MPLS];
export const ETHER_SWITCH_IP4 = 1;
export const ETHER_SWITCH_IP6 = 2;
export const ETHER_SWITCH_MPLS = 3;

/** A route tree by the destination that has `rt.ttlExpired`. Roots are addresses (see ROOT_WORDS), 0 for a trie without prefixes. */
export const KIND_TREE = 5;
export const TREE_DEFAULT = 1;
export const TREE_ROOT4 = 2;
export const TREE_ROOT6 = 3;

/** A load balancer by FLOW_FIELDS; LABELS 1: by LABEL_FLOW_FIELDS. SLOTS: address of MAX words, slot or 0; PRESENT: address of PRESENT_COUNT slots in the order of their keys. */
export const KIND_BALANCE = 6;
export const BALANCE_MAX = 1;
export const BALANCE_SLOTS = 2;
export const BALANCE_PRESENT_COUNT = 3;
export const BALANCE_PRESENT = 4;
export const BALANCE_LABELS = 5;

/** ethernet without tags. MTU 0: none. MACS: destination and source, 12 bytes as on the wire. */
export const KIND_ENCAP = 7;
export const ENCAP_NEXT = 1;
export const ENCAP_MTU = 2;
export const ENCAP_COUNTER = 3;
export const ENCAP_MACS = 4;

/** By the port's index. */
export const KIND_OUTPUT = 8;
export const OUTPUT_PORT = 1;

export const KIND_COUNTER = 9;
export const COUNTER_NEXT = 1;
export const COUNTER_ID = 2;

/** An MPLS label in front of a routed packet. LABEL: at its place in an entry. TTL 0: that of the packet behind it. KEEPS_CLASS: that of the label behind it. */
export const KIND_PUSH = 10;
export const PUSH_NEXT = 1;
export const PUSH_COUNTER = 2;
export const PUSH_LABEL = 3;
export const PUSH_TTL = 4;
export const PUSH_KEEPS_CLASS = 5;

/** Another label in place of the top one. LABEL: at its place in an entry. */
export const KIND_SWAP = 11;
export const SWAP_NEXT = 1;
export const SWAP_COUNTER = 2;
export const SWAP_LABEL = 3;

/** One label off. STACK: where packets go that have more. TTL: what the IP packet behind the last one has. PAYLOAD: its ether type has to be this; 0: any. */
export const KIND_POP = 12;
export const POP_NEXT = 1;
export const POP_STACK = 2;
export const POP_COUNTER = 3;
export const POP_TTL = 4;
export const POP_PAYLOAD = 5;
export const POP_TTL_STAYS = 0;
/** The label's, less one. */
export const POP_TTL_OF_LABEL = 1;
/** Its own, less one. */
export const POP_TTL_OF_PACKET = 2;

/**
 * By the top label. PAGES: address of LABEL_PAGE_WORDS addresses of pages of as many slots; 0 for a page, or a slot, that there isn't.
 * EXPIRES: not 0 where labels with an entry and a TTL of 1 or 0 are the engine's.
 */
export const KIND_LABEL_TABLE = 13;
export const LABEL_TABLE_DEFAULT = 1;
export const LABEL_TABLE_PAGES = 2;
export const LABEL_TABLE_EXPIRES = 3;
export const LABEL_PAGE_BITS = 10;
export const LABEL_PAGE_WORDS = 1024;

/** By the input port. SLOTS: address of COUNT words, defaults included. */
export const KIND_PORT_SWITCH = 14;
export const PORT_SWITCH_COUNT = 1;
export const PORT_SWITCH_SLOTS = 2;

/** KIND_ENCAP and the output port behind it, by its index. All else as there. */
export const KIND_ADJACENCY = 15;
export const ADJACENCY_PORT = 1;

/** KIND_MATCH_MAC and the switch of ether types that it leads to when true. */
export const KIND_FRONT = 16;
export const FRONT_FALSE = 3;
export const FRONT_IP4 = 4;
export const FRONT_IP6 = 5;
export const FRONT_MPLS = 6;

/**
 * Root of a trie, aligned to 8 words: the addresses of its three tables (prefix-trie.ts). INDEX: 65,536 words, node or 0. COVER: 65,536
 * 16-bit numbers, two to a word, the first in its low half. SHORTS: 65,536 words, value or 0. A small trie has no tables (INDEX is 0)
 * but a topmost node, 0 for none.
 */
export const ROOT_WORDS = 8;
export const ROOT_INDEX = 0;
export const ROOT_COVER = 1;
export const ROOT_SHORTS = 2;
export const ROOT_NODE = 3;
export const ROOT_LEAVES = 4;
export const ROOT_BUCKETS = 5;
/**
 * LEAVES and BUCKETS of a trie with tables that has some, else 0 (look-ahead.ts): the first 14 bits of an address → page or 0; the next 10 bits → a word or leaf of the page.
 */
export const AHEAD_BITS = 24;
export const AHEAD_TABLE_WORDS = 16384;
export const AHEAD_PAGE_BITS = 10;
/** An answer from there: the trie knows more. Others are values, 0 where no prefix that counts there covers the address. */
export const AHEAD_DEEPER = 0xffffffff;
/** The same in 16 bits; what is larger is no value there. */
export const AHEAD_NARROW_DEEPER = 0xffff;

/** Page of leaves (leaf-pages.ts), in groups of 64. */
export const LEAF_PAGE_WORDS = 256;
/** Group of leaves, aligned to 16 words (leaf-group.ts): STARTS, two words; RUNS of 16 bits, or where bit 0 of STARTS isn't set the address of 64 words, 0 for none. */
export const GROUP_WORDS = 16;
export const GROUP_LEAVES = 64;
export const GROUP_BITS = 6;
export const GROUP_STARTS = 0;
export const GROUP_AT = 2;
export const GROUP_RUNS = 28;

/**
 * A word of a page of buckets (buckets.ts): address of a block of 2^n buckets, aligned to a bucket, with n (BUCKET_BITS_MOST at most) in its low BUCKET_SIZE_BITS bits, or 0; the
 * next n bits of an address → bucket.
 */
export const BUCKET_PAGE_WORDS = 1024;
export const BUCKET_SIZE_BITS = 4;
export const BUCKET_BITS_MOST = 6;
/**
 * Bucket (bucket.ts): KEYS of so many prefixes, the first and the sixth, the second and the seventh …; each the next 31 bits of an address at most and behind them a 1 and
 * zeros. From VALUES on a value of 16 bits for each, in their order. The last that covers an address counts; else REST does: a value, 0, or AHEAD_DEEPER.
 */
export const BUCKET_WORDS = 16;
export const BUCKET_REST = 15;
export const BUCKET_KEYS = 0;
export const BUCKET_PREFIXES = 10;
export const BUCKET_VALUES = 10;

/** Node of a trie, aligned to 4 words (trie-nodes.ts). Blocks are addresses in the heap; VALUES of a node with one prefix is its value. */
export const NODE_WORDS = 4;
export const NODE_PREFIXES = 0;
export const NODE_CHILDREN = 1;
export const NODE_CHILD_BLOCK = 2;
export const NODE_VALUES = 3;
export const NODE_STRIDE = 5;
/** In PREFIXES of one that is a path, and of one that ends in a prefix; from BITS_SHIFT on how many bits it has, which HIGH and LOW are. BEHIND: the next node, or the value. */
export const NODE_PATH = 1;
export const NODE_LEAF = 2;
export const NODE_BITS_SHIFT = 2;
export const NODE_HIGH = 1;
export const NODE_LOW = 2;
export const NODE_BEHIND = 3;
export const INDEX_BITS = 16;

/** Offsets in the globals. RECORDS: address of the table of records. */
export const GLOBAL_GRAPH_VERSION = 0;
export const GLOBAL_RECORDS = 1;
/** For test runs, whose packets come from the interface with index 1: the input port + 1, and the program's answer. */
export const GLOBAL_TEST_PORT = 2;
export const GLOBAL_TEST_VERDICT = 3;
export const GLOBAL_TEST_OUT_PORT = 4;
export const GLOBAL_TEST_REASON = 5;
/** Of this layout: what another softvasic left is read only where it has the same, but for the deadline. To be raised with every change here. */
export const GLOBAL_LAYOUT = 6;
export const LAYOUT_VERSION = 11;
/** Nothing is forwarded later than this, in units of 2^DEADLINE_SHIFT ns of CLOCK_MONOTONIC; 0: always. It stays at this place in every layout. */
export const GLOBAL_DEADLINE = 7;
export const DEADLINE_SHIFT = 30;
/** Entries of the sandbox, about a second old: a successor's tables aren't complete before they have as many. The program doesn't read it. */
export const GLOBAL_ENTRIES = 8;
/** The latest time in FLOWS_CUT. The program's, as those are. */
export const GLOBAL_CUT = 9;
export const GLOBAL_TREE_VERSIONS = 64;
export const TREE_VERSIONS = 1024;
/** Ports by interface index: port + 1 at ifindex modulo PORT_OF_SLOTS or one of the next places; 0: none. The forwarder's. */
export const GLOBAL_PORT_OF = 1088;
export const PORT_OF_SLOTS = 1024;
export const PORT_OF_PROBES = 16;
export const GLOBAL_PORTS = 2112;
/**
 * By the hash of a flow and its port: when a large segment of it was left to the TypeScript engine, in units of 2^CUT_SHIFT ns of CLOCK_MONOTONIC and 1; 0: never. Its other
 * packets follow for CUT_UNITS more.
 */
export const GLOBAL_FLOWS_CUT = 10304;
export const FLOWS_CUT = 1024;
export const CUT_SHIFT = 30;
export const CUT_UNITS = 2;
export const GLOBAL_WORDS = 11328;

/** Offsets in a port's part of the globals. START, the slot that it is bound to, and SHORT… are the graph's; the forwarder keeps the others. */
export const MAX_KERNEL_PORTS = 512;
export const PORT_WORDS = 16;
export const PORT_IFINDEX = 0;
export const PORT_START = 1;
export const PORT_MTU = 2;
export const PORT_FLAGS = 3;
/** Where its packets for the TypeScript engine go in tc mode. */
export const PORT_SLOW_IFINDEX = 4;
export const PORT_INPUT_COUNTER = 5;
export const PORT_OUTPUT_COUNTER = 6;
export const PORT_DISCARD_COUNTER = 7;
/** The first of SLOW_REASONS counters. */
export const PORT_SLOW_COUNTERS = 8;
/**
 * The short way of usual packets (short-ways.ts): which families have one, by bits; the MAC address as in KIND_FRONT; and of each family the trie's root
 * and the tree's default.
 */
export const PORT_SHORT = 9;
export const PORT_SHORT_HIGH = 10;
export const PORT_SHORT_LOW = 11;
export const PORT_SHORT_ROOT4 = 12;
export const PORT_SHORT_DEFAULT4 = 13;
export const PORT_SHORT_ROOT6 = 14;
export const PORT_SHORT_DEFAULT6 = 15;
export const SHORT_IP4 = 1;
export const SHORT_IP6 = 2;

/** The link is up. */
export const PORT_UP = 1;
/** Its packets come through XDP in its generic form, which can send out of any port. */
export const PORT_GENERIC = 2;
/** Its driver sends frames that native XDP hands it. */
export const PORT_XDP_TARGET = 4;

/** What the program did, as a test run reports it. */
export const VERDICT_SLOW = 1;
export const VERDICT_SENT = 2;
export const VERDICT_DISCARDED = 3;

/** Why a packet goes to the TypeScript engine, and room for so many reasons. */
export const SLOW_REASONS = 32;
/** A node that the kernel doesn't do. */
export const REASON_NODE = 0;
/** For the host. */
export const REASON_HOST = 1;
export const REASON_POLICER = 2;
/** Its input port is bound to nothing, or isn't known. */
export const REASON_UNBOUND = 3;
/** The graph was changing. */
export const REASON_BUSY = 4;
export const REASON_SHORT = 5;
export const REASON_TAGGED = 6;
export const REASON_ETHER_TYPE = 7;
export const REASON_IP_HEADER = 8;
export const REASON_OPTIONS = 9;
export const REASON_TTL = 10;
export const REASON_MARTIAN = 11;
export const REASON_MTU = 12;
/** The output port is down, or can't take packets from where this one came in. */
export const REASON_PORT = 13;
export const REASON_STEPS = 14;
/** A flow whose hash needs IPv6 extension headers. */
export const REASON_FLOW = 15;
/** A large segment that the kernel can't cut, or of an unusual kind. */
export const REASON_SEGMENT = 16;
/** The way ends at no node. */
export const REASON_NO_PATH = 17;
/** Nodes in an order that the kernel doesn't do, such as an output port without a lookup or an encapsulation. */
export const REASON_ORDER = 18;
/** The kernel refused to change the packet. */
export const REASON_UNCHANGED = 19;
/** Not to overtake such a segment of its flow. */
export const REASON_AFTER_SEGMENT = 20;

/** What `show` and metrics call the reasons, by their numbers. */
export const REASON_NAMES: readonly string[] = [
  ...['node', 'host', 'policer', 'unbound', 'busy', 'short', 'tagged', 'etherType', 'ipHeader', 'options'],
  ...['ttl', 'martian', 'mtu', 'port', 'steps', 'flow', 'segment', 'noPath', 'order', 'unchanged', 'afterSegment'],
];

/** Mark of packets on their way to the TypeScript engine by tc, so that what Linux itself sends there isn't taken for one. */
export const SLOW_MARK = 1936486263;

/** Records that one packet passes; with more it goes to the TypeScript engine. */
export const MAX_KERNEL_STEPS = 16;
/** Nodes that a record stands for at most: times steps no more than the engine's own limit, MAX_STEPS of walk.ts. */
export const FUSED_NODES = 4;
