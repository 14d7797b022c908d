/** How the kernel's program finds a route, from the same words: bpf/routes.h said in TypeScript (decide.ts says what for). */
import { INDEX_BITS } from '../engine/short-prefixes';
import { chunkAt, COVERING, rank, STRIDE } from '../engine/trie-bits';
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
import { readLeaf } from './leaf-group';
import * as layout from './layout';

/** The value of the longest prefix in the trie at `root`; 0: none. */
export function lookUp(heap: Uint32Array, root: number, address: Uint32Array): number {
  if (root === 0) return 0;
  const first = address[0]! >>> INDEX_BITS;
  const leaf = findLeaf(heap, heap[root + layout.ROOT_LEAVES]!, address[0]! >>> (32 - layout.LEAF_BITS));
  if (leaf !== 0 && leaf !== layout.LEAF_DEEPER) return leaf;
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

/** What the pages know of an address's first 24 bits (leaf-pages.ts); LEAF_DEEPER or 0: the trie knows. */
function findLeaf(heap: Uint32Array, table: number, leaf: number): number {
  const page = table === 0 ? 0 : heap[table + (leaf >>> layout.LEAF_PAGE_BITS)]!;
  if (page === 0) return layout.LEAF_DEEPER;
  const number = (leaf & ((1 << layout.LEAF_PAGE_BITS) - 1)) >>> layout.GROUP_BITS;
  return readLeaf(heap, page + number * layout.GROUP_WORDS, leaf & (layout.GROUP_LEAVES - 1));
}

/** Of the prefixes shorter than an index slot, the longest one's value. */
function shortPrefix(heap: Uint32Array, root: number, first: number): number {
  const cover = heap[heap[root + layout.ROOT_COVER]! + (first >>> 1)]! >>> ((first & 1) << 4);
  return heap[heap[root + layout.ROOT_SHORTS]! + (cover & 0xffff)]!;
}
