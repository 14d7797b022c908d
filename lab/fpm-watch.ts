/**
 * The FPM connection as seen from outside: when zebra sent a route, and when fpm2afi reported it as offloaded. tcpdump on
 * the router's loopback gives the times, so nothing that is measured measures itself.
 */
import { FPM_HEADER } from '../src/fpm/framing';
import { formatPrefix } from '../src/net/address';
import { eachAttribute, readMessages } from '../src/netlink/codec';
import { RTA_DST, RTM_F_OFFLOAD, RTM_F_TRAP, RTM_NEWROUTE, RTMSG_LEN } from '../src/netlink/constants';
import type { LabNode } from './node';
import { logLines, waitForLine } from './process';

const FPM_PORT = 2620;

/** One route seen on its way: from zebra, or reported back. */
export interface FpmSight {
  readonly prefix: string;
  /** Unix milliseconds. */
  readonly atMs: number;
  readonly from: 'zebra' | 'fpm2afi';
  readonly offloaded: boolean;
}

/** Starts to watch; `stop` gives what was seen, in order. */
export async function watchFpm(node: LabNode): Promise<{ readonly stop: () => Promise<readonly FpmSight[]> }> {
  const filter = `tcp port ${FPM_PORT} and greater 80`;
  const argv = ['tcpdump', '-i', 'lo', '-nn', '-tt', '-x', '-l', '--immediate-mode', filter];
  const started = node.start('tcpdump-fpm', argv);
  await waitForLine(started.logFile, /^listening on/, 0, 10_000);
  return {
    stop: async () => {
      await started.kill('SIGINT');
      return sights(logLines(started.logFile));
    },
  };
}

/** Reads the output of `tcpdump -tt -x`. */
export function sights(lines: readonly string[]): readonly FpmSight[] {
  const found: FpmSight[] = [];
  let head: { atMs: number; from: FpmSight['from'] } | undefined;
  let hex = '';
  const finish = (): void => {
    if (head !== undefined && hex !== '') found.push(...routesOf(Buffer.from(hex, 'hex'), head));
    head = undefined;
    hex = '';
  };
  for (const line of lines) {
    const packet = /^(\d+\.\d+) IP \S+\.(\d+) > /.exec(line);
    if (packet !== null) {
      finish();
      head = { atMs: Number(packet[1]) * 1000, from: Number(packet[2]) === FPM_PORT ? 'fpm2afi' : 'zebra' };
    } else {
      const dump = /^\t0x[0-9a-f]+: {2}([0-9a-f ]+)/.exec(line);
      if (dump !== null) hex += dump[1]!.replaceAll(' ', '');
    }
  }
  finish();
  return found;
}

/** The routes in one TCP segment that begins with a frame, as all do on a quiet connection. */
function* routesOf(packet: Buffer, head: { atMs: number; from: FpmSight['from'] }): Generator<FpmSight> {
  const tcp = (packet[0]! & 15) * 4;
  let at = tcp + (packet[tcp + 12]! >> 4) * 4;
  while (packet.length - at > FPM_HEADER && packet[at] === 1) {
    const length = packet.readUInt16BE(at + 2);
    for (const message of readMessages(packet.subarray(at + FPM_HEADER, at + length))) {
      if (message.type !== RTM_NEWROUTE) continue;
      const { body } = message;
      let bytes: Uint8Array | undefined;
      eachAttribute(body, RTMSG_LEN, (type, start, end) => {
        if (type === RTA_DST) bytes = body.subarray(start, end);
      });
      if (bytes === undefined) continue;
      const offloaded = (body.readUInt32LE(8) & (RTM_F_OFFLOAD | RTM_F_TRAP)) === RTM_F_OFFLOAD;
      yield { prefix: formatPrefix({ bytes, length: body[1]! }), ...head, offloaded };
    }
    at += length;
  }
}
