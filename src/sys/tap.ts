/**
 * TAP devices (/dev/net/tun) and the few interface settings that a port needs: MAC, MTU, up, carrier.
 *
 * A TAP made here is not persistent: the kernel removes it with the last descriptor, however the process ends. One that
 * was there before (`ip tuntap add`) is attached to and stays. Frames are read and written one at a time, without the
 * packet-information header (IFF_NO_PI) and without offloads, so checksums are complete.
 *
 * Owner: whoever opened it; frames may be read and written in another thread by descriptor.
 */
import { type InterfaceState, interfaceState, setInterfaceUp } from './interface';
import { O_CLOEXEC, O_NONBLOCK, O_RDWR, SOCK_DGRAM, SysError, close, ioctl, open, read, socket, write } from './libc';
import { AF_INET } from '../net/sockaddr';

/** linux/if_tun.h */
const TUNSETIFF = 0x400454ca;
const TUNGETIFF = 0x800454d2;
const TUNSETCARRIER = 0x400454e2;
const IFF_TAP = 0x0002;
/** Attach without carrier; kernels before 6.0 ignore it, so the carrier is set explicitly too. */
const IFF_NO_CARRIER = 0x0040;
const IFF_NO_PI = 0x1000;

/** linux/sockios.h */
const SIOCSIFMTU = 0x8922;
const SIOCSIFHWADDR = 0x8924;
const ARPHRD_ETHER = 1;
const ENODEV = 19;

/** sizeof(struct ifreq); the name takes its first 16 bytes, the value follows. */
const IFREQ = 40;
const IFNAMSIZ = 16;

function ifreq(name: string): Buffer {
  const bytes = Buffer.from(name, 'utf8');
  if (bytes.length === 0 || bytes.length >= IFNAMSIZ) {
    throw new Error(`interface name ${JSON.stringify(name)}: 1 to ${IFNAMSIZ - 1} bytes are needed`);
  }
  const request = Buffer.alloc(IFREQ);
  request.set(bytes);
  return request;
}

/** One attached TAP device. */
export class Tap {
  private closed = false;

  private constructor(
    readonly fd: number,
    /** Whether the device was there before. */
    readonly found: boolean,
  ) {}

  /**
   * Makes the TAP of this name, or attaches to it; the carrier is off.
   *
   * @throws SysError ENOENT (no /dev/net/tun), EPERM (no CAP_NET_ADMIN), EBUSY (attached by another process), EINVAL
   * (there is such an interface and it is no single-queue TAP)
   */
  static open(name: string): Tap {
    const request = ifreq(name);
    // ifr_flags is 16 bits.
    request.writeUInt16LE(IFF_TAP | IFF_NO_PI | IFF_NO_CARRIER, IFNAMSIZ);
    const fd = open('/dev/net/tun', O_RDWR | O_NONBLOCK | O_CLOEXEC);
    try {
      const found = interfaceState(name) !== undefined;
      ioctl(fd, TUNSETIFF, request, `TUNSETIFF ${name}`);
      const tap = new Tap(fd, found);
      tap.setCarrier(false);
      return tap;
    } catch (error) {
      close(fd);
      throw error;
    }
  }

  /** The link state that Linux shows. @throws SysError EBADFD when the device was removed */
  setCarrier(up: boolean): void {
    const value = Buffer.alloc(4);
    value.writeInt32LE(up ? 1 : 0);
    ioctl(this.fd, TUNSETCARRIER, value, 'TUNSETCARRIER');
  }

  /** Six bytes, in network order. @throws SysError */
  setMac(mac: Uint8Array): void {
    this.set(SIOCSIFHWADDR, 'SIOCSIFHWADDR', (request) => {
      request.writeUInt16LE(ARPHRD_ETHER, IFNAMSIZ);
      request.set(mac, IFNAMSIZ + 2);
    });
  }

  /** @throws SysError EINVAL for an MTU that a TAP can't have (68 … 65521) */
  setMtu(mtu: number): void {
    this.set(SIOCSIFMTU, `SIOCSIFMTU ${mtu}`, (request) => request.writeInt32LE(mtu, IFNAMSIZ));
  }

  /** Administratively up; other flags stay. @throws SysError */
  setUp(): void {
    if (!this.state().admin) setInterfaceUp(this.name());
  }

  /** What the kernel says of it. @throws SysError EBADFD when the device was removed */
  state(): InterfaceState {
    const name = this.name();
    const state = interfaceState(name);
    if (state === undefined) throw new SysError('ioctl', ENODEV, name);
    return state;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    close(this.fd);
  }

  /** The name it has now: somebody may have renamed it. */
  private name(): string {
    const request = Buffer.alloc(IFREQ);
    ioctl(this.fd, TUNGETIFF, request, 'TUNGETIFF');
    return request.toString('utf8', 0, request.indexOf(0));
  }

  private set(number: number, call: string, fill: (request: Buffer) => void): void {
    const name = this.name();
    const request = ifreq(name);
    fill(request);
    const fd = socket(AF_INET, SOCK_DGRAM, 0);
    try {
      ioctl(fd, number, request, `${call} ${name}`);
    } finally {
      close(fd);
    }
  }
}

/** Reads one frame: its length, or -1 when none is waiting. @throws SysError EBADFD when the device was removed */
export function readFrame(fd: number, buffer: Uint8Array): number {
  return read(fd, buffer);
}

/**
 * Writes one frame, the first `length` bytes; false when the device's queue is full.
 * @throws SysError EIO when the device is down, EINVAL for a frame shorter than an Ethernet header
 */
export function writeFrame(fd: number, frame: Uint8Array, length: number): boolean {
  return write(fd, frame, length) >= 0;
}
