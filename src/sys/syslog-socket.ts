/**
 * Datagrams to a syslog daemon of this machine. The C library's syslog(3) would do it, but it waits for a daemon that doesn't read, and with it would every
 * packet and route; this never waits.
 */
import { SOCK_DGRAM, SOCK_NONBLOCK, close, sendto, socket } from './libc';

const AF_UNIX = 1;
/** sizeof(sun_path). */
const MOST_PATH = 108;

export interface SyslogSocket {
  /** false: nobody took it. */
  send(datagram: Uint8Array): boolean;
  close(): void;
}

/** The daemon that listens at `path`, whenever it does: a daemon that starts anew is found again. */
export function openSyslog(path: string): SyslogSocket {
  const name = Buffer.from(path);
  if (name.length >= MOST_PATH) throw new Error(`${path}: a socket's path has less than ${MOST_PATH} bytes`);
  const address = Buffer.concat([Uint8Array.of(AF_UNIX, 0), name, Uint8Array.of(0)]);
  const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  return {
    send: (datagram) => {
      try {
        return sendto(fd, datagram, datagram.length, address) >= 0;
      } catch {
        return false;
      }
    },
    close: () => close(fd),
  };
}
