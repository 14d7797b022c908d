/**
 * The C library, as far as this project calls it: file descriptors, sockets, poll, ioctl. Everything that needs a raw
 * file descriptor (TAP, AF_PACKET, rtnetlink) is built on this module in the other files of src/sys; nothing outside
 * src/sys calls it.
 *
 * Buffers are passed by address. A Buffer's memory doesn't move while the Buffer is referenced, so addresses may be kept
 * in other buffers (iovec arrays) as long as their owner keeps both. Structures are laid out for 64-bit little-endian
 * Linux (x86-64, arm64), which `assertPlatform` checks.
 */
import { endianness } from 'node:os';
import koffi from 'koffi';

export const AF_NETLINK = 16;
export const AF_PACKET = 17;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const SOL_SOCKET = 1;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_SNDBUFFORCE = 32;
export const SO_RCVBUFFORCE = 33;
export const MSG_DONTWAIT = 0x40;
export const MSG_TRUNC = 0x20;
export const O_RDWR = 2;
export const O_NONBLOCK = 0o4000;
export const O_CLOEXEC = 0o2000000;
export const POLLIN = 0x001;
export const POLLOUT = 0x004;
export const POLLERR = 0x008;
export const POLLHUP = 0x010;
export const POLLNVAL = 0x020;

const PR_SET_NAME = 15;

const EINTR = 4;
const EAGAIN = 11;

/** Names of the errno values that people meet here; others show as numbers. */
const ERRNO_NAMES: Readonly<Record<number, string>> = {
  1: 'EPERM',
  2: 'ENOENT',
  3: 'ESRCH',
  4: 'EINTR',
  5: 'EIO',
  6: 'ENXIO',
  9: 'EBADF',
  11: 'EAGAIN',
  12: 'ENOMEM',
  13: 'EACCES',
  14: 'EFAULT',
  16: 'EBUSY',
  17: 'EEXIST',
  19: 'ENODEV',
  22: 'EINVAL',
  24: 'EMFILE',
  32: 'EPIPE',
  67: 'ENOLINK',
  77: 'EBADFD',
  90: 'EMSGSIZE',
  92: 'ENOPROTOOPT',
  95: 'EOPNOTSUPP',
  97: 'EAFNOSUPPORT',
  98: 'EADDRINUSE',
  99: 'EADDRNOTAVAIL',
  100: 'ENETDOWN',
  101: 'ENETUNREACH',
  105: 'ENOBUFS',
  111: 'ECONNREFUSED',
};

/** `EPERM` for 1. */
export function errnoName(errno: number): string {
  return ERRNO_NAMES[errno] ?? `errno ${errno}`;
}

/** A failed call into the C library: which call, on what, and its errno. */
export class SysError extends Error {
  constructor(
    readonly call: string,
    readonly errno: number,
    detail = '',
  ) {
    super(`${call}${detail === '' ? '' : ` ${detail}`}: ${errnoName(errno)}`);
    this.name = 'SysError';
  }
  /** The errno's name, e.g. `ENODEV`. */
  get code(): string {
    return ERRNO_NAMES[this.errno] ?? String(this.errno);
  }
}

const lib = koffi.load('libc.so.6');
const c = {
  open: lib.func('int open(const char *path, int flags, int mode)'),
  close: lib.func('int close(int fd)'),
  read: lib.func('long read(int fd, void *buf, size_t len)'),
  write: lib.func('long write(int fd, void *buf, size_t len)'),
  ioctl: lib.func('int ioctl(int fd, unsigned long request, void *arg)'),
  ioctlNumber: lib.func('ioctl', 'int', ['int', 'unsigned long', 'unsigned long']),
  socket: lib.func('int socket(int domain, int type, int protocol)'),
  bind: lib.func('int bind(int fd, void *addr, uint32_t len)'),
  connect: lib.func('int connect(int fd, void *addr, uint32_t len)'),
  getsockname: lib.func('int getsockname(int fd, void *addr, void *len)'),
  setsockopt: lib.func('int setsockopt(int fd, int level, int name, void *value, uint32_t len)'),
  getsockopt: lib.func('int getsockopt(int fd, int level, int name, void *value, void *len)'),
  recv: lib.func('long recv(int fd, void *buf, size_t len, int flags)'),
  send: lib.func('long send(int fd, void *buf, size_t len, int flags)'),
  sendto: lib.func('long sendto(int fd, void *buf, size_t len, int flags, void *addr, uint32_t alen)'),
  recvfrom: lib.func('long recvfrom(int fd, void *buf, size_t len, int flags, void *addr, void *alen)'),
  recvmmsg: lib.func('int recvmmsg(int fd, void *vec, uint32_t n, int flags, void *timeout)'),
  sendmmsg: lib.func('int sendmmsg(int fd, void *vec, uint32_t n, int flags)'),
  poll: lib.func('int poll(void *fds, unsigned long n, int timeout)'),
  eventfd: lib.func('int eventfd(uint32_t initval, int flags)'),
  prctl: lib.func('int prctl(int option, const char *name, unsigned long, unsigned long, unsigned long)'),
  sched_getscheduler: lib.func('int sched_getscheduler(int pid)'),
  sched_setscheduler: lib.func('int sched_setscheduler(int pid, int policy, void *param)'),
  usleep: lib.func('int usleep(uint32_t microseconds)'),
  if_nametoindex: lib.func('uint32_t if_nametoindex(const char *name)'),
  malloc_trim: lib.func('int malloc_trim(size_t pad)'),
};

/** Throws where the structure layouts of src/sys don't hold. */
export function assertPlatform(): void {
  if (process.platform !== 'linux' || endianness() !== 'LE' || koffi.sizeof('void *') !== 8) {
    throw new Error(`needs 64-bit little-endian Linux; this is ${process.platform}/${process.arch}`);
  }
}

/**
 * Gives back to the system what is free in the C library's heap: after a burst, tens of megabytes between blocks in use. Takes
 * milliseconds, so this is for when there is nothing to do.
 */
export function giveBackMemory(): void {
  c.malloc_trim(0);
}

function check(result: number, call: string, detail = ''): number {
  if (result < 0) throw new SysError(call, koffi.errno(), detail);
  return result;
}

/** Like `check`, but "nothing now" (EAGAIN, EINTR) gives -1 instead of an exception. */
function checkAgain(result: number, call: string, detail = ''): number {
  if (result >= 0) return result;
  const errno = koffi.errno();
  if (errno === EAGAIN || errno === EINTR) return -1;
  throw new SysError(call, errno, detail);
}

/** The address of a buffer's first byte, to be stored in iovec and msghdr structures. */
export function addressOf(buffer: NodeJS.ArrayBufferView): bigint {
  return koffi.address(buffer);
}

export function open(path: string, flags: number): number {
  return check(c.open(path, flags, 0) as number, 'open', path);
}

export function close(fd: number): void {
  check(c.close(fd) as number, 'close');
}

/** Returns the bytes read, or -1 when there is nothing to read now. */
export function read(fd: number, buffer: Uint8Array): number {
  return checkAgain(c.read(fd, buffer, buffer.length) as number, 'read');
}

/** Returns the bytes written, or -1 when it would block. */
export function write(fd: number, buffer: Uint8Array, length = buffer.length): number {
  return checkAgain(c.write(fd, buffer, length) as number, 'write');
}

/** `arg` is the structure the request takes, read and written in place. */
export function ioctl(fd: number, request: number, arg: Uint8Array, detail = ''): number {
  return check(c.ioctl(fd, request, arg) as number, 'ioctl', detail);
}

/** For the requests that take a number instead of a structure. */
export function ioctlNumber(fd: number, request: number, arg: number, detail = ''): number {
  return check(c.ioctlNumber(fd, request, arg) as number, 'ioctl', detail);
}

export function socket(domain: number, type: number, protocol: number): number {
  return check(c.socket(domain, type | SOCK_CLOEXEC, protocol) as number, 'socket');
}

/** `address` is a packed sockaddr. */
export function bind(fd: number, address: Uint8Array, detail = ''): void {
  check(c.bind(fd, address, address.length) as number, 'bind', detail);
}

export function connect(fd: number, address: Uint8Array, detail = ''): void {
  check(c.connect(fd, address, address.length) as number, 'connect', detail);
}

/** The socket's own packed address. */
export function getsockname(fd: number): Buffer {
  const address = Buffer.alloc(128);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(address.length);
  check(c.getsockname(fd, address, length) as number, 'getsockname');
  return address.subarray(0, length.readUInt32LE());
}

export function setsockopt(fd: number, level: number, name: number, value: Uint8Array | number, detail = ''): void {
  let bytes: Uint8Array;
  if (typeof value === 'number') {
    const int = Buffer.alloc(4);
    int.writeInt32LE(value);
    bytes = int;
  } else bytes = value;
  check(c.setsockopt(fd, level, name, bytes, bytes.length) as number, 'setsockopt', detail);
}

/** Returns the option's bytes, at most `size` of them. */
export function getsockopt(fd: number, level: number, name: number, size: number): Buffer {
  const value = Buffer.alloc(size);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(size);
  check(c.getsockopt(fd, level, name, value, length) as number, 'getsockopt');
  return value.subarray(0, length.readUInt32LE());
}

/** Returns the bytes received, or -1 when there is nothing now. With MSG_TRUNC the datagram's real length. */
export function recv(fd: number, buffer: Uint8Array, flags = MSG_DONTWAIT): number {
  return checkAgain(c.recv(fd, buffer, buffer.length, flags) as number, 'recv');
}

/** Returns the bytes sent, or -1 when it would block. */
export function send(fd: number, buffer: Uint8Array, length = buffer.length, flags = MSG_DONTWAIT): number {
  return checkAgain(c.send(fd, buffer, length, flags) as number, 'send');
}

/** `send` in a thread of libuv's pool: the bytes sent, or less than 0 for any error. */
export function sendAside(fd: number, buffer: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    c.send.async(fd, buffer, buffer.length, MSG_DONTWAIT, (error: Error | null, result: number) => {
      if (error === null) resolve(result);
      else reject(error);
    });
  });
}

/** Like `send`, to a packed sockaddr. */
export function sendto(fd: number, buffer: Uint8Array, length: number, address: Uint8Array): number {
  return checkAgain(c.sendto(fd, buffer, length, MSG_DONTWAIT, address, address.length) as number, 'sendto');
}

/** Like `recv`; the sender's packed sockaddr is written to `address`. */
export function recvfrom(fd: number, buffer: Uint8Array, address: Uint8Array): number {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(address.length);
  return checkAgain(c.recvfrom(fd, buffer, buffer.length, MSG_DONTWAIT, address, length) as number, 'recvfrom');
}

/** Receives up to `count` messages into an array of struct mmsghdr (64 bytes each); how many, or -1 for none now. */
export function recvmmsg(fd: number, vector: Uint8Array, count: number): number {
  return checkAgain(c.recvmmsg(fd, vector, count, MSG_DONTWAIT, null) as number, 'recvmmsg');
}

/** Sends up to `count` messages of an array of struct mmsghdr; how many the kernel took, or -1 when it would block. */
export function sendmmsg(fd: number, vector: Uint8Array, count: number): number {
  return checkAgain(c.sendmmsg(fd, vector, count, MSG_DONTWAIT) as number, 'sendmmsg');
}

/** An eventfd: a counter that other threads write to in order to wake a `poll`. */
export function eventfd(): number {
  return check(c.eventfd(0, O_NONBLOCK | O_CLOEXEC) as number, 'eventfd');
}

/** Names the calling thread, for `top -H` and /proc/PID/task/TID/comm: 15 bytes at most, the kernel forgets the rest. */
export function nameThread(name: string): void {
  check(c.prctl(PR_SET_NAME, name, 0, 0, 0) as number, 'prctl', name);
}

/** The calling thread's scheduling policy, with its flags. */
export function scheduler(): number {
  return check(c.sched_getscheduler(0) as number, 'sched_getscheduler');
}

/** Sets the calling thread's scheduling policy and, for the real-time ones, its static priority. @throws SysError EPERM */
export function setScheduler(policy: number, priority: number): void {
  const parameter = Buffer.alloc(4);
  parameter.writeInt32LE(priority);
  // 0 is the calling thread.
  check(c.sched_setscheduler(0, policy, parameter) as number, 'sched_setscheduler');
}

/** Blocks this thread for so many microseconds, or less when a signal comes. */
export function usleep(microseconds: number): void {
  c.usleep(microseconds);
}

/** The interface's index in this network namespace; throws ENODEV when there is none of that name. */
export function ifNameToIndex(name: string): number {
  const index = c.if_nametoindex(name) as number;
  if (index === 0) throw new SysError('if_nametoindex', koffi.errno(), name);
  return index;
}

/** A fixed set of file descriptors to poll(2). */
export class PollSet {
  private readonly bytes: Buffer;

  constructor(private readonly fds: readonly number[]) {
    this.bytes = Buffer.alloc(8 * fds.length);
    fds.forEach((fd, i) => this.watch(i, fd, POLLIN));
  }

  private watch(i: number, fd: number, events: number): void {
    this.bytes.writeInt32LE(fd, 8 * i);
    this.bytes.writeInt16LE(events, 8 * i + 4);
  }

  /** Sets which events the i-th descriptor is polled for. */
  setEvents(i: number, events: number): void {
    this.watch(i, this.fds[i]!, events);
  }

  /** Waits up to `timeout` ms (-1: for ever, blocking this thread). Returns how many descriptors have events. */
  wait(timeout: number): number {
    return Math.max(0, checkAgain(c.poll(this.bytes, this.fds.length, timeout) as number, 'poll'));
  }

  /** The events of the i-th descriptor at the last `wait`. */
  events(i: number): number {
    return this.bytes.readInt16LE(8 * i + 6);
  }
}
