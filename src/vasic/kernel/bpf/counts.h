/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is counted of a packet, and what a test run is told.
 */
#ifndef COUNTS_H
#define COUNTS_H

#include "graph.h"
#include "usual.h"

/* Where the counters of this CPU begin. */
static __always_inline __u32 own_counters(void)
{
	return bpf_get_smp_processor_id() * config.counters;
}

/* Adds to one of these. What has number 0 is not for anyone to read. */
static __always_inline void count(__u32 own, __u32 number, __u32 bytes)
{
	__u32 at = own + number;
	struct counter *counter;

	if (number >= config.counters)
		return;
	counter = bpf_map_lookup_elem(&counters, &at);
	if (!counter)
		return;
	counter->packets++;
	counter->bytes += bytes;
}

/* Counts a usual packet that leaves: as count_way() would. */
static __always_inline void count_usual(const struct arrival *a, const struct departure *d)
{
	__u32 own = own_counters();

	count(own, port_at(a->in)[PORT_INPUT_COUNTER], a->frame);
	count(own, d->counter, a->frame);
	count(own, port_at(d->out)[PORT_OUTPUT_COUNTER], a->frame);
}

/* Counts a packet that the kernel deals with, as the engine would. */
static __always_inline void count_way(const struct way *way, const struct headers *h)
{
	volatile __u32 *in = port_at(way->in);
	__u32 own = own_counters();

	count(own, in[PORT_INPUT_COUNTER], h->frame);
#pragma unroll
	for (int i = 0; i < MAX_COUNTS; i++) {
		if (i >= way->passed)
			break;
		count(own, way->counts[i], h->frame);
	}
	if (way->verdict == VERDICT_SENT)
		count(own, port_at(way->out)[PORT_OUTPUT_COUNTER], way->length);
	else
		count(own, in[PORT_DISCARD_COUNTER], h->frame);
}

static __always_inline void count_slow(const struct way *way, __u32 bytes)
{
	__u32 first = port_at(way->in)[PORT_SLOW_COUNTERS];

	if (first)
		count(own_counters(), first + way->reason, bytes);
}

static __always_inline void report(__u32 ifindex, __u32 verdict, __u32 out, __u32 reason)
{
	if (ifindex != LOOPBACK_IFINDEX)
		return;
	globals[GLOBAL_TEST_VERDICT] = verdict;
	globals[GLOBAL_TEST_OUT_PORT] = out;
	globals[GLOBAL_TEST_REASON] = reason;
}

#endif
