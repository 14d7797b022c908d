/** The thread of poll-thread.test.ts: reports what it got, then blocks in poll(2) or dies, as told. */
import { PollSet } from '../../../src/sys/libc';
import { pollThreadContext } from '../../../src/sys/poll-thread';

export interface TestData {
  readonly start: number;
  readonly fail: boolean;
  /** Bytes to hand over; more than 100 of them make it wait. */
  readonly hold: number;
}

const { wakeup, data, report } = pollThreadContext<TestData, string>();
report(`start ${data.start}`);
if (data.fail) throw new Error(`told to fail at start ${data.start}`);
wakeup.hold(data.hold);
wakeup.waitBelow(100);
report(`polls ${data.start}`);
const set = new PollSet([wakeup.fd]);
while (!wakeup.stopped) {
  set.wait(-1);
  wakeup.drain();
  report(`woken ${data.start}`);
}
