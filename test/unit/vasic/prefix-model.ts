/** What a prefix trie is held against: a list that is scanned; and memory that knows which blocks of it are in use. */
import { maskAddress } from '../../../src/net/address';
import { Arena, OWN_MEMORY } from '../../../src/vasic/engine/arena';
import { loadAddress, newAddress, storeAddress } from '../../../src/vasic/engine/prefix-key';
import type { PrefixTrie } from '../../../src/vasic/engine/prefix-trie';
import { capacityOf, type TrieMemory, type WordPool } from '../../../src/vasic/engine/word-pool';

export type Family = 4 | 16;

/** An address as the trie wants it. */
export function words(bytes: Uint8Array): Uint32Array {
  const address = newAddress();
  loadAddress(address, bytes, 0, bytes.length);
  return address;
}

/** Prefix text → value, looked up by trying each. */
export class PrefixModel {
  private readonly held = new Map<string, { bytes: Uint8Array; length: number; value: number }>();

  get size(): number {
    return this.held.size;
  }

  private static key(bytes: Uint8Array, length: number): string {
    return `${Buffer.from(bytes).toString('hex')}/${length}`;
  }

  get(bytes: Uint8Array, length: number): number {
    return this.held.get(PrefixModel.key(bytes, length))?.value ?? 0;
  }

  set(bytes: Uint8Array, length: number, value: number): void {
    this.held.set(PrefixModel.key(bytes, length), { bytes, length, value });
  }

  delete(bytes: Uint8Array, length: number): void {
    this.held.delete(PrefixModel.key(bytes, length));
  }

  lookup(address: Uint8Array): number {
    let best = { length: -1, value: 0 };
    for (const { bytes, length, value } of this.held.values()) {
      if (length > best.length && Buffer.from(maskAddress(address, length)).equals(bytes)) best = { length, value };
    }
    return best.value;
  }

  /** All of them, in the order they came. */
  all(): readonly { readonly bytes: Uint8Array; readonly length: number; readonly value: number }[] {
    return [...this.held.values()];
  }

  lines(): string[] {
    return [...this.held].map(([key, { value }]) => `${key} ${value}`).sort();
  }
}

/** What a trie lists, as the model does. */
export function lines(trie: PrefixTrie, size: Family): string[] {
  return [...trie.entries()]
    .map(
      ({ address, length, value }) => `${Buffer.from(storeAddress(address, size)).toString('hex')}/${length} ${value}`,
    )
    .sort();
}

/** A pool that knows its blocks, and leaves nothing to read in those that were given back. */
class CountedPool implements WordPool {
  private readonly arena = new Arena();
  private readonly blocks = new Map<number, number>();

  get words(): Uint32Array {
    return this.arena.words;
  }

  get bytes(): number {
    return this.arena.bytes;
  }

  /** Words of the blocks that are in use. */
  get used(): number {
    return [...this.blocks.values()].reduce((sum, size) => sum + size, 0);
  }

  allocate(items: number, itemWords: number): number {
    const block = this.arena.allocate(items, itemWords);
    this.blocks.set(block, capacityOf(items) * itemWords);
    this.words.fill(0xdeadbeef, block, block + capacityOf(items) * itemWords);
    return block;
  }

  release(block: number, items: number, itemWords: number): void {
    const size = capacityOf(items) * itemWords;
    if (this.blocks.get(block) !== size) throw new Error(`${size} words given back at ${block}: no such block`);
    this.blocks.delete(block);
    this.words.fill(0xdeadbeef, block, block + size);
    this.arena.release(block, items, itemWords);
  }

  shrink(): void {
    throw new Error('there was room');
  }
}

/** Memory of its own for a trie, and how many words of it are in use. */
export function countedMemory(): { readonly memory: TrieMemory; readonly used: () => number } {
  const pool = new CountedPool();
  return { memory: { ...OWN_MEMORY, small: () => pool, large: () => [pool] }, used: () => pool.used };
}
