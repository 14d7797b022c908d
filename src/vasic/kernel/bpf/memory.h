/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two maps that the dataplane thread writes while the program reads them, and the counters. Whatever is read may be half of a change:
 * each address is masked to the heap.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "layout.h"

/* Test runs without an interface come from the loopback device. */
#define LOOPBACK_IFINDEX 1

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

/* Address of `words` words (a power of two) of the heap, which lie within one chunk; NULL beyond its end. */
static __always_inline volatile const __u32 *heap_at(__u32 address, __u32 words)
{
	__u32 number = address >> CHUNK_BITS;
	struct chunk *chunk = bpf_map_lookup_elem(&heap, &number);

	if (!chunk)
		return NULL;
	/* The verifier wants the pointer looked at before anything is added to it. */
	asm volatile("" : "+r"(address));
	return chunk->words + (address & (CHUNK_WORDS - 1) & ~(words - 1));
}

/* The record in a slot. */
static __always_inline volatile const __u32 *record_at(__u32 slot)
{
	return heap_at(globals[GLOBAL_RECORDS] + slot * RECORD_WORDS, RECORD_WORDS);
}

static __always_inline __u32 heap_word(__u32 address)
{
	volatile const __u32 *at = heap_at(address, 1);

	return at ? *at : 0;
}

/* The time by which flows are told that have had a large segment; 0 is never. */
static __always_inline __u32 cut_clock(void)
{
	return (bpf_ktime_get_coarse_ns() >> CUT_SHIFT) + 1;
}

/* What was read before this isn't moved behind it, nor the other way round. x86 doesn't reorder loads: only the compiler might. */
static __always_inline void barrier_loads(void)
{
	__u64 word = 0;

	if (config.weakly_ordered)
		__sync_fetch_and_add(&word, 1);
	asm volatile("" ::: "memory");
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

#endif
