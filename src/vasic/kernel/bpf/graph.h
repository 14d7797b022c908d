/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a packet goes: the walk through the records, with nothing changed or counted.
 */
#ifndef GRAPH_H
#define GRAPH_H

#include "flow.h"
#include "headers.h"
#include "memory.h"
#include "routes.h"

/* Nodes that count which a packet may pass; a power of two. */
#define MAX_COUNTS 8

/* Where the packet goes. Small, as it is on the stack, of which all that one program calls has 512 bytes together. */
struct way {
	__u32 out_ifindex;
	__u32 macs[3];
	/* Counters of the nodes that it passes, 0: none, and how many these are. */
	__u32 counts[MAX_COUNTS];
	__u32 passed;
	/* The MTU that its new Ethernet header has; 0: none. */
	__u32 mtu;
	/* Labels that it gets, the innermost first, as entries in the processor's byte order. */
	__u32 labels[MAX_PUSHED];
	__u32 pushed;
	/* Labels of its own that it loses, and the ether type of what it is without these. */
	__u32 popped, proto;
	/* TTL or hop limit of the IP packet. */
	__u32 hops;
	/* Bytes of the frame that leaves, and its ether type. */
	__u32 length, type;
	/* Its ports, VERDICT_…, and of what isn't the kernel's REASON_…. */
	__u16 in, out;
	__u8 verdict, reason;
	/* Whether a route tree led here, and whether there is a new Ethernet header. */
	__u8 routed, encapsulated;
	/* Whether `hops` is a new one; `counted`: a label's stands for this hop. */
	__u8 changes_hops, counted;
	/* The frame came through native XDP, which can send out of some ports only. */
	__u8 native;
};

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

/* Whether a packet can leave by a port: it is up, and sends what came in through native XDP, if that is how. */
static __always_inline int may_leave(__u32 in, __u32 native, __u32 port)
{
	__u32 flags = port_at(port)[PORT_FLAGS];

	if (!(flags & PORT_UP) || port >= MAX_KERNEL_PORTS)
		return 0;
	return !native || (flags & PORT_XDP_TARGET) || (port_at(in)[PORT_FLAGS] & PORT_GENERIC);
}

/* Whether an IP packet, or labels and what is behind them, of so many bytes is within a port's MTU and that of its header, 0: none. */
static __always_inline int fits(__u32 size, __u32 port, __u32 mtu)
{
	return size <= port_at(port)[PORT_MTU] && (!mtu || size <= mtu);
}

/* A packet that was routed, or lost a label, and has its new Ethernet header reached an output port: whether it leaves (ttl-and-mtu.ts). */
static __always_inline void leave(struct way *way, const struct headers *h, __u32 port)
{
	__u32 size, rest;

	if (way->routed) {
		if (is_martian(h))
			return slow(way, REASON_MARTIAN);
		if (!way->counted && way->hops <= 1)
			return slow(way, REASON_TTL);
	}
	if (!may_leave(way->in, way->native, port))
		return slow(way, REASON_PORT);
	/* Cutting would need the place of the IP header behind the labels, which no helper tells the kernel; without it the segment is lost. */
	if ((way->pushed || way->popped) && h->segment)
		return slow(way, REASON_SEGMENT);
	/* Padding is taken off where the packet was routed. */
	rest = way->routed ? h->packet : h->frame - ETHER_BYTES - way->popped * LABEL_BYTES;
	size = (way->routed ? h->wire : rest) + way->pushed * LABEL_BYTES;
	if (!fits(size, port, way->mtu))
		return slow(way, REASON_MTU);
	way->verdict = VERDICT_SENT;
	way->length = ETHER_BYTES + way->pushed * LABEL_BYTES + rest;
	way->type = way->pushed ? TYPE_MPLS : way->proto;
	if (way->routed && !way->counted) {
		way->hops--;
		way->changes_hops = 1;
	}
	way->out = port;
	way->out_ifindex = port_at(port)[PORT_IFINDEX];
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

static __always_inline int has_mac(volatile const __u32 *record, __u32 high, __u32 low)
{
	return record[MATCH_MAC_LOW] == low && record[MATCH_MAC_HIGH] == high;
}

/* Follows the packet through the graph. Nothing is changed or counted. */
static __always_inline void walk(struct way *way, const struct headers *h)
{
	__u32 slot = port_at(way->in)[PORT_START];

	if (slot == 0)
		return slow(way, REASON_UNBOUND);
	way->proto = h->type;
	way->hops = h->hops;
	for (int step = 0; step < MAX_KERNEL_STEPS; step++) {
		volatile const __u32 *record;

		if (slot == 0)
			return slow(way, REASON_NO_PATH);
		record = record_at(slot);
		if (!record)
			return slow(way, REASON_NODE);
		switch (record[0]) {
		case KIND_GOTO:
			slot = record[GOTO_NEXT];
			break;
		case KIND_MATCH_MAC:
			if (way->encapsulated || way->pushed || way->popped)
				return slow(way, REASON_ORDER);
			slot = has_mac(record, h->mac_high, h->mac_low) ? record[MATCH_MAC_TRUE] : record[MATCH_MAC_FALSE];
			break;
		case KIND_FRONT:
			if (way->encapsulated || way->pushed || way->popped)
				return slow(way, REASON_ORDER);
			if (!has_mac(record, h->mac_high, h->mac_low))
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
			slot = look_ahead_in(root, h->destination_high, h->destination_low, h->ip == TYPE_IP4);
			if (slot == 0)
				slot = find_route(root, h->destination_high, h->destination_low);
			if (slot == TORN)
				slot = find_route(root, h->destination_high, h->destination_low);
			if (slot == TORN)
				return slow(way, REASON_BUSY);
			if (slot == 0)
				slot = otherwise;
			way->routed = 1;
			break;
		}
		case KIND_BALANCE: {
			__u32 hash = avalanche(FLOW_SEED);

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

#endif
