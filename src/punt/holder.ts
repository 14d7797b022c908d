/**
 * Who has a TAP device open, from /proc: a descriptor of /dev/net/tun whose fdinfo names the device. Best effort, for an
 * error message; processes that can't be looked into are passed over.
 */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { processText } from '../sys/peer-credentials';

/** `name (pid N)` of the processes that hold the TAP in this network namespace; empty when none is found. */
export function tapHolders(tap: string): string[] {
  const ourNamespace = linkOf('/proc/self/ns/net');
  return entries('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => linkOf(`/proc/${pid}/ns/net`) === ourNamespace && holds(pid, tap))
    .map((pid) => processText(Number(pid)));
}

function holds(pid: string, tap: string): boolean {
  return entries(`/proc/${pid}/fd`).some(
    (fd) =>
      linkOf(`/proc/${pid}/fd/${fd}`) === '/dev/net/tun' &&
      textOf(`/proc/${pid}/fdinfo/${fd}`)
        .split('\n')
        .some((line) => /^iff:\s*(.*)$/.exec(line)?.[1] === tap),
  );
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
