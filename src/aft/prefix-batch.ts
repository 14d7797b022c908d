/**
 * Tree entries with destination prefixes as columns. Routes are written in batches of these: a full table takes no object a
 * route on either side of the wire, where they look like any other entries.
 */
import { AftField } from './fields';
import type { AftEntry, AftKey, AftPrefixes, Token } from './model';

/** Bytes from one address to the next: room for either family. */
export const ADDRESS_STEP = 16;

/** The field that a route's key has, by the bytes of its address: 4 or 16. */
export function routeField(size: number): AftField {
  return size === 4 ? AftField.Ip4Daddr : AftField.Ip6Daddr;
}

export class PrefixBatch implements AftPrefixes {
  count = 0;
  addresses: Uint8Array;
  sizes: Uint8Array;
  lengths: Uint8Array;
  nexts: Float64Array;

  /** Grows beyond `capacity` items where it must. */
  constructor(
    public parent: Token,
    capacity: number,
  ) {
    const items = Math.max(1, capacity);
    this.addresses = new Uint8Array(items * ADDRESS_STEP);
    this.sizes = new Uint8Array(items);
    this.lengths = new Uint8Array(items);
    this.nexts = new Float64Array(items);
  }

  /** Where the address of item `count` goes, with room made for it; the caller fills the columns, then raises `count`. */
  reserve(): number {
    if (this.count === this.sizes.length) this.grow();
    return this.count * ADDRESS_STEP;
  }

  private grow(): void {
    const { addresses, sizes, lengths, nexts } = this;
    const items = sizes.length * 2;
    this.addresses = new Uint8Array(items * ADDRESS_STEP);
    this.addresses.set(addresses);
    this.sizes = new Uint8Array(items);
    this.sizes.set(sizes);
    this.lengths = new Uint8Array(items);
    this.lengths.set(lengths);
    this.nexts = new Float64Array(items);
    this.nexts.set(nexts);
  }
}

/** The entries as a batch, where all of them are plain routes of one tree; undefined: they aren't, or there are none. */
export function batchOf(entries: readonly AftEntry[]): PrefixBatch | undefined {
  const first = entries[0];
  if (first === undefined) return undefined;
  const batch = new PrefixBatch(first.parent, entries.length);
  for (const { parent, key, next, params } of entries) {
    const { field, data } = key;
    if (parent !== first.parent || params !== undefined || data.kind !== 'prefix') return undefined;
    const { bytes, length } = data;
    const isAddress = bytes.length === 4 || bytes.length === 16;
    if (!isAddress || field !== routeField(bytes.length) || length > bytes.length * 8) return undefined;
    batch.addresses.set(bytes, batch.reserve());
    batch.sizes[batch.count] = bytes.length;
    batch.lengths[batch.count] = length;
    batch.nexts[batch.count++] = next;
  }
  return batch;
}

/** The key of one item, with bytes of its own. */
export function prefixKey(prefixes: AftPrefixes, index: number): AftKey {
  const size = prefixes.sizes[index]!;
  const at = index * ADDRESS_STEP;
  const bytes = prefixes.addresses.slice(at, at + size);
  return { field: routeField(size), data: { kind: 'prefix', bytes, length: prefixes.lengths[index]! } };
}

/** One item as an entry. */
export function prefixEntry(prefixes: AftPrefixes, index: number): AftEntry {
  return { parent: prefixes.parent, key: prefixKey(prefixes, index), next: prefixes.nexts[index]! };
}

/** All of them as entries. */
export function prefixEntries(prefixes: AftPrefixes | undefined): AftEntry[] {
  return Array.from({ length: prefixes?.count ?? 0 }, (_, index) => prefixEntry(prefixes!, index));
}
