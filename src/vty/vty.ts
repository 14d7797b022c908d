/**
 * FRR's daemons asked over their vty sockets, as vtysh does (lib/vty.c): a command ends with a NUL byte, an answer with three
 * NUL bytes and the command's status. Answers come in pieces, as a daemon's whole table is one.
 */
import { createConnection, type Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';

/** The longest silence that is waited for: a daemon may be at work on something large. */
const SILENCE_MS = 30_000;
/** Three NUL bytes and the status. */
const END = 4;
const MAX_ANSWER = 64 * 1024;

/** A connection to one daemon. */
export class Vty {
  private constructor(
    private readonly socket: Socket,
    private readonly chunks: AsyncIterator<Buffer>,
  ) {}

  /**
   * Rejects when nobody answers there.
   * @param path the daemon's socket, as /var/run/frr/zebra.vty
   */
  static open(path: string, silenceMs = SILENCE_MS): Promise<Vty> {
    return new Promise((resolve, reject) => {
      const socket = createConnection({ path });
      socket.setTimeout(silenceMs, () => socket.destroy(new Error('no answer')));
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        socket.on('error', () => undefined);
        resolve(new Vty(socket, socket.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>));
      });
    });
  }

  /** The answer's text in pieces, read no faster than it is taken; returns the command's status (0: done). */
  async *ask(command: string): AsyncGenerator<string, number> {
    this.socket.write(`${command}\0`);
    const decoder = new StringDecoder('utf8');
    let tail: number[] = [];
    for (;;) {
      const { value: chunk, done } = await this.chunks.next();
      if (done === true) throw new Error('closed without an answer');
      const end = tail.length > 0 ? 0 : chunk.indexOf(0);
      const text = end < 0 ? chunk : chunk.subarray(0, end);
      if (text.length > 0) yield decoder.write(text);
      if (end < 0) continue;
      tail = [...tail, ...chunk.subarray(end)];
      if (tail.length >= END) return tail[END - 1]!;
    }
  }

  /** The whole of an answer. Rejects when the command fails, or says more than `maxAnswer` characters. */
  async text(command: string, maxAnswer = MAX_ANSWER): Promise<string> {
    let all = '';
    const pieces = this.ask(command);
    for (;;) {
      const { value, done } = await pieces.next();
      if (done === true) {
        if (value !== 0) throw new Error(`"${command}" failed with status ${value}`);
        return all;
      }
      all += value;
      if (all.length > maxAnswer) throw new Error('an endless answer');
    }
  }

  close(): void {
    this.socket.destroy();
  }
}

/**
 * Sends commands one after the other, and gives their answers; rejects when one isn't answered with success.
 * @param timeoutMs the longest silence
 * @param maxAnswer characters of one answer at most
 */
export async function askVty(
  path: string,
  commands: readonly string[],
  timeoutMs: number,
  maxAnswer = MAX_ANSWER,
): Promise<string[]> {
  const vty = await Vty.open(path, timeoutMs);
  try {
    const answers: string[] = [];
    for (const command of commands) answers.push(await vty.text(command, maxAnswer));
    return answers;
  } finally {
    vty.close();
  }
}
