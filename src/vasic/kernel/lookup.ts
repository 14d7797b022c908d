/** How the kernel's program finds a route, from the same words: bpf/routes.h said in TypeScript (decide.ts says what for). */
import { INDEX_BITS } from '../engine/short-prefixes';
import { bitsAt, chunkAt, COVERING, halfAt, rank, STRIDE } from '../engine/trie-bits';
import {
  BEHIND,
  BITS_SHIFT,
  CHILD_BLOCK,
  CHILDREN,
  isOnPath,
  LEAF,
  NODE_WORDS,
  PATH,
  valueIn,
} from '../engine/trie-nodes';
import { bitsOf, blockOf, bucketOf, readBucket } from './bucket';
import { readLeaf } from './leaf-group';
import * as layout from './layout';

/** The value of the longest prefix in the trie at `root`; 0: none. */
export function lookUp(heap: Uint32Array, root: number, address: Uint32Array): number {
  if (root === 0) return 0;
  const first = address[0]! >>> INDEX_BITS;
  const known =
    heap[root + layout.ROOT_BUCKETS] !== 0
      ? findBucket(heap, heap[root + layout.ROOT_BUCKETS]!, address)
      : findLeaf(heap, heap[root + layout.ROOT_LEAVES]!, address[0]! >>> (32 - layout.AHEAD_BITS));
  if (known !== 0 && known !== layout.AHEAD_DEEPER) return known;
  const index = heap[root + layout.ROOT_INDEX]!;
  let node = index === 0 ? heap[root + layout.ROOT_NODE]! : heap[index + first]!;
  let value = 0;
  for (let depth = index === 0 ? 0 : INDEX_BITS; node !== 0;) {
    const head = heap[node]!;
    if ((head & PATH) !== 0) {
      if (!isOnPath(heap, node, address, depth)) break;
      if ((head & LEAF) !== 0) return heap[node + BEHIND]!;
      depth += head >>> BITS_SHIFT;
      node = heap[node + BEHIND]!;
      continue;
    }
    const chunk = chunkAt(address, depth);
    value = valueIn(heap, node, COVERING[chunk]!) || value;
    const children = heap[node + CHILDREN]!;
    if (((children >>> chunk) & 1) === 0) break;
    node = heap[node + CHILD_BLOCK]! + rank(children, chunk) * NODE_WORDS;
    depth += STRIDE;
  }
  if (value !== 0) return value;
  return index === 0 ? 0 : shortPrefix(heap, root, first);
}

/** What the pages know of an address's first 24 bits (leaf-pages.ts); AHEAD_DEEPER or 0: the trie knows. */
function findLeaf(heap: Uint32Array, table: number, leaf: number): number {
  const page = table === 0 ? 0 : heap[table + (leaf >>> layout.AHEAD_PAGE_BITS)]!;
  if (page === 0) return layout.AHEAD_DEEPER;
  const number = (leaf & ((1 << layout.AHEAD_PAGE_BITS) - 1)) >>> layout.GROUP_BITS;
  return readLeaf(heap, page + number * layout.GROUP_WORDS, leaf & (layout.GROUP_LEAVES - 1));
}

/** What the buckets know of an address (buckets.ts); AHEAD_DEEPER or 0: the trie knows. */
function findBucket(heap: Uint32Array, table: number, address: Uint32Array): number {
  const bits24 = address[0]! >>> (32 - layout.AHEAD_BITS);
  const page = heap[table + (bits24 >>> layout.AHEAD_PAGE_BITS)]!;
  const word = page === 0 ? 0 : heap[page + (bits24 & (layout.BUCKET_PAGE_WORDS - 1))]!;
  if (word === 0) return 0;
  const bits = bitsOf(word);
  const suffix = bitsAt(address, 0, layout.AHEAD_BITS + bits);
  return readBucket(heap, blockOf(word) + bucketOf(address[0]!, bits) * layout.BUCKET_WORDS, suffix);
}

/** Of the prefixes shorter than an index slot, the longest one's value. */
function shortPrefix(heap: Uint32Array, root: number, first: number): number {
  return heap[heap[root + layout.ROOT_SHORTS]! + halfAt(heap, heap[root + layout.ROOT_COVER]!, first)]!;
}
