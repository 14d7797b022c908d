/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Longest prefixes in the tries of the heap: engine/prefix-trie.ts has the prose, kernel/lookup.ts says it in TypeScript.
 */
#ifndef ROUTES_H
#define ROUTES_H

#include "memory.h"

/* find_route(): the tree was changing. */
#define TORN 0xffffffff

/* Chunk of five bits of an address: bits of all prefixes in a node that cover it. As in prefix-trie.ts. */
#define COVER(c) (1u << 1 | 1u << (2 | (c) >> 4) | 1u << (4 | (c) >> 3) | 1u << (8 | (c) >> 2) | 1u << (16 | (c) >> 1))
#define COVER4(c) COVER(c), COVER((c) + 1), COVER((c) + 2), COVER((c) + 3)
static const __u32 covering[32] = {
	COVER4(0), COVER4(4), COVER4(8), COVER4(12), COVER4(16), COVER4(20), COVER4(24), COVER4(28),
};

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

static __always_inline __u32 popcount64(__u64 v)
{
	v = v - ((v >> 1) & 0x5555555555555555);
	v = (v & 0x3333333333333333) + ((v >> 2) & 0x3333333333333333);
	return (((v + (v >> 4)) & 0x0f0f0f0f0f0f0f0f) * 0x0101010101010101) >> 56;
}

/* What the pages in front of a trie know of an address's first 24 bits; AHEAD_DEEPER or 0: the trie knows. */
static __always_inline __u32 find_leaf(__u32 table, __u32 leaf)
{
	__u32 page = table ? heap_word(table + (leaf >> AHEAD_PAGE_BITS)) : 0;
	__u32 within = leaf & (GROUP_LEAVES - 1);
	volatile const __u32 *group;
	__u64 starts;
	__u32 half, value;

	if (!page)
		return AHEAD_DEEPER;
	group = heap_at(page + (leaf >> GROUP_BITS & (LEAF_PAGE_WORDS / GROUP_WORDS - 1)) * GROUP_WORDS, GROUP_WORDS);
	if (!group)
		return AHEAD_DEEPER;
	starts = *(volatile const __u64 *)(group + GROUP_STARTS);
	if (!(starts & 1)) {
		__u32 block = group[GROUP_AT];

		return block ? heap_word(block + within) : AHEAD_DEEPER;
	}
	/* The leaf's run is the one before the next one's. */
	half = GROUP_AT * 2 + popcount64(starts << (GROUP_LEAVES - 1 - within)) - 1;
	value = ((volatile const __u16 *)group)[half & (GROUP_WORDS * 2 - 1)];
	return value == AHEAD_NARROW_DEEPER ? AHEAD_DEEPER : value;
}

/* The lowest, and the highest, bit of both halves of a word. */
#define LOWEST_OF_BOTH 0x0000000100000001ULL
#define HIGHEST_OF_BOTH 0x8000000080000000ULL

/* Number of the highest bit that is set, from 1 on; 0: none is. */
#define TWICE(n) n, n
#define TIMES4(n) TWICE(n), TWICE(n)
#define TIMES16(n) TIMES4(n), TIMES4(n), TIMES4(n), TIMES4(n)
#define TIMES64(n) TIMES16(n), TIMES16(n), TIMES16(n), TIMES16(n)
#define TIMES256(n) TIMES64(n), TIMES64(n), TIMES64(n), TIMES64(n)
static const __u8 last_of[1 << BUCKET_PREFIXES] = {
	0, 1, TWICE(2), TIMES4(3), TIMES4(4), TIMES4(4), TIMES16(5), TIMES16(6), TIMES16(6), TIMES64(7), TIMES64(8), TIMES64(8),
	TIMES256(9), TIMES256(10), TIMES256(10),
};

/* What the buckets in front of a trie know of an address, by its first 64 bits; AHEAD_DEEPER or, where there is none, 0: the trie knows. */
static __always_inline __u32 find_bucket(__u32 table, __u64 high)
{
	__u32 page = heap_word(table + (high >> (64 - (AHEAD_BITS - AHEAD_PAGE_BITS))));
	__u32 block = page ? heap_word(page + (high >> (64 - AHEAD_BITS) & (BUCKET_PAGE_WORDS - 1))) : 0;
	__u32 bits = block & ((1 << BUCKET_SIZE_BITS) - 1);
	volatile const __u32 *bucket;
	__u64 both, missed, misses = 0;
	__u32 suffix, found, value;

	if (!block)
		return 0;
	high <<= AHEAD_BITS;
	bucket = heap_at((block - bits) + (__u32)(high >> 1 >> (63 - bits)) * BUCKET_WORDS, BUCKET_WORDS);
	if (!bucket)
		return AHEAD_DEEPER;
	suffix = high << bits >> 32;
	both = (__u64)suffix << 32 | suffix;
	/*
	 * All ten, without a branch that the processor could only guess, and two at a time: a key of the first five in the lower half of a word, one of the others in the
	 * upper. The lowest bit of a key says where the prefix ends.
	 */
#pragma unroll
	for (__u32 i = 0; i < BUCKET_PREFIXES / 2; i++) {
		__u64 keys = ((volatile const __u64 *)bucket)[i];
		__u64 differing = (both ^ keys) & ~(keys ^ (keys - LOWEST_OF_BOTH));

		misses = misses >> 1 | (((differing >> 1) + ~HIGHEST_OF_BOTH) & HIGHEST_OF_BOTH);
	}
	missed = (misses >> (31 - 4) & 0x1f) | (misses >> (63 - 9) & 0x3e0);
	/* The compiler knows that there are ten bits, kernel 6.1's verifier doesn't. */
	asm volatile("" : "+r"(missed));
	found = last_of[~missed & ((1 << BUCKET_PREFIXES) - 1)];
	if (!found)
		return bucket[BUCKET_REST];
	value = ((volatile const __u16 *)bucket)[(BUCKET_VALUES * 2 - 1 + found) & (BUCKET_WORDS * 2 - 1)];
	return value == AHEAD_NARROW_DEEPER ? AHEAD_DEEPER : value;
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
 * The value of the longest prefix that covers the address, 0 for none: PrefixTrie.lookup(), by the nodes. `tables` is the trie's root, `index` the first
 * word of it; `high` and `low` are the 128 bits of the address, an IPv4 address being the first 32.
 */
static __always_inline __u32 walk_trie(volatile const __u32 *tables, __u32 index, __u64 high, __u64 low)
{
	__u32 first = high >> (64 - INDEX_BITS);
	__u32 prefixes = 0, covered = 0, values = 0;
	__u32 node;

	if (index) {
		node = heap_word(index + first);
		high = high << INDEX_BITS | low >> (64 - INDEX_BITS);
		low <<= INDEX_BITS;
	} else {
		node = tables[ROOT_NODE];
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
	return index ? short_prefix(tables[ROOT_COVER], tables[ROOT_SHORTS], first) : 0;
}

/* The version that tells of changes in the part of a trie that an address is in. */
static __always_inline volatile __u32 *tree_version(__u32 root, __u32 index, __u64 high)
{
	/* A small trie is one part, one with tables has a part for each index slot. */
	__u32 part = index ? high >> (64 - INDEX_BITS) : root / ROOT_WORDS;

	return globals + GLOBAL_TREE_VERSIONS + (part & (TREE_VERSIONS - 1));
}

/*
 * The same of the trie with this root, and sure that nothing changed meanwhile; or TORN. A function of its own to the verifier, which looks at it once: with
 * all that leads here it would look through the nodes again for each way there is to come.
 */
__noinline __u32 find_route(__u32 root, __u64 high, __u64 low)
{
	volatile const __u32 *tables;
	volatile __u32 *version;
	__u32 index, before, found;

	if (!root)
		return 0;
	tables = heap_at(root, ROOT_WORDS);
	if (!tables)
		return 0;
	index = tables[ROOT_INDEX];
	version = tree_version(root, index, high);
	before = *version;
	barrier_loads();
	found = walk_trie(tables, index, high, low);
	barrier_loads();
	return !(before & 1) && *version == before ? found : TORN;
}

/* The value of the prefix that is alone below an address's index slot and covers it; 0: there is none, or others. */
static __always_inline __u32 find_alone(__u32 index, __u64 high, __u64 low)
{
	volatile const __u32 *words = heap_at(heap_word(index + (high >> (64 - INDEX_BITS))), NODE_WORDS);
	__u32 head = words ? words[NODE_PREFIXES] : 0;
	__u64 path;

	if ((head & (NODE_PATH | NODE_LEAF)) != (NODE_PATH | NODE_LEAF))
		return 0;
	path = (__u64)words[NODE_HIGH] << 32 | words[NODE_LOW];
	high = high << INDEX_BITS | low >> (64 - INDEX_BITS);
	return first_bits(high ^ path, head >> NODE_BITS_SHIFT & 63) ? 0 : words[NODE_BEHIND];
}

/* As find_route() where it takes few steps; 0: it doesn't, or something changed meanwhile. */
static __always_inline __u32 look_ahead(__u32 root, __u64 high, __u64 low, int is_ip4)
{
	volatile const __u32 *tables = heap_at(root, ROOT_WORDS);
	volatile __u32 *version;
	__u32 before, found, index, buckets;

	if (!tables || !tables[ROOT_INDEX])
		return 0;
	index = tables[ROOT_INDEX];
	version = tree_version(root, index, high);
	before = *version;
	barrier_loads();
	found = buckets = 0;
	if (is_ip4 && tables[ROOT_LEAVES])
		found = find_leaf(tables[ROOT_LEAVES], high >> (64 - AHEAD_BITS));
	else if (!is_ip4)
		buckets = tables[ROOT_BUCKETS];
	if (buckets)
		found = find_bucket(buckets, high);
	if (!found)
		found = find_alone(index, high, low);
	barrier_loads();
	return found != AHEAD_DEEPER && !(before & 1) && *version == before ? found : 0;
}

/* As find_route(), without a call where it takes few steps. */
static __always_inline __u32 find_quickly(__u32 root, __u64 high, __u64 low, int is_ip4)
{
	__u32 found = look_ahead(root, high, low, is_ip4);

	return found ? found : find_route(root, high, low);
}

/* look_ahead() for either family, and as find_route() a function of its own to the verifier. */
__noinline __u32 look_ahead_in(__u32 root, __u64 high, __u64 low, int is_ip4)
{
	return is_ip4 ? look_ahead(root, high, 0, 1) : look_ahead(root, high, low, 0);
}

#endif
