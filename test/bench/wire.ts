/**
 * The FPM connection from outside, so that what is measured does not measure itself: tcpdump on the router's loopback keeps what zebra and
 * fpm2afi say, and from zebra's route to fpm2afi's word about it is how long the change took, waiting to be read included.
 */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '../../lab/wait';
import { FrameReader } from '../../src/fpm/framing';
import { openSource } from '../../src/inspect/source';
import type { StreamEvent } from '../../src/inspect/stream';
import { eachAttribute, readMessages } from '../../src/netlink/codec';
import { RTA_DST, RTM_DELROUTE, RTM_NEWROUTE, RTMSG_LEN } from '../../src/netlink/constants';
import { FPM_PORT, type BenchTopology } from './topology';

const PCAP_HEADER = 24;

export interface WireTimes {
  /** Milliseconds of each route that zebra sent (the first time, where it sent it again before the answer). */
  readonly answered: readonly number[];
  /** Routes that fpm2afi had said nothing about at the end. */
  readonly unanswered: number;
}

/** Starts to listen; nothing may be under way on the connection then, and when `stop` is called. */
export async function listenOnWire({ router }: BenchTopology): Promise<{ readonly stop: () => Promise<WireTimes> }> {
  const file = join(router.dir, 'fpm.pcap');
  const argv = ['tcpdump', '-i', 'lo', '-n', '-U', '-B', '65536', '-w', file, `tcp port ${FPM_PORT}`];
  const tcpdump = router.start('tcpdump-wire', argv);
  const listening = (): boolean => existsSync(file) && statSync(file).size >= PCAP_HEADER;
  await waitFor(listening, { timeoutMs: 10_000, what: `tcpdump to listen (log: ${tcpdump.logFile})` });
  return {
    stop: async () => {
      await tcpdump.kill('SIGINT');
      return timesOf((await openSource(file, FPM_PORT)).events);
    },
  };
}

/** Pairs each route of zebra's with fpm2afi's next word about it. Throws where the capture misses something. */
export async function timesOf(events: AsyncIterable<StreamEvent>): Promise<WireTimes> {
  const waiting = new Map<string, number>();
  const answered: number[] = [];
  let now = 0;
  const readers = {
    fromZebra: new FrameReader((_type, buffer, start, end) => {
      for (const { type, prefix } of routesIn(buffer.subarray(start, end))) {
        if (type === RTM_DELROUTE) waiting.delete(prefix);
        else if (!waiting.has(prefix)) waiting.set(prefix, now);
      }
    }),
    toZebra: new FrameReader((_type, buffer, start, end) => {
      for (const { prefix } of routesIn(buffer.subarray(start, end))) {
        const since = waiting.get(prefix);
        if (since === undefined) continue;
        answered.push((now - since) / 1000);
        waiting.delete(prefix);
      }
    }),
  };
  for await (const event of events) {
    if (event.kind === 'gap' || event.kind === 'fault') throw new Error(`the capture is not whole: ${event.reason}`);
    if (event.kind !== 'data') continue;
    if (event.time === undefined) throw new Error('the capture has no times');
    now = event.time;
    readers[event.direction].push(event.bytes);
  }
  return { answered, unanswered: waiting.size };
}

function* routesIn(payload: Buffer): Generator<{ readonly type: number; readonly prefix: string }> {
  for (const { type, body } of readMessages(payload)) {
    if (type !== RTM_NEWROUTE && type !== RTM_DELROUTE) continue;
    let destination = '';
    eachAttribute(body, RTMSG_LEN, (attribute, start, end) => {
      if (attribute === RTA_DST) destination = body.toString('hex', start, end);
    });
    yield { type, prefix: `${destination}/${body[1]!}` };
  }
}
