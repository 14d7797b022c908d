/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is read of a packet, once, before anything is decided; kernel/frame-headers.ts says it in TypeScript.
 */
#ifndef HEADERS_H
#define HEADERS_H

#include <linux/bpf.h>
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

/* Labels that a packet may be given, and of those that it has so many as are looked at; powers of two. */
#define MAX_PUSHED 4
#define MAX_STACK 4
/* Of a label's entry. */
#define LABEL_CLASS 0xe00
#define LABEL_BOTTOM 0x100
#define LABEL_TTL 0xff

/* What the packet has in its headers, read once. */
struct headers {
	__u64 source_high, source_low;
	__u64 destination_high, destination_low;
	__u32 mac_low;
	__u16 mac_high;
	/* The ether types of the frame, and of the IP packet in it, which may be behind labels; 0: there is none. */
	__u16 type, ip;
	/* Bytes of the frame, of what is behind Ethernet header and labels in it, and of the IP packet. */
	__u32 frame, room, packet;
	/* Its labels, the outermost first, as entries in the processor's byte order; how many were read, and whether the last is at the bottom. */
	__u32 stack[MAX_STACK];
	__u16 depth, bottom;
	/* Bytes of the largest IP packet that goes on the wire, a segment's, and of what a segment carries; 0: it is none. */
	__u32 wire, segment;
	/* TTL or hop limit, and what is behind it or in front of it: protocol or next header. */
	__u16 hops, proto;
	__u32 flow_label;
	/* Source port in the high half; 0 where the flow has none to count. */
	__u32 ports;
	__u8 has_ports;
	/* Why the packet is nothing to route by, REASON_NODE: it is sound. */
	__u8 unsound;
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
	return bpf_be64_to_cpu(*(const __u64 *)at);
}

static __always_inline __u32 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* RFC 1071: whether the header sums up. */
static __always_inline int is_checksum_right(const __u32 *words)
{
	__u64 sum = 0;

#pragma unroll
	for (int i = 0; i < IP4_BYTES / 4; i++)
		sum += words[i];
	return fold((sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32)) == 0xffff;
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

static __always_inline int is_fragment(const void *ip)
{
	return (read16(ip + 6) & 0x3fff) != 0;
}

/* Reads an IPv4 header; returns why it can't be routed by, REASON_NODE: it can. `segment`: bytes of a segment, 0: it is none. */
static __always_inline __u32 parse_ip4(struct headers *h, const void *ip, const void *end, __u32 segment)
{
	int fragment;

	if (ip + IP4_BYTES > end)
		return REASON_IP_HEADER;
	if (*(const __u8 *)ip != 0x45)
		return *(const __u8 *)ip >> 4 == 4 ? REASON_OPTIONS : REASON_IP_HEADER;
	h->packet = read16(ip + 2);
	if (h->packet < IP4_BYTES || h->packet > h->room || !is_checksum_right(ip))
		return REASON_IP_HEADER;
	fragment = is_fragment(ip);
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

/* ff00::/8, fe80::/10, ::1, and from ::. */
static __always_inline int is_martian6(__u64 source_high, __u64 source_low, __u64 destination_high, __u64 destination_low)
{
	if (source_high >> 56 == 0xff || destination_high >> 56 == 0xff)
		return 1;
	if (source_high == 0 && source_low <= 1)
		return 1;
	if (destination_high == 0 && destination_low == 1)
		return 1;
	return source_high >> 54 == 0x3fa || destination_high >> 54 == 0x3fa;
}

/* What engine/martians.ts doesn't forward, or forwards in some cases only. */
static __always_inline int is_martian(const struct headers *h)
{
	if (h->ip == TYPE_IP4)
		return is_martian4(h->source_high >> 32) || is_martian4(h->destination_high >> 32);
	return is_martian6(h->source_high, h->source_low, h->destination_high, h->destination_low);
}

#endif
