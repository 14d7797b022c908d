/**
 * One direction of a proxied connection: what one socket says goes to the other, in order and whole, at a pace that can be
 * changed at any time. What waits here is bounded: beyond that nothing more is read, and the sender's own socket fills, as with a slow
 * network. Only `keep` reads on, for what a sender leaves behind when it goes.
 */
import type { Socket } from 'node:net';

/** How a direction passes bytes on. */
export type Pace =
  | { readonly kind: 'pass' }
  /** Each piece arrives so much later. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Nothing arrives, and little is read. */
  | { readonly kind: 'hold' }
  /** Nothing arrives, and all is read. */
  | { readonly kind: 'keep' }
  /** So many bytes each `ms`. */
  | { readonly kind: 'trickle'; readonly bytes: number; readonly ms: number }
  /** All is read and thrown away. */
  | { readonly kind: 'drop' };

/** Bytes that wait before reading stops. */
export const MAX_WAITING = 64 * 1024;
const MAX_KEPT = 64 * 1024 * 1024;

interface Piece {
  bytes: Buffer;
  readonly at: number;
}

export class Pipe {
  /** Bytes that arrived, and that were thrown away. */
  passed = 0;
  dropped = 0;
  private readonly waiting: Piece[] = [];
  private bytes = 0;
  private hasEnded = false;
  private isOver = false;
  private isBlocked = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly from: Socket,
    private readonly to: Socket,
    private pace: Pace,
  ) {
    from.on('data', (bytes: Buffer) => {
      if (this.pace.kind === 'drop') {
        this.dropped += bytes.length;
        return;
      }
      this.waiting.push({ bytes, at: performance.now() });
      this.bytes += bytes.length;
      this.pump();
    });
    from.on('end', () => this.end());
    to.on('drain', () => {
      this.isBlocked = false;
      this.pump();
    });
  }

  /** Bytes that wait. */
  get held(): number {
    return this.bytes;
  }

  setPace(pace: Pace): void {
    this.pace = pace;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.pump();
  }

  /** Nothing more comes; what waits still goes. */
  end(): void {
    this.hasEnded = true;
    this.pump();
  }

  /** Forgets all. */
  close(): void {
    this.isOver = true;
    this.waiting.length = 0;
    clearTimeout(this.timer);
  }

  private pump(): void {
    if (this.isOver) return;
    while (this.timer === undefined && !this.isBlocked && this.waiting.length > 0) {
      const wait = this.step();
      if (wait === undefined) break;
      if (wait > 0) this.later(wait);
    }
    const limit = this.pace.kind === 'keep' ? MAX_KEPT : MAX_WAITING;
    if (this.bytes >= limit) this.from.pause();
    else if (this.from.isPaused()) this.from.resume();
    if (this.hasEnded && this.waiting.length === 0) {
      this.isOver = true;
      this.to.end();
    }
  }

  /** Writes some; how long to wait then, or undefined where nothing may go. */
  private step(): number | undefined {
    const first = this.waiting[0]!;
    switch (this.pace.kind) {
      case 'hold':
      case 'keep':
        return undefined;
      case 'drop':
        this.dropped += this.bytes;
        this.waiting.length = 0;
        this.bytes = 0;
        return 0;
      case 'pass':
        this.write(first, first.bytes.length);
        return 0;
      case 'delay': {
        const left = first.at + this.pace.ms - performance.now();
        if (left <= 0) this.write(first, first.bytes.length);
        return Math.max(0, left);
      }
      case 'trickle':
        this.write(first, this.pace.bytes);
        return this.pace.ms;
    }
  }

  private write(first: Piece, most: number): void {
    const part = first.bytes.subarray(0, most);
    if (part.length === first.bytes.length) this.waiting.shift();
    else first.bytes = first.bytes.subarray(part.length);
    this.bytes -= part.length;
    this.passed += part.length;
    if (!this.to.writable) return;
    this.isBlocked = !this.to.write(part);
  }

  private later(ms: number): void {
    this.timer = setTimeout(
      () => {
        this.timer = undefined;
        this.pump();
      },
      Math.max(1, ms),
    );
  }
}
