/**
 * One zebra's connection: its bytes become frames, the frames updates; route statuses go back the same way.
 *
 * States: open, then closed for ever. The session closes itself when the peer does, when the connection fails, and when
 * the stream can't be followed; `ended` tells its owner why, once. Statuses are written only while the socket
 * takes them, so that a zebra which doesn't read costs no memory here.
 */
import { performance } from 'node:perf_hooks';
import type { Config } from '../config/types';
import type { FpmUpdate, StatusReport } from '../fib/updates';
import { fdOf, peerSilence } from '../sys/tcp';
import { DEAD_AFTER_S, type Newcomer } from './admission';
import type { Counting } from './counters';
import { FPM_TYPE_NETLINK, FPM_TYPE_PROTOBUF, FpmFramingError, FrameReader } from './framing';
import { decodeNetlink, type DecoderSink } from './netlink/decoder';
import { decodeProtobuf } from './protobuf/decoder';
import { MAX_STATUS_FRAME, writeStatus } from './status';

/** Statuses are put together up to this size before they go to the socket. */
const STATUS_CHUNK = 64 * 1024;
/** How often it is looked at whether the peer's machine answers, in ms. Keep-alives do that only while nothing is under way. */
const LOOK_MS = 1000;

/** Bytes read ahead of decoding at most; then zebra waits. */
const READ_AHEAD = 64 * 1024 * 1024;
/** Decoding gives way to everything else after so long, in ms. */
const SLICE_MS = 5;

export interface SessionHandlers {
  /** Bytes of the stream, before they are decoded, and bytes handed to the socket; they don't change afterwards. */
  received(bytes: Buffer): void;
  sent(bytes: Buffer): void;
  /** Once, whoever ended it. */
  closed(reason: string): void;
  update(update: FpmUpdate): void;
  /** All updates of a frame that had any have been given. */
  frameEnd(): void;
  /** The socket takes statuses again. */
  drained(): void;
  /** The session is over; `broken` when the stream made no sense. Not called after `close`. */
  ended(reason: string, broken: boolean): void;
}

export class FpmSession {
  private readonly reader: FrameReader;
  private readonly sink: DecoderSink;
  private readonly statuses = Buffer.alloc(STATUS_CHUNK);
  private open = true;
  private updatesOfFrame = 0;
  private frameOffset = 0;
  private active = performance.now();
  /** Read and not decoded yet. */
  private readonly ahead: Buffer[] = [];
  private aheadBytes = 0;
  /** A slice of decoding is due. */
  private sliceDue = false;
  /** The owner has had enough for now. */
  private stopped = false;
  /** Why the connection ended, until all that came over it is decoded. */
  private ending: string | undefined;

  private readonly socket: Newcomer['socket'];
  private readonly looking: NodeJS.Timeout;
  private framesRead = 0;

  constructor(
    readonly newcomer: Newcomer,
    private readonly counting: Counting,
    private readonly handlers: SessionHandlers,
  ) {
    const { socket } = newcomer;
    this.socket = socket;
    this.looking = setInterval(() => this.lookAtPeer(), LOOK_MS).unref();
    this.reader = new FrameReader((type, buffer, start, end, offset) => this.frame(type, buffer, start, end, offset));
    this.sink = {
      update: (update) => {
        if (!this.open) return;
        this.updatesOfFrame++;
        handlers.update(update);
      },
      message: (type) => counting.countMessage(type),
      skipped: (reason) => counting.countSkipped(reason),
      malformed: (reason, offset, stopgap) => {
        counting.countMalformed(reason, this.frameOffset + offset);
        if (stopgap !== undefined) this.sink.update(stopgap);
      },
    };
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('end', () => this.finish('zebra closed the connection'));
    socket.on('error', (error) => this.finish(`connection failed: ${error.message}`));
    socket.on('close', () => this.finish('connection closed'));
    socket.on('drain', () => {
      if (this.open) handlers.drained();
    });
  }

  get peer(): string {
    return this.newcomer.peer;
  }

  /** A whole frame came. */
  get hasSent(): boolean {
    return this.framesRead > 0;
  }

  /** Monotonic time, in ms, of the last bytes received; a session that is paused or behind has been active just now. */
  lastActivity(): number {
    return this.behind ? performance.now() : this.active;
  }

  /** What zebra sends waits: reading is paused, or what was read isn't decoded yet. */
  get behind(): boolean {
    return this.stopped || this.aheadBytes > 0;
  }

  pause(): void {
    this.stopped = true;
    this.socket.pause();
  }

  resume(): void {
    this.stopped = false;
    this.active = performance.now();
    this.sliceSoon();
  }

  /** Writes statuses as long as the socket takes them; returns how many were taken from `reports`. */
  report(reports: Iterable<StatusReport>, mode: Exclude<Config['fpm']['feedback'], 'off'>): number {
    if (!this.open || this.socket.writableNeedDrain) return 0;
    let taken = 0;
    let length = 0;
    const flush = (): boolean => {
      if (length === 0) return true;
      const bytes = Buffer.from(this.statuses.subarray(0, length));
      length = 0;
      this.handlers.sent(bytes);
      return this.socket.write(bytes);
    };
    for (const report of reports) {
      length = writeStatus(this.statuses, length, report, mode);
      taken++;
      if (length > STATUS_CHUNK - MAX_STATUS_FRAME && !flush()) break;
    }
    flush();
    this.counting.statuses += taken;
    return taken;
  }

  /** Ends the session at once, without telling the owner. */
  close(reason: string): void {
    if (this.open) this.handlers.closed(reason);
    this.open = false;
    clearInterval(this.looking);
    this.socket.destroy();
  }

  /** Statuses that are never acknowledged: the kernel alone would go on sending them for a quarter of an hour. */
  private lookAtPeer(): void {
    const fd = fdOf(this.socket);
    if (fd === undefined) return;
    const { silentMs, unacknowledged } = peerSilence(fd);
    if (unacknowledged > 0 && silentMs > DEAD_AFTER_S * 1000)
      this.end(`its machine has not answered for ${DEAD_AFTER_S} s`);
  }

  private receive(chunk: Buffer): void {
    if (!this.open) return;
    this.active = performance.now();
    this.counting.bytes += chunk.length;
    this.handlers.received(chunk);
    // The first of a turn at once, so that a single message doesn't wait for anything.
    if (!this.sliceDue && !this.stopped) this.decode(chunk);
    else {
      this.ahead.push(chunk);
      this.aheadBytes += chunk.length;
      if (this.aheadBytes >= READ_AHEAD) this.socket.pause();
    }
    this.sliceSoon();
  }

  private sliceSoon(): void {
    if (this.sliceDue || !this.open) return;
    this.sliceDue = true;
    setImmediate(() => {
      this.sliceDue = false;
      this.slice();
    });
  }

  /**
   * Decodes what was read ahead, for a while. Reading goes on meanwhile: a zebra whose own buffer runs full leaves off replaying for
   * a whole second.
   */
  private slice(): void {
    const until = performance.now() + SLICE_MS;
    let taken = 0;
    while (this.open && !this.stopped && taken < this.ahead.length && performance.now() < until) {
      const chunk = this.ahead[taken++]!;
      this.aheadBytes -= chunk.length;
      this.decode(chunk);
    }
    this.ahead.splice(0, taken);
    if (!this.open || this.stopped) return;
    if (this.aheadBytes < READ_AHEAD) this.socket.resume();
    if (this.ahead.length > 0) this.sliceSoon();
    else if (this.ending !== undefined) this.end(this.ending);
  }

  /** The connection is over: so is the session, once it has decoded what came. */
  private finish(reason: string): void {
    this.ending ??= reason;
    if (this.ahead.length === 0) this.end(this.ending);
    else this.sliceSoon();
  }

  private decode(chunk: Buffer): void {
    try {
      this.reader.push(chunk);
    } catch (error) {
      if (!(error instanceof FpmFramingError)) throw error;
      this.end(`${error.message}; is this zebra?`, true);
    }
  }

  private frame(type: number, buffer: Buffer, start: number, end: number, offset: number): void {
    if (!this.open) return;
    this.counting.frames++;
    this.framesRead++;
    this.frameOffset = offset;
    this.updatesOfFrame = 0;
    if (type === FPM_TYPE_NETLINK) decodeNetlink(buffer, start, end, this.sink);
    else if (type === FPM_TYPE_PROTOBUF) decodeProtobuf(buffer, start, end, this.sink);
    else this.counting.countSkipped(`FPM frame type ${type}`);
    this.counting.updates += this.updatesOfFrame;
    if (this.updatesOfFrame > 0 && this.open) this.handlers.frameEnd();
  }

  private end(reason: string, broken = false): void {
    if (!this.open) return;
    this.close(reason);
    const pending = this.reader.pending;
    this.handlers.ended(pending > 0 && !broken ? `${reason} within a frame` : reason, broken);
  }
}
