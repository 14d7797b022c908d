/** What becomes of the errors that receiving from a rtnetlink socket gives. */
import { SysError } from '../../../src/sys/libc';
import { receiveNetlink } from '../../../src/sys/netlink-socket';

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
