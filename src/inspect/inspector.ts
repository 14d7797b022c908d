/**
 * Stream events to views: cuts each direction of each connection into frames, describes what is in them, and counts.
 */
import { FPM_HEADER, FPM_TYPE_NETLINK, FPM_TYPE_PROTOBUF } from '../fpm/framing';
import { readU32 } from '../netlink/attributes';
import { NLMSG_HEADER } from '../netlink/constants';
import { hexOf } from './attributes';
import { FrameScanner } from './frames';
import { describeMessage, type MessageView, type Verdict } from './message';
import { describeProtobuf, type ProtobufView } from './protobuf';
import type { Direction, StreamEvent } from './stream';

/** Where something was seen. */
export interface Place {
  readonly connection: number;
  readonly direction: Direction;
  /** Microseconds since 1970: when the last byte of the frame came. */
  readonly time?: number;
}

export interface FrameView {
  /** From the start of the stream to the frame's header. */
  readonly offset: number;
  readonly length: number;
  readonly type: string;
}

export type View =
  | { readonly kind: 'netlink'; readonly place: Place; readonly frame: FrameView; readonly view: MessageView }
  | { readonly kind: 'protobuf'; readonly place: Place; readonly frame: FrameView; readonly view: ProtobufView }
  /** Bytes that are no message. */
  | {
      readonly kind: 'malformed';
      readonly place: Place;
      readonly frame?: FrameView;
      readonly reason: string;
      readonly offset: number;
      readonly length: number;
      readonly hex: string;
    }
  | { readonly kind: 'event'; readonly connection?: number; readonly time?: number; readonly text: string };

/** What was seen in all. */
export interface Totals {
  connections: number;
  frames: number;
  /** Messages by direction and name. */
  readonly messages: Record<Direction, Map<string, number>>;
  updates: number;
  skipped: number;
  malformed: number;
  /** Files and streams with parts missing. */
  faults: number;
}

interface Half {
  readonly scanner: FrameScanner;
  time: number | undefined;
}

export class Inspector {
  readonly totals: Totals = {
    connections: 0,
    frames: 0,
    messages: { fromZebra: new Map(), toZebra: new Map() },
    updates: 0,
    skipped: 0,
    malformed: 0,
    faults: 0,
  };
  private readonly halves = new Map<string, Half>();
  private readonly inStep = new Map<number, boolean>();

  constructor(private readonly out: (view: View) => void) {}

  /** Takes the next event of the source. */
  take(event: StreamEvent): void {
    switch (event.kind) {
      case 'open':
        this.totals.connections++;
        this.inStep.set(event.connection, event.inStep);
        this.say(`connection ${event.connection}: ${event.what}${event.inStep ? '' : ', already open'}`, event);
        break;
      case 'data': {
        const half = this.half(event.connection, event.direction);
        half.time = event.time;
        half.scanner.push(event.bytes);
        break;
      }
      case 'gap':
        this.totals.faults++;
        this.half(event.connection, event.direction).scanner.break(event.reason);
        this.say(`connection ${event.connection}, ${ARROWS[event.direction]}: ${event.reason}`, event);
        break;
      case 'close':
        for (const direction of ['fromZebra', 'toZebra'] as const) {
          this.halves.get(`${event.connection} ${direction}`)?.scanner.break(`incomplete at the end (${event.reason})`);
          this.halves.delete(`${event.connection} ${direction}`);
        }
        this.inStep.delete(event.connection);
        this.say(`connection ${event.connection}: ${event.reason}`, event);
        break;
      case 'fault':
        this.totals.faults++;
        this.say(event.reason);
        break;
    }
  }

  private say(text: string, from: { readonly connection?: number; readonly time?: number } = {}): void {
    const { connection, time } = from;
    this.out({
      kind: 'event',
      ...(connection !== undefined && { connection }),
      ...(time !== undefined && { time }),
      text,
    });
  }

  private half(connection: number, direction: Direction): Half {
    const key = `${connection} ${direction}`;
    const known = this.halves.get(key);
    if (known !== undefined) return known;
    const place = (): Place => {
      const time = half.time;
      return { connection, direction, ...(time !== undefined && { time }) };
    };
    const scanner = new FrameScanner(
      {
        frame: (type, frame, offset) => this.frame(place(), type, frame, offset),
        junk: (reason, offset, length, first) => this.malformed(place(), undefined, reason, offset, length, first),
      },
      this.inStep.get(connection) ?? true,
    );
    const half: Half = { scanner, time: undefined };
    this.halves.set(key, half);
    return half;
  }

  private malformed(
    place: Place,
    frame: FrameView | undefined,
    reason: string,
    offset: number,
    length: number,
    first: Buffer,
  ): void {
    this.totals.malformed++;
    this.out({ kind: 'malformed', place, ...(frame && { frame }), reason, offset, length, hex: hexOf(first) });
  }

  private frame(place: Place, type: number, bytes: Buffer, offset: number): void {
    this.totals.frames++;
    const names: Readonly<Record<number, string>> = { [FPM_TYPE_NETLINK]: 'netlink', [FPM_TYPE_PROTOBUF]: 'protobuf' };
    const frame: FrameView = { offset, length: bytes.length, type: names[type] ?? `type ${type}` };
    if (type === FPM_TYPE_NETLINK) this.netlink(place, frame, bytes);
    else if (type === FPM_TYPE_PROTOBUF) {
      const view = describeProtobuf(bytes.subarray(FPM_HEADER), offset + FPM_HEADER);
      this.count(place.direction, view.message, view.decoder);
      this.out({ kind: 'protobuf', place, frame, view });
    } else this.malformed(place, frame, `frame of unknown type ${type}`, offset, bytes.length, bytes);
  }

  private netlink(place: Place, frame: FrameView, bytes: Buffer): void {
    let at = FPM_HEADER;
    while (bytes.length - at >= NLMSG_HEADER) {
      const length = readU32(bytes, at);
      const left = bytes.length - at;
      if (length < NLMSG_HEADER || length > left) {
        const reason = `netlink message length ${length} of ${left} bytes`;
        this.malformed(place, frame, reason, frame.offset + at, left, bytes.subarray(at));
        return;
      }
      const view = describeMessage(bytes, at, at + length, frame.offset + at);
      this.count(place.direction, view.message, view.decoder);
      this.out({ kind: 'netlink', place, frame, view });
      at += (length + 3) & ~3;
    }
    if (at < bytes.length) {
      const reason = `${bytes.length - at} bytes behind the last message`;
      this.malformed(place, frame, reason, frame.offset + at, bytes.length - at, bytes.subarray(at));
    }
  }

  private count(direction: Direction, message: string, verdict: Verdict): void {
    const counts = this.totals.messages[direction];
    counts.set(message, (counts.get(message) ?? 0) + 1);
    this.totals.updates += verdict.updates?.length ?? 0;
    if (verdict.skipped !== undefined) this.totals.skipped++;
    if (verdict.malformed !== undefined) this.totals.malformed++;
  }
}

export const ARROWS: Readonly<Record<Direction, string>> = { fromZebra: 'zebra→server', toZebra: 'server→zebra' };
