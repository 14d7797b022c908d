/** Sessions recorded by a real FPM server, read again, and played to another one over TCP. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FpmUpdate } from '../../../src/fib/updates';
import { createRecorder, type Recorder, type SessionTap } from '../../../src/fpm/recorder';
import { RECORDING_MAGIC } from '../../../src/fpm/recording';
import { createFpmServer, type FpmSource } from '../../../src/fpm/server';
import { openSource } from '../../../src/inspect/source';
import { replay, replayText, type ReplayOptions } from '../../../src/inspect/replay';
import type { StreamEvent } from '../../../src/inspect/stream';
import { type Logger, nullLogger } from '../../../src/observe/log';
import { describeUpdate } from '../fpm/describe';
import { connectionOf, pcapOf } from './captures';
import { until } from '../../bed/until';

const STREAM = readFileSync(join(__dirname, '../../../../test/fixtures/fpm/frr10.7-dplane.bin'));
const folder = mkdtempSync(join(tmpdir(), 'replay-'));
const servers: FpmSource[] = [];
jest.setTimeout(30_000);

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Rig {
  readonly port: number;
  readonly updates: string[];
  readonly source: FpmSource;
  readonly sessions: string[];
}

/** A server that reports every route that it hears of as offloaded, every delete as failed. */
async function rig(tap?: SessionTap): Promise<Rig> {
  const updates: string[] = [];
  const sessions: string[] = [];
  const config = {
    listen: { host: '127.0.0.1', port: 0 },
    feedback: 'table',
    zebraVty: '/nonexistent',
    allow: { users: [], addresses: [] },
  } as const;
  const source = createFpmServer(config, nullLogger, tap === undefined ? {} : { tap });
  servers.push(source);
  await source.start({
    connected: () => void sessions.push('connected'),
    disconnected: (reason) => void sessions.push(reason),
    update: (update: FpmUpdate) => {
      updates.push(describeUpdate(update));
      if (update.kind !== 'routeAdd' && update.kind !== 'routeDelete') return;
      const { prefix, table } = update;
      const status = update.kind === 'routeAdd' ? 'offloaded' : 'failed';
      source.report([{ ...prefix, bytes: Uint8Array.from(prefix.bytes), table, protocol: 186, status }]);
    },
    frameEnd: () => undefined,
    writable: () => undefined,
  });
  return { port: source.address()!.port, updates, sessions, source };
}

/** Plays zebra: sends the bytes in pieces, reads until silence, and ends. */
async function zebra(port: number, bytes: Buffer, wait: () => boolean): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.resume();
  for (let at = 0; at < bytes.length; at += 1000) {
    socket.write(bytes.subarray(at, at + 1000));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until(wait);
  socket.end();
  await once(socket, 'close');
}

const options = (port: number, more: Partial<ReplayOptions> = {}): ReplayOptions => ({
  to: { host: '127.0.0.1', port },
  speed: 'max',
  lingerMs: 300,
  ...more,
});

async function eventsOf(file: string): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const event of (await openSource(file, 2620)).events) events.push(event);
  return events;
}

const bytesOf = (events: readonly StreamEvent[], direction: string): Buffer =>
  Buffer.concat(events.flatMap((e) => (e.kind === 'data' && e.direction === direction ? [e.bytes] : [])));

async function recordedSession(file: string): Promise<string[]> {
  const recorder = await createRecorder(file, nullLogger);
  const { port, updates, source } = await rig(recorder);
  await zebra(port, STREAM, () => source.counters().bytes === STREAM.length);
  await zebra(port, STREAM.subarray(0, 44), () => source.counters().bytes === STREAM.length + 44);
  await source.close();
  await recorder.close();
  return updates;
}

test('what is recorded is what was on the wire, and replay gives another server the same updates', async () => {
  const file = join(folder, 'session');
  const updates = await recordedSession(file);
  const events = await eventsOf(file);
  const [first, second] = [1, 2].map((c) => events.filter((e) => 'connection' in e && e.connection === c));
  expect(bytesOf(first!, 'fromZebra')).toEqual(STREAM);
  expect(bytesOf(second!, 'fromZebra')).toEqual(STREAM.subarray(0, 44));
  expect(bytesOf(first!, 'toZebra').length).toBeGreaterThan(0);
  expect(events.filter(({ kind }) => kind !== 'data').map(({ kind }) => kind)).toEqual([
    'open',
    'close',
    'open',
    'close',
  ]);
  const times = events.map((e) => ('time' in e ? e.time! : 0));
  expect(times).toEqual([...times].sort((a, b) => a - b));

  for (const speed of ['max', 'original'] as const) {
    const other = await rig();
    const result = await replay(await openSource(file, 2620), options(other.port, { speed }));
    expect(other.updates).toEqual(updates);
    expect(result).toMatchObject({
      connections: 2,
      bytes: STREAM.length + 44,
      notSent: 0,
      malformed: 0,
      endedByServer: 0,
    });
    const adds = updates.filter((update) => update.startsWith('routeAdd')).length;
    const deletes = updates.filter((update) => update.startsWith('routeDelete')).length;
    expect(result.statuses).toEqual({ offloaded: adds, trapped: 0, unresolved: 0, failed: deletes, other: 0 });
    expect(replayText(result)).toMatch(
      `came back: ${adds} offloaded, 0 trapped, 0 unresolved, ${deletes} failed, 0 other, 0 malformed\n`,
    );
  }
});

test('a bare stream, and a capture that begins in the middle', async () => {
  const stream = join(folder, 'stream');
  writeFileSync(stream, STREAM);
  const one = await rig();
  await replay(await openSource(stream, 2620), options(one.port));
  const capture = join(folder, 'capture');
  writeFileSync(capture, pcapOf(connectionOf(STREAM, Buffer.alloc(0)).slice(3)));
  const two = await rig();
  const result = await replay(await openSource(capture, 2620), options(two.port));
  // The first segment is missing: of its 100 bytes, two whole frames and part of the third.
  expect(result.notSent).toBe(3 * 44 - 100);
  expect(two.updates).toEqual(one.updates.slice(3));
});

test('the last connection is held for as long as is wished', async () => {
  const stream = join(folder, 'held');
  writeFileSync(stream, STREAM);
  const { port, updates, sessions } = await rig();
  let release: () => void = () => undefined;
  const hold = new Promise<void>((resolve) => (release = resolve));
  const done = replay(await openSource(stream, 2620), options(port, { hold, lingerMs: 0 }));
  await until(() => updates.length >= 60);
  expect(sessions).toEqual(['connected']);
  release();
  await done;
  await until(() => sessions.length >= 2);
});

test('no server, and a server that ends the connection', async () => {
  const stream = join(folder, 'refused');
  writeFileSync(stream, STREAM);
  const server = createServer((socket) => socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const result = await replay(await openSource(stream, 2620), options(port));
  expect(result).toMatchObject({ connections: 1, endedByServer: 1 });
  server.close();
  await once(server, 'close');
  await expect(replay(await openSource(stream, 2620), options(port))).rejects.toThrow(/no FPM server at 127\.0\.0\.1:/);
});

describe('the recorder', () => {
  const lines: string[] = [];
  const log: Logger = {
    ...nullLogger,
    error: (text, meta) => void lines.push(`${text} ${JSON.stringify(meta)}`),
    warn: (text, meta) => void lines.push(`${text} ${JSON.stringify(meta)}`),
  };
  beforeEach(() => lines.splice(0));
  const say = (recorder: Recorder, count: number): void => {
    recorder.opened(1, 'zebra');
    for (let i = 0; i < count; i++) recorder.fromZebra(1, STREAM);
    recorder.closed(1, 'end');
  };

  test("stops at the file's full size, and says so once, there and in the log", async () => {
    const file = join(folder, 'full');
    const recorder = await createRecorder(file, log, { waiting: 1e9, size: 3 * STREAM.length });
    say(recorder, 10);
    await recorder.close();
    expect(lines).toEqual([expect.stringMatching(/^recording stopped.*its full size/)]);
    expect(statSync(file).size).toBeLessThan(3 * STREAM.length + 100);
    const events = await eventsOf(file);
    expect(bytesOf(events, 'fromZebra').length).toBe(2 * STREAM.length);
    expect(events.slice(-2)).toMatchObject([{ kind: 'fault' }, { kind: 'close', reason: 'the recording ends' }]);
  });

  test('stops when the disk is slower than zebra, before memory is full of it', async () => {
    const file = join(folder, 'slow');
    const recorder = await createRecorder(file, log, { waiting: 5 * STREAM.length, size: 1e9 });
    say(recorder, 1000);
    await recorder.close();
    expect(lines).toEqual([expect.stringMatching(/the disk is too slow/)]);
    expect(statSync(file).size).toBeLessThan(7 * STREAM.length);
  });

  test("a file that can't be made is said at once; a disk that is full later is no reason to stop", async () => {
    await expect(createRecorder(join(folder, 'no/such'), log)).rejects.toThrow(/cannot record to .*ENOENT/);
    const recorder = await createRecorder('/dev/full', log);
    say(recorder, 3);
    await new Promise((resolve) => setTimeout(resolve, 200));
    say(recorder, 3);
    await recorder.close();
    expect(lines).toEqual([expect.stringMatching(/^recording stopped; all else goes on .*ENOSPC/)]);
  });

  test('a recording cut at any place gives what is before it', async () => {
    const file = join(folder, 'cut');
    const recorder = await createRecorder(file, log);
    say(recorder, 2);
    await recorder.close();
    const whole = readFileSync(file);
    for (let cut = RECORDING_MAGIC.length; cut < whole.length; cut += 97) {
      writeFileSync(file, whole.subarray(0, cut));
      const bytes = bytesOf(await eventsOf(file), 'fromZebra');
      expect([0, STREAM.length, 2 * STREAM.length]).toContain(bytes.length);
    }
    writeFileSync(file, Buffer.concat([whole.subarray(0, 40), Buffer.alloc(40, 0xee)]));
    expect((await eventsOf(file)).some((e) => e.kind === 'fault')).toBe(true);
  });
});
