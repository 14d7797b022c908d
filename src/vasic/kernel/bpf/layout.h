/*
 * What softvasic's dataplane thread writes and the BPF program reads: addresses in the heap and in the globals, in words of 32
 * bits. src/vasic/kernel/layout.ts has the same numbers, and the prose; a test compares the two name by name.
 */
#ifndef LAYOUT_H
#define LAYOUT_H

/* The heap map: an array of chunks of so many words. Nothing that is read through one pointer straddles two. */
#define CHUNK_BITS 14
#define CHUNK_WORDS 16384

/* A record: 8 words, aligned to 8. Word 0 is its kind. */
#define RECORD_WORDS 8

#define KIND_SLOW 0
#define SLOW_REASON 1

#define KIND_DISCARD 1
#define DISCARD_COUNTER 1

#define KIND_GOTO 2
#define GOTO_NEXT 1

#define KIND_MATCH_MAC 3
#define MATCH_MAC_HIGH 1
#define MATCH_MAC_LOW 2
#define MATCH_MAC_TRUE 3
#define MATCH_MAC_FALSE 4

#define KIND_ETHER_SWITCH 4
#define ETHER_SWITCH_IP4 1
#define ETHER_SWITCH_IP6 2
#define ETHER_SWITCH_MPLS 3

#define KIND_TREE 5
#define TREE_DEFAULT 1
#define TREE_ROOT4 2
#define TREE_ROOT6 3

#define KIND_BALANCE 6
#define BALANCE_MAX 1
#define BALANCE_SLOTS 2
#define BALANCE_PRESENT_COUNT 3
#define BALANCE_PRESENT 4
#define BALANCE_LABELS 5

#define KIND_ENCAP 7
#define ENCAP_NEXT 1
#define ENCAP_MTU 2
#define ENCAP_COUNTER 3
#define ENCAP_MACS 4

#define KIND_OUTPUT 8
#define OUTPUT_PORT 1

#define KIND_COUNTER 9
#define COUNTER_NEXT 1
#define COUNTER_ID 2

#define KIND_PUSH 10
#define PUSH_NEXT 1
#define PUSH_COUNTER 2
#define PUSH_LABEL 3
#define PUSH_TTL 4
#define PUSH_KEEPS_CLASS 5

#define KIND_SWAP 11
#define SWAP_NEXT 1
#define SWAP_COUNTER 2
#define SWAP_LABEL 3

#define KIND_POP 12
#define POP_NEXT 1
#define POP_STACK 2
#define POP_COUNTER 3
#define POP_TTL 4
#define POP_PAYLOAD 5
#define POP_TTL_STAYS 0
#define POP_TTL_OF_LABEL 1
#define POP_TTL_OF_PACKET 2

#define KIND_LABEL_TABLE 13
#define LABEL_TABLE_DEFAULT 1
#define LABEL_TABLE_PAGES 2
#define LABEL_TABLE_EXPIRES 3
#define LABEL_PAGE_BITS 10
#define LABEL_PAGE_WORDS 1024

#define KIND_PORT_SWITCH 14
#define PORT_SWITCH_COUNT 1
#define PORT_SWITCH_SLOTS 2

#define KIND_ADJACENCY 15
#define ADJACENCY_PORT 1

#define KIND_FRONT 16
#define FRONT_FALSE 3
#define FRONT_IP4 4
#define FRONT_IP6 5
#define FRONT_MPLS 6

/* The root of a trie: 8 words, aligned to 8. */
#define ROOT_WORDS 8
#define ROOT_INDEX 0
#define ROOT_COVER 1
#define ROOT_SHORTS 2
#define ROOT_NODE 3
#define ROOT_LEAVES 4
#define ROOT_BUCKETS 5
#define AHEAD_BITS 24
#define AHEAD_TABLE_WORDS 16384
#define AHEAD_PAGE_BITS 10
#define LEAF_PAGE_WORDS 256
#define AHEAD_DEEPER 0xffffffff
#define GROUP_WORDS 16
#define GROUP_LEAVES 64
#define GROUP_BITS 6
#define GROUP_STARTS 0
#define GROUP_AT 2
#define GROUP_RUNS 28
#define AHEAD_NARROW_DEEPER 0xffff
#define BUCKET_PAGE_WORDS 1024
#define BUCKET_SIZE_BITS 4
#define BUCKET_BITS_MOST 6
#define BUCKET_WORDS 16
#define BUCKET_REST 15
#define BUCKET_KEYS 0
#define BUCKET_PREFIXES 10
#define BUCKET_VALUES 10

/* A node of a trie: 4 words, aligned to 4. */
#define NODE_WORDS 4
#define NODE_PREFIXES 0
#define NODE_CHILDREN 1
#define NODE_CHILD_BLOCK 2
#define NODE_VALUES 3
#define NODE_STRIDE 5
#define NODE_PATH 1
#define NODE_LEAF 2
#define NODE_BITS_SHIFT 2
#define NODE_HIGH 1
#define NODE_LOW 2
#define NODE_BEHIND 3
#define INDEX_BITS 16

/* The globals. */
#define GLOBAL_GRAPH_VERSION 0
#define GLOBAL_RECORDS 1
#define GLOBAL_TEST_PORT 2
#define GLOBAL_TEST_VERDICT 3
#define GLOBAL_TEST_OUT_PORT 4
#define GLOBAL_TEST_REASON 5
#define GLOBAL_LAYOUT 6
#define LAYOUT_VERSION 11
#define GLOBAL_DEADLINE 7
#define DEADLINE_SHIFT 30
#define GLOBAL_ENTRIES 8
#define GLOBAL_CUT 9
#define GLOBAL_TREE_VERSIONS 64
#define TREE_VERSIONS 1024
#define GLOBAL_PORT_OF 1088
#define PORT_OF_SLOTS 1024
#define PORT_OF_PROBES 16
#define GLOBAL_PORTS 2112
#define GLOBAL_FLOWS_CUT 10304
#define FLOWS_CUT 1024
#define CUT_SHIFT 30
#define CUT_UNITS 2
#define GLOBAL_WORDS 11328

/* A port in the globals. */
#define MAX_KERNEL_PORTS 512
#define PORT_WORDS 16
#define PORT_IFINDEX 0
#define PORT_START 1
#define PORT_MTU 2
#define PORT_FLAGS 3
#define PORT_SLOW_IFINDEX 4
#define PORT_INPUT_COUNTER 5
#define PORT_OUTPUT_COUNTER 6
#define PORT_DISCARD_COUNTER 7
#define PORT_SLOW_COUNTERS 8
#define PORT_SHORT 9
#define PORT_SHORT_HIGH 10
#define PORT_SHORT_LOW 11
#define PORT_SHORT_ROOT4 12
#define PORT_SHORT_DEFAULT4 13
#define PORT_SHORT_ROOT6 14
#define PORT_SHORT_DEFAULT6 15
#define SHORT_IP4 1
#define SHORT_IP6 2

#define PORT_UP 1
#define PORT_GENERIC 2
#define PORT_XDP_TARGET 4

/* Verdicts, as a test run reports them. */
#define VERDICT_SLOW 1
#define VERDICT_SENT 2
#define VERDICT_DISCARDED 3

/* Why a packet goes to the TypeScript engine. */
#define SLOW_REASONS 32
#define REASON_NODE 0
#define REASON_HOST 1
#define REASON_POLICER 2
#define REASON_UNBOUND 3
#define REASON_BUSY 4
#define REASON_SHORT 5
#define REASON_TAGGED 6
#define REASON_ETHER_TYPE 7
#define REASON_IP_HEADER 8
#define REASON_OPTIONS 9
#define REASON_TTL 10
#define REASON_MARTIAN 11
#define REASON_MTU 12
#define REASON_PORT 13
#define REASON_STEPS 14
#define REASON_FLOW 15
#define REASON_SEGMENT 16
#define REASON_NO_PATH 17
#define REASON_ORDER 18
#define REASON_UNCHANGED 19
#define REASON_AFTER_SEGMENT 20

/* Of packets on their way to the TypeScript engine by tc. */
#define SLOW_MARK 1936486263

/* Records that one packet passes, and nodes that one stands for. */
#define MAX_KERNEL_STEPS 16
#define FUSED_NODES 4

#endif
