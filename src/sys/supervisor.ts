/**
 * What systemd is told of a daemon (sd_notify(3)): datagrams to the Unix socket that it names in $NOTIFY_SOCKET. Without one
 * nothing is sent. Node has no Unix datagram sockets, so it is libc's.
 */
import { close, sendto, socket, SOCK_DGRAM, SOCK_NONBLOCK, SysError } from './libc';

export const AF_UNIX = 1;

/** Packed sockaddr_un of a path, or of an abstract name, which begins with `@`. */
export function unixSockaddr(path: string): Buffer {
  const name = Buffer.from(path);
  if (path.startsWith('@')) name[0] = 0;
  const address = Buffer.alloc(2 + name.length + (path.startsWith('@') ? 0 : 1));
  address.writeUInt16LE(AF_UNIX);
  name.copy(address, 2);
  return address;
}

export interface Supervisor {
  /** It serves; from now on its event loop feeds the watchdog, if there is one. */
  ready(status: string): void;
  /** It reads its configuration again; `ready` ends that. */
  reloading(): void;
  stopping(): void;
}

/** Tells the service manager of `environment`; a manager that doesn't listen is no reason to fail. */
export function createSupervisor(environment: NodeJS.ProcessEnv = process.env): Supervisor {
  const { NOTIFY_SOCKET: path, WATCHDOG_USEC: usec, WATCHDOG_PID: pid } = environment;
  const watched = usec !== undefined && (pid === undefined || Number(pid) === process.pid);
  let watchdog: NodeJS.Timeout | undefined;

  function tell(...lines: readonly string[]): void {
    if (path === undefined || path === '') return;
    const text = Buffer.from(lines.join('\n'));
    const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    try {
      sendto(fd, text, text.length, unixSockaddr(path));
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
    } finally {
      close(fd);
    }
  }

  return {
    ready(status) {
      tell('READY=1', `STATUS=${status}`);
      if (!watched) return;
      // Half of what is allowed, as systemd advises; a loop that stands still feeds nothing.
      watchdog ??= setInterval(() => tell('WATCHDOG=1'), Number(usec) / 2000);
      watchdog.unref();
    },
    // CLOCK_MONOTONIC, as libuv's hrtime.
    reloading: () => tell('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`),
    stopping: () => tell('STOPPING=1', 'STATUS=stopping'),
  };
}
