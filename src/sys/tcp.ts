/**
 * What the kernel knows of a TCP connection that Node doesn't show: when its peer was heard last, and how soon silence counts
 * as death. By file descriptor, which stays Node's.
 */
import type { Socket } from 'node:net';
import { getsockopt, setsockopt, SOL_SOCKET } from './libc';

const SO_KEEPALIVE = 9;
const IPPROTO_TCP = 6;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;
const TCP_INFO = 11;
/** In struct tcp_info: tcpi_unacked, tcpi_last_ack_recv. */
const UNACKED_AT = 24;
const LAST_ACK_AT = 56;

/** When a silent peer is asked, in seconds, how often, and how often in vain at most. */
export interface KeepAlive {
  readonly idle: number;
  readonly interval: number;
  readonly count: number;
}

/** The descriptor of a connected socket; undefined when it is closed. Node has no public way to it. */
export function fdOf(socket: Socket): number | undefined {
  const fd = (socket as unknown as { readonly _handle?: { readonly fd?: number } | null })._handle?.fd;
  return fd === undefined || fd < 0 ? undefined : fd;
}

/** Has the kernel end a connection whose peer doesn't answer while nothing is under way. @throws SysError */
export function setKeepAlive(fd: number, { idle, interval, count }: KeepAlive): void {
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, 1, 'SO_KEEPALIVE');
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle, 'TCP_KEEPIDLE');
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, interval, 'TCP_KEEPINTVL');
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, count, 'TCP_KEEPCNT');
}

/**
 * How long ago, in ms, the peer's kernel acknowledged anything, and how many segments wait for that. It answers keep-alives and probes
 * of a closed window too, so a peer that is slow or stopped isn't one that is silent. @throws SysError
 */
export function peerSilence(fd: number): { readonly silentMs: number; readonly unacknowledged: number } {
  const info = getsockopt(fd, IPPROTO_TCP, TCP_INFO, 104);
  return { silentMs: info.readUInt32LE(LAST_ACK_AT), unacknowledged: info.readUInt32LE(UNACKED_AT) };
}
