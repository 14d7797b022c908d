/** What identifies a route, a kernel table and a prefix, and its forms: words, a hash, bytes. */

/** A route's key in machine words, reused between calls so that looking one up allocates nothing. */
export interface RouteKey {
  table: number;
  ip6: boolean;
  length: number;
  a0: number;
  a1: number;
  a2: number;
  a3: number;
}

/** An empty key, to be filled. */
export function newKey(): RouteKey {
  return { table: 0, ip6: false, length: 0, a0: 0, a1: 0, a2: 0, a3: 0 };
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** `word` with all but its first `bits` bits cleared; bits may be out of 0…32. */
function maskWord(value: number, bits: number): number {
  if (bits <= 0) return 0;
  return bits >= 32 ? value : (value & (0xffffffff << (32 - bits))) >>> 0;
}

/** Fills `key` with a prefix, masking host bits. */
export function setKey(key: RouteKey, table: number, bytes: Uint8Array, length: number): RouteKey {
  key.table = table;
  key.length = length;
  key.ip6 = bytes.length === 16;
  key.a0 = maskWord(word(bytes, 0), length);
  if (key.ip6) {
    key.a1 = maskWord(word(bytes, 4), length - 32);
    key.a2 = maskWord(word(bytes, 8), length - 64);
    key.a3 = maskWord(word(bytes, 12), length - 96);
  } else key.a1 = key.a2 = key.a3 = 0;
  return key;
}

/** Cuts a key's prefix to a shorter length. */
export function shortenKey(target: RouteKey, source: RouteKey, length: number): RouteKey {
  target.table = source.table;
  target.ip6 = source.ip6;
  target.length = length;
  target.a0 = maskWord(source.a0, length);
  target.a1 = maskWord(source.a1, length - 32);
  target.a2 = maskWord(source.a2, length - 64);
  target.a3 = maskWord(source.a3, length - 96);
  return target;
}

/** Whether a prefix lies in `outer`, or is that. The table doesn't count. */
export function keyWithin(key: RouteKey, outer: RouteKey): boolean {
  const bits = outer.length;
  return (
    key.ip6 === outer.ip6 &&
    key.length >= bits &&
    maskWord(key.a0, bits) === outer.a0 &&
    maskWord(key.a1, bits - 32) === outer.a1 &&
    maskWord(key.a2, bits - 64) === outer.a2 &&
    maskWord(key.a3, bits - 96) === outer.a3
  );
}

/** 32 bits: the index takes its segment from the first of them, and the place there from the last. */
export function hashKey(key: RouteKey): number {
  // The same prefixes come in many tables: their ids must not meet the bits by which prefixes differ.
  let h = Math.imul(key.a0 ^ (key.length << 8) ^ Math.imul(key.table, 0x27220a95), 0x9e3779b1);
  if (key.ip6) {
    h = Math.imul(h ^ key.a1 ^ (h >>> 15), 0x85ebca77);
    h = Math.imul(h ^ key.a2 ^ (h >>> 13), 0xc2b2ae3d);
    h = Math.imul(h ^ key.a3 ^ (h >>> 15), 0x27d4eb2f);
  }
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  return (h ^ (h >>> 13)) >>> 0;
}

/** A key's address in network order: 4 or 16 new bytes. */
export function keyAddress(key: RouteKey): Uint8Array {
  const bytes = new Uint8Array(key.ip6 ? 16 : 4);
  storeAddress(key, bytes, 0);
  return bytes;
}

/** The same into `bytes` from `at`; returns how many: 4 or 16. */
export function storeAddress(key: RouteKey, bytes: Uint8Array, at: number): 4 | 16 {
  storeWord(bytes, at, key.a0);
  if (!key.ip6) return 4;
  storeWord(bytes, at + 4, key.a1);
  storeWord(bytes, at + 8, key.a2);
  storeWord(bytes, at + 12, key.a3);
  return 16;
}

function storeWord(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
