/** The bench's look at the FPM connection from outside: which words of the two ends belong together. */
import { FPM_HEADER, FPM_TYPE_NETLINK, FPM_VERSION } from '../../../src/fpm/framing';
import type { Direction, StreamEvent } from '../../../src/inspect/stream';
import { NetlinkWriter } from '../../../src/netlink/codec';
import { AF_INET, RTA_DST, RTM_DELROUTE, RTM_NEWROUTE } from '../../../src/netlink/constants';
import { timesOf } from '../../bench/wire';

/** One FPM frame with one message about 10.(second).0.0/16. */
function frame(type: number, second: number): Buffer {
  const writer = new NetlinkWriter(256);
  writer.begin(type, 1);
  writer.u8(AF_INET).u8(16).u8(0).u8(0).u8(254).u8(186).u8(0).u8(1).u32(0);
  writer.attribute(RTA_DST, Uint8Array.of(10, second, 0, 0));
  writer.end();
  const header = Buffer.of(FPM_VERSION, FPM_TYPE_NETLINK, 0, 0);
  header.writeUInt16BE(FPM_HEADER + writer.view().length, 2);
  return Buffer.concat([header, writer.view()]);
}

function said(ms: number, direction: Direction, ...frames: readonly Buffer[]): StreamEvent {
  return { kind: 'data', connection: 1, direction, time: ms * 1000, bytes: Buffer.concat(frames) };
}

async function* stream(...events: readonly StreamEvent[]): AsyncGenerator<StreamEvent> {
  for (const event of events) yield await Promise.resolve(event);
}

test('each route and the next word about it, wherever TCP cut them', async () => {
  const [one, two] = [frame(RTM_NEWROUTE, 1), frame(RTM_NEWROUTE, 2)];
  const times = await timesOf(
    stream(
      said(10, 'fromZebra', one, two.subarray(0, 5)),
      said(11, 'fromZebra', two.subarray(5)),
      said(14, 'toZebra', frame(RTM_NEWROUTE, 1)),
      said(19, 'toZebra', frame(RTM_NEWROUTE, 2), frame(RTM_NEWROUTE, 2)),
    ),
  );
  expect(times).toEqual({ answered: [4, 8], unanswered: 0 });
});

test('sent twice before the answer: timed from the first; withdrawn: no answer is due; the rest is unanswered', async () => {
  const times = await timesOf(
    stream(
      said(10, 'fromZebra', frame(RTM_NEWROUTE, 1)),
      said(12, 'fromZebra', frame(RTM_NEWROUTE, 1), frame(RTM_NEWROUTE, 2), frame(RTM_DELROUTE, 2)),
      said(13, 'fromZebra', frame(RTM_NEWROUTE, 3)),
      said(15, 'toZebra', frame(RTM_NEWROUTE, 1)),
    ),
  );
  expect(times).toEqual({ answered: [5], unanswered: 1 });
});

test('a capture with parts missing is no measurement', async () => {
  const gap: StreamEvent = { kind: 'gap', connection: 1, direction: 'toZebra', reason: 'lost' };
  await expect(timesOf(stream(said(1, 'fromZebra', frame(RTM_NEWROUTE, 1)), gap))).rejects.toThrow('not whole');
});
