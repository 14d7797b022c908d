/**
 * Whose process a TCP connection on this machine belongs to, as the kernel knows it: sock_diag (NETLINK_SOCK_DIAG, struct
 * inet_diag_req_v2), in the network namespace of this process; where the kernel has no inet_diag, /proc/self/net/tcp and tcp6. Neither
 * needs a privilege.
 *
 * Only a socket that a process holds open has an owner. One that was closed already shows uid 0, whoever it was, so that
 * counts as gone.
 */
import { readFileSync } from 'node:fs';
import { endianness } from 'node:os';
import { parseAddress } from '../net/address';
import { AF_NETLINK, close, recv, send, socket, SOCK_RAW, SysError } from './libc';

const NETLINK_SOCK_DIAG = 4;
const SOCK_DIAG_BY_FAMILY = 20;
const NLM_F_REQUEST = 1;
const IPPROTO_TCP = 6;
const AF_INET = 2;
const AF_INET6 = 10;
const NLMSG_HEADER = 16;
const REQUEST_BYTES = 56;
/** In struct inet_diag_msg: state, uid and inode. */
const STATE_AT = 1;
const UID_AT = 64;
const INODE_AT = 68;
const ANSWER_BYTES = 72;
const TCP_LISTEN = 10;

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** `gone`: there is no such socket here that a process holds. */
export type SocketOwner = { readonly uid: number } | 'gone';

/**
 * The owner of the socket bound to `own` and connected to `peer`.
 * @throws SysError when the kernel can't be asked at all
 */
export function socketOwner(own: Endpoint, peer: Endpoint): SocketOwner {
  const answer = askDiag(own, peer);
  if (answer !== undefined) return answer;
  // Nothing found, or no inet_diag in the kernel: the other end tells which, where it is ours too.
  return ownerByProc(own, peer, (file) => readFileSync(file, 'latin1'));
}

/** Undefined: sock_diag finds none. */
function askDiag(own: Endpoint, peer: Endpoint): SocketOwner | undefined {
  const [ownBytes, peerBytes] = [parseAddress(own.address), parseAddress(peer.address)];
  if (ownBytes === undefined || peerBytes === undefined || ownBytes.length !== peerBytes.length) return 'gone';
  const message = Buffer.alloc(NLMSG_HEADER + REQUEST_BYTES);
  message.writeUInt32LE(message.length, 0);
  message.writeUInt16LE(SOCK_DIAG_BY_FAMILY, 4);
  message.writeUInt16LE(NLM_F_REQUEST, 6);
  const request = message.subarray(NLMSG_HEADER);
  request[0] = ownBytes.length === 4 ? AF_INET : AF_INET6;
  request[1] = IPPROTO_TCP;
  request.writeUInt32LE(0xffffffff, 4);
  request.writeUInt16BE(own.port, 8);
  request.writeUInt16BE(peer.port, 10);
  request.set(ownBytes, 12);
  request.set(peerBytes, 28);
  // INET_DIAG_NOCOOKIE
  request.fill(0xff, 48, 56);
  const fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
  try {
    send(fd, message);
    const answer = Buffer.alloc(4096);
    // The kernel answers before `send` returns.
    const length = recv(fd, answer);
    if (length < NLMSG_HEADER + ANSWER_BYTES || answer.readUInt16LE(4) !== SOCK_DIAG_BY_FAMILY) return undefined;
    const found = answer.subarray(NLMSG_HEADER);
    // Where nothing is connected so, a listener on the port is found.
    if (found[STATE_AT] === TCP_LISTEN || found.readUInt32LE(INODE_AT) === 0) return 'gone';
    return { uid: found.readUInt32LE(UID_AT) };
  } catch (error) {
    if (error instanceof SysError) return undefined;
    throw error;
  } finally {
    close(fd);
  }
}

/** The same by the kernel's lists of all TCP sockets; `read` gives a file's text, and is for tests. */
export function ownerByProc(own: Endpoint, peer: Endpoint, read: (file: string) => string): SocketOwner {
  const wanted = [`${procName(own)} ${procName(peer)}`, `${procName(mapped(own))} ${procName(mapped(peer))}`];
  for (const file of ['/proc/self/net/tcp', '/proc/self/net/tcp6']) {
    let text: string;
    try {
      text = read(file);
    } catch {
      // A kernel without IPv6 has no tcp6.
      continue;
    }
    for (const line of text.split('\n')) {
      // sl local remote st tx:rx tr:when retrnsmt uid timeout inode
      const [, local, remote, state, , , , uid, , inode] = line.trim().split(/\s+/);
      if (!wanted.includes(`${local ?? ''} ${remote ?? ''}`) || inode === undefined) continue;
      return parseInt(state!, 16) === TCP_LISTEN || inode === '0' ? 'gone' : { uid: Number(uid) };
    }
  }
  return 'gone';
}

/** An IPv4 address as an IPv6 socket has it. */
function mapped({ address, port }: Endpoint): Endpoint {
  return { address: address.includes(':') ? address : `::ffff:${address}`, port };
}

/** `0100007F:0A3C`: words of 32 bits in the machine's order. */
function procName({ address, port }: Endpoint): string {
  const bytes = Buffer.from(parseAddress(address) ?? []);
  if (endianness() === 'LE') bytes.swap32();
  return `${bytes.toString('hex')}:${port.toString(16).padStart(4, '0')}`.toUpperCase();
}
