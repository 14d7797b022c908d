/**
 * The Internet checksum (RFC 1071) and its incremental update (RFC 1624), over bytes of a frame. Sums are 16-bit words
 * in network order, added in ones' complement.
 */

/** Folds the carries of a sum (below 2^32) back into 16 bits. */
export function fold(sum: number): number {
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

/** Ones' complement sum of [start, end), an odd last byte padded with zero, on top of `initial`; folded. */
export function sumBytes(buffer: Uint8Array, start: number, end: number, initial = 0): number {
  let sum = initial;
  const even = end - ((end - start) & 1);
  for (let i = start; i < even; i += 2) sum += (buffer[i]! << 8) | buffer[i + 1]!;
  if (even < end) sum += buffer[even]! << 8;
  return fold(sum);
}

/** The new checksum after words that summed to `before` changed to `after` (RFC 1624, equation 3). */
export function updateChecksum(checksum: number, before: number, after: number): number {
  return ~fold((~checksum & 0xffff) + (~before & 0xffff) + after) & 0xffff;
}

/**
 * Sum of the TCP/UDP/ICMPv6 pseudo header (RFC 793, RFC 8200 8.1); `ip` is the IP header's offset, 4 or 6 its
 * version.
 */
export function pseudoHeaderSum(buffer: Uint8Array, ip: number, version: 4 | 6, proto: number, length: number): number {
  const addresses = version === 4 ? sumBytes(buffer, ip + 12, ip + 20) : sumBytes(buffer, ip + 8, ip + 40);
  return fold(addresses + proto + (length >>> 16) + (length & 0xffff));
}

export function read16(buffer: Uint8Array, at: number): number {
  return (buffer[at]! << 8) | buffer[at + 1]!;
}

export function write16(buffer: Uint8Array, at: number, value: number): void {
  buffer[at] = value >>> 8;
  buffer[at + 1] = value & 0xff;
}

export function read32(buffer: Uint8Array, at: number): number {
  return ((buffer[at]! << 24) | (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!) >>> 0;
}

export function write32(buffer: Uint8Array, at: number, value: number): void {
  write16(buffer, at, value >>> 16);
  write16(buffer, at + 2, value & 0xffff);
}
