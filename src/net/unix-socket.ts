/**
 * Listening on a Unix socket where a dead process may have left its file, and a live one must not be pushed aside. Shared
 * by the control socket and the punt process.
 */
import { lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import type { Server } from 'node:net';
import { dirname } from 'node:path';

/**
 * Has `server` listen at `path`. Its folder is made if missing; a socket file that nobody answers at is replaced.
 *
 * @param other what to say when somebody answers there
 * @throws Error for the operator; the file is left as it was
 */
export async function listenUnix(server: Server, path: string, other: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  try {
    await bind(server, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    if (!lstatSync(path).isSocket()) {
      throw new Error('this file exists and is no socket; remove it or choose another path', { cause: error });
    }
    if (await someoneAnswers(path)) throw new Error(other, { cause: error });
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

function someoneAnswers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = connect(path, () => {
      probe.destroy();
      resolve(true);
    });
    probe.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false);
      else reject(error);
    });
  });
}
