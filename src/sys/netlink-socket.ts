/**
 * The rtnetlink socket: opened and written by its owner, received from in a thread that polls it. Bytes only; the
 * messages in them are src/netlink's.
 */
import {
  AF_NETLINK,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOL_SOCKET,
  SO_RCVBUFFORCE,
  SO_RCVBUF,
  SysError,
  addressOf,
  bind,
  close,
  recvfrom,
  send,
  sendAside,
  setsockopt,
  socket,
} from './libc';

const NETLINK_ROUTE = 0;
const SO_ATTACH_FILTER = 26;
const SOL_NETLINK = 270;
const NETLINK_GET_STRICT_CHK = 12;
/** sizeof(struct sockaddr_nl): family, padding, pid, groups. */
const SOCKADDR_NL = 12;
/** The kernel makes dump messages of up to 32 KiB when the reader has room. */
export const NETLINK_RECEIVE_BYTES = 65536;

/**
 * Opens a socket that belongs to the multicast `groups` (RTMGRP_ bits).
 * @param receiveBytes the receive buffer asked for; without CAP_NET_ADMIN the system's limit applies
 * @throws SysError
 */
export function openNetlink(groups: number, receiveBytes: number): number {
  const fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_ROUTE);
  try {
    try {
      setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, receiveBytes);
    } catch (error) {
      if (!(error instanceof SysError && error.code === 'EPERM')) throw error;
      setsockopt(fd, SOL_SOCKET, SO_RCVBUF, receiveBytes);
    }
    const address = Buffer.alloc(SOCKADDR_NL);
    address.writeUInt16LE(AF_NETLINK, 0);
    address.writeUInt32LE(groups >>> 0, 8);
    bind(fd, address, 'netlink');
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
}

/**
 * Has the kernel drop what a program of classic BPF refuses, by the first message of each datagram.
 * @param program struct sock_filter, one after the other
 * @throws SysError
 */
export function filterNetlink(fd: number, program: Uint8Array): void {
  // struct sock_fprog: the number of instructions and, aligned, where they are.
  const head = Buffer.alloc(16);
  head.writeUInt16LE(program.length / 8, 0);
  head.writeBigUInt64LE(addressOf(program), 8);
  setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, head, 'netlink filter');
}

/** Has dumps show only what their request's header asks for. Returns false where the kernel is too old for that. */
export function limitDumps(fd: number): boolean {
  try {
    setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1, 'NETLINK_GET_STRICT_CHK');
    return true;
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return false;
  }
}

/** Sends one buffer of messages to the kernel, which deals with them before this returns. @throws SysError */
export function sendNetlink(fd: number, messages: Uint8Array): void {
  if (send(fd, messages) < 0) throw new SysError('send', 11, 'netlink');
}

/**
 * The same in another thread, for requests that the kernel needs long for: it shows the first part of a dump before `send` returns, and may
 * have to go through a million routes for that. The messages must not be changed meanwhile, nor the socket closed. Rejects when it can't be sent.
 */
export async function sendNetlinkAside(fd: number, messages: Uint8Array): Promise<void> {
  if ((await sendAside(fd, messages)) < 0) throw new Error('the netlink socket takes no requests');
}

/**
 * What was received: `bytes` of messages in the buffer; `nothing` is waiting; `overrun`: the kernel had to drop messages
 * (ENOBUFS); `foreign`: the message isn't the kernel's and must be ignored.
 */
export type NetlinkReceived = number | 'nothing' | 'overrun' | 'foreign';

const sender = Buffer.alloc(SOCKADDR_NL);
/** The kernel raises it at most once per dump; a socket that gives nothing else is broken. */
const MAX_INVALID = 16;

/**
 * Receives what is next. EINVAL is no fault of the socket: while one thread receives, the kernel carries on the running
 * dump there, and says EINVAL when a request that another thread sent has just finished that dump. Nothing is lost then.
 * @param receive as `recvfrom`; for tests
 * @throws SysError for anything but an overrun, and for EINVAL without end
 */
export function receiveNetlink(fd: number, buffer: Uint8Array, receive = recvfrom): NetlinkReceived {
  for (let invalid = 0; ; invalid++) {
    try {
      const length = receive(fd, buffer, sender);
      if (length < 0) return 'nothing';
      // Port id 0 is the kernel; a privileged process could send too.
      return sender.readUInt32LE(4) === 0 ? length : 'foreign';
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      if (error.code === 'ENOBUFS') return 'overrun';
      if (error.code !== 'EINVAL' || invalid === MAX_INVALID) throw error;
    }
  }
}

export function closeNetlink(fd: number): void {
  close(fd);
}
