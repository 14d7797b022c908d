/** Why an address can't be listened on, with who has it and what to do: one text for all that listen. */
import { errorText } from '../net/error-text';
import { processText } from './peer-credentials';
import { portHolder } from './port-holder';

/** The highest port that not everybody may listen on, unless the kernel is told otherwise (ip_unprivileged_port_start). */
const LAST_PRIVILEGED = 1023;

/**
 * In words, to follow "cannot … on HOST:PORT (SETTING): ".
 * @param error of Node's `listen`, or a SysError of `bind`
 */
export function listenFault(
  error: unknown,
  {
    host,
    port,
    transport = 'tcp',
  }: { readonly host: string; readonly port: number; readonly transport?: 'tcp' | 'udp' },
): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return `${holderText(port, transport)}, or choose another port`;
    case 'EACCES':
    case 'EPERM':
      return port <= LAST_PRIVILEGED && port > 0
        ? `uid ${process.geteuid!()} may not use ports below 1024: choose a higher one, or give it CAP_NET_BIND_SERVICE`
        : errorText(error);
    case 'EADDRNOTAVAIL':
      return `no interface of this machine has that address: give it to one, or choose another address`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the name ${host} has no address here: correct it, or write the address itself`;
    case 'EAFNOSUPPORT':
      return 'this kernel has no addresses of that family: choose another address';
    default:
      return errorText(error);
  }
}

function holderText(port: number, transport: 'tcp' | 'udp'): string {
  const pid = portHolder(port, transport);
  if (pid === undefined) {
    const tool = `ss -l${transport === 'tcp' ? 't' : 'u'}np 'sport = :${port}'`;
    return `another process has that port (as root, ${tool} shows which): stop that one`;
  }
  const who = processText(pid);
  return /^(fpm2afi|softvasic) /.test(who)
    ? `${who} has that port, so it runs already: stop that one, which may be all there is to do`
    : `${who} has that port: stop that one`;
}
