/**
 * The kernel's tables read once, over a socket of its own that no notification comes to: links, addresses and neighbors as they
 * are, beside what the mirror has followed.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { NetlinkWriter, readMessages } from '../netlink/codec';
import {
  AF_UNSPEC,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  RTM_GETADDR,
  RTM_GETLINK,
  RTM_GETNEIGH,
} from '../netlink/constants';
import { NETLINK_RECEIVE_BYTES, closeNetlink, openNetlink, receiveNetlink, sendNetlink } from '../sys/netlink-socket';
import { decodeKernelMessage, type KernelMessage } from './decode';

const RECEIVE_BUFFER_BYTES = 1 << 20;
/** A table that changes under each of so many dumps is taken as the last one showed it. */
const ATTEMPTS = 5;

const DUMPS = [
  { type: RTM_GETLINK, header: 16 },
  { type: RTM_GETADDR, header: 8 },
  { type: RTM_GETNEIGH, header: 12 },
] as const;

/** Reads all three, portion by portion. Rejects when the kernel can't be asked. */
export async function dumpKernel(): Promise<KernelMessage[]> {
  const fd = openNetlink(0, RECEIVE_BUFFER_BYTES);
  try {
    const all: KernelMessage[] = [];
    let seq = 0;
    for (const dump of DUMPS) {
      for (let attempt = 1; ; attempt++) {
        const { messages, interrupted } = await dumpOne(fd, dump, ++seq);
        if (interrupted && attempt < ATTEMPTS) continue;
        for (const message of messages) all.push(message);
        break;
      }
    }
    return all;
  } finally {
    closeNetlink(fd);
  }
}

async function dumpOne(
  fd: number,
  { type, header }: (typeof DUMPS)[number],
  seq: number,
): Promise<{ messages: KernelMessage[]; interrupted: boolean }> {
  const writer = new NetlinkWriter();
  writer
    .begin(type, NLM_F_REQUEST | NLM_F_DUMP, seq)
    .u8(AF_UNSPEC)
    .bytes(new Uint8Array(header - 1));
  sendNetlink(fd, writer.end().view());
  const messages: KernelMessage[] = [];
  const buffer = Buffer.alloc(NETLINK_RECEIVE_BYTES);
  let interrupted = false;
  for (;;) {
    const received = receiveNetlink(fd, buffer);
    // The kernel puts the next portion in the socket while one is taken from it.
    if (received === 'nothing' || received === 'overrun') throw new Error('the kernel broke off showing its tables');
    if (received === 'foreign') continue;
    for (const message of readMessages(buffer.subarray(0, received))) {
      if (message.seq !== seq) continue;
      if ((message.flags & NLM_F_DUMP_INTR) !== 0) interrupted = true;
      if (message.type === NLMSG_DONE) return { messages, interrupted };
      if (message.type === NLMSG_ERROR) throw new Error('the kernel refused to show its tables');
      const decoded = decodeKernelMessage(message);
      if (decoded !== undefined) messages.push(decoded);
    }
    await nextTurn();
  }
}
