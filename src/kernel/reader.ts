/**
 * The thread that reads an rtnetlink socket: started, and started anew when it dies; what it brings is handed on, and its memory
 * given back to it.
 */
import { join } from 'node:path';
import { startPollThread, type PollThread } from '../sys/poll-thread';
import { ReportQueue } from './report-queue';
import type { NetlinkWorkerData, NetlinkWorkerReport } from './worker';

/** What becomes of what was read. Nothing more is called once the reader closes. */
export interface ReaderHandlers {
  /** Messages, whole; valid during the call. */
  receive(messages: Buffer): void;
  /** The kernel dropped some: the socket was full. */
  overrun(): void;
  /** A message came that is not the kernel's. */
  foreign(): void;
  /** All of a report was handed on. */
  reported(): void;
  /** The thread died; another one starts in `restartMs`. */
  crashed(error: Error, restartMs: number): void;
}

/** Starts reading a socket, which stays the caller's to close, after the reader. */
export function startReader(fd: number, handlers: ReaderHandlers): Pick<PollThread, 'close'> {
  let closing = false;
  const queue = new ReportQueue({
    receive: (messages) => {
      if (!closing) handlers.receive(messages);
    },
    event: (kind) => {
      if (!closing) handlers[kind]();
    },
    reported: () => {
      if (!closing) handlers.reported();
    },
  });
  const thread: PollThread = startPollThread<NetlinkWorkerData, NetlinkWorkerReport>({
    file: join(__dirname, 'worker.js'),
    data: () => ({ fd }),
    onReport(report) {
      if (closing) return;
      const wakeup = thread.wakeup();
      queue.push(report, () => {
        // A wake-up that is closed has no thread that waits.
        if (report.kind === 'messages' && !closing) wakeup.release(report.bytes.byteLength);
      });
    },
    onCrash: (error, restartMs) => {
      queue.clear();
      handlers.crashed(error, restartMs);
    },
  });
  return {
    close() {
      closing = true;
      return thread.close();
    },
  };
}
