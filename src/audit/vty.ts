/**
 * zebra's vty socket: commands one after the other, each answer as it comes. A command ends with a NUL byte, an answer with
 * three NUL bytes and the command's status.
 */
import { createConnection, type Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';

/** The longest silence that is waited for: zebra may be at work on something large. */
const SILENCE_MS = 30_000;
/** Three NUL bytes and the status. */
const END = 4;

export class Vty {
  private constructor(
    private readonly socket: Socket,
    private readonly chunks: AsyncIterator<Buffer>,
  ) {}

  /** Rejects when nobody answers there. */
  static open(path: string): Promise<Vty> {
    return new Promise((resolve, reject) => {
      const socket = createConnection({ path });
      socket.setTimeout(SILENCE_MS, () => socket.destroy(new Error('zebra does not answer')));
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
      if (done === true) throw new Error('zebra closed the connection');
      const end = tail.length > 0 ? 0 : chunk.indexOf(0);
      const text = end < 0 ? chunk : chunk.subarray(0, end);
      if (text.length > 0) yield decoder.write(text);
      if (end < 0) continue;
      tail = [...tail, ...chunk.subarray(end)];
      if (tail.length >= END) return tail[END - 1]!;
    }
  }

  /** The whole of a short answer. */
  async text(command: string): Promise<string> {
    let all = '';
    for await (const piece of this.ask(command)) all += piece;
    return all;
  }

  close(): void {
    this.socket.destroy();
  }
}
