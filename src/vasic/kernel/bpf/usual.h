/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual packet, in few steps: it came to the port's MAC address, is IP without tags, labels, options, extension headers and padding, has hops left and
 * no address that isn't forwarded, and its route leads to a neighbor, by way of a load balancer or not, whose port takes it as it is. A large segment is
 * TCP's. Of all others nothing is said here, and nothing done: decide() knows what becomes of them, and says the same of these. test/integration/
 * kernel-engine/usual.test.ts has a port that leads nowhere but here.
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

/* How a frame came: the port, its bytes, of a large segment the bytes that each packet of it carries (else 0), and whether by native XDP. */
struct arrival {
	__u32 in, frame, segment, native;
};

/* An address to look up; an IPv4 address is the first 32 bits of it. */
struct target {
	__u64 high, low;
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
	__u32 cut = globals[GLOBAL_CUT];

	return !a->native && proto == PROTO_UDP && cut && cut_clock() - cut <= CUT_UNITS;
}

/* Whether a packet is a usual one by its IPv4 header, and where it is for. */
static __always_inline int look_at_ip4(const void *ip, const void *end, const struct arrival *a, struct target *t)
{
	__u32 destination, proto;

	if (ip + IP4_BYTES + 4 > end || *(const __u8 *)ip != 0x45 || read16(ip + 2) != a->frame - ETHER_BYTES ||
	    !is_checksum_right(ip))
		return 0;
	proto = *(const __u8 *)(ip + 9);
	destination = read32(ip + 16);
	t->high = (__u64)destination << 32;
	t->low = 0;
	return *(const __u8 *)(ip + 8) > 1 && !may_follow(a, proto) && !is_martian4(read32(ip + 12)) &&
	       !is_martian4(destination);
}

/* The same for IPv6. */
static __always_inline int look_at_ip6(const void *ip, const void *end, const struct arrival *a, struct target *t)
{
	__u32 proto;

	if (ip + IP6_BYTES + 4 > end || *(const __u8 *)ip >> 4 != 6 ||
	    IP6_BYTES + read16(ip + 4) != a->frame - ETHER_BYTES)
		return 0;
	proto = *(const __u8 *)(ip + 6);
	t->high = read64(ip + 24);
	t->low = read64(ip + 32);
	return *(const __u8 *)(ip + 7) > 1 && !is_extension(proto) && !may_follow(a, proto) &&
	       !is_martian6(read64(ip + 8), read64(ip + 16), t->high, t->low);
}

/* Bytes of the largest IP packet that a usual one becomes on the wire; 0: not known. */
static __always_inline __u32 wire_size(const void *ip, const void *end, __u32 is_ip4, const struct arrival *a)
{
	__u32 packet = a->frame - ETHER_BYTES;

	if (!a->segment)
		return packet;
	if (!is_ip4)
		return ip + IP6_BYTES > end ? 0 : segment_size(ip + IP6_BYTES, end, *(const __u8 *)(ip + 6), IP6_BYTES, packet, a->segment);
	if (ip + IP4_BYTES > end || is_fragment(ip))
		return 0;
	return segment_size(ip + IP4_BYTES, end, *(const __u8 *)(ip + 9), IP4_BYTES, packet, a->segment);
}

/* Hash of a packet's flow, of which look_at_…() found that it has one. */
static __always_inline __u32 hash_usual(const void *ip, const void *end, __u32 is_ip4)
{
	__u32 hash, proto;

	/*
	 * The bounds were seen before the lookup, by a branch of which kernel 6.1's verifier keeps nothing when `is_ip4` is read again ("invalid
	 * access to packet"). Without this the compiler, which does, leaves the checks out.
	 */
	asm volatile("" : "+r"(end));
	if (is_ip4) {
		if (ip + IP4_BYTES + 4 > end)
			return 0;
		proto = *(const __u8 *)(ip + 9);
		hash = mix_ip4(FLOW_SEED, read32(ip + 12), read32(ip + 16), proto);
		if (!is_fragment(ip) && has_ports(proto))
			hash = mix_ports(hash, read32(ip + IP4_BYTES));
	} else {
		if (ip + IP6_BYTES + 4 > end)
			return 0;
		proto = *(const __u8 *)(ip + 6);
		hash = mix_ip6(FLOW_SEED, read64(ip + 8), read64(ip + 16), read64(ip + 24), read64(ip + 32), proto);
		hash = mix(hash, read32(ip) & 0xfffff);
		if (has_ports(proto))
			hash = mix_ports(hash, read32(ip + IP6_BYTES));
	}
	return avalanche(hash);
}

/* Whether a port takes a packet, as leave() has it; what it does with it. */
static __always_inline int takes(volatile const __u32 *record, const struct arrival *a, __u32 wire, struct departure *d)
{
	__u32 port = record[ADJACENCY_PORT];

	if (!may_leave(a->in, a->native, port) || !fits(wire, port, record[ENCAP_MTU]))
		return 0;
	d->out = port;
	d->out_ifindex = port_at(port)[PORT_IFINDEX];
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
	volatile __u32 *port = port_at(a->in);
	volatile const __u32 *record;
	struct target t;
	__u32 slot, otherwise, wire;
	__u16 ether;
	__u8 *ip;

	barrier_loads();
	if ((version & 1) || data + ETHER_BYTES > end || port[PORT_SHORT_LOW] != read32(data + 2) ||
	    port[PORT_SHORT_HIGH] != read16(data) || is_late())
		return 0;
	ether = *(__u16 *)(data + 12);
	if (ether == bpf_htons(TYPE_IP6)) {
		if (!(port[PORT_SHORT] & SHORT_IP6) || !look_at_ip6(data + ETHER_BYTES, end, a, &t))
			return 0;
		slot = find_quickly(port[PORT_SHORT_ROOT6], t.high, t.low, 0);
		otherwise = port[PORT_SHORT_DEFAULT6];
	} else if (ether == bpf_htons(TYPE_IP4)) {
		if (!(port[PORT_SHORT] & SHORT_IP4) || !look_at_ip4(data + ETHER_BYTES, end, a, &t))
			return 0;
		slot = find_quickly(port[PORT_SHORT_ROOT4], t.high, 0, 1);
		otherwise = port[PORT_SHORT_DEFAULT4];
	} else {
		return 0;
	}
	if (slot == TORN)
		return 0;
	if (slot == 0)
		slot = otherwise;
	/* That of slot 0, where it leads nowhere, is zeros. */
	record = record_at(slot);
	/* Read again instead of kept: the verifier would follow all that comes for IPv4 and for IPv6 from here on, with what it knows of each. */
	asm volatile("" : "+r"(data));
	d->is_ip4 = *(__u16 *)(data + 12) == bpf_htons(TYPE_IP4);
	ip = data + ETHER_BYTES;
	if (record && record[0] == KIND_BALANCE) {
		slot = balance(record, hash_usual(ip, end, d->is_ip4));
		record = record_at(slot);
	}
	wire = wire_size(ip, end, d->is_ip4, a);
	if (!record || record[0] != KIND_ADJACENCY || !wire || !takes(record, a, wire, d))
		return 0;
	barrier_loads();
	if (globals[GLOBAL_GRAPH_VERSION] != version)
		return 0;
	write_macs(data, d->macs);
	if (d->is_ip4) {
		d->hops = ip[8] - 1;
		lower_ttl(ip, d->hops);
	} else {
		d->hops = ip[7] - 1;
		ip[7] = d->hops;
	}
	return 1;
}

#endif
