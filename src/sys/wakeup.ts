/**
 * A way to wake a thread that blocks in poll(2), and to tell it to stop: an eventfd and a flag in shared memory.
 *
 * The flag is set before the eventfd is written, so a thread that wakes and drains the eventfd sees the flag: no
 * wake-up is lost between two polls. The creator owns the file descriptor and closes it after the thread has ended; the
 * thread attaches to it by the handle, which can be posted between threads.
 */
import { close, eventfd, read, write } from './libc';

/** What a thread needs to attach: transferable between threads of this process. */
export interface WakeupHandle {
  readonly fd: number;
  readonly shared: SharedArrayBuffer;
}

const STOP = 0;
const HELD = 1;

export class Wakeup {
  private readonly words: Int32Array;
  private readonly counter = Buffer.alloc(8);

  private constructor(readonly handle: WakeupHandle) {
    this.words = new Int32Array(handle.shared);
  }

  /** @throws SysError EMFILE */
  static create(): Wakeup {
    return new Wakeup({ fd: eventfd(), shared: new SharedArrayBuffer(8) });
  }

  static attach(handle: WakeupHandle): Wakeup {
    return new Wakeup(handle);
  }

  /** The descriptor to poll for POLLIN. */
  get fd(): number {
    return this.handle.fd;
  }

  get stopped(): boolean {
    return Atomics.load(this.words, STOP) !== 0;
  }

  /** Makes the thread's poll return. */
  wake(): void {
    const one = Buffer.alloc(8);
    one.writeUInt32LE(1);
    write(this.fd, one);
  }

  /** Tells the thread to leave its loop, wherever it waits. */
  stop(): void {
    Atomics.store(this.words, STOP, 1);
    Atomics.notify(this.words, HELD);
    this.wake();
  }

  /** In the thread, after its poll showed POLLIN: makes the next poll block again. */
  drain(): void {
    read(this.fd, this.counter);
  }

  /** In the thread: notes `bytes` handed to the owner and not yet dealt with. */
  hold(bytes: number): void {
    Atomics.add(this.words, HELD, bytes);
  }

  /** In the owner: `bytes` are dealt with. */
  release(bytes: number): void {
    Atomics.sub(this.words, HELD, bytes);
    Atomics.notify(this.words, HELD);
  }

  /** In the thread: blocks while `limit` bytes or more are held, unless told to stop. */
  waitBelow(limit: number): void {
    for (;;) {
      const held = Atomics.load(this.words, HELD);
      if (held < limit || this.stopped) return;
      // The timeout covers a stop between the two loads above and this wait.
      Atomics.wait(this.words, HELD, held, 100);
    }
  }

  /** In the owner, once the thread has ended. */
  close(): void {
    close(this.fd);
  }
}
