/** What to do where the kernel refuses something for want of a right. */

/** For the end of a message: which capability is missing, whose, and how it is had. */
export function lacks(capability: 'CAP_NET_ADMIN' | 'CAP_NET_RAW'): string {
  const uid = process.geteuid!();
  const how =
    uid === 0
      ? `a container needs --cap-add ${capability.replace('CAP_', '')}`
      : `run as root, or give it that one, as the systemd units do`;
  return `uid ${uid} has no ${capability} here: ${how}`;
}

/** The same for opening /dev/net/tun; undefined: nothing is known about this error. */
export function tunRemedy(code: string): string | undefined {
  switch (code) {
    case 'ENOENT':
    case 'ENODEV':
    case 'ENXIO':
      return 'there is no TUN device: modprobe tun; a container needs --device /dev/net/tun';
    case 'EACCES':
      return `uid ${process.geteuid!()} may not open /dev/net/tun: chmod 666 /dev/net/tun, as udev has it, or run as root`;
    case 'EPERM':
      return lacks('CAP_NET_ADMIN');
    default:
      return undefined;
  }
}
