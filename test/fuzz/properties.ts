/**
 * What must hold for all bytes. Each property returns what it saw wrong, or undefined; anything thrown but the framing
 * error, which is the session's proper end, is a finding of its own.
 */
import { NO_TABLE, type FpmUpdate, type NexthopPath } from '../../src/fib/updates';
import { FPM_TYPE_NETLINK, FPM_TYPE_PROTOBUF, FpmFramingError, FrameReader } from '../../src/fpm/framing';
import { decodeNetlink, type DecoderSink } from '../../src/fpm/netlink/decoder';
import { decodeProtobuf } from '../../src/fpm/protobuf/decoder';
import { FrameScanner } from '../../src/inspect/frames';
import { Inspector } from '../../src/inspect/inspector';
import { jsonOf, textOf } from '../../src/inspect/text';
import { bytesEqual, maskAddress } from '../../src/net/address';
import type { Random } from './random';

/** Everything that came out of a session, in order. */
export interface Session {
  readonly events: string[];
  /** The stream made no sense, and the session was closed. */
  broken: boolean;
  /** Ill-formed output. */
  fault: string | undefined;
}

function faultOfPath(path: NexthopPath): string | undefined {
  if (path.gateway !== undefined && path.gateway.length !== 4 && path.gateway.length !== 16)
    return 'gateway of a wrong size';
  if (!(path.weight >= 1 && path.weight <= 65536)) return `weight ${path.weight}`;
  // What encapsulates may leave the path to the outer header (EVPN over module fpm).
  const nowhere = path.gateway === undefined && path.ifindex === 0 && path.encap === undefined;
  return nowhere ? 'path to nowhere' : undefined;
}

/** What no update may be, whatever the bytes. */
function faultOfUpdate(update: FpmUpdate): string | undefined {
  switch (update.kind) {
    case 'routeAdd':
    case 'routeDelete': {
      const { family, bytes, length } = update.prefix;
      if (bytes.length !== (family === 4 ? 4 : 16)) return `IPv${family} prefix of ${bytes.length} bytes`;
      if (length > 8 * bytes.length) return `prefix length ${length} of IPv${family}`;
      if (!bytesEqual(bytes, maskAddress(bytes, length))) return 'host bits in a prefix';
      // The older module names none in what it withdraws.
      if (!(update.table > 0) && (update.kind !== 'routeDelete' || update.table !== NO_TABLE))
        return `table ${update.table}`;
      if (update.kind === 'routeDelete' || update.target.kind !== 'paths') return undefined;
      if (update.target.paths.length === 0) return 'no paths';
      return update.target.paths.map(faultOfPath).find((fault) => fault !== undefined);
    }
    case 'nexthopAdd':
      if (update.id === 0) return 'nexthop id 0';
      return update.content.kind === 'path' ? faultOfPath(update.content.path) : undefined;
    default:
      return undefined;
  }
}

/** A server's session with these chunks. Throws what the codec throws, but for the framing error. */
export function sessionOf(chunks: readonly Buffer[]): Session {
  const session: Session = { events: [], broken: false, fault: undefined };
  const reader = new FrameReader((type, buffer, start, end) => {
    let count = 0;
    const note = (event: string): void => {
      count++;
      session.events.push(event);
    };
    const sink: DecoderSink = {
      update: (update) => {
        session.fault ??= faultOfUpdate(update);
        note(JSON.stringify(update));
      },
      message: () => undefined,
      skipped: (reason) => note(`skipped ${reason}`),
      malformed: (reason, offset) => {
        if (!(offset >= 0 && offset <= end - start)) session.fault ??= `fault at ${offset} of ${end - start} bytes`;
        note(`malformed ${reason} ${offset}`);
      },
    };
    if (type === FPM_TYPE_NETLINK) decodeNetlink(buffer, start, end, sink);
    else if (type === FPM_TYPE_PROTOBUF) decodeProtobuf(buffer, start, end, sink);
    // One for each message, and one for what is behind them.
    if (count > (end - start) / 16 + 2) session.fault ??= `${count} events of ${end - start} bytes`;
  });
  try {
    for (const chunk of chunks) reader.push(chunk);
  } catch (error) {
    if (!(error instanceof FpmFramingError)) throw error;
    session.broken = true;
  }
  return session;
}

/** Whether the server can follow the stream behind this frame. */
export function isInStep(frame: Buffer): boolean {
  return frame.length >= 4 && frame[0] === 1 && frame.readUInt16BE(2) === frame.length;
}

/** A mutated frame, and a valid one behind it. */
export function checkFrame(frame: Buffer, sentinel: Buffer, expected: readonly string[]): string | undefined {
  const session = sessionOf([Buffer.concat([frame, sentinel])]);
  if (session.fault !== undefined) return session.fault;
  if (!isInStep(frame)) return undefined;
  const last = session.events.slice(-expected.length);
  return last.join() === expected.join() ? undefined : 'the valid frame behind it was lost';
}

/** Cut anywhere, the same comes out. Whether the end is a fault is known only to the uncut stream's reader. */
export function checkCuts(stream: Buffer, random: Random): string | undefined {
  const cuts = Array.from({ length: 1 + random.below(12) }, () => random.below(stream.length + 1)).sort(
    (a, b) => a - b,
  );
  const chunks = [0, ...cuts].map((at, i) => stream.subarray(at, cuts[i] ?? stream.length));
  const [whole, cut] = [sessionOf([stream]), sessionOf(chunks)];
  if (whole.broken !== cut.broken) return `${cut.broken ? '' : 'not '}broken when cut at ${cuts.join()}`;
  return whole.events.join() === cut.events.join() ? undefined : `other events when cut at ${cuts.join()}`;
}

/** Bytes around a frame must not matter to it. */
export function checkSurroundings(frame: Buffer): string | undefined {
  const events = [0, 0xff].map((filling) => {
    const buffer = Buffer.alloc(frame.length + 64, filling);
    frame.copy(buffer, 32);
    const seen: string[] = [];
    const decode = frame[1] === FPM_TYPE_PROTOBUF ? decodeProtobuf : decodeNetlink;
    decode(buffer, 36, 32 + frame.length, {
      update: (update) => void seen.push(JSON.stringify(update)),
      message: () => undefined,
      skipped: (reason) => void seen.push(reason),
      malformed: (reason, offset) => void seen.push(`${reason} ${offset}`),
    });
    return seen.join();
  });
  return events[0] === events[1] ? undefined : 'bytes outside of the frame matter';
}

/** `decode` prints anything. */
export function checkInspector(frame: Buffer, sentinel: Buffer): string | undefined {
  let text = 0;
  const inspector = new Inspector((view) => (text += textOf(view, true).length + jsonOf(view).length));
  inspector.take({ kind: 'open', connection: 1, what: 'fuzz', inStep: true });
  inspector.take({ kind: 'data', connection: 1, direction: 'fromZebra', bytes: Buffer.concat([frame, sentinel]) });
  inspector.take({ kind: 'close', connection: 1, reason: 'end' });
  // A line of hex and words for each attribute: a bound in proportion, not a measure.
  return text > 4000 + 200 * (frame.length + sentinel.length)
    ? `${text} characters for ${frame.length} bytes`
    : undefined;
}

/** A header that the server ends a session for, in a valid stream: the scanner finds all frames behind it. */
export function checkResync(frames: readonly Buffer[], random: Random): string | undefined {
  const which = random.below(frames.length);
  const broken = Buffer.from(frames[which]!);
  if (random.below(2) === 0) broken.writeUInt16BE(random.below(4), 2);
  else broken[0] = 2 + random.below(254);
  const stream = Buffer.concat([...frames.slice(0, which), broken, ...frames.slice(which + 1)]);
  const found: Buffer[] = [];
  const scanner = new FrameScanner({
    frame: (_type, frame) => void found.push(Buffer.from(frame)),
    junk: () => undefined,
  });
  for (let at = 0; at < stream.length;) {
    const next = at + 1 + random.below(500);
    scanner.push(stream.subarray(at, next));
    at = next;
  }
  scanner.break('end');
  const expected = frames.filter((_frame, i) => i !== which);
  return Buffer.concat(found).equals(Buffer.concat(expected)) ? undefined : `frames behind number ${which} were lost`;
}
