/**
 * Which group (multicast) hardware addresses Linux takes on an interface, from /proc/net/dev_mcast: what IP sockets
 * joined, IPv6 by itself, and packet sockets (IS-IS). Netlink tells of none of the last. The file is read again and
 * again, and at once when a link or an address changed, as joins follow from those.
 */
import { readFileSync } from 'node:fs';
import { sameBytes } from '../net/address';
import type { GroupsChange } from '../fib/updates';

const FILE = '/proc/net/dev_mcast';
/** How long a join may go unnoticed. */
const POLL_MS = 200;

/** Interface index → addresses of six bytes, in the file's order. Lines of another form are passed over. */
export function parseDevMcast(text: string): Map<number, Uint8Array[]> {
  const groups = new Map<number, Uint8Array[]>();
  for (const line of text.split('\n')) {
    const found = /^(\d+)\s+\S+\s+\d+\s+\d+\s+([0-9a-f]{12})$/.exec(line.trim());
    if (found === null) continue;
    const ifindex = Number(found[1]);
    let list = groups.get(ifindex);
    if (list === undefined) groups.set(ifindex, (list = []));
    list.push(Uint8Array.from(Buffer.from(found[2]!, 'hex')));
  }
  return groups;
}

export interface GroupWatchOptions {
  /** Indexes of the ports' interfaces, now. */
  readonly ports: () => readonly number[];
  readonly emit: (change: GroupsChange) => void;
  /** After changes that came together. */
  readonly changed: () => void;
  /** The file's content; for tests. */
  readonly read?: () => string;
}

/** Tells of each port's groups when they change. */
export class GroupWatch {
  private readonly told = new Map<number, readonly Uint8Array[]>();
  private text = '';
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: GroupWatchOptions) {}

  start(): void {
    this.look();
    this.timer = setInterval(() => this.look(), POLL_MS);
    this.timer.unref();
  }

  /** Reads the file now. */
  look(): void {
    let text: string;
    try {
      text = (this.options.read ?? readGroups)();
    } catch {
      // No such file: no port's groups are ever told, and all are taken.
      return;
    }
    const ports = this.options.ports();
    const known = ports.every((port) => this.told.has(port)) && this.told.size === ports.length;
    if (text === this.text && known) return;
    this.text = text;
    const groups = parseDevMcast(text);
    for (const port of this.told.keys()) if (!ports.includes(port)) this.told.delete(port);
    let changes = 0;
    for (const ifindex of ports) {
      const now = groups.get(ifindex) ?? [];
      const before = this.told.get(ifindex);
      if (before?.length === now.length && now.every((group, i) => sameBytes(group, before[i]))) continue;
      this.told.set(ifindex, now);
      this.options.emit({ kind: 'groups', ifindex, groups: now });
      changes++;
    }
    if (changes > 0) this.options.changed();
  }

  close(): void {
    clearInterval(this.timer);
  }
}

function readGroups(): string {
  return readFileSync(FILE, 'latin1');
}
