/** What becomes of the errors that receiving from a rtnetlink socket gives. */
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { NetlinkWriter } from '../../../src/netlink/codec';
import { AF_UNSPEC, NLM_F_DUMP, NLM_F_REQUEST, RTM_GETNEIGH } from '../../../src/netlink/constants';
import { SysError } from '../../../src/sys/libc';
import { closeNetlink, openNetlink, receiveNetlink, sendNetlink } from '../../../src/sys/netlink-socket';

const BUFFER = Buffer.alloc(64);
const EINVAL = 22;

/** Answers in turn: a length, or an errno (negative) to fail with; the last one for ever. `calls` counts. */
function answering(...answers: number[]): { receive: (fd: number) => number; calls: () => number } {
  let calls = 0;
  return {
    receive: () => {
      const answer = answers[Math.min(calls++, answers.length - 1)]!;
      if (answer < -1) throw new SysError('recvfrom', -answer);
      return answer;
    },
    calls: () => calls,
  };
}

test('a dump that ends while it is received (EINVAL) does not stop the reading', () => {
  const { receive, calls } = answering(-EINVAL, -EINVAL, 20);
  expect(receiveNetlink(5, BUFFER, receive)).toBe(20);
  expect(calls()).toBe(3);
});

test('a socket that gives EINVAL for ever is broken, and that surfaces', () => {
  expect(() => receiveNetlink(5, BUFFER, answering(-EINVAL).receive)).toThrow('EINVAL');
});

test('an overrun, nothing, and any other error', () => {
  expect(receiveNetlink(5, BUFFER, answering(-105).receive)).toBe('overrun');
  expect(receiveNetlink(5, BUFFER, answering(-1).receive)).toBe('nothing');
  expect(() => receiveNetlink(5, BUFFER, answering(-9).receive)).toThrow('EBADF');
});

test('a reader goes on while another thread asks for dump after dump on its socket', async () => {
  const fd = openNetlink(0, 1 << 20);
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const reader = new Worker(join(__dirname, 'netlink-reader.js'), { workerData: { fd, stop } });
  const ended = once(reader, 'exit');
  const answer = once(reader, 'message');
  await once(reader, 'online');
  const writer = new NetlinkWriter();
  for (let seq = 1; seq <= 50_000; seq++) {
    writer
      .reset()
      .begin(RTM_GETNEIGH, NLM_F_REQUEST | NLM_F_DUMP, seq)
      .u8(AF_UNSPEC)
      .bytes(new Uint8Array(11));
    sendNetlink(fd, writer.end().view());
  }
  Atomics.store(stop, 0, 1);
  const [[received]] = (await Promise.all([answer, ended])) as [[number], unknown];
  expect(received).toBeGreaterThan(0);
  closeNetlink(fd);
});
