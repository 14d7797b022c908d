/**
 * What the reading thread brought and is not dealt with yet. After an overrun, or when a thousand neighbors change at once, that is
 * megabytes; it is dealt with a portion a turn of the event loop, so that routes and statuses get their turns between. The
 * order stays. What waits here is bounded by the thread, which reads no further while too much is under way.
 */
import type { NetlinkWorkerReport } from './worker';

/** Bytes of messages in one turn: some six hundred neighbors. A message that is longer has a turn of its own. */
export const BYTES_PER_TURN = 64 * 1024;

export interface ReportQueueOptions {
  /** Whole messages; valid during the call. */
  readonly receive: (messages: Buffer) => void;
  /** Another report than messages. */
  readonly event: (kind: 'overrun' | 'foreign') => void;
  /** A turn's work was handed on. */
  readonly reported: () => void;
  /** Runs an action in a later turn; for tests. */
  readonly later?: (action: () => void) => void;
}

interface Entry {
  readonly report: NetlinkWorkerReport;
  /** The report was dealt with: its memory may be used again. */
  readonly done: () => void;
}

export class ReportQueue {
  private readonly waiting: Entry[] = [];
  /** Bytes of the first one that are dealt with. */
  private offset = 0;
  private isDue = false;
  private readonly later: (action: () => void) => void;

  constructor(private readonly options: ReportQueueOptions) {
    this.later = options.later ?? setImmediate;
  }

  /** Takes a report; the first of a turn is begun at once, as most come alone. */
  push(report: NetlinkWorkerReport, done: () => void): void {
    this.waiting.push({ report, done });
    if (!this.isDue) this.turn();
  }

  /** Drops what waits: the thread that read it is gone, and all is asked for anew. */
  clear(): void {
    this.waiting.length = 0;
    this.offset = 0;
  }

  private turn(): void {
    this.isDue = false;
    let left = BYTES_PER_TURN;
    try {
      for (let first = this.waiting[0]; first !== undefined && left > 0; first = this.waiting[0]) {
        left -= this.take(first, left);
      }
    } finally {
      if (this.waiting.length > 0) this.soon();
    }
    this.options.reported();
    // The next one that comes in this turn waits, too.
    this.soon();
  }

  private soon(): void {
    if (this.isDue) return;
    this.isDue = true;
    this.later(() => {
      this.isDue = false;
      if (this.waiting.length > 0) this.turn();
    });
  }

  /** Deals with some of the first report; returns how much that was of a turn. */
  private take({ report, done }: Entry, most: number): number {
    if (report.kind !== 'messages') {
      this.waiting.shift();
      this.options.event(report.kind);
      return 1;
    }
    const { bytes } = report;
    const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const start = this.offset;
    const end = endOfWhole(all, start, most);
    const isLast = end >= all.length;
    if (isLast) {
      this.waiting.shift();
      this.offset = 0;
    } else this.offset = end;
    try {
      this.options.receive(all.subarray(start, end));
    } finally {
      if (isLast) done();
    }
    return end - start;
  }
}

/** The end of the whole messages from `start` on that are `most` bytes together, or of one longer message. */
function endOfWhole(bytes: Buffer, start: number, most: number): number {
  let end = start;
  while (end + 4 <= bytes.length) {
    const length = bytes.readUInt32LE(end);
    // Nonsense is for the decoder to complain of.
    if (length < 16) return bytes.length;
    const next = end + ((length + 3) & ~3);
    if (next - start > most && end > start) return end;
    end = next;
  }
  return bytes.length;
}
