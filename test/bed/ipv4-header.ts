/** The checksum of IPv4 headers that tests make: computed here and not by the product's own code, which they judge. */

const CHECKSUM = 10;

/** Writes the checksum (RFC 1071) into the 20 bytes of a header that begins at `at`; what stood there counts for nothing. */
export function finishIpv4(bytes: Buffer, at = 0): void {
  bytes.writeUInt16BE(0, at + CHECKSUM);
  let sum = 0;
  for (let i = at; i < at + 20; i += 2) sum += bytes.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  bytes.writeUInt16BE(~sum & 0xffff, at + CHECKSUM);
}
