/**
 * The netlink reader: a thread that blocks in poll(2) on the socket and hands the bytes on, as the event loop cannot
 * watch such a descriptor. It hands on no more than the owner keeps up with; beyond that the kernel's buffer fills, the
 * kernel drops, and the owner reads the tables again: memory stays bounded.
 */
import { nameThread, PollSet } from '../sys/libc';
import { NETLINK_RECEIVE_BYTES, receiveNetlink } from '../sys/netlink-socket';
import { pollThreadContext } from '../sys/poll-thread';

export interface NetlinkWorkerData {
  readonly fd: number;
}

export type NetlinkWorkerReport =
  /** Whole messages, each aligned to 4 bytes. */
  | { readonly kind: 'messages'; readonly bytes: Uint8Array }
  | { readonly kind: 'overrun' }
  | { readonly kind: 'foreign' };

/** Bytes under way to the owner at most. */
const HELD_LIMIT = 4 << 20;
/** Several datagrams go in one post. */
const COLLECT_BYTES = 4 * NETLINK_RECEIVE_BYTES;

nameThread('rtnetlink');
const { wakeup, data, report } = pollThreadContext<NetlinkWorkerData, NetlinkWorkerReport>();
const collected = Buffer.alloc(COLLECT_BYTES);
const poll = new PollSet([wakeup.fd, data.fd]);

function post(length: number): void {
  if (length === 0) return;
  const bytes = Uint8Array.from(collected.subarray(0, length));
  wakeup.hold(length);
  report({ kind: 'messages', bytes }, [bytes.buffer]);
}

/** Reads what is there until the collecting buffer is full. */
function collect(): void {
  let length = 0;
  while (COLLECT_BYTES - length >= NETLINK_RECEIVE_BYTES) {
    const received = receiveNetlink(data.fd, collected.subarray(length));
    if (typeof received === 'number') {
      const end = length + received;
      length = (end + 3) & ~3;
      collected.fill(0, end, length);
      continue;
    }
    if (received === 'nothing') break;
    post(length);
    length = 0;
    report({ kind: received });
  }
  post(length);
}

while (!wakeup.stopped) {
  poll.wait(-1);
  if (poll.events(0) !== 0) wakeup.drain();
  if (poll.events(1) !== 0) collect();
  wakeup.waitBelow(HELD_LIMIT);
}
