/**
 * FRR's daemons asked over their vty sockets, as vtysh does: a command ends with a NUL byte, an answer with three NUL bytes and
 * the command's status (lib/vty.c).
 */
import { createConnection } from 'node:net';

const MAX_ANSWER = 64 * 1024;

/**
 * Sends commands one after the other, and gives their answers; rejects when one isn't answered with success.
 * @param path the daemon's socket, as /var/run/frr/zebra.vty
 * @param maxAnswer bytes of one answer at most
 */
export function askVty(
  path: string,
  commands: readonly string[],
  timeoutMs: number,
  maxAnswer = MAX_ANSWER,
): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const answers: string[] = [];
    let chunks: Buffer[] = [];
    let size = 0;
    /** The last four bytes that came: where an answer ends. */
    let tail = Buffer.alloc(0);
    const socket = createConnection({ path });
    const fail = (error: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(() => fail(new Error('no answer')), timeoutMs);
    const ask = (): boolean => socket.write(`${commands[answers.length] ?? ''}\0`);
    socket.on('connect', ask);
    socket.on('error', fail);
    socket.on('close', () => fail(new Error('closed without an answer')));
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > maxAnswer) return fail(new Error('an endless answer'));
      tail = Buffer.concat([tail, chunk.subarray(-4)]).subarray(-4);
      if (size < 4 || tail.readUIntBE(0, 3) !== 0) return;
      const status = tail[3];
      if (status !== 0) {
        fail(new Error(`"${commands[answers.length] ?? ''}" failed with status ${status ?? '?'}`));
        return;
      }
      answers.push(Buffer.concat(chunks).toString('utf8', 0, size - 4));
      chunks = [];
      size = 0;
      if (answers.length < commands.length) {
        ask();
        return;
      }
      clearTimeout(timer);
      socket.removeAllListeners('close');
      socket.destroy();
      resolve(answers);
    });
  });
}
