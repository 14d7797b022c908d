/**
 * Network interfaces of this network namespace by name, through the SIOCGIF… and SIOCSIF… ioctls (netdevice(7)). Reads what
 * is; sets nothing but IFF_UP.
 */
import { AF_INET } from '../net/sockaddr';
import { SOCK_DGRAM, SysError, addressOf, close, ioctl, socket } from './libc';

const SIOCGIFNAME = 0x8910;
const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
const SIOCGIFADDR = 0x8915;
const SIOCGIFMTU = 0x8921;
const SIOCGIFHWADDR = 0x8927;
const SIOCGIFINDEX = 0x8933;
const SIOCETHTOOL = 0x8946;
const ETHTOOL_GDRVINFO = 0x03;
const ETHTOOL_GLINK = 0x0a;
const ETHTOOL_GFLAGS = 0x25;
/** ETH_FLAG_RXVLAN */
const FLAG_RXVLAN = 1 << 8;
/** sizeof(struct ethtool_drvinfo); the driver's name is at 4, in 32 bytes. */
const DRVINFO = 196;
/** sizeof(struct ifreq); the name fills the first 16 bytes, the value follows. */
const IFREQ = 40;
const VALUE = 16;
const IFF_UP = 0x1;
const ARPHRD_ETHER = 1;

/** The longest interface name, in bytes. */
export const MAX_INTERFACE_NAME = 15;

/** An interface as it is now. */
export interface InterfaceState {
  readonly ifindex: number;
  /** Six bytes. */
  readonly mac: Uint8Array;
  /** Bytes of the largest L3 packet. */
  readonly mtu: number;
  readonly ethernet: boolean;
  /** Administratively up. */
  readonly admin: boolean;
  /** Up and with carrier. */
  readonly running: boolean;
}

/** `use` gets a function that makes one ioctl and gives the ifreq; code 0 only gives it. */
function withRequest<T>(name: string, use: (call: (request: number) => Buffer) => T): T {
  const request = Buffer.alloc(IFREQ);
  if (Buffer.byteLength(name) > MAX_INTERFACE_NAME) throw new SysError('ioctl', 19, name);
  request.write(name);
  const fd = socket(AF_INET, SOCK_DGRAM, 0);
  try {
    return use((code) => {
      if (code !== 0) ioctl(fd, code, request, name);
      return request;
    });
  } finally {
    close(fd);
  }
}

/**
 * Whether there is carrier. Asked of the driver: IFF_RUNNING and rtnetlink may follow up to a second later, as the kernel
 * limits the rate of link events.
 */
function carrier(call: (request: number) => Buffer): boolean {
  const command = Buffer.alloc(8);
  command.writeUInt32LE(ETHTOOL_GLINK);
  call(0).writeBigUInt64LE(addressOf(command), VALUE);
  call(SIOCETHTOOL);
  return command.readUInt32LE(4) !== 0;
}

/** The name of the interface's driver, such as `veth` or `ixgbe`; undefined where it has none. @throws SysError ENODEV */
export function interfaceDriver(name: string): string | undefined {
  const info = Buffer.alloc(DRVINFO);
  info.writeUInt32LE(ETHTOOL_GDRVINFO);
  try {
    withRequest(name, (call) => {
      call(0).writeBigUInt64LE(addressOf(info), VALUE);
      call(SIOCETHTOOL);
    });
  } catch (error) {
    if (error instanceof SysError && error.code === 'EOPNOTSUPP') return undefined;
    throw error;
  }
  return info.toString('latin1', 4, info.indexOf(0, 4));
}

/** Whether the card takes VLAN tags out of received frames (ethtool: rxvlan). @throws SysError ENODEV */
export function takesTagsOut(name: string): boolean {
  const value = Buffer.alloc(8);
  value.writeUInt32LE(ETHTOOL_GFLAGS);
  try {
    withRequest(name, (call) => {
      call(0).writeBigUInt64LE(addressOf(value), VALUE);
      call(SIOCETHTOOL);
    });
  } catch (error) {
    if (error instanceof SysError && error.code === 'EOPNOTSUPP') return false;
    throw error;
  }
  return (value.readUInt32LE(4) & FLAG_RXVLAN) !== 0;
}

/** The interface's state; undefined when there is none of that name. @throws SysError for anything else */
export function interfaceState(name: string): InterfaceState | undefined {
  try {
    return withRequest(name, (call) => {
      const ifindex = call(SIOCGIFINDEX).readInt32LE(VALUE);
      const mtu = call(SIOCGIFMTU).readInt32LE(VALUE);
      const flags = call(SIOCGIFFLAGS).readUInt16LE(VALUE);
      const admin = (flags & IFF_UP) !== 0;
      const running = admin && carrier(call);
      const hardware = call(SIOCGIFHWADDR);
      return {
        ifindex,
        mtu,
        mac: Uint8Array.from(hardware.subarray(VALUE + 2, VALUE + 8)),
        ethernet: hardware.readUInt16LE(VALUE) === ARPHRD_ETHER,
        admin,
        running,
      };
    });
  } catch (error) {
    if (error instanceof SysError && error.code === 'ENODEV') return undefined;
    throw error;
  }
}

/** The name that the interface has now; undefined when there is none with this index. @throws SysError for anything else */
export function interfaceName(ifindex: number): string | undefined {
  try {
    return withRequest('', (call) => {
      call(0).writeInt32LE(ifindex, VALUE);
      const request = call(SIOCGIFNAME);
      return request.toString('utf8', 0, request.indexOf(0));
    });
  } catch (error) {
    if (error instanceof SysError && error.code === 'ENODEV') return undefined;
    throw error;
  }
}

/** The interface's first IPv4 address (4 bytes); undefined when it has none. @throws SysError ENODEV */
export function interfaceIpv4(name: string): Uint8Array | undefined {
  try {
    return withRequest(name, (call) => Uint8Array.from(call(SIOCGIFADDR).subarray(VALUE + 4, VALUE + 8)));
  } catch (error) {
    if (error instanceof SysError && error.code === 'EADDRNOTAVAIL') return undefined;
    throw error;
  }
}

/** Sets the interface administratively up. @throws SysError ENODEV, EPERM */
export function setInterfaceUp(name: string): void {
  withRequest(name, (call) => {
    const request = call(SIOCGIFFLAGS);
    request.writeUInt16LE(request.readUInt16LE(VALUE) | IFF_UP, VALUE);
    call(SIOCSIFFLAGS);
  });
}
