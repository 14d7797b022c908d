/**
 * Listening on a Unix socket where a dead process may have left its file, and a live one must not be pushed aside. Shared
 * by the control socket and the punt process.
 */
import { randomBytes } from 'node:crypto';
import { linkSync, lstatSync, mkdirSync, renameSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import type { Server, Socket } from 'node:net';
import { dirname, join } from 'node:path';

/** Others that begin at the same moment are few. */
const MAX_TRIES = 10;

/**
 * Has `server` listen at `path`. Its folder is made if missing; a socket file that nobody answers at is replaced.
 *
 * @param other what to say when somebody answers there; a function is given a connection to it
 * @throws Error for the operator; the file is left as it was
 */
export async function listenUnix(
  server: Server,
  path: string,
  other: string | ((holder: Socket) => string),
): Promise<void> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  const describe = typeof other === 'string' ? () => other : other;
  for (let tries = 1; ; tries++) {
    try {
      return await bind(server, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      if (tries === MAX_TRIES) throw new Error('others take and leave this place all the time', { cause: error });
      const found = identityOf(path);
      const holder = await whoAnswers(path, describe);
      if (holder !== undefined) throw new Error(holder, { cause: error });
      if (found !== undefined) removeFile(path, found);
    }
  }
}

/** Which socket file it is: a file system may give the number of a removed one to the next. Undefined: none. @throws Error: no socket */
function identityOf(path: string): string | undefined {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  if (!stat.isSocket()) throw new Error('this file exists and is no socket; remove it or choose another path');
  return `${stat.ino} ${stat.mtimeNs}`;
}

/**
 * Removes the file that `dead` is. Another process may have found the same one dead, and listen in its place by now: so the file is looked at
 * where nobody else gets it.
 */
function removeFile(path: string, dead: string): void {
  const aside = join(dirname(path), `.${randomBytes(6).toString('hex')}`);
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return; // the other one removed it
  }
  if (identityOf(aside) !== dead) linkSync(aside, path);
  unlinkSync(aside);
}

function bind(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** What `describe` says of who answers; undefined: nobody does. */
function whoAnswers(path: string, describe: (holder: Socket) => string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const probe = connect(path, () => {
      const text = describe(probe);
      probe.destroy();
      resolve(text);
    });
    probe.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(undefined);
      else reject(error);
    });
  });
}
