// SPDX-License-Identifier: Apache-2.0
/*
 * softvasic's forwarding in the kernel: what src/vasic/engine does with a packet, for the kinds of nodes in layout.h. Everything
 * else, and everything in doubt, goes to the TypeScript engine as it came. So a packet is first followed to its end with nothing
 * changed (decide()), and changed only when it is certain that it leaves.
 *
 * The program reads two maps that the dataplane thread writes while it runs: the heap and the globals (layout.h; the order of
 * stores is in layout.ts). Whatever is read there may be half of a change: each address is masked to the heap, each loop is
 * bounded, and the versions say afterwards whether what was read counts.
 *
 * Two programs: `tc` at the ingress of a port, which sees 64 KB segments whole, and `xdp`. They differ in how a packet is had and
 * given on; all else is shared. Helpers no newer than kernel 5.15 are used.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "layout.h"

#define ETHER_BYTES 14
#define LABEL_BYTES 4
#define IP4_BYTES 20
#define IP6_BYTES 40
#define TYPE_IP4 0x0800
#define TYPE_IP6 0x86dd
#define TYPE_MPLS 0x8847
#define TYPE_VLAN 0x8100
#define TYPE_QINQ 0x88a8
#define PROTO_TCP 6
#define PROTO_UDP 17
#define PROTO_DCCP 33
#define PROTO_SCTP 132
#define PROTO_UDPLITE 136
/* Bytes that the program looks at: Ethernet, labels, IPv6 and the TCP header's length. */
#define HEADERS_BYTES 84
/* Nodes that count which a packet may pass; a power of two. */
#define MAX_COUNTS 8
/* Labels that a packet may be given, and of those that it has so many as are looked at; powers of two. */
#define MAX_PUSHED 4
#define MAX_STACK 4
/* What a flow is told by of labels (engine/label-stack.ts). */
#define FIRST_UNRESERVED 16
#define ENTROPY_INDICATOR 7
/* Of a label's entry. */
#define LABEL_CLASS 0xe00
#define LABEL_BOTTOM 0x100
#define LABEL_TTL 0xff
/* Test runs without an interface come from the loopback device. */
#define LOOPBACK_IFINDEX 1
/* find_route(): the tree was changing. */
#define TORN 0xffffffff

/* Said when the program is loaded: the verifier takes these for constants. */
struct config {
	/* Counters of each CPU. */
	__u32 counters;
	/* The processor may see another thread's stores in another order: arm64. */
	__u32 weakly_ordered;
};
const volatile struct config config SEC(".rodata.config") = { 0 };

volatile __u32 globals[GLOBAL_WORDS];

struct chunk {
	__u32 words[CHUNK_WORDS];
};

struct counter {
	__u64 packets;
	__u64 bytes;
};

/* Both maps get their sizes when the program is loaded. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct chunk);
} heap SEC(".maps");

/* By CPU, then by number. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counter);
} counters SEC(".maps");

/* Chunk of five bits of an address: bits of all prefixes in a node that cover it. As in prefix-trie.ts. */
#define COVER(c) (1u << 1 | 1u << (2 | (c) >> 4) | 1u << (4 | (c) >> 3) | 1u << (8 | (c) >> 2) | 1u << (16 | (c) >> 1))
#define COVER4(c) COVER(c), COVER((c) + 1), COVER((c) + 2), COVER((c) + 3)
static const __u32 covering[32] = {
	COVER4(0), COVER4(4), COVER4(8), COVER4(12), COVER4(16), COVER4(20), COVER4(24), COVER4(28),
};

/* Address of `words` words (a power of two) of the heap, which lie within one chunk; NULL beyond its end. */
static __always_inline volatile const __u32 *heap_at(__u32 address, __u32 words)
{
	__u32 number = address >> CHUNK_BITS;
	struct chunk *chunk = bpf_map_lookup_elem(&heap, &number);

	if (!chunk)
		return NULL;
	return chunk->words + (address & (CHUNK_WORDS - 1) & ~(words - 1));
}

static __always_inline __u32 heap_word(__u32 address)
{
	volatile const __u32 *at = heap_at(address, 1);

	return at ? *at : 0;
}

/* What was read before this isn't moved behind it, nor the other way round. x86 doesn't reorder loads: only the compiler might. */
static __always_inline void barrier_loads(void)
{
	__u64 word = 0;

	if (config.weakly_ordered)
		__sync_fetch_and_add(&word, 1);
	asm volatile("" ::: "memory");
}

static __always_inline __u32 popcount(__u32 v)
{
	v = v - ((v >> 1) & 0x55555555);
	v = (v & 0x33333333) + ((v >> 2) & 0x33333333);
	return (((v + (v >> 4)) & 0x0f0f0f0f) * 0x01010101) >> 24;
}

/* The highest bit that is set. */
static __always_inline __u32 highest(__u32 v)
{
	v |= v >> 1;
	v |= v >> 2;
	v |= v >> 4;
	v |= v >> 8;
	v |= v >> 16;
	return v - (v >> 1);
}

/* What the pages in front of a trie know of an address's first 24 bits; LEAF_DEEPER: the trie knows more. */
static __always_inline __u32 find_leaf(__u32 table, __u32 leaf)
{
	__u32 page = table ? heap_word(table + (leaf >> LEAF_PAGE_BITS)) : 0;

	return page ? heap_word(page + (leaf & (LEAF_PAGE_WORDS - 1))) : LEAF_DEEPER;
}

/* Of the prefixes shorter than an index slot, the longest one's value. */
static __always_inline __u32 short_prefix(__u32 cover, __u32 shorts, __u32 first)
{
	return heap_word(shorts + (heap_word(cover + (first >> 1)) >> (first & 1) * 16 & 0xffff));
}

/* So many bits, 63 at most, from the top. */
static __always_inline __u64 first_bits(__u64 word, __u32 bits)
{
	return word >> 1 >> (63 - bits);
}

/*
 * The value of the longest prefix that covers the address, 0 for none: PrefixTrie.lookup(). `high` and `low` are the 128 bits of the
 * address, an IPv4 address being the first 32. A function of its own to the verifier, which looks at it once.
 */
__noinline __u32 walk_trie(__u32 root, __u64 high, __u64 low)
{
	volatile const __u32 *tables = heap_at(root, ROOT_WORDS);
	__u32 first = high >> (64 - INDEX_BITS);
	__u32 prefixes = 0, covered = 0, values = 0;
	__u32 node, index, cover, shorts, leaf;

	if (!tables || root == 0)
		return 0;
	index = tables[ROOT_INDEX];
	cover = tables[ROOT_COVER];
	shorts = tables[ROOT_SHORTS];
	node = tables[ROOT_NODE];
	leaf = find_leaf(tables[ROOT_LEAVES], high >> (64 - LEAF_BITS));
	if (leaf != LEAF_DEEPER)
		return leaf ? leaf : short_prefix(cover, shorts, first);
	if (index) {
		node = heap_word(index + first);
		high = high << INDEX_BITS | low >> (64 - INDEX_BITS);
		low <<= INDEX_BITS;
	}
	for (int level = 0; level < 128 / NODE_STRIDE + 1 && node != 0; level++) {
		volatile const __u32 *words = heap_at(node, NODE_WORDS);
		__u32 chunk = high >> (64 - NODE_STRIDE);
		__u32 here, hits, children;

		if (!words)
			return 0;
		here = words[NODE_PREFIXES];
		if (here & NODE_PATH) {
			__u32 bits = here >> NODE_BITS_SHIFT & 63;

			if (first_bits(high ^ ((__u64)words[NODE_HIGH] << 32 | words[NODE_LOW]), bits))
				break;
			if (here & NODE_LEAF)
				return words[NODE_BEHIND];
			node = words[NODE_BEHIND];
			high = high << bits | first_bits(low, bits);
			low <<= bits;
			continue;
		}
		hits = here & covering[chunk & 31];
		if (hits) {
			covered = hits;
			prefixes = here;
			values = words[NODE_VALUES];
		}
		children = words[NODE_CHILDREN];
		if (!(children >> chunk & 1))
			break;
		node = words[NODE_CHILD_BLOCK] + popcount(children & ((1u << chunk) - 1)) * NODE_WORDS;
		high = high << NODE_STRIDE | low >> (64 - NODE_STRIDE);
		low <<= NODE_STRIDE;
	}
	if (covered && !(prefixes & (prefixes - 1)))
		return values;
	if (covered)
		return heap_word(values + popcount(prefixes & (highest(covered) - 1)));
	return index ? short_prefix(cover, shorts, first) : 0;
}

/* The same, and sure that nothing changed meanwhile; or TORN, after a second try. */
__noinline __u32 find_route(__u32 root, __u64 high, __u64 low)
{
	/* A small trie is one part, one with tables has a part for each index slot. */
	__u32 part = heap_word(root + ROOT_INDEX) ? high >> (64 - INDEX_BITS) : root / ROOT_WORDS;
	volatile __u32 *version = globals + GLOBAL_TREE_VERSIONS + (part & (TREE_VERSIONS - 1));

	for (int attempt = 0; attempt < 2; attempt++) {
		__u32 before = *version;
		__u32 found;

		barrier_loads();
		found = walk_trie(root, high, low);
		barrier_loads();
		if (!(before & 1) && *version == before)
			return found;
	}
	return TORN;
}

/* What the packet has in its headers, read once. */
struct headers {
	__u64 source_high, source_low;
	__u64 destination_high, destination_low;
	__u32 mac_high, mac_low;
	/* The ether types of the frame, and of the IP packet in it, which may be behind labels; 0: there is none. */
	__u32 type, ip;
	/* Bytes of the frame, of what is behind Ethernet header and labels in it, and of the IP packet. */
	__u32 frame, room, packet;
	/* Its labels, the outermost first, as entries in the processor's byte order; how many were read, and whether the last is at the bottom. */
	__u32 stack[MAX_STACK];
	__u32 depth, bottom;
	/* Bytes of the largest IP packet that goes on the wire, a segment's, and of what a segment carries; 0: it is none. */
	__u32 wire, segment;
	/* TTL or hop limit, and what is behind it or in front of it: protocol or next header. */
	__u32 hops, proto;
	__u32 flow_label;
	/* Source port in the high half; 0 where the flow has none to count. */
	__u32 ports;
	__u32 has_ports;
	/* Why the packet is nothing to route by, REASON_NODE: it is sound. */
	__u32 unsound;
};

/* Where the packet goes. */
struct way {
	__u32 verdict;
	__u32 reason;
	__u32 in, out;
	__u32 out_ifindex;
	__u32 macs[3];
	/* Counters of the nodes that it passes, 0: none, and how many these are. */
	__u32 counts[MAX_COUNTS];
	__u32 passed;
	/* Whether a route tree led here, whether there is a new Ethernet header, and the MTU that this has; 0: none. */
	__u32 routed, encapsulated, mtu;
	/* Labels that it gets, the innermost first, as entries in the processor's byte order. */
	__u32 labels[MAX_PUSHED];
	__u32 pushed;
	/* Labels of its own that it loses, and the ether type of what it is without these. */
	__u32 popped, proto;
	/* TTL or hop limit of the IP packet, and whether it is a new one; `counted`: a label's stands for this hop. */
	__u32 hops, changes_hops, counted;
	/* Bytes of the frame that leaves, and its ether type. */
	__u32 length, type;
	/* The frame came through native XDP, which can send out of some ports only. */
	__u32 native;
};

static __always_inline __u32 is_extension(__u32 next)
{
	return next == 0 || next == 43 || next == 44 || next == 51 || next == 60;
}

static __always_inline int has_ports(__u32 proto)
{
	return proto == PROTO_TCP || proto == PROTO_UDP || proto == PROTO_DCCP || proto == PROTO_SCTP ||
	       proto == PROTO_UDPLITE;
}

static __always_inline __u32 read16(const void *at)
{
	return bpf_ntohs(*(const __u16 *)at);
}

static __always_inline __u32 read32(const void *at)
{
	return bpf_ntohl(*(const __u32 *)at);
}

static __always_inline __u64 read64(const void *at)
{
	return (__u64)read32(at) << 32 | read32(at + 4);
}

static __always_inline __u32 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* RFC 1071: whether the header sums up. */
static __always_inline int is_checksum_right(const __u16 *words)
{
	__u32 sum = 0;

#pragma unroll
	for (int i = 0; i < IP4_BYTES / 2; i++)
		sum += words[i];
	return fold(sum) == 0xffff;
}

/* Size on the wire of a packet whose transport header is at `at`, `bytes` behind the start of the IP header; 0: not known. */
static __always_inline __u32 segment_size(const void *at, const void *end, __u32 proto, __u32 bytes, __u32 packet,
					  __u32 segment)
{
	__u32 size;

	/* A UDP packet may be a tunnel's, whose segments have more headers. */
	if (proto != PROTO_TCP || at + 14 > end)
		return 0;
	size = bytes + (*(const __u8 *)(at + 12) >> 4) * 4 + segment;
	return size < packet ? size : packet;
}

/* Reads an IPv4 header; returns why it can't be routed by, REASON_NODE: it can. `segment`: bytes of a segment, 0: it is none. */
static __always_inline __u32 parse_ip4(struct headers *h, const void *ip, const void *end, __u32 segment)
{
	__u32 fragment;

	if (ip + IP4_BYTES > end)
		return REASON_IP_HEADER;
	if (*(const __u8 *)ip != 0x45)
		return *(const __u8 *)ip >> 4 == 4 ? REASON_OPTIONS : REASON_IP_HEADER;
	h->packet = read16(ip + 2);
	if (h->packet < IP4_BYTES || h->packet > h->room || !is_checksum_right(ip))
		return REASON_IP_HEADER;
	fragment = read16(ip + 6) & 0x3fff;
	h->hops = *(const __u8 *)(ip + 8);
	h->proto = *(const __u8 *)(ip + 9);
	h->source_high = (__u64)read32(ip + 12) << 32;
	h->destination_high = (__u64)read32(ip + 16) << 32;
	if (!fragment && has_ports(h->proto) && h->packet >= IP4_BYTES + 4) {
		if (ip + IP4_BYTES + 4 > end)
			return REASON_SHORT;
		h->ports = read32(ip + IP4_BYTES);
		h->has_ports = 1;
	}
	h->wire = h->packet;
	if (segment) {
		h->wire = segment_size(ip + IP4_BYTES, end, h->proto, IP4_BYTES, h->packet, segment);
		if (!h->wire || fragment)
			return REASON_SEGMENT;
	}
	return REASON_NODE;
}

/* The same for IPv6. */
static __always_inline __u32 parse_ip6(struct headers *h, const void *ip, const void *end, __u32 segment)
{
	__u32 first;

	if (ip + IP6_BYTES > end)
		return REASON_IP_HEADER;
	first = read32(ip);
	if (first >> 28 != 6)
		return REASON_IP_HEADER;
	h->packet = IP6_BYTES + read16(ip + 4);
	if (h->packet > h->room)
		return REASON_IP_HEADER;
	h->flow_label = first & 0xfffff;
	h->proto = *(const __u8 *)(ip + 6);
	h->hops = *(const __u8 *)(ip + 7);
	if (h->proto == 0)
		return REASON_OPTIONS;
	h->source_high = read64(ip + 8);
	h->source_low = read64(ip + 16);
	h->destination_high = read64(ip + 24);
	h->destination_low = read64(ip + 32);
	if (has_ports(h->proto) && h->packet >= IP6_BYTES + 4) {
		if (ip + IP6_BYTES + 4 > end)
			return REASON_SHORT;
		h->ports = read32(ip + IP6_BYTES);
		h->has_ports = 1;
	}
	h->wire = h->packet;
	if (segment) {
		h->wire = segment_size(ip + IP6_BYTES, end, h->proto, IP6_BYTES, h->packet, segment);
		if (!h->wire)
			return REASON_SEGMENT;
	}
	return REASON_NODE;
}

/* Reads labels, and what is behind them by its first bits (payloadType() of engine/label-stack.ts). Returns where that is, NULL: not within reach. */
static __always_inline const void *parse_labels(struct headers *h, const void *at, const void *end)
{
	__u32 version;

	h->ip = 0;
#pragma unroll
	for (int i = 0; i < MAX_STACK; i++) {
		if (h->bottom || at + LABEL_BYTES > end)
			break;
		h->stack[i] = read32(at);
		h->depth = i + 1;
		h->bottom = h->stack[i] & LABEL_BOTTOM;
		h->room -= LABEL_BYTES;
		at += LABEL_BYTES;
	}
	if (!h->bottom || h->room == 0)
		return at;
	if (at + 1 > end)
		return NULL;
	version = *(const __u8 *)at >> 4;
	if (version == 4 && h->room >= IP4_BYTES)
		h->ip = TYPE_IP4;
	else if (version == 6 && h->room >= IP6_BYTES)
		h->ip = TYPE_IP6;
	return at;
}

/* Reads the headers of a frame of `frame` bytes, of which those from `data` to `end` can be read. 0: too short for anything. */
static __always_inline int parse(struct headers *h, const void *data, const void *end, __u32 frame, __u32 segment)
{
	const void *ip = data + ETHER_BYTES;

	if (ip > end)
		return 0;
	h->frame = frame;
	h->segment = segment;
	h->mac_high = read16(data);
	h->mac_low = read32(data + 2);
	h->type = read16(data + 12);
	h->room = frame - ETHER_BYTES;
	h->ip = h->type;
	if (h->type == TYPE_MPLS) {
		ip = parse_labels(h, ip, end);
		if (!ip) {
			h->unsound = REASON_SHORT;
			return 1;
		}
	}
	if (h->ip == TYPE_IP4)
		h->unsound = parse_ip4(h, ip, end, segment);
	else if (h->ip == TYPE_IP6)
		h->unsound = parse_ip6(h, ip, end, segment);
	else
		h->unsound = REASON_ETHER_TYPE;
	/* A segment with padding is not cut: the kernel would take it for no segment any more. */
	if (segment && h->unsound == REASON_NODE && h->packet != h->room)
		h->unsound = REASON_SEGMENT;
	return 1;
}

/* 0.0.0.0, 127.0.0.0/8, 224.0.0.0/4, 255.255.255.255. */
static __always_inline int is_martian4(__u32 address)
{
	__u32 first = address >> 24;

	return first == 127 || address == 0 || (first >= 224 && first < 240) || address == 0xffffffff;
}

/* What engine/martians.ts doesn't forward, or forwards in some cases only. */
static __always_inline int is_martian(const struct headers *h)
{
	if (h->ip == TYPE_IP4)
		return is_martian4(h->source_high >> 32) || is_martian4(h->destination_high >> 32);
	if (h->source_high >> 56 == 0xff || h->destination_high >> 56 == 0xff)
		return 1;
	if (h->source_high == 0 && h->source_low <= 1)
		return 1;
	if (h->destination_high == 0 && h->destination_low == 1)
		return 1;
	/* fe80::/10 */
	return h->source_high >> 54 == 0x3fa || h->destination_high >> 54 == 0x3fa;
}

static __always_inline __u32 mix(__u32 hash, __u32 word)
{
	__u32 k = word * 0xcc9e2d51;

	k = (k << 15 | k >> 17) * 0x1b873593;
	hash ^= k;
	return (hash << 13 | hash >> 19) * 5 + 0xe6546b64;
}

static __always_inline __u32 mix64(__u32 hash, __u64 words)
{
	return mix(mix(hash, words >> 32), words);
}

static __always_inline __u32 avalanche(__u32 h)
{
	h ^= h >> 16;
	h *= 0x85ebca6b;
	h ^= h >> 13;
	h *= 0xc2b2ae35;
	return h ^ h >> 16;
}

/* hashFlow() by FLOW_FIELDS of engine/flow-hash.ts. */
static __always_inline __u32 hash_flow(const struct headers *h)
{
	__u32 hash = 0x5bd1e995;

	if (h->ip == TYPE_IP4) {
		hash = mix(hash, h->source_high >> 32);
		hash = mix(hash, h->destination_high >> 32);
		hash = mix(hash, h->proto);
	} else {
		hash = mix64(mix64(hash, h->source_high), h->source_low);
		hash = mix64(mix64(hash, h->destination_high), h->destination_low);
		hash = mix(hash, h->proto);
		hash = mix(hash, h->flow_label);
	}
	if (h->has_ports)
		hash = mix(mix(hash, h->ports >> 16), h->ports & 0xffff);
	return avalanche(hash);
}

/* The same of a packet whose labels from `popped` on tell what its flow is: labelFlow() of engine/label-stack.ts. 0: they can't. */
static __always_inline int hash_labels(const struct headers *h, __u32 popped, __u32 *hash)
{
	__u32 flow = 0x2c1b3c6d, indicated = 0;

	for (int i = 0; i < MAX_STACK; i++) {
		__u32 at = popped + i;
		__u32 entry, label;

		if (at >= h->depth)
			return 0;
		entry = h->stack[at & (MAX_STACK - 1)];
		label = entry >> 12;
		if (label >= FIRST_UNRESERVED) {
			flow = mix(flow, label);
			if (indicated)
				break;
		} else if (label == ENTROPY_INDICATOR) {
			indicated = 1;
		}
		if (!(entry & LABEL_BOTTOM))
			continue;
		if (h->unsound != REASON_NODE && h->unsound != REASON_ETHER_TYPE)
			return 0;
		if (h->ip == TYPE_IP4) {
			flow = mix(mix(flow, h->source_high >> 32), h->destination_high >> 32);
			flow = mix(flow, h->proto);
		} else if (h->ip == TYPE_IP6) {
			flow = mix64(mix64(flow, h->source_high), h->source_low);
			flow = mix64(mix64(flow, h->destination_high), h->destination_low);
			flow = mix(flow, h->proto);
		}
		break;
	}
	*hash = avalanche(mix(0x5bd1e995, flow));
	return 1;
}

static __always_inline __u32 pick(__u32 hash, __u32 n)
{
	return (__u64)hash * n >> 32;
}

/* The slot that a load balancer gives the flow with this hash; 0: none. */
static __always_inline __u32 balance(volatile const __u32 *record, __u32 hash)
{
	__u32 own = heap_word(record[BALANCE_SLOTS] + pick(hash, record[BALANCE_MAX]));
	__u32 present = record[BALANCE_PRESENT_COUNT];

	if (own || !present)
		return own;
	return heap_word(record[BALANCE_PRESENT] + pick(avalanche(hash ^ 0x9e3779b9), present));
}

static __always_inline volatile __u32 *port_at(__u32 port)
{
	return globals + GLOBAL_PORTS + (port & (MAX_KERNEL_PORTS - 1)) * PORT_WORDS;
}

/* Index of the port with this interface, + 1; 0: none. */
static __always_inline __u32 find_port(__u32 ifindex)
{
	if (ifindex == LOOPBACK_IFINDEX)
		return globals[GLOBAL_TEST_PORT];
	for (__u32 i = 0; i < PORT_OF_PROBES; i++) {
		__u32 port = globals[GLOBAL_PORT_OF + ((ifindex + i) & (PORT_OF_SLOTS - 1))];

		if (port == 0)
			return 0;
		if (port_at(port - 1)[PORT_IFINDEX] == ifindex)
			return port;
	}
	return 0;
}

static __always_inline void slow(struct way *way, __u32 reason)
{
	way->verdict = VERDICT_SLOW;
	way->reason = reason;
}

/* Notes a counter that the packet passes; 0: there are too many. */
static __always_inline int passes(struct way *way, __u32 counter)
{
	if (way->passed >= MAX_COUNTS)
		return 0;
	way->counts[way->passed++ & (MAX_COUNTS - 1)] = counter;
	return 1;
}

/* Whether the packet begins with a label of those that it came with. */
static __always_inline int has_label(const struct way *way, const struct headers *h)
{
	return way->proto == TYPE_MPLS && !way->pushed && !way->encapsulated && way->popped < h->depth;
}

static __always_inline __u32 top_label(const struct way *way, const struct headers *h)
{
	return h->stack[way->popped & (MAX_STACK - 1)];
}

/* The TTL that the IP packet will have on the wire. */
static __always_inline __u32 hops_on_wire(const struct way *way)
{
	return way->routed && !way->counted && way->hops ? way->hops - 1 : way->hops;
}

/* Another label in place of the top one (push-label.ts). Returns why not, REASON_NODE: done. */
static __always_inline __u32 swap(struct way *way, const struct headers *h, volatile const __u32 *record)
{
	__u32 before;

	if (!has_label(way, h) || !passes(way, record[SWAP_COUNTER]))
		return REASON_ORDER;
	before = top_label(way, h);
	if ((before & LABEL_TTL) <= 1)
		return REASON_TTL;
	way->labels[0] = record[SWAP_LABEL] | (before & (LABEL_CLASS | LABEL_BOTTOM)) | ((before & LABEL_TTL) - 1);
	way->pushed = 1;
	way->popped++;
	way->counted = 1;
	return REASON_NODE;
}

/* The top label off (pop-label.ts). Likewise. */
static __always_inline __u32 pop(struct way *way, const struct headers *h, volatile const __u32 *record)
{
	__u32 payload = record[POP_PAYLOAD];
	__u32 ttl = record[POP_TTL];
	__u32 entry;

	if (!has_label(way, h) || !passes(way, record[POP_COUNTER]))
		return REASON_ORDER;
	entry = top_label(way, h);
	way->popped++;
	if (!(entry & LABEL_BOTTOM))
		return way->popped < h->depth ? REASON_NODE : REASON_ORDER;
	if (h->unsound != REASON_NODE)
		return h->unsound;
	if (payload && payload != h->ip)
		return REASON_IP_HEADER;
	way->proto = h->ip;
	if (ttl == POP_TTL_STAYS)
		return REASON_NODE;
	way->hops = ttl == POP_TTL_OF_LABEL ? entry & LABEL_TTL : h->hops;
	if (way->hops <= 1)
		return REASON_TTL;
	way->hops--;
	way->changes_hops = 1;
	way->counted = 1;
	return REASON_NODE;
}

/* Where a table has packets go by their top label; 0: nowhere known. */
static __always_inline __u32 find_label(volatile const __u32 *record, __u32 label)
{
	__u32 page = heap_word(record[LABEL_TABLE_PAGES] + (label >> LABEL_PAGE_BITS));

	return page ? heap_word(page + (label & (LABEL_PAGE_WORDS - 1))) : 0;
}

/* Puts a label in front of a packet that was routed, or came with labels (push-label.ts); 0: not here. */
static __always_inline int push(struct way *way, const struct headers *h, volatile const __u32 *record)
{
	__u32 ttl = record[PUSH_TTL];
	__u32 entry = record[PUSH_LABEL];
	__u32 pushed = way->pushed;

	if ((!way->routed && !way->popped) || way->encapsulated || pushed >= MAX_PUSHED || !passes(way, record[PUSH_COUNTER]))
		return 0;
	if (pushed || way->proto == TYPE_MPLS) {
		__u32 below = pushed ? way->labels[(pushed - 1) & (MAX_PUSHED - 1)] : top_label(way, h);

		entry |= ttl ? ttl : below & LABEL_TTL;
		if (record[PUSH_KEEPS_CLASS])
			entry |= below & LABEL_CLASS;
	} else {
		entry |= LABEL_BOTTOM | (ttl ? ttl : hops_on_wire(way));
	}
	way->labels[pushed & (MAX_PUSHED - 1)] = entry;
	way->pushed = pushed + 1;
	return 1;
}

/* A packet that was routed, or lost a label, and has its new Ethernet header reached an output port: whether it leaves (ttl-and-mtu.ts). */
static __always_inline void leave(struct way *way, const struct headers *h, __u32 port)
{
	volatile __u32 *to = port_at(port);
	__u32 flags = to[PORT_FLAGS];
	__u32 size, rest;

	if (way->routed) {
		if (is_martian(h))
			return slow(way, REASON_MARTIAN);
		if (!way->counted && way->hops <= 1)
			return slow(way, REASON_TTL);
	}
	if (!(flags & PORT_UP) || port >= MAX_KERNEL_PORTS)
		return slow(way, REASON_PORT);
	if (way->native && !(flags & PORT_XDP_TARGET) && !(port_at(way->in)[PORT_FLAGS] & PORT_GENERIC))
		return slow(way, REASON_PORT);
	/* Cutting would need the place of the IP header behind the labels, which no helper tells the kernel; without it the segment is lost. */
	if ((way->pushed || way->popped) && h->segment)
		return slow(way, REASON_SEGMENT);
	/* Padding is taken off where the packet was routed. */
	rest = way->routed ? h->packet : h->frame - ETHER_BYTES - way->popped * LABEL_BYTES;
	size = (way->routed ? h->wire : rest) + way->pushed * LABEL_BYTES;
	if (size > to[PORT_MTU] || (way->mtu && size > way->mtu))
		return slow(way, REASON_MTU);
	way->verdict = VERDICT_SENT;
	way->length = ETHER_BYTES + way->pushed * LABEL_BYTES + rest;
	way->type = way->pushed ? TYPE_MPLS : way->proto;
	if (way->routed && !way->counted) {
		way->hops--;
		way->changes_hops = 1;
	}
	way->out = port;
	way->out_ifindex = to[PORT_IFINDEX];
}

/* Gives the packet a new Ethernet header (ENCAP_…, which an adjacency has as well); 0: not here. */
static __always_inline int encapsulate(struct way *way, volatile const __u32 *record)
{
	if ((!way->routed && !way->popped) || !passes(way, record[ENCAP_COUNTER]))
		return 0;
	way->encapsulated = 1;
	way->mtu = record[ENCAP_MTU];
	way->macs[0] = record[ENCAP_MACS];
	way->macs[1] = record[ENCAP_MACS + 1];
	way->macs[2] = record[ENCAP_MACS + 2];
	return 1;
}

static __always_inline int has_mac(const struct headers *h, volatile const __u32 *record)
{
	return record[MATCH_MAC_LOW] == h->mac_low && record[MATCH_MAC_HIGH] == h->mac_high;
}

/* Follows the packet through the graph. Nothing is changed or counted. */
static __always_inline void walk(struct way *way, const struct headers *h)
{
	__u32 records = globals[GLOBAL_RECORDS];
	__u32 slot = port_at(way->in)[PORT_START];

	if (slot == 0)
		return slow(way, REASON_UNBOUND);
	way->proto = h->type;
	way->hops = h->hops;
	for (int step = 0; step < MAX_KERNEL_STEPS; step++) {
		volatile const __u32 *record;

		if (slot == 0)
			return slow(way, REASON_NO_PATH);
		record = heap_at(records + slot * RECORD_WORDS, RECORD_WORDS);
		if (!record)
			return slow(way, REASON_NODE);
		switch (record[0]) {
		case KIND_GOTO:
			slot = record[GOTO_NEXT];
			break;
		case KIND_MATCH_MAC:
			if (way->encapsulated || way->pushed || way->popped)
				return slow(way, REASON_ORDER);
			slot = has_mac(h, record) ? record[MATCH_MAC_TRUE] : record[MATCH_MAC_FALSE];
			break;
		case KIND_FRONT:
			if (way->encapsulated || way->pushed || way->popped)
				return slow(way, REASON_ORDER);
			if (!has_mac(h, record))
				slot = record[FRONT_FALSE];
			else if (h->type == TYPE_IP4)
				slot = record[FRONT_IP4];
			else if (h->type == TYPE_IP6)
				slot = record[FRONT_IP6];
			else if (h->type == TYPE_MPLS)
				slot = record[FRONT_MPLS];
			else
				return slow(way, REASON_ETHER_TYPE);
			break;
		case KIND_ETHER_SWITCH:
			if (way->pushed || way->popped)
				return slow(way, REASON_ORDER);
			if (h->type == TYPE_IP4)
				slot = record[ETHER_SWITCH_IP4];
			else if (h->type == TYPE_IP6)
				slot = record[ETHER_SWITCH_IP6];
			else if (h->type == TYPE_MPLS)
				slot = record[ETHER_SWITCH_MPLS];
			else
				return slow(way, REASON_ETHER_TYPE);
			break;
		case KIND_TREE: {
			__u32 otherwise = record[TREE_DEFAULT];
			__u32 root = h->ip == TYPE_IP4 ? record[TREE_ROOT4] : record[TREE_ROOT6];

			/* The lookup would take the new header off again. */
			if (way->encapsulated || way->pushed)
				return slow(way, REASON_ORDER);
			if (way->proto == TYPE_MPLS)
				return slow(way, REASON_ETHER_TYPE);
			if (h->unsound != REASON_NODE)
				return slow(way, h->unsound);
			slot = find_route(root, h->destination_high, h->destination_low);
			if (slot == TORN)
				return slow(way, REASON_BUSY);
			if (slot == 0)
				slot = otherwise;
			way->routed = 1;
			break;
		}
		case KIND_BALANCE: {
			__u32 hash = avalanche(0x5bd1e995);

			if (way->proto == TYPE_MPLS ? !has_label(way, h) : !way->routed || way->pushed)
				return slow(way, REASON_ORDER);
			if (way->proto == TYPE_MPLS) {
				if (record[BALANCE_LABELS] && !hash_labels(h, way->popped, &hash))
					return slow(way, REASON_FLOW);
			} else if (h->ip == TYPE_IP6 && is_extension(h->proto)) {
				return slow(way, REASON_FLOW);
			} else {
				hash = hash_flow(h);
			}
			slot = balance(record, hash);
			break;
		}
		case KIND_ADJACENCY:
			if (!encapsulate(way, record))
				return slow(way, REASON_ORDER);
			return leave(way, h, record[ADJACENCY_PORT]);
		case KIND_ENCAP:
			if (!encapsulate(way, record))
				return slow(way, REASON_ORDER);
			slot = record[ENCAP_NEXT];
			break;
		case KIND_PUSH:
			if (!push(way, h, record))
				return slow(way, REASON_ORDER);
			slot = record[PUSH_NEXT];
			break;
		case KIND_SWAP: {
			__u32 reason = swap(way, h, record);

			if (reason != REASON_NODE)
				return slow(way, reason);
			slot = record[SWAP_NEXT];
			break;
		}
		case KIND_POP: {
			__u32 reason = pop(way, h, record);

			if (reason != REASON_NODE)
				return slow(way, reason);
			slot = way->proto == TYPE_MPLS ? record[POP_STACK] : record[POP_NEXT];
			break;
		}
		case KIND_LABEL_TABLE: {
			__u32 entry = top_label(way, h);

			if (!has_label(way, h))
				return slow(way, REASON_ORDER);
			slot = find_label(record, entry >> 12);
			if (slot == 0)
				slot = record[LABEL_TABLE_DEFAULT];
			else if (record[LABEL_TABLE_EXPIRES] && (entry & LABEL_TTL) <= 1)
				return slow(way, REASON_TTL);
			break;
		}
		case KIND_PORT_SWITCH:
			if (way->in >= record[PORT_SWITCH_COUNT])
				return slow(way, REASON_ORDER);
			slot = heap_word(record[PORT_SWITCH_SLOTS] + way->in);
			break;
		case KIND_COUNTER:
			if (!passes(way, record[COUNTER_ID]))
				return slow(way, REASON_ORDER);
			slot = record[COUNTER_NEXT];
			break;
		case KIND_OUTPUT:
			if ((!way->routed && !way->popped) || !way->encapsulated)
				return slow(way, REASON_ORDER);
			return leave(way, h, record[OUTPUT_PORT]);
		case KIND_DISCARD:
			if (!passes(way, record[DISCARD_COUNTER]))
				return slow(way, REASON_ORDER);
			way->verdict = VERDICT_DISCARDED;
			return;
		default:
			return slow(way, record[SLOW_REASON] & (SLOW_REASONS - 1));
		}
	}
	slow(way, REASON_STEPS);
}

/* Whether softvasic has ended, so long ago that its tables don't count any more. */
static __always_inline int is_late(void)
{
	__u32 deadline = globals[GLOBAL_DEADLINE];

	return deadline && (__s32)((__u32)(bpf_ktime_get_coarse_ns() >> DEADLINE_SHIFT) - deadline) > 0;
}

/*
 * Decides what becomes of a packet, by a graph that didn't change meanwhile. A function of its own to the verifier, which so takes
 * nothing that parse() found for known and is done after some ten thousand steps instead of never.
 */
__noinline int decide(struct way *way, const struct headers *h)
{
	__u32 version;

	if (!way || !h)
		return 0;
	version = globals[GLOBAL_GRAPH_VERSION];
	barrier_loads();
	if (version & 1) {
		slow(way, REASON_BUSY);
		return 0;
	}
	if (is_late()) {
		slow(way, REASON_UNBOUND);
		return 0;
	}
	walk(way, h);
	barrier_loads();
	if (globals[GLOBAL_GRAPH_VERSION] != version)
		slow(way, REASON_BUSY);
	return 0;
}

/*
 * Keeps a flow in its order whose large segments are left to the TypeScript engine, which takes longer: for some seconds its other packets go there as
 * well. Only UDP, and what gets or loses labels, has such segments and others that the kernel forwards.
 */
static __always_inline void keep_order(struct way *way, const struct headers *h)
{
	int is_cut = h->segment && way->verdict == VERDICT_SLOW && way->reason == REASON_SEGMENT;
	int may_follow = way->verdict == VERDICT_SENT && globals[GLOBAL_CUT] &&
			 (way->pushed || way->popped || h->proto == PROTO_UDP);
	volatile __u32 *flow;
	__u32 now;

	if (!is_cut && !may_follow)
		return;
	flow = globals + GLOBAL_FLOWS_CUT + (mix(hash_flow(h), way->in) & (FLOWS_CUT - 1));
	now = (bpf_ktime_get_coarse_ns() >> CUT_SHIFT) + 1;
	if (is_cut) {
		*flow = now;
		globals[GLOBAL_CUT] = 1;
	} else if (*flow && now - *flow <= CUT_UNITS) {
		slow(way, REASON_AFTER_SEGMENT);
	}
}

static __always_inline int is_tag(__u32 type)
{
	return type == TYPE_VLAN || type == TYPE_QINQ;
}

/* Adds to a counter of this CPU; number 0 is no counter. */
static __always_inline void count(__u32 number, __u32 bytes)
{
	__u32 at = bpf_get_smp_processor_id() * config.counters + number;
	struct counter *counter;

	if (number == 0 || number >= config.counters)
		return;
	counter = bpf_map_lookup_elem(&counters, &at);
	if (!counter)
		return;
	counter->packets++;
	counter->bytes += bytes;
}

/* Counts a packet that the kernel deals with, as the engine would. */
static __always_inline void count_way(const struct way *way, const struct headers *h)
{
	volatile __u32 *in = port_at(way->in);

	count(in[PORT_INPUT_COUNTER], h->frame);
#pragma unroll
	for (int i = 0; i < MAX_COUNTS; i++) {
		if (i >= way->passed)
			break;
		count(way->counts[i], h->frame);
	}
	if (way->verdict == VERDICT_SENT)
		count(port_at(way->out)[PORT_OUTPUT_COUNTER], way->length);
	else
		count(in[PORT_DISCARD_COUNTER], h->frame);
}

static __always_inline void count_slow(const struct way *way, __u32 bytes)
{
	__u32 first = port_at(way->in)[PORT_SLOW_COUNTERS];

	if (first)
		count(first + way->reason, bytes);
}

static __always_inline void report(const struct way *way, __u32 ifindex)
{
	if (ifindex != LOOPBACK_IFINDEX)
		return;
	globals[GLOBAL_TEST_VERDICT] = way->verdict;
	globals[GLOBAL_TEST_OUT_PORT] = way->out;
	globals[GLOBAL_TEST_REASON] = way->reason;
}

/* Label `i` from the outermost, as on the wire. */
static __always_inline __u32 label_on_wire(const struct way *way, __u32 i)
{
	return bpf_htonl(way->labels[(way->pushed - 1 - i) & (MAX_PUSHED - 1)]);
}

/* The new Ethernet header, and the new TTL or hop limit. 0: `end` is too near, nothing was changed. */
static __always_inline int rewrite(void *data, void *end, const struct way *way, const struct headers *h)
{
	__u8 *ip = data + ETHER_BYTES + (way->pushed & (2 * MAX_PUSHED - 1)) * LABEL_BYTES;
	__u32 *macs = data;

	if (data + ETHER_BYTES > end)
		return 0;
	if (way->changes_hops && h->ip == TYPE_IP4) {
		__u32 before, sum;

		if (ip + IP4_BYTES > (__u8 *)end)
			return 0;
		before = read16(ip + 8);
		ip[8] = way->hops;
		/* RFC 1624, equation 3. */
		sum = (~read16(ip + 10) & 0xffff) + (~before & 0xffff) + read16(ip + 8);
		*(__u16 *)(ip + 10) = bpf_htons(~fold(sum) & 0xffff);
	} else if (way->changes_hops) {
		if (ip + IP6_BYTES > (__u8 *)end)
			return 0;
		ip[7] = way->hops;
	}
	macs[0] = way->macs[0];
	macs[1] = way->macs[1];
	macs[2] = way->macs[2];
	*(__u16 *)(data + 12) = bpf_htons(way->type);
	return 1;
}

/* Writes the labels behind the Ethernet header, where there is room for them now; 0: there is none. */
static __always_inline int write_labels_xdp(struct xdp_md *ctx, const struct way *way)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;

#pragma unroll
	for (int i = 0; i < MAX_PUSHED; i++) {
		__u32 *entry = data + ETHER_BYTES + i * LABEL_BYTES;

		if (i >= way->pushed)
			break;
		if ((void *)(entry + 1) > end)
			return 0;
		*entry = label_on_wire(way, i);
	}
	return 1;
}

/*
 * Makes room for so many labels more, or, below 0, takes so many off; 0: there is no memory for that, and the packet is lost as with any that has none.
 * No helper puts bytes behind an Ethernet header, or takes them from there, and has the kernel know what the packet is then, which it has to for checksums
 * that the card is to fill in. VLAN tags do: the first tag is kept beside the packet, each further one pushes the one before into it;
 * a tag that is taken off takes one out of the packet, whatever its four bytes are, and what is behind it says what the packet is.
 */
static __always_inline int resize_tc(struct __sk_buff *skb, int more, __u32 type)
{
	int tags = more > 0 ? more + 2 : 2;
	int cuts = more > 0 ? 1 : 1 - more;

#pragma unroll
	for (int i = 0; i < MAX_PUSHED + 2; i++) {
		if (i < tags && bpf_skb_vlan_push(skb, bpf_htons(TYPE_VLAN), 0))
			return 0;
	}
#pragma unroll
	for (int i = 0; i < MAX_STACK + 1; i++) {
		__u16 behind = i + 1 < cuts ? bpf_htons(TYPE_VLAN) : bpf_htons(type);

		if (i >= cuts)
			break;
		if (bpf_skb_store_bytes(skb, ETHER_BYTES + 2, &behind, sizeof(behind), BPF_F_RECOMPUTE_CSUM) ||
		    bpf_skb_vlan_pop(skb))
			return 0;
	}
	return bpf_skb_vlan_pop(skb) == 0;
}

/* Gives the packet its new labels in place of the old ones; 0: as above. */
static __always_inline int label_tc(struct __sk_buff *skb, const struct way *way)
{
	int more = way->pushed - way->popped;

	if (more && !resize_tc(skb, more, way->type))
		return 0;
#pragma unroll
	for (int i = 0; i < MAX_PUSHED; i++) {
		__u32 entry = label_on_wire(way, i);

		if (i < way->pushed &&
		    bpf_skb_store_bytes(skb, ETHER_BYTES + i * LABEL_BYTES, &entry, LABEL_BYTES, BPF_F_RECOMPUTE_CSUM))
			return 0;
	}
	return 1;
}

SEC("xdp")
int forward_xdp(struct xdp_md *ctx)
{
	struct headers h = {};
	struct way way = {};
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	__u32 ifindex = ctx->ingress_ifindex;
	__u32 frame = end - data;
	__u32 port = find_port(ifindex);

	if (port == 0)
		return XDP_PASS;
	way.in = port - 1;
	way.native = 1;
	if (!parse(&h, data, end, frame, 0))
		slow(&way, REASON_SHORT);
	else if (is_tag(h.type))
		slow(&way, REASON_TAGGED);
	else
		decide(&way, &h);
	if (way.verdict == VERDICT_SENT) {
		int more = (int)(way.pushed - way.popped) * LABEL_BYTES;
		int padding = (int)frame + more - (int)way.length;

		if (padding > 0 && bpf_xdp_adjust_tail(ctx, -padding))
			slow(&way, REASON_UNCHANGED);
		else if (more && bpf_xdp_adjust_head(ctx, -more))
			slow(&way, REASON_UNCHANGED);
		else if (!write_labels_xdp(ctx, &way) ||
			 !rewrite((void *)(long)ctx->data, (void *)(long)ctx->data_end, &way, &h))
			/* Not to be: the headers were read, the tail behind them taken off, and room made. */
			return XDP_ABORTED;
	}
	report(&way, ifindex);
	if (way.verdict == VERDICT_SLOW) {
		count_slow(&way, frame);
		return XDP_PASS;
	}
	count_way(&way, &h);
	return way.verdict == VERDICT_SENT ? bpf_redirect(way.out_ifindex, 0) : XDP_DROP;
}

SEC("tc")
int forward_tc(struct __sk_buff *skb)
{
	struct headers h = {};
	struct way way = {};
	__u32 ifindex = skb->ifindex;
	__u32 frame = skb->len;
	__u32 port = find_port(ifindex);
	__u32 headers = frame < HEADERS_BYTES ? frame : HEADERS_BYTES;

	if (port == 0)
		return TC_ACT_SHOT;
	way.in = port - 1;
	if ((void *)(long)skb->data + headers > (void *)(long)skb->data_end)
		bpf_skb_pull_data(skb, headers);
	if (!parse(&h, (void *)(long)skb->data, (void *)(long)skb->data_end, frame, skb->gso_size))
		slow(&way, REASON_SHORT);
	else if (skb->vlan_present || is_tag(h.type))
		/* A card, or the kernel, may have taken the tag out of the frame. */
		slow(&way, REASON_TAGGED);
	else
		decide(&way, &h);
	keep_order(&way, &h);
	if (way.verdict == VERDICT_SENT) {
		__u32 length = way.length - (way.pushed - way.popped) * LABEL_BYTES;

		if (length < frame && bpf_skb_change_tail(skb, length, 0))
			slow(&way, REASON_UNCHANGED);
		else if (((way.pushed || way.popped) && !label_tc(skb, &way)) ||
			 !rewrite((void *)(long)skb->data, (void *)(long)skb->data_end, &way, &h))
			return TC_ACT_SHOT;
		else if (h.ip == TYPE_IP6 && way.changes_hops) {
			/* Where the card summed up the packet: IPv4's checksum makes up for the TTL, IPv6 has none. */
			bpf_csum_update(skb, ~bpf_htons(h.hops) & 0xffffffff);
			bpf_csum_update(skb, bpf_htons(way.hops));
		}
	}
	report(&way, ifindex);
	if (way.verdict == VERDICT_SLOW) {
		__u32 to = port_at(way.in)[PORT_SLOW_IFINDEX];

		count_slow(&way, frame);
		skb->mark = SLOW_MARK;
		return to ? bpf_redirect(to, 0) : TC_ACT_SHOT;
	}
	count_way(&way, &h);
	return way.verdict == VERDICT_SENT ? bpf_redirect(way.out_ifindex, 0) : TC_ACT_SHOT;
}

char _license[] SEC("license") = "Apache-2.0";
