/** Where a stream socket listens or leads: an address and TCP port, or a Unix socket; and how that is written. */
import { isIP } from 'node:net';

/** An IP address (an IPv6 one without brackets) or a host name, and a port. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** `path`: of a Unix socket. */
export type Endpoint = HostPort | { readonly path: string };

const UNIX = 'unix:';
/** sockaddr_un holds so many bytes and a zero. */
const MAX_PATH_BYTES = 107;

export function isUnix(endpoint: Endpoint): endpoint is { readonly path: string } {
  return 'path' in endpoint;
}

/** Whether a Unix socket may be there: an absolute path that sockaddr_un can hold. */
export function isSocketPath(text: string): boolean {
  return text.startsWith('/') && !text.includes('\0') && Buffer.byteLength(text) <= MAX_PATH_BYTES;
}

/** Reads `10.0.0.1:2620`, `[::1]:2620` and `vasic1:50051`, with ports from 0 to 65535; undefined for anything else. */
export function parseHostPort(text: string): HostPort | undefined {
  const [, six, other = '', digits] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  const isGood = six === undefined ? isIP(other) === 4 || isHostName(other) : isIP(six) === 6;
  return isGood && port <= 65_535 ? { host: six ?? other, port } : undefined;
}

/** The same, or `unix:/PATH`. */
export function parseEndpoint(text: string): Endpoint | undefined {
  if (!text.startsWith(UNIX)) return parseHostPort(text);
  const path = text.slice(UNIX.length);
  return isSocketPath(path) ? { path } : undefined;
}

/** As `parseEndpoint` reads it. gRPC takes the same text for an address. */
export function formatEndpoint(endpoint: Endpoint): string {
  if (isUnix(endpoint)) return `${UNIX}${endpoint.path}`;
  const { host, port } = endpoint;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether an IP address leads to this machine and nowhere else. */
export function isLoopback(address: string): boolean {
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}

/** Whether one is IPv4 and the other IPv6, so that no one socket can have both. A name may be either. */
export function familiesDiffer({ host }: HostPort, other: HostPort): boolean {
  const families = [isIP(host), isIP(other.host)];
  return families.includes(4) && families.includes(6);
}

/** A host name by RFC 1123; dotted numbers are an address, not a name. */
export function isHostName(text: string): boolean {
  const labels = text.split('.');
  return (
    text.length <= 253 &&
    labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(label)) &&
    !/^\d+$/.test(labels[labels.length - 1]!)
  );
}
