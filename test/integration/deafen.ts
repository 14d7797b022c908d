/** Has a process lose the kernel's netlink notifications, as an overrun would, but without the kernel telling it. Needs root. */
import { closeSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import koffi from 'koffi';

const libc = koffi.load('libc.so.6');
const syscall = libc.func('long syscall(long number, long a, long b, long c)') as (...values: number[]) => number;
const setsockopt = libc.func('int setsockopt(int fd, int level, int name, void *value, uint32_t length)') as (
  ...values: (number | Buffer)[]
) => number;

const PIDFD_OPEN = 434;
const PIDFD_GETFD = 438;
const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
const SO_DETACH_FILTER = 27;
const RTMGRP_NEIGH = 4;
/** `ret #0`: nothing passes. */
const DROP_ALL = Buffer.from([0x06, 0, 0, 0, 0, 0, 0, 0]);

/** Begins it; returns what ends it. */
export function deafen(pid: number): () => void {
  const fd = duplicate(pid, notifiedFd(pid));
  const program = Buffer.alloc(16);
  program.writeUInt16LE(DROP_ALL.length / 8, 0);
  program.writeBigUInt64LE(BigInt(koffi.address(DROP_ALL)), 8);
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, program, program.length) !== 0)
    throw new Error('no filter attached');
  return () => {
    setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, Buffer.alloc(4), 4);
    closeSync(fd);
  };
}

/** The process's netlink socket that is told of neighbors. */
function notifiedFd(pid: number): number {
  const rows = readFileSync(`/proc/${pid}/net/netlink`, 'utf8').split('\n').slice(1);
  const inodes = rows
    .map((row) => row.trim().split(/ +/))
    .filter((cells) => (Number.parseInt(cells[3] ?? '0', 16) & RTMGRP_NEIGH) !== 0);
  const sockets = new Set(inodes.map((cells) => `socket:[${cells[9] ?? ''}]`));
  const found = readdirSync(`/proc/${pid}/fd`).find((name) => {
    try {
      return sockets.has(readlinkSync(`/proc/${pid}/fd/${name}`));
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error(`process ${pid} listens to no netlink notifications`);
  return Number(found);
}

function duplicate(pid: number, fd: number): number {
  const pidfd = syscall(PIDFD_OPEN, pid, 0, 0);
  const copy = syscall(PIDFD_GETFD, pidfd, fd, 0);
  closeSync(pidfd);
  if (copy < 0) throw new Error(`file descriptor ${fd} of process ${pid} can not be had`);
  return copy;
}
