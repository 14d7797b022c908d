/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a flow is told by, and the path that it gets: engine/flow-hash.ts and engine/label-stack.ts.
 */
#ifndef FLOW_H
#define FLOW_H

#include "headers.h"
#include "memory.h"

/* What a flow is told by of labels (engine/label-stack.ts). */
#define FIRST_UNRESERVED 16
#define ENTROPY_INDICATOR 7
/* Of every hash (engine/flow-hash.ts). */
#define FLOW_SEED 0x5bd1e995

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

static __always_inline __u32 mix_ip4(__u32 hash, __u32 source, __u32 destination, __u32 proto)
{
	return mix(mix(mix(hash, source), destination), proto);
}

static __always_inline __u32 mix_ip6(__u32 hash, __u64 source_high, __u64 source_low, __u64 destination_high,
				     __u64 destination_low, __u32 proto)
{
	hash = mix64(mix64(hash, source_high), source_low);
	return mix(mix64(mix64(hash, destination_high), destination_low), proto);
}

static __always_inline __u32 mix_ports(__u32 hash, __u32 ports)
{
	return mix(mix(hash, ports >> 16), ports & 0xffff);
}

/* Addresses and protocol of a packet, nothing else. */
static __always_inline __u32 mix_ip(__u32 hash, const struct headers *h)
{
	if (h->ip == TYPE_IP4)
		return mix_ip4(hash, h->source_high >> 32, h->destination_high >> 32, h->proto);
	return mix_ip6(hash, h->source_high, h->source_low, h->destination_high, h->destination_low, h->proto);
}

/* hashFlow() by FLOW_FIELDS of engine/flow-hash.ts. */
static __always_inline __u32 hash_flow(const struct headers *h)
{
	__u32 hash = mix_ip(FLOW_SEED, h);

	if (h->ip != TYPE_IP4)
		hash = mix(hash, h->flow_label);
	return avalanche(h->has_ports ? mix_ports(hash, h->ports) : hash);
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
		if (h->ip == TYPE_IP4 || h->ip == TYPE_IP6)
			flow = mix_ip(flow, h);
		break;
	}
	*hash = avalanche(mix(FLOW_SEED, flow));
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

#endif
