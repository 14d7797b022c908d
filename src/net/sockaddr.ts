/** Packed sockaddr_in and sockaddr_in6, as the kernel takes and reports them. */
import { formatAddress, parseAddress } from './address';

/** Address families of Linux (linux/socket.h). */
export const AF_INET = 2;
export const AF_INET6 = 10;

/** sizeof(struct sockaddr_in), and of sockaddr_in6, the longest name a UDP socket reports. */
const INET_BYTES = 16;
export const SOCKADDR_BYTES = 28;

/** A packed sockaddr for a numeric address; `localhost` is 127.0.0.1. Throws on anything else. */
export function sockaddr(host: string, port: number): Buffer {
  const address = parseAddress(host === 'localhost' ? '127.0.0.1' : host);
  if (address === undefined) throw new Error(`${host} is not an IP address; a numeric IPv4 or IPv6 address is needed`);
  const isIp4 = address.length === 4;
  const packed = Buffer.alloc(isIp4 ? INET_BYTES : SOCKADDR_BYTES);
  packed.writeUInt16LE(isIp4 ? AF_INET : AF_INET6, 0);
  packed.writeUInt16BE(port, 2);
  packed.set(address, isIp4 ? 4 : 8);
  return packed;
}

/** Address and port of a packed sockaddr as people write them, e.g. `127.0.0.1:9002`, `[::1]:9002`. */
export function formatSockaddr(packed: Buffer): string {
  const port = packed.readUInt16BE(2);
  return packed.readUInt16LE(0) === AF_INET6
    ? `[${formatAddress(packed.subarray(8, 24))}]:${port}`
    : `${formatAddress(packed.subarray(4, 8))}:${port}`;
}

/** Whether two have the same address; an IPv6 one's flow label and scope are the kernel's. */
function sameHost(a: Buffer, b: Buffer): boolean {
  const [start, end] = b.readUInt16LE(0) === AF_INET6 ? [8, 24] : [4, 8];
  return a.readUInt16LE(0) === b.readUInt16LE(0) && a.compare(b, start, end, start, end) === 0;
}

/** Whether two have the same address and port. */
export function sameEndpoint(a: Buffer, b: Buffer): boolean {
  return a.readUInt16BE(2) === b.readUInt16BE(2) && sameHost(a, b);
}
