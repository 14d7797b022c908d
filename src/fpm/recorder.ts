/**
 * Records FPM sessions to a file while the bridge runs. The path of a route only hands over references to bytes that exist
 * anyway; writing is the file stream's, off the event loop. Bounded twice: what waits for a slow disk, and the size of the
 * file. At either bound, and on any error of the disk, recording stops for good, says so once, and the bridge goes on.
 */
import { createWriteStream, type WriteStream } from 'node:fs';
import type { Logger } from '../observe/log';
import { RECORDING_MAGIC, writeRecordHeader, type RecordKind } from './recording';

/** What a session tells its recorder; the buffers must not change afterwards. */
export interface SessionTap {
  opened(connection: number, peer: string): void;
  fromZebra(connection: number, bytes: Buffer): void;
  toZebra(connection: number, bytes: Buffer): void;
  closed(connection: number, reason: string): void;
}

export interface Recorder extends SessionTap {
  /** Why recording stopped; undefined: it goes on. */
  failure(): string | undefined;
  /** Resolves when what was recorded is in the file. */
  close(): Promise<void>;
}

export interface RecorderLimits {
  /** Bytes that may wait for the disk. */
  readonly waiting: number;
  /** Bytes of the file. */
  readonly size: number;
}

export const DEFAULT_LIMITS: RecorderLimits = { waiting: 64 * 1024 * 1024, size: 4096 * 1024 * 1024 };

/** Opens the file, emptying it. Rejects when it can't be written. */
export function createRecorder(
  file: string,
  log: Logger,
  limits: RecorderLimits = DEFAULT_LIMITS,
  now: () => number = () => Date.now() * 1000,
): Promise<Recorder> {
  const stream = createWriteStream(file);
  return new Promise((resolve, reject) => {
    stream.once('error', (error) => reject(new Error(`cannot record to ${file}: ${error.message}`)));
    stream.once('open', () => {
      stream.removeAllListeners('error');
      log.info('recording FPM sessions', { file });
      resolve(recorderOf(stream, file, log, limits, now));
    });
  });
}

function recorderOf(
  stream: WriteStream,
  file: string,
  log: Logger,
  limits: RecorderLimits,
  now: () => number,
): Recorder {
  let written = RECORDING_MAGIC.length;
  let recording = true;
  let failure: string | undefined;
  stream.write(RECORDING_MAGIC);
  stream.on('error', (error) => {
    recording = false;
    failure = error.message;
    log.error('recording stopped; all else goes on', { code: 'fpm-recording-stopped', file, reason: error.message });
  });

  function put(kind: RecordKind, connection: number, bytes: Buffer): void {
    const header = writeRecordHeader({ kind, connection, length: bytes.length, time: now() });
    written += header.length + bytes.length;
    stream.write(header);
    if (bytes.length > 0) stream.write(bytes);
  }

  function record(kind: RecordKind, connection: number, bytes: Buffer): void {
    if (!recording) return;
    let reason: string | undefined;
    if (stream.writableLength + bytes.length > limits.waiting) reason = 'the disk is too slow';
    else if (written + bytes.length > limits.size) reason = 'the file has its full size';
    if (reason === undefined) return put(kind, connection, bytes);
    recording = false;
    failure = reason;
    put('stopped', connection, Buffer.from(reason));
    log.warn('recording stopped; all else goes on', { code: 'fpm-recording-stopped', file, reason, bytes: written });
  }

  return {
    failure: () => failure,
    opened: (connection, peer) => record('opened', connection, Buffer.from(peer)),
    fromZebra: (connection, bytes) => record('fromZebra', connection, bytes),
    toZebra: (connection, bytes) => record('toZebra', connection, bytes),
    closed: (connection, reason) => record('closed', connection, Buffer.from(reason)),
    close: () =>
      new Promise((resolve) => {
        recording = false;
        if (stream.closed) return resolve();
        stream.once('close', resolve);
        stream.end();
      }),
  };
}
