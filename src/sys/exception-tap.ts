/**
 * A TAP that the kernel hands frames to, for this process to read: where a BPF program at tc sends what it leaves to the TypeScript
 * engine. AF_PACKET would be too early for that, it sees all frames.
 *
 * Frames come as they were received: with IFF_VNET_HDR and TUNSETOFFLOAD a checksum stays unfinished and a segment whole, and the
 * header in front says so, as AF_PACKET's does. A VLAN tag is in its place. The device is up, has no address and no IPv6, and is not
 * persistent: the kernel removes it with its descriptor, however this process ends. Nothing is ever written to it. Only packets
 * with the mark of the BPF program are taken: what Linux or a daemon sends out of all interfaces (LLDP) is no received frame.
 *
 * Owner: whoever opened it, one thread. A received frame lies in a slot that the next `receive` overwrites.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { noOffload } from '../net/offload';
import { AF_INET } from '../net/sockaddr';
import { interfaceState, setInterfaceUp } from './interface';
import {
  O_CLOEXEC,
  O_NONBLOCK,
  O_RDWR,
  SOCK_DGRAM,
  SysError,
  addressOf,
  close,
  ioctl,
  ioctlNumber,
  open,
  read,
  socket,
} from './libc';
import type { ReceivedFrame } from './packet';
import { readVnetHeader, VNET_HDR } from './vnet-header';

/** linux/if_tun.h */
const TUNSETIFF = 0x400454ca;
const TUNSETOFFLOAD = 0x400454d0;
const IFF_TAP = 0x0002;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
const TUN_F_CSUM = 0x01;
const TUN_F_TSO4 = 0x02;
const TUN_F_TSO6 = 0x04;
const TUN_F_TSO_ECN = 0x08;
/** UDP segments; from kernel 6.2 on. */
const TUN_F_USO = 0x20 | 0x40;
const TUN_F_OLD = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
const TUNATTACHFILTER = 0x401054d5;
/** linux/filter.h: classic BPF. The mark is read at this place beyond the packet. */
const LOAD_WORD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const RETURN = 0x06;
const AT_MARK = 0xfffff000 + 20;
/** linux/sockios.h */
const SIOCSIFTXQLEN = 0x8943;
const IFREQ = 40;
const IFNAMSIZ = 16;

/** Frames that wait for this process at most. */
const QUEUE_FRAMES = 4096;
const MAX_FRAME = 65536 + 64;
/** Frames of one `receive`. */
const BATCH = 32;
const ETHER_HEADER = 14;

export class ExceptionTap {
  /** Frames shorter than an Ethernet header, or longer than 64 KB. */
  private oddFrames = 0;
  /** What the kernel told of last: nothing is told once the device is removed. */
  private queueDrops = 0;
  private readonly frame: ReceivedFrame;
  /** Where a read puts the header and, behind it, the frame. */
  private readonly landing: Buffer;

  private constructor(
    readonly fd: number,
    readonly name: string,
    readonly ifindex: number,
    private readonly headroom: number,
  ) {
    const buffer = Buffer.alloc(headroom + VNET_HDR + MAX_FRAME);
    this.frame = { buffer, offset: 0, length: 0, offload: noOffload() };
    this.landing = buffer.subarray(headroom);
  }

  /**
   * Makes one; the kernel finds the first free name of `pattern`, such as `sv%d`.
   * @param mark of the packets that are taken
   * @param headroom bytes to keep free before each frame
   * @throws SysError ENOENT (no /dev/net/tun), EPERM (no CAP_NET_ADMIN)
   */
  static open(pattern: string, mark: number, headroom: number): ExceptionTap {
    const fd = open('/dev/net/tun', O_RDWR | O_NONBLOCK | O_CLOEXEC);
    try {
      const request = Buffer.alloc(IFREQ);
      request.write(pattern);
      request.writeUInt16LE(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR, IFNAMSIZ);
      ioctl(fd, TUNSETIFF, request, `TUNSETIFF ${pattern}`);
      const name = request.toString('utf8', 0, request.indexOf(0));
      setOffload(fd);
      setFilter(fd, mark);
      setQueue(name);
      disableIpv6(name);
      setInterfaceUp(name);
      return new ExceptionTap(fd, name, interfaceState(name)!.ifindex, headroom);
    } catch (error) {
      close(fd);
      throw error;
    }
  }

  /** As PacketSocket.receive(). @throws SysError EBADFD when somebody removed the device */
  receive(handler: (frame: ReceivedFrame) => void): boolean {
    const { frame, landing } = this;
    for (let i = 0; i < BATCH; i++) {
      const length = read(this.fd, landing);
      if (length < 0) return false;
      if (length < VNET_HDR + ETHER_HEADER || length === landing.length) {
        this.oddFrames++;
        continue;
      }
      readVnetHeader(landing, 0, frame.offload);
      frame.offset = this.headroom + VNET_HDR;
      frame.length = length - VNET_HDR;
      handler(frame);
    }
    return true;
  }

  /** Frames that were lost because this process was too slow, or that it couldn't take. */
  drops(): number {
    this.queueDrops = Math.max(this.queueDrops, queueDrops(this.name));
    return this.oddFrames + this.queueDrops;
  }

  close(): void {
    close(this.fd);
  }
}

function setOffload(fd: number): void {
  try {
    ioctlNumber(fd, TUNSETOFFLOAD, TUN_F_OLD | TUN_F_USO, 'TUNSETOFFLOAD');
  } catch (error) {
    if (!(error instanceof SysError && error.code === 'EINVAL')) throw error;
    ioctlNumber(fd, TUNSETOFFLOAD, TUN_F_OLD, 'TUNSETOFFLOAD');
  }
}

/** Takes packets with the mark alone. */
function setFilter(fd: number, mark: number): void {
  const program = [
    [LOAD_WORD, 0, 0, AT_MARK],
    [JUMP_IF_EQUAL, 0, 1, mark],
    [RETURN, 0, 0, 0xffffffff],
    [RETURN, 0, 0, 0],
  ] as const;
  const instructions = Buffer.alloc(8 * program.length);
  program.forEach(([code, ifTrue, ifFalse, value], i) => {
    instructions.writeUInt16LE(code, 8 * i);
    instructions.writeUInt8(ifTrue, 8 * i + 2);
    instructions.writeUInt8(ifFalse, 8 * i + 3);
    instructions.writeUInt32LE(value, 8 * i + 4);
  });
  // struct sock_fprog
  const filter = Buffer.alloc(16);
  filter.writeUInt16LE(program.length, 0);
  filter.writeBigUInt64LE(addressOf(instructions), 8);
  ioctl(fd, TUNATTACHFILTER, filter, 'TUNATTACHFILTER');
}

function setQueue(name: string): void {
  const request = Buffer.alloc(IFREQ);
  request.write(name);
  request.writeInt32LE(QUEUE_FRAMES, IFNAMSIZ);
  const fd = socket(AF_INET, SOCK_DGRAM, 0);
  try {
    ioctl(fd, SIOCSIFTXQLEN, request, `SIOCSIFTXQLEN ${name}`);
  } finally {
    close(fd);
  }
}

/** Else Linux would send router solicitations of its own there. Without IPv6 in the kernel there is nothing to switch off. */
function disableIpv6(name: string): void {
  try {
    writeFileSync(`/proc/sys/net/ipv6/conf/${name}/disable_ipv6`, '1');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'ENOENT' && code !== 'EROFS') throw error;
  }
}

/** What the kernel couldn't put into the device's queue: its tx_dropped, in this thread's network namespace. */
function queueDrops(name: string): number {
  const line = readFileSync('/proc/thread-self/net/dev', 'utf8')
    .split('\n')
    .find((one) => one.trimStart().startsWith(`${name}:`));
  // Eight numbers of the receiving side, then bytes, packets, errors, drops.
  return Number(
    line
      ?.slice(line.indexOf(':') + 1)
      .trim()
      .split(/\s+/)[11] ?? 0,
  );
}
