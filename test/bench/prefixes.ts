/**
 * Made-up prefixes with the lengths of an Internet table: of IPv4's about 59 % are /24, the rest mostly /20 to /23, some shorter;
 * of IPv6's about half are /48, the rest mostly /32, /40 and /44. Longer ones lie within shorter ones. The same count gives the
 * same prefixes, sorted as zebra's replay has them, all within 16.0.0.0 to 111.255.255.255 and 2a00::/12 so that none is special.
 */

/** Prefixes of one family as columns. */
export interface Prefixes {
  readonly family: 4 | 6;
  readonly count: number;
  /** The first 32 bits of each. */
  readonly addresses: Uint32Array;
  /** Bits 32 to 63; all zero for IPv4. The rest of an IPv6 prefix is zero. */
  readonly lower: Uint32Array;
  readonly lengths: Uint8Array;
}

/** Where prefixes of a family are made. Numbers below are addresses cut to `bits` bits, so that they are exact in a double. */
interface Space {
  readonly family: 4 | 6;
  readonly bits: number;
  readonly first: number;
  readonly span: number;
  /** Length and share in per mille, after the usual statistics of a full table. */
  readonly mix: readonly (readonly [length: number, share: number])[];
  /** What rounding, and short prefixes running out, leave over: the `i`th is this address, with all its bits. */
  readonly spare: (i: number) => number;
}

const SPACE4: Space = {
  family: 4,
  bits: 32,
  first: 16 * 2 ** 24,
  span: 96 * 2 ** 24,
  mix: [
    [24, 590],
    [23, 100],
    [22, 110],
    [21, 55],
    [20, 46],
    [19, 28],
    [18, 15],
    [17, 9],
    [16, 13],
  ],
  spare: (i) => i * 64 + 1,
};

const SPACE6: Space = {
  family: 6,
  bits: 48,
  first: 0x2a00 * 2 ** 32,
  span: 2 ** 36,
  mix: [
    [48, 480],
    [44, 110],
    [40, 110],
    [36, 50],
    [32, 150],
    [47, 30],
    [46, 40],
    [29, 30],
  ],
  // Behind all others.
  spare: (i) => 2 ** 36 + i,
};

/** `count` different IPv4 prefixes. */
export function makePrefixes(count: number): Prefixes {
  return makeIn(SPACE4, count);
}

/** `count` different IPv6 prefixes. */
export function makePrefixes6(count: number): Prefixes {
  return makeIn(SPACE6, count);
}

function makeIn({ family, bits, first, span, mix, spare }: Space, count: number): Prefixes {
  const keys = new Float64Array(count);
  let made = 0;
  const total = mix.reduce((sum, [, share]) => sum + share, 0);
  for (const [length, share] of mix) {
    const size = 2 ** (bits - length);
    const slots = span / size;
    const wanted = Math.min(slots, Math.floor((count * share) / total));
    for (let i = 0; i < wanted; i++) keys[made++] = keyOf(Math.floor((i * slots) / wanted) * size, length);
  }
  for (let i = 0; made < count; i++) keys[made++] = keyOf(spare(i), bits);
  keys.sort();
  const addresses = new Uint32Array(count);
  const lower = new Uint32Array(count);
  const lengths = new Uint8Array(count);
  keys.forEach((key, i) => {
    const value = first + Math.floor(key / 64);
    addresses[i] = Math.floor(value / 2 ** (bits - 32));
    // What is left of 64 bits, of which `value` has the first `bits`.
    lower[i] = (value % 2 ** (bits - 32)) * 2 ** (64 - bits);
    lengths[i] = key % 64;
  });
  return { family, count, addresses, lower, lengths };
}

/** Sorts by address (from the start of the space), then by length. */
function keyOf(address: number, length: number): number {
  return address * 64 + length;
}

/** The four bytes of an address. */
export function addressBytes(address: number): Uint8Array {
  return Uint8Array.of(address >>> 24, address >>> 16, address >>> 8, address);
}

/** The 4 or 16 bytes of one of the prefixes. */
export function prefixBytes({ family, addresses, lower }: Prefixes, i: number): Uint8Array {
  const high = addressBytes(addresses[i]!);
  if (family === 4) return high;
  const bytes = new Uint8Array(16);
  bytes.set(high);
  bytes.set(addressBytes(lower[i]!), 4);
  return bytes;
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

/** The same for IPv6: the first 64 bits of each, in two numbers; the rest of the address is free. */
export function destinationsIn6(routes: number, count: number): (readonly [high: number, low: number])[] {
  const prefixes = makePrefixes6(routes);
  return Array.from({ length: count }, (_, i) => {
    const route = (Math.imul(i, 0x9e3779b1) >>> 0) % routes;
    return [prefixes.addresses[route]!, prefixes.lower[route]!] as const;
  });
}
