/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is changed of a packet that leaves: its headers and labels.
 */
#ifndef CHANGE_H
#define CHANGE_H

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "graph.h"

/* Label `i` from the outermost, as on the wire. */
static __always_inline __u32 label_on_wire(const struct way *way, __u32 i)
{
	return bpf_htonl(way->labels[(way->pushed - 1 - i) & (MAX_PUSHED - 1)]);
}

/* The TTL of an IPv4 header, and its checksum with it. Nothing is read that was just written in parts: the processor would wait for it. */
static __always_inline void write_ttl(__u8 *ip, __u32 hops)
{
	__u32 before = read16(ip + 8);
	__u32 word = hops << 8 | (before & 0xff);
	/* RFC 1624, equation 3. */
	__u32 sum = (~read16(ip + 10) & 0xffff) + (~before & 0xffff) + word;

	*(__u16 *)(ip + 8) = bpf_htons(word);
	*(__u16 *)(ip + 10) = bpf_htons(~fold(sum) & 0xffff);
}

/* The same for one less than it is. */
static __always_inline void lower_ttl(__u8 *ip, __u32 hops)
{
	__u32 sum = *(__u16 *)(ip + 10) + bpf_htons(0x100);

	ip[8] = hops;
	/* RFC 1624 again, of which this is what remains. */
	*(__u16 *)(ip + 10) = sum + (sum >= 0xffff);
}

/* Both MAC addresses of a frame. */
static __always_inline void write_macs(__u32 *data, const __u32 *macs)
{
	data[0] = macs[0];
	data[1] = macs[1];
	data[2] = macs[2];
}

/* The new Ethernet header, and the new TTL or hop limit. 0: `end` is too near, nothing was changed. */
static __always_inline int rewrite(void *data, void *end, const struct way *way, const struct headers *h)
{
	__u8 *ip = data + ETHER_BYTES + (way->pushed & (2 * MAX_PUSHED - 1)) * LABEL_BYTES;

	if (data + ETHER_BYTES > end)
		return 0;
	if (way->changes_hops && h->ip == TYPE_IP4) {
		if (ip + IP4_BYTES > (__u8 *)end)
			return 0;
		write_ttl(ip, way->hops);
	} else if (way->changes_hops) {
		if (ip + IP6_BYTES > (__u8 *)end)
			return 0;
		ip[7] = way->hops;
	}
	write_macs(data, way->macs);
	*(__u16 *)(data + 12) = bpf_htons(way->type);
	return 1;
}

/* Another hop limit in the sum of a packet that the card made, if it did. IPv4's checksum makes up for the TTL, IPv6 has none. */
static __always_inline void sum_hops(struct __sk_buff *skb, __u32 before, __u32 hops)
{
	__u64 sum = (__u64)(~bpf_htons(before) & 0xffffffff) + bpf_htons(hops);

	bpf_csum_update(skb, (__u32)sum + (__u32)(sum >> 32));
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

#endif
