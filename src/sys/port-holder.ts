/** Which process has a TCP or UDP port of this network namespace, by /proc. Other users' processes are shown to root only. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** States of a socket that takes what comes: TCP_LISTEN, and of UDP the one that isn't connected (TCP_CLOSE). */
const TAKES = { tcp: '0A', udp: '07' } as const;

/** Its pid; undefined: nobody has it, or it isn't shown to this user. */
export function portHolder(port: number, transport: 'tcp' | 'udp' = 'tcp'): number | undefined {
  const sockets = new Set(holders(port, transport).map((inode) => `socket:[${inode}]`));
  if (sockets.size === 0) return undefined;
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    if (linksOf(`/proc/${pid}/fd`).some((link) => sockets.has(link))) return Number(pid);
  }
  return undefined;
}

/** Inodes of the sockets; the lines are those of proc_net_tcp.txt. */
function holders(port: number, transport: 'tcp' | 'udp'): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return [`/proc/self/net/${transport}`, `/proc/self/net/${transport}6`].flatMap((file) =>
    attempt(() => readFileSync(file, 'latin1'), '')
      .split('\n')
      .flatMap((line) => {
        const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
        return state === TAKES[transport] && local.endsWith(suffix) && inode !== undefined ? [inode] : [];
      }),
  );
}

/** Processes and descriptors come and go meanwhile, and those of others may not be looked at. */
function attempt<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch {
    return otherwise;
  }
}

function linksOf(folder: string): string[] {
  return attempt(() => readdirSync(folder), []).map((fd) => attempt(() => readlinkSync(`${folder}/${fd}`), ''));
}
