/**
 * Opens what `decode` and `replay` read: a capture (pcap, pcapng), a recording of `fpm2afi run --record`, or a bare FPM
 * byte stream; a file or standard input, told apart by its first bytes.
 */
import { createReadStream } from 'node:fs';
import { errorText, OperatorError } from '../net/error-text';
import { MAX_RECORD, RECORD_HEADER, RECORDING_MAGIC, readRecordHeader } from '../fpm/recording';
import { isCapture, readCapture } from './capture';
import { segmentOf, type Segment } from './packet';
import { Reassembler } from './reassembly';
import { ByteReader, type Direction, type StreamEvent } from './stream';

export type SourceFormat = 'capture' | 'recording' | 'stream';

export interface Source {
  readonly format: SourceFormat;
  readonly events: AsyncGenerator<StreamEvent>;
}

/** The file can't be read. */
export class SourceError extends OperatorError {}

/** Reads `file`, or standard input for `-`. Rejects with SourceError when there is nothing to read. */
export async function openSource(file: string, port: number): Promise<Source> {
  const input: AsyncIterable<Buffer> =
    file === '-' ? process.stdin : createReadStream(file, { highWaterMark: 1 << 18 });
  return sourceOf(input, port, file === '-' ? 'standard input' : file);
}

/** The same for bytes from anywhere; `name` is for error messages. */
export async function sourceOf(input: AsyncIterable<Buffer>, port: number, name: string): Promise<Source> {
  const reader = new ByteReader(input);
  let first: Buffer;
  try {
    first = await reader.peek(RECORDING_MAGIC.length);
  } catch (error) {
    throw new SourceError(`cannot read ${name}: ${errorText(error)}`);
  }
  if (first.length === 0) throw new SourceError(`${name} is empty`);
  if (first.equals(RECORDING_MAGIC)) return { format: 'recording', events: recordingEvents(reader) };
  if (isCapture(first)) return { format: 'capture', events: captureEvents(reader, first, port) };
  return { format: 'stream', events: rawEvents(reader, name) };
}

async function* rawEvents(reader: ByteReader, what: string): AsyncGenerator<StreamEvent> {
  yield { kind: 'open', connection: 1, what, inStep: true };
  for (let bytes = await reader.some(); bytes !== undefined; bytes = await reader.some()) {
    yield { kind: 'data', connection: 1, direction: 'fromZebra', bytes };
  }
  yield { kind: 'close', connection: 1, reason: 'end of the stream' };
}

async function* recordingEvents(reader: ByteReader): AsyncGenerator<StreamEvent> {
  await reader.take(RECORDING_MAGIC.length);
  const open = new Set<number>();
  for (;;) {
    const at = reader.offset;
    const bytes = await reader.take(RECORD_HEADER);
    if (bytes === undefined) {
      if ((await reader.peek(1)).length > 0) yield fault(`the recording ends within a record at offset ${at}`);
      break;
    }
    const header = readRecordHeader(bytes);
    if (header === undefined) {
      const hex = bytes.toString('hex');
      yield fault(`no record (at most ${MAX_RECORD} bytes) at offset ${at}: ${hex}; the recording is damaged`);
      break;
    }
    const { kind, connection, time } = header;
    const payload = await reader.take(header.length);
    if (payload === undefined) {
      yield fault(`the recording ends within the record at offset ${at}`);
      break;
    }
    switch (kind) {
      case 'opened':
        open.add(connection);
        yield { kind: 'open', connection, time, what: `zebra at ${payload.toString()}`, inStep: true };
        break;
      case 'fromZebra':
      case 'toZebra':
        if (payload.length > 0) yield { kind: 'data', connection, time, direction: kind, bytes: payload };
        break;
      case 'closed':
        if (open.delete(connection)) yield { kind: 'close', connection, time, reason: payload.toString() };
        break;
      case 'stopped':
        yield fault(`the recording was stopped here: ${payload.toString()}`);
        break;
    }
  }
  for (const connection of open) yield { kind: 'close', connection, reason: 'the recording ends' };
}

const fault = (reason: string): StreamEvent => ({ kind: 'fault', reason });

interface Connection {
  readonly id: number;
  readonly halves: Readonly<Record<Direction, Reassembler>>;
  /** The SYN of the client, if it was seen. */
  readonly syn: number | undefined;
  readonly ended: Set<Direction>;
}

/** How many connections are followed at once; more are no FPM. */
const MAX_CONNECTIONS = 1024;

async function* captureEvents(reader: ByteReader, first: Buffer, port: number): AsyncGenerator<StreamEvent> {
  const due: StreamEvent[] = [];
  const open = new Map<string, Connection>();
  const other = new Map<string, number>();
  let packets = 0;
  let ids = 0;

  function connect(key: string, segment: Segment, time: number | undefined): Connection {
    const id = ++ids;
    const isSyn = segment.syn;
    const half = (direction: Direction): Reassembler =>
      new Reassembler({
        data: (bytes, at) => due.push({ kind: 'data', connection: id, direction, bytes, time: at }),
        gap: (bytes) => {
          due.push({ kind: 'gap', connection: id, direction, reason: `${bytes} bytes are missing in the capture` });
        },
      });
    const fromClient = segment.toPort === port;
    const [client, server] = fromClient ? [segment.from, segment.to] : [segment.to, segment.from];
    due.push({ kind: 'open', connection: id, time, what: `zebra at ${client}, server at ${server}`, inStep: isSyn });
    const halves = { fromZebra: half('fromZebra'), toZebra: half('toZebra') };
    const connection = { id, halves, syn: fromClient && isSyn ? segment.seq : undefined, ended: new Set<Direction>() };
    open.set(key, connection);
    return connection;
  }

  function end(key: string, connection: Connection, reason: string, time?: number): void {
    connection.halves.fromZebra.end();
    connection.halves.toZebra.end();
    open.delete(key);
    due.push({ kind: 'close', connection: connection.id, time, reason });
  }

  function take(segment: Segment, time: number | undefined): void {
    const direction: Direction = segment.toPort === port ? 'fromZebra' : 'toZebra';
    const key = direction === 'fromZebra' ? `${segment.from} ${segment.to}` : `${segment.to} ${segment.from}`;
    let connection = open.get(key);
    const isNew = segment.syn && direction === 'fromZebra' && connection?.syn !== segment.seq;
    if (connection !== undefined && isNew) {
      end(key, connection, 'replaced by a new connection of the same ports', time);
      connection = undefined;
    }
    // The last segments of a connection that ended make no new one.
    if (connection === undefined && (segment.rst || (!segment.syn && segment.payload.length === 0))) return;
    if (connection === undefined && open.size >= MAX_CONNECTIONS) return;
    connection ??= connect(key, segment, time);
    const half = connection.halves[direction];
    if (segment.syn) half.start(segment.seq);
    else half.push(segment, time);
    if (segment.fin) connection.ended.add(direction);
    if (segment.rst) end(key, connection, 'connection reset', time);
    else if (connection.ended.size === 2) end(key, connection, 'connection closed', time);
  }

  for await (const { time, linkType, bytes } of readCapture(reader, first, (reason) => due.push(fault(reason)))) {
    packets++;
    const segment = segmentOf(linkType, bytes);
    const count = (what: string): void => void other.set(what, (other.get(what) ?? 0) + 1);
    if (typeof segment === 'string') count(segment);
    else if (segment.toPort !== port && segment.fromPort !== port) count('TCP of other ports');
    else take(segment, time);
    yield* due.splice(0);
  }
  for (const [key, connection] of open) end(key, connection, 'the capture ends');
  yield* due.splice(0);
  const counts = Array.from(other, ([what, n]) => `${n} ${what}`).join(', ');
  if (ids === 0)
    yield fault(`no TCP on port ${port} in ${packets} packets${counts === '' ? '' : ` (${counts})`}; see --port`);
  else if ([...other.keys()].some((what) => what !== 'not TCP' && what !== 'TCP of other ports')) {
    yield fault(`packets not read: ${counts}`);
  }
}
