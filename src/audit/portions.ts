/**
 * How a table is asked for in portions. zebra puts together a whole answer before it sends any of it, and does nothing else
 * meanwhile, so each question must be for few routes: prefixes that cover the address space, cut where the FIB has many routes.
 * A prefix that is cut further is asked for by itself, as it is in none of its parts.
 */
import type { Family, Prefix } from '../net/address';

/** One question. `exactly`: for this prefix alone, not for those in it. */
export interface Portion {
  readonly prefix: Prefix;
  readonly exactly: boolean;
}

/** Prefixes are cut by their first bits, down to this length. */
export const PORTION_BITS = 16;

/**
 * @param counts routes by the first 16 bits of their address
 * @param most routes of one portion, as far as `PORTION_BITS` let it be met
 */
export function portionsOf(family: Family, counts: Uint32Array, most: number): Portion[] {
  const portions: Portion[] = [];
  const cut = (first: number, length: number): void => {
    const prefix = prefixOf(family, first, length);
    const end = first + 2 ** (PORTION_BITS - length);
    let routes = 0;
    for (let at = first; at < end; at++) routes += counts[at]!;
    if (routes <= most || length === PORTION_BITS) {
      portions.push({ prefix, exactly: false });
      return;
    }
    portions.push({ prefix, exactly: true });
    cut(first, length + 1);
    cut((first + end) / 2, length + 1);
  };
  cut(0, 0);
  return portions;
}

function prefixOf(family: Family, first: number, length: number): Prefix {
  const bytes = new Uint8Array(family === 4 ? 4 : 16);
  bytes[0] = first >> 8;
  bytes[1] = first & 0xff;
  return { family, bytes, length };
}
