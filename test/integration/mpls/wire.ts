/** Frames sent and heard by the hosts, byte by byte. */
import type { LabNode } from '../../../lab/node';
import { logLines, logMark, type Proc } from '../../../lab/process';
import { waitFor } from '../../../lab/wait';

const HEAR =
  'import socket,sys; s=socket.socket(socket.AF_PACKET,socket.SOCK_RAW,socket.htons(3)); s.bind(("veth",3)); print("ready",flush=True)\n' +
  'while True:\n frame,address=s.recvfrom(4096)\n if address[2]!=socket.PACKET_OUTGOING: print(frame.hex(),flush=True)';
const SEND =
  'import socket,sys,time; s=socket.socket(socket.AF_PACKET,socket.SOCK_RAW); s.bind(("veth",0))\n' +
  'for frame in sys.argv[1:]: s.send(bytes.fromhex(frame)); time.sleep(0.005)';

/** Sends frames, given in hex, one after the other. */
export async function send(from: LabNode, frames: readonly string[]): Promise<void> {
  await from.must(['python3', '-c', SEND, ...frames]);
}

/** What the hosts hear, from when they all listen. */
export class Ears {
  private constructor(
    private readonly ears: readonly { readonly port: number; readonly run: Proc; readonly mark: number }[],
  ) {}

  static async open(hosts: readonly LabNode[]): Promise<Ears> {
    const ears = hosts.map((host, port) => {
      const mark = logMark(host.logFile('ears'));
      return { port, mark, run: host.start('ears', ['python3', '-u', '-c', HEAR]) };
    });
    for (const { run, mark } of ears) {
      const ready = (): boolean => logLines(run.logFile, mark).includes('ready');
      await waitFor(ready, { timeoutMs: 10_000, what: `a listener (${run.logFile})` });
    }
    return new Ears(ears);
  }

  /** Frames with these bytes in them, by the port that they came out of: `1 3226…`. */
  heard(bytes: string): string[] {
    return this.ears.flatMap(({ port, run, mark }) =>
      logLines(run.logFile, mark).flatMap((line) => (line.includes(bytes) ? [`${port} ${line}`] : [])),
    );
  }

  async close(): Promise<void> {
    for (const { run } of this.ears) await run.kill('SIGKILL');
  }
}
