/**
 * Made-up prefixes with the lengths of an Internet table: about 59 % are /24, the rest mostly /20 to /23, some shorter; longer
 * ones lie within shorter ones. The same count gives the same prefixes, sorted as zebra's replay has them, all within
 * 16.0.0.0 to 111.255.255.255 so that none is special.
 */

/** IPv4 prefixes as columns. */
export interface Prefixes {
  readonly count: number;
  readonly addresses: Uint32Array;
  readonly lengths: Uint8Array;
}

/** Length and share in per mille, after the usual statistics of a full table. */
const MIX: readonly (readonly [length: number, share: number])[] = [
  [24, 590],
  [23, 100],
  [22, 110],
  [21, 55],
  [20, 46],
  [19, 28],
  [18, 15],
  [17, 9],
  [16, 13],
];
const FIRST = 16 << 24;
const SPAN = 96 * 2 ** 24;

/** `count` different prefixes. */
export function makePrefixes(count: number): Prefixes {
  const keys = new Float64Array(count);
  let made = 0;
  const total = MIX.reduce((sum, [, share]) => sum + share, 0);
  for (const [length, share] of MIX) {
    const slots = SPAN / 2 ** (32 - length);
    const wanted = Math.min(slots, Math.floor((count * share) / total));
    for (let i = 0; i < wanted; i++) keys[made++] = keyOf(Math.floor((i * slots) / wanted), length);
  }
  // What rounding, and short prefixes running out, leave over are host routes.
  for (let i = 0; made < count; i++) keys[made++] = keyOf(i * 64 + 1, 32);
  keys.sort();
  const addresses = new Uint32Array(count);
  const lengths = new Uint8Array(count);
  keys.forEach((key, i) => {
    addresses[i] = Math.floor(key / 64);
    lengths[i] = key % 64;
  });
  return { count, addresses, lengths };
}

/** Sorts by address, then by length. */
function keyOf(slot: number, length: number): number {
  return (FIRST + slot * 2 ** (32 - length)) * 64 + length;
}

/** The four bytes of an address. */
export function addressBytes(address: number): Uint8Array {
  return Uint8Array.of(address >>> 24, address >>> 16, address >>> 8, address);
}

/** `count` IPv4 addresses within the made-up table of that many routes, spread over it in no order; the same ones each time. */
export function destinationsIn(routes: number, count: number): Uint32Array {
  const prefixes = makePrefixes(routes);
  return Uint32Array.from({ length: count }, (_, i) => {
    const route = (Math.imul(i, 0x9e3779b1) >>> 0) % routes;
    // The subnet's first host, and of a host route the host.
    return prefixes.addresses[route]! + (prefixes.lengths[route]! < 31 ? 1 : 0);
  });
}
