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

/* What the pages in front of a trie know of an address's first 24 bits; LEAF_DEEPER: the trie knows more. */
static __always_inline __u32 find_leaf(__u32 table, __u32 leaf)
{
	__u32 page = table ? heap_word(table + (leaf >> LEAF_PAGE_BITS)) : 0;

	return page ? heap_word(page + (leaf & (LEAF_PAGE_WORDS - 1))) : LEAF_DEEPER;
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
 * The value of the longest prefix that covers the address, 0 for none: PrefixTrie.lookup(). `tables` is the trie's root, `index` the first word of it;
 * `high` and `low` are the 128 bits of the address, an IPv4 address being the first 32.
 */
static __always_inline __u32 walk_trie(volatile const __u32 *tables, __u32 index, __u64 high, __u64 low)
{
	__u32 first = high >> (64 - INDEX_BITS);
	__u32 prefixes = 0, covered = 0, values = 0;
	__u32 node;

	if (index) {
		__u32 leaf = find_leaf(tables[ROOT_LEAVES], high >> (64 - LEAF_BITS));

		if (leaf != LEAF_DEEPER)
			return leaf ? leaf : short_prefix(tables[ROOT_COVER], tables[ROOT_SHORTS], first);
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

/*
 * The same of the trie with this root, and sure that nothing changed meanwhile; or TORN. A function of its own to the verifier, which looks at it once: with
 * all that leads here it would look through the nodes again for each way there is to come.
 */
__noinline __u32 find_route(__u32 root, __u64 high, __u64 low)
{
	volatile const __u32 *tables;
	volatile __u32 *version;
	__u32 index, part, before, found;

	if (!root)
		return 0;
	tables = heap_at(root, ROOT_WORDS);
	if (!tables)
		return 0;
	index = tables[ROOT_INDEX];
	/* A small trie is one part, one with tables has a part for each index slot. */
	part = index ? high >> (64 - INDEX_BITS) : root / ROOT_WORDS;
	version = globals + GLOBAL_TREE_VERSIONS + (part & (TREE_VERSIONS - 1));
	before = *version;
	barrier_loads();
	found = walk_trie(tables, index, high, low);
	barrier_loads();
	return !(before & 1) && *version == before ? found : TORN;
}

#endif
