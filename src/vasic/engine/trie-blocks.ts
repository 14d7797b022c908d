/** What a trie's branching nodes point to: blocks of children and of values, packed in the order of the node's bitmaps, and one item more or less in them. */
import { popcount, rank } from './trie-bits';
import { CHILD_BLOCK, CHILDREN, NODE_WORDS, placeOfValue, PREFIXES, VALUES } from './trie-nodes';
import { capacityOf, type WordPool } from './word-pool';

/** Adds a prefix that isn't there. */
export function addValue(pool: WordPool, node: number, bit: number, value: number): void {
  const prefixes = pool.words[node + PREFIXES]!;
  const position = rank(prefixes, bit);
  if (prefixes === 0) pool.words[node + VALUES] = value;
  else if ((prefixes & (prefixes - 1)) === 0) {
    const other = pool.words[node + VALUES]!;
    const block = allocate(pool, 2, 1);
    pool.words[block + position] = value;
    pool.words[block + 1 - position] = other;
    pool.words[node + VALUES] = block;
  } else {
    // Not in one expression: the pool's words may be others behind the call.
    const at = openItem(pool, node + VALUES, popcount(prefixes), position, 1);
    pool.words[at] = value;
  }
  pool.words[node + PREFIXES] = prefixes | (1 << bit);
}

/** Removes a prefix that is there; its value. */
export function removeValue(pool: WordPool, node: number, bit: number): number {
  const { words } = pool;
  const prefixes = words[node + PREFIXES]!;
  const count = popcount(prefixes);
  const position = rank(prefixes, bit);
  const previous = words[placeOfValue(words, node, bit)]!;
  if (count === 1) words[node + VALUES] = 0;
  else if (count === 2) {
    const block = words[node + VALUES]!;
    words[node + VALUES] = words[block + 1 - position]!;
    pool.release(block, 2, 1);
  } else closeItem(pool, node + VALUES, count, position, 1);
  pool.words[node + PREFIXES] = prefixes & ~(1 << bit);
  return previous;
}

/** Makes room for a child that isn't there; its address, contents undefined. */
export function addChild(pool: WordPool, node: number, chunk: number): number {
  const children = pool.words[node + CHILDREN]!;
  const child = openItem(pool, node + CHILD_BLOCK, popcount(children), rank(children, chunk), NODE_WORDS);
  pool.words[node + CHILDREN] = children | (1 << chunk);
  return child;
}

/** Removes a child with nothing below it. */
export function removeChild(pool: WordPool, node: number, chunk: number): void {
  const children = pool.words[node + CHILDREN]!;
  closeItem(pool, node + CHILD_BLOCK, popcount(children), rank(children, chunk), NODE_WORDS);
  pool.words[node + CHILDREN] = children & ~(1 << chunk);
}

/** A block, which there has to be room for (TrieMemory.hasRoom()). */
export function allocate(pool: WordPool, items: number, itemWords: number): number {
  const block = pool.allocate(items, itemWords);
  if (block === 0) throw new Error('no room for a prefix where there was some: the memory lost a block');
  return block;
}

/** Makes room for one item in the block that word `pointer` points to and that holds `count`; the item's address. */
function openItem(pool: WordPool, pointer: number, count: number, position: number, itemWords: number): number {
  const old = pool.words[pointer]!;
  const split = position * itemWords;
  if (count > 0 && count < capacityOf(count)) {
    pool.words.copyWithin(old + split + itemWords, old + split, old + count * itemWords);
    return old + split;
  }
  const block = allocate(pool, count + 1, itemWords);
  const { words } = pool;
  if (count > 0) {
    words.copyWithin(block, old, old + split);
    words.copyWithin(block + split + itemWords, old + split, old + count * itemWords);
    pool.release(old, count, itemWords);
  }
  words[pointer] = block;
  return block + split;
}

/** Takes one item out of such a block, giving the block back or moving it to a smaller one where that fits. */
function closeItem(pool: WordPool, pointer: number, count: number, position: number, itemWords: number): void {
  const old = pool.words[pointer]!;
  const split = position * itemWords;
  if (count === 1) {
    pool.release(old, 1, itemWords);
    pool.words[pointer] = 0;
    return;
  }
  pool.words.copyWithin(old + split, old + split + itemWords, old + count * itemWords);
  if (capacityOf(count - 1) === capacityOf(count)) return;
  const block = pool.allocate(count - 1, itemWords);
  if (block === 0) {
    pool.shrink(old, count, itemWords);
    return;
  }
  pool.words.copyWithin(block, old, old + (count - 1) * itemWords);
  pool.release(old, count, itemWords);
  pool.words[pointer] = block;
}
