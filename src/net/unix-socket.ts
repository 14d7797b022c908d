/**
 * Listening on a Unix socket where a dead process may have left its file, and a live one must not be pushed aside. Shared
 * by the control socket and the punt process.
 */
import { lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import type { Server, Socket } from 'node:net';
import { dirname } from 'node:path';

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
  try {
    await bind(server, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    if (!lstatSync(path).isSocket()) {
      throw new Error('this file exists and is no socket; remove it or choose another path', { cause: error });
    }
    const holder = await whoAnswers(path, typeof other === 'string' ? () => other : other);
    if (holder !== undefined) throw new Error(holder, { cause: error });
    unlinkSync(path);
    await bind(server, path);
  }
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
