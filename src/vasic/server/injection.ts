/**
 * Which hostpath datagrams are frames to send: those of the host that is punted to, from the very address and port, since on one machine
 * any user may send from the address. Nobody else's may leave by a port.
 */
import { decodeHostpathHeader, HOSTPATH_HEADER, type HostpathHeader } from '../../hostpath/header';
import { formatSockaddr, sameEndpoint } from '../../net/sockaddr';

const ETHERNET_HEADER = 14;

export interface Injector {
  /** Packed sockaddr of the host. */
  readonly host: Buffer;
  readonly sandbox: number;
  /** How many there are. */
  readonly ports: number;
}

/**
 * Looks at a datagram in the first `size` bytes of `datagram`, from a packed sockaddr.
 * @returns its header: the frame is bytes 8 … `length`; or what is wrong, in words
 */
export function injection(
  datagram: Buffer,
  size: number,
  from: Buffer,
  { host, sandbox, ports }: Injector,
): HostpathHeader | string {
  if (!sameEndpoint(from, host)) return `only ${formatSockaddr(host)} (--punt-to) may inject`;
  const header = decodeHostpathHeader(datagram, size);
  if (typeof header === 'string') return `bad hostpath header (${header})`;
  if (header.direction !== 'inject') return 'direction is not inject';
  if (header.sandbox !== sandbox) return `sandbox id is ${header.sandbox}, not ${sandbox}`;
  if (header.port >= ports) return `no port ${header.port}`;
  const frame = header.length - HOSTPATH_HEADER;
  return frame < ETHERNET_HEADER ? `a frame of ${frame} bytes` : header;
}
