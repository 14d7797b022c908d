/**
 * Whose process is at the other end of a Unix socket (SO_PEERCRED, unix(7)): as it was when that connected, or, of a listener, when it began
 * to listen. The kernel notes it; nobody can pretend to be another.
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Socket } from 'node:net';
import { getsockopt, SOL_SOCKET, SysError } from './libc';
import { fdOf } from './tcp';

const SO_PEERCRED = 17;

export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
}

/** Undefined: it is closed, or no Unix socket. */
export function peerCredentials(socket: Socket): PeerCredentials | undefined {
  const fd = fdOf(socket);
  if (fd === undefined) return undefined;
  try {
    const credentials = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, 12);
    return { pid: credentials.readInt32LE(0), uid: credentials.readUInt32LE(4) };
  } catch (error) {
    if (error instanceof SysError) return undefined;
    throw error;
  }
}

/** `softvasic (pid 12)`: what runs, and of Node its program; the number alone where the process has ended. */
export function processText(pid: number): string {
  try {
    const name = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
    return `${/^(node|MainThread)$/.test(name) ? nodeProgram(pid, name) : name} (pid ${pid})`;
  } catch {
    return `pid ${pid}`;
  }
}

/** `fpm2afi` for `node /usr/bin/fpm2afi run`, and for ours by what they are compiled to. */
function nodeProgram(pid: number, name: string): string {
  const [, ...words] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  const script = words.find((word) => word !== '' && !word.startsWith('-'));
  if (script === undefined) return name;
  if (script.endsWith('src/vasic/main.js')) return 'softvasic';
  if (script.endsWith('src/main.js')) return 'fpm2afi';
  return basename(script).replace(/\.[cm]?js$/, '');
}
