/**
 * One direction of a TCP connection, put in order: segments that come early wait, those that come again are cut to what is
 * new. What never came is a gap: it is given up when the connection ends, or when more waits behind it than could be under
 * way in a real connection. Memory is bounded by that.
 */
import type { Segment } from './packet';

export interface StreamSink {
  data(bytes: Buffer, time: number | undefined): void;
  /** So many bytes are missing before the next ones. */
  gap(bytes: number): void;
}

const MAX_WAITING_BYTES = 8 * 1024 * 1024;
const MAX_WAITING_SEGMENTS = 8192;

interface Waiting {
  readonly seq: number;
  readonly bytes: Buffer;
  readonly time: number | undefined;
}

/** How far `a` is behind `b`, in sequence numbers, which wrap at 2³². */
const distance = (a: number, b: number): number => (a - b) | 0;

export class Reassembler {
  private next: number | undefined;
  /** In order of their sequence numbers. */
  private waiting: Waiting[] = [];
  private waitingBytes = 0;

  constructor(private readonly sink: StreamSink) {}

  /** Starts the direction at its SYN. */
  start(syn: number): void {
    this.next = (syn + 1) >>> 0;
  }

  /** Takes a segment's payload. Where no SYN was seen, the first segment is the start. */
  push({ seq, payload }: Pick<Segment, 'seq' | 'payload'>, time: number | undefined): void {
    if (payload.length === 0) return;
    this.next ??= seq;
    if (distance(seq, this.next) > 0) {
      this.wait({ seq, bytes: payload, time });
      return;
    }
    this.take({ seq, bytes: payload, time });
    this.takeWaiting();
  }

  /** Delivers what of a segment is new. */
  private take({ seq, bytes, time }: Waiting): void {
    const known = distance(this.next!, seq);
    if (known >= bytes.length) return;
    this.next = (seq + bytes.length) >>> 0;
    this.sink.data(bytes.subarray(known), time);
  }

  private takeWaiting(): void {
    let first = this.waiting[0];
    while (first !== undefined && distance(first.seq, this.next!) <= 0) {
      this.waiting.shift();
      this.waitingBytes -= first.bytes.length;
      this.take(first);
      first = this.waiting[0];
    }
  }

  private wait(segment: Waiting): void {
    let at = this.waiting.length;
    while (at > 0 && distance(this.waiting[at - 1]!.seq, segment.seq) > 0) at--;
    this.waiting.splice(at, 0, segment);
    this.waitingBytes += segment.bytes.length;
    if (this.waitingBytes > MAX_WAITING_BYTES || this.waiting.length > MAX_WAITING_SEGMENTS) this.giveUp();
  }

  /** Goes on behind the first gap. */
  private giveUp(): void {
    const first = this.waiting[0];
    if (first === undefined) return;
    this.sink.gap(distance(first.seq, this.next!));
    this.next = first.seq;
    this.takeWaiting();
  }

  /** Nothing more comes: delivers all that waits, with the gaps between. */
  end(): void {
    while (this.waiting.length > 0) this.giveUp();
  }
}
