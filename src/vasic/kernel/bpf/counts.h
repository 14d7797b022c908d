/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is counted of a packet, and what a test run is told.
 */
#ifndef COUNTS_H
#define COUNTS_H

#include "graph.h"

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

#endif
