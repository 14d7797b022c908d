/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual packet, in few steps: it came to the port's MAC address, has neither tags, labels, options nor padding, and its route leads to a neighbor,
 * by way of a load balancer or not. Of all others nothing is said here, and nothing done: decide() knows what becomes of them, and says the same of
 * these.
 */
#ifndef USUAL_H
#define USUAL_H

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "change.h"
#include "flow.h"
#include "graph.h"
#include "headers.h"
#include "memory.h"
#include "routes.h"

/* How a frame came: the port, bytes of the frame and of what its segments carry (0: it isn't one), and whether by native XDP. */
struct arrival {
	__u32 in, frame, segment, native;
};

/* What is read of a packet before its route is known. `wire`: bytes of the largest IP packet that it becomes. */
struct sight {
	__u64 high, low;
	__u32 hops, wire;
};

/* Where it goes, and what is written into it. */
struct departure {
	__u32 out, out_ifindex, counter;
	__u32 macs[3];
	__u32 is_ip4, hops;
};

/* Whether a packet may have to wait for others of its flow (keep_order()). */
static __always_inline int may_follow(const struct arrival *a, __u32 proto)
{
	return !a->native && proto == PROTO_UDP && globals[GLOBAL_CUT];
}

static __always_inline int look_at_ip4(const void *ip, const void *end, const struct arrival *a, struct sight *s)
{
	__u32 packet = a->frame - ETHER_BYTES;
	__u32 destination, proto;

	if (ip + IP4_BYTES + 4 > end || *(const __u8 *)ip != 0x45 || read16(ip + 2) != packet || !is_checksum_right(ip))
		return 0;
	s->hops = *(const __u8 *)(ip + 8);
	proto = *(const __u8 *)(ip + 9);
	destination = read32(ip + 16);
	if (s->hops <= 1 || may_follow(a, proto) || is_martian4(read32(ip + 12)) || is_martian4(destination))
		return 0;
	s->high = (__u64)destination << 32;
	s->low = 0;
	s->wire = packet;
	if (!a->segment)
		return 1;
	s->wire = segment_size(ip + IP4_BYTES, end, proto, IP4_BYTES, packet, a->segment);
	return s->wire && !is_fragment(ip);
}

static __always_inline int look_at_ip6(const void *ip, const void *end, const struct arrival *a, struct sight *s)
{
	__u32 packet = a->frame - ETHER_BYTES;
	__u32 proto;

	if (ip + IP6_BYTES + 4 > end || *(const __u8 *)ip >> 4 != 6 || IP6_BYTES + read16(ip + 4) != packet)
		return 0;
	proto = *(const __u8 *)(ip + 6);
	s->hops = *(const __u8 *)(ip + 7);
	s->high = read64(ip + 24);
	s->low = read64(ip + 32);
	if (s->hops <= 1 || is_extension(proto) || may_follow(a, proto) ||
	    is_martian6(read64(ip + 8), read64(ip + 16), s->high, s->low))
		return 0;
	s->wire = packet;
	if (!a->segment)
		return 1;
	s->wire = segment_size(ip + IP6_BYTES, end, proto, IP6_BYTES, packet, a->segment);
	return s->wire != 0;
}

/* Hash of a packet's flow, of which look_at_…() found that it has one. */
static __always_inline __u32 hash_usual(const void *ip, __u32 is_ip4)
{
	__u32 hash, proto;

	if (is_ip4) {
		proto = *(const __u8 *)(ip + 9);
		hash = hash_ip4(read32(ip + 12), read32(ip + 16), proto);
		if (!is_fragment(ip) && has_ports(proto))
			hash = hash_ports(hash, read32(ip + IP4_BYTES));
	} else {
		proto = *(const __u8 *)(ip + 6);
		hash = hash_ip6(read64(ip + 8), read64(ip + 16), read64(ip + 24), read64(ip + 32), proto,
				read32(ip) & 0xfffff);
		if (has_ports(proto))
			hash = hash_ports(hash, read32(ip + IP6_BYTES));
	}
	return avalanche(hash);
}

/* Whether a port takes a packet, as leave() has it; what it does with it. */
static __always_inline int takes(volatile const __u32 *record, const struct arrival *a, __u32 wire, struct departure *d)
{
	__u32 port = record[ADJACENCY_PORT];
	volatile __u32 *to = port_at(port);
	__u32 mtu = record[ENCAP_MTU];

	if (port >= MAX_KERNEL_PORTS || !(to[PORT_FLAGS] & PORT_UP) || wire > to[PORT_MTU] || (mtu && wire > mtu))
		return 0;
	if (a->native && !may_send(a->in, to[PORT_FLAGS]))
		return 0;
	d->out = port;
	d->out_ifindex = to[PORT_IFINDEX];
	d->counter = record[ENCAP_COUNTER];
	d->macs[0] = record[ENCAP_MACS];
	d->macs[1] = record[ENCAP_MACS + 1];
	d->macs[2] = record[ENCAP_MACS + 2];
	return 1;
}

/* Whether the packet is a usual one that leaves; it is changed only then. */
static __always_inline int send_usual(void *data, void *end, const struct arrival *a, struct departure *d)
{
	__u32 version = globals[GLOBAL_GRAPH_VERSION];
	__u32 slot = port_at(a->in)[PORT_START];
	__u8 *ip = data + ETHER_BYTES;
	const void *all = open_heap();
	volatile const __u32 *record;
	struct sight s;
	__u32 ether, tree;

	barrier_loads();
	if (!all || (version & 1) || slot == 0 || (void *)ip > end || is_late())
		return 0;
	record = record_at(all, slot);
	if (!record || record[0] != KIND_FRONT || !has_mac(record, read16(data), read32(data + 2)))
		return 0;
	ether = read16(data + 12);
	d->is_ip4 = ether == TYPE_IP4;
	if (d->is_ip4) {
		if (!look_at_ip4(ip, end, a, &s))
			return 0;
		tree = record[FRONT_IP4];
	} else {
		if (ether != TYPE_IP6 || !look_at_ip6(ip, end, a, &s))
			return 0;
		tree = record[FRONT_IP6];
	}
	record = tree ? record_at(all, tree) : NULL;
	if (!record || record[0] != KIND_TREE)
		return 0;
	slot = find_route(all, d->is_ip4 ? record[TREE_ROOT4] : record[TREE_ROOT6], s.high, s.low);
	if (slot == TORN)
		return 0;
	if (slot == 0)
		slot = record[TREE_DEFAULT];
	record = slot ? record_at(all, slot) : NULL;
	if (record && record[0] == KIND_BALANCE) {
		slot = balance(all, record, hash_usual(ip, d->is_ip4));
		record = slot ? record_at(all, slot) : NULL;
	}
	if (!record || record[0] != KIND_ADJACENCY || !takes(record, a, s.wire, d))
		return 0;
	barrier_loads();
	if (globals[GLOBAL_GRAPH_VERSION] != version)
		return 0;
	write_macs(data, d->macs);
	d->hops = s.hops - 1;
	if (d->is_ip4)
		lower_ttl(ip, d->hops);
	else
		ip[7] = d->hops;
	return 1;
}

#endif
