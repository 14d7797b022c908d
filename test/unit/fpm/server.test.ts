/** The FPM server over real TCP on the loopback interface, with the test as zebra. */
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import type { FeedbackMode } from '../../../src/config/types';
import type { StatusReport } from '../../../src/fib/updates';
import type { Ends } from '../../../src/fpm/access';
import { createFpmServer, type FpmHandlers, type FpmServerOptions, type FpmSource } from '../../../src/fpm/server';
import { parsePrefix } from '../../../src/net/address';
import { RTA_DST, RTA_NH_ID } from '../../../src/netlink/constants';
import { limitLog } from '../../../src/observe/limited-log';
import { type Logger, nullLogger } from '../../../src/observe/log';
import { describeUpdate } from './describe';
import { message, route } from './messages';

const sources: FpmSource[] = [];
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(sources.splice(0).map((source) => source.close()));
});

/** A log that remembers its lines. */
function remember(lines: string[]): Logger {
  const line = (text: string, meta?: object): void => void lines.push(`${text} ${JSON.stringify(meta ?? {})}`);
  return { ...nullLogger, error: line, warn: line, info: line };
}

interface Rig {
  readonly source: FpmSource;
  readonly events: string[];
  readonly log: string[];
  /** Resolves when an event that matches has come, or comes. */
  awaits(pattern: RegExp): Promise<void>;
}

/** The verdict on a process of this machine that may. */
const LOCAL = { allowed: true, local: true } as const;

async function rig(
  feedback: FeedbackMode = 'auto',
  also: Partial<FpmHandlers> = {},
  access?: FpmServerOptions['access'],
): Promise<Rig> {
  const events: string[] = [];
  const log: string[] = [];
  let waiting: { pattern: RegExp; resolve: () => void }[] = [];
  const note = (event: string): void => {
    events.push(event);
    waiting = waiting.filter(({ pattern, resolve }) => {
      if (!pattern.test(event)) return true;
      resolve();
      return false;
    });
  };
  const config = {
    listen: { host: '127.0.0.1', port: 0 },
    feedback,
    zebraVty: '/nonexistent/zebra.vty',
    allow: { users: [], addresses: [] },
  };
  const source = createFpmServer(config, limitLog(remember(log)), access === undefined ? {} : { access });
  sources.push(source);
  await source.start({
    connected: () => note('connected'),
    disconnected: (reason) => note(`disconnected: ${reason}`),
    update: (update) => {
      note(describeUpdate(update));
      also.update?.(update);
    },
    frameEnd: () => note('frameEnd'),
    writable: () => {
      note('writable');
      also.writable?.();
    },
  });
  const awaits = (pattern: RegExp): Promise<void> =>
    events.some((event) => pattern.test(event))
      ? Promise.resolve()
      : new Promise((resolve) => waiting.push({ pattern, resolve }));
  return { source, events, log, awaits };
}

/** A connection to the server, as zebra's. */
async function zebra(source: FpmSource): Promise<Socket> {
  const socket = connect(source.address()!.port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

function frame(payload: Buffer, type = 1): Buffer {
  const header = Buffer.from([1, type, 0, 0]);
  header.writeUInt16BE(4 + payload.length, 2);
  return Buffer.concat([header, payload]);
}

const routeTo = (third: number): Buffer =>
  route({}, [
    [RTA_DST, `192.0.${third}.0`],
    [RTA_NH_ID, third],
  ]);
const lineOf = (third: number): string =>
  `routeAdd 192.0.${third}.0/24 table 254 proto 186 metric 0 → nexthop ${third}`;
const reports = (count: number): StatusReport[] =>
  Array.from({ length: count }, () => ({
    ...parsePrefix('2001:db8::/32')!,
    table: 254,
    protocol: 186,
    status: 'offloaded',
  }));
const STATUS_FRAME = 4 + 16 + 12 + 20;

test('updates of a frame come in order, then frameEnd; frames without updates give none', async () => {
  const { source, events, awaits } = await rig();
  const socket = await zebra(source);
  const unknown = frame(message(999, new Uint8Array(4), []));
  socket.write(Buffer.concat([frame(Buffer.concat([routeTo(1), routeTo(2)])), unknown, frame(routeTo(3))]));
  await awaits(/nexthop 3/);
  expect(events).toEqual(['connected', lineOf(1), lineOf(2), 'frameEnd', lineOf(3), 'frameEnd']);
  expect(source.counters()).toMatchObject({
    connects: 1,
    frames: 3,
    updates: 3,
    malformed: 0,
    messages: { RTM_NEWROUTE: 3, other: 1 },
    skipped: { 'message type 999': 1 },
  });
});

test('asked to send everything again: the connection is closed, once, and the next one is taken', async () => {
  const { source, events, awaits } = await rig();
  source.askAgain('nobody is there');
  const socket = await zebra(source);
  await awaits(/^connected/);
  const closed = once(socket, 'close');
  source.askAgain('an audit found something');
  await closed;
  expect([source.peer(), events.filter((event) => event.startsWith('disconnected')).length]).toEqual([undefined, 1]);
  const again = await zebra(source);
  again.write(frame(routeTo(1)));
  await awaits(/nexthop 1/);
  expect(events.filter((event) => event === 'connected').length).toBe(2);
});

test('a flood is decoded in slices and whole, also when the connection ended meanwhile', async () => {
  const COUNT = 60_000;
  let updates = 0;
  let thirds = 0;
  const { source, events, awaits } = await rig('auto', {
    update: (update) => {
      if (update.kind !== 'routeAdd') return;
      thirds += update.prefix.bytes[2] === 1 + (updates % 250) ? 1 : 0;
      updates++;
    },
  });
  const socket = await zebra(source);
  let turns = 0;
  let counting = true;
  const turn = (): void => {
    turns++;
    if (counting) setTimeout(turn, 0);
  };
  socket.end(Buffer.concat(Array.from({ length: COUNT }, (_, i) => frame(routeTo(1 + (i % 250))))));
  await awaits(/nexthop 1$/);
  turn();
  await awaits(/disconnected/);
  counting = false;
  expect([updates, thirds]).toEqual([COUNT, COUNT]);
  expect(events.at(-1)).toBe('disconnected: zebra closed the connection');
  // Timers run between the slices: a single turn for all of it would leave room for one or two.
  expect(turns).toBeGreaterThan(5);
});

test('a frame that comes in halves, and one in single bytes', async () => {
  const { source, events, awaits } = await rig();
  const socket = await zebra(source);
  socket.setNoDelay(true);
  const bytes = Buffer.concat([frame(routeTo(1)), frame(routeTo(2))]);
  socket.write(bytes.subarray(0, 30));
  await awaits(/connected/);
  for (const byte of bytes.subarray(30)) {
    socket.write(Buffer.from([byte]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await awaits(/nexthop 2/);
  expect(events.filter((event) => event.startsWith('route'))).toEqual([lineOf(1), lineOf(2)]);
});

test('a live zebra keeps its place: another connection is refused, and the log says so', async () => {
  const { source, events, log, awaits } = await rig();
  const first = await zebra(source);
  first.write(frame(routeTo(1)));
  await awaits(/nexthop 1/);
  const second = await zebra(source);
  second.write(frame(routeTo(2)));
  await once(second, 'close');
  first.write(frame(routeTo(3)));
  await awaits(/nexthop 3/);
  expect(events).toEqual(['connected', lineOf(1), 'frameEnd', lineOf(3), 'frameEnd']);
  expect(source.peer()).toBe(`127.0.0.1:${first.localPort}`);
  expect(source.counters()).toMatchObject({ connects: 2, replaced: 0, refused: 1 });
  expect(source.refusal()?.why).toBe(`zebra is connected from 127.0.0.1:${first.localPort}, and lives`);
  expect(log.filter((line) => line.startsWith('a connection to the FPM port was refused'))).toHaveLength(1);
});

test('one whose process is gone is replaced at once; half of its frame is not the start of the new one', async () => {
  const held = new Map<number, boolean>();
  const access = { check: () => LOCAL, isHeld: (ends: Ends) => held.get(ends.remote.port) ?? true };
  const { source, events, awaits } = await rig('auto', {}, access);
  const first = await zebra(source);
  first.write(Buffer.concat([frame(routeTo(1)), frame(routeTo(2)).subarray(0, 20)]));
  await awaits(/nexthop 1/);
  held.set(first.localPort!, false);
  const gone = once(first, 'close');
  const second = await zebra(source);
  await gone;
  second.write(frame(routeTo(3)));
  await awaits(/nexthop 3/);
  expect(events.filter((event) => event.startsWith('route'))).toEqual([lineOf(1), lineOf(3)]);
  const peer = `127.0.0.1:${second.localPort}`;
  expect(events).toContain(`disconnected: its process is gone; replaced by a connection from ${peer}`);
  expect(source.counters()).toMatchObject({ connects: 2, replaced: 1, refused: 0 });
});

test('a displacement that was asked for takes place, once', async () => {
  const { source, awaits } = await rig();
  const first = await zebra(source);
  first.write(frame(routeTo(1)));
  await awaits(/nexthop 1/);
  source.displaceNext();
  const gone = once(first, 'close');
  const second = await zebra(source);
  second.write(frame(routeTo(2)));
  await awaits(/nexthop 2/);
  await gone;
  await once(await zebra(source), 'close');
  expect(source.peer()).toBe(`127.0.0.1:${second.localPort}`);
});

test('nothing of a connection that is not allowed is decoded', async () => {
  const access = {
    check: () => ({ allowed: false, why: 'it is of user x', remedy: 'r' }) as const,
    isHeld: () => true,
  };
  const { source, events } = await rig('auto', {}, access);
  const socket = await zebra(source);
  socket.write(frame(routeTo(1)));
  await once(socket, 'close');
  expect([events, source.counters().bytes, source.peer()]).toEqual([[], 0, undefined]);
  expect(source.counters()).toMatchObject({ connects: 1, refused: 1 });
});

test('a thousand connections at once: one session, the others are closed, and zebra is served', async () => {
  const { source, log, awaits } = await rig();
  const first = await zebra(source);
  first.write(frame(routeTo(1)));
  await awaits(/nexthop 1/);
  const many = await Promise.all(Array.from({ length: 1000 }, () => zebra(source)));
  await Promise.all(many.map((socket) => socket.destroyed || once(socket, 'close')));
  first.write(frame(routeTo(2)));
  await awaits(/nexthop 2/);
  expect(source.counters()).toMatchObject({ connects: 1001, refused: 1000 });
  expect(log.length).toBeLessThan(30);
});

test("zebra's leaving is told, with whether a frame was cut", async () => {
  const { source, awaits, log } = await rig();
  (await zebra(source)).end();
  await awaits(/^disconnected: zebra closed the connection$/);
  (await zebra(source)).end(frame(routeTo(1)).subarray(0, 9));
  await awaits(/^disconnected: zebra closed the connection within a frame$/);
  expect(log.filter((line) => line.includes('stay as they are until it connects again'))).toHaveLength(2);
  expect(source.peer()).toBeUndefined();
});

test('a reset connection is told with its reason', async () => {
  const { source, awaits } = await rig();
  const socket = await zebra(source);
  await awaits(/connected/);
  socket.resetAndDestroy();
  await awaits(/^disconnected: connection failed: .*ECONNRESET/);
});

test.each([
  ['another version', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ['an impossible length', Buffer.from([1, 1, 0, 2, 0, 0, 0, 0])],
])('%s ends the session but not the server', async (_what, garbage) => {
  const { source, events, log, awaits } = await rig();
  const socket = await zebra(source);
  socket.write(Buffer.concat([frame(routeTo(1)), garbage, frame(routeTo(2))]));
  await once(socket, 'close');
  await awaits(/disconnected/);
  expect(events.slice(0, 3)).toEqual(['connected', lineOf(1), 'frameEnd']);
  expect(events).toHaveLength(4);
  expect(log.some((line) => line.includes('is this zebra?'))).toBe(true);
  expect(source.counters().broken).toBe(1);
  (await zebra(source)).write(frame(routeTo(3)));
  await awaits(/nexthop 3/);
});

test('malformed messages are counted and told with their place in the stream, but not each of them', async () => {
  const { source, events, log, awaits } = await rig();
  const socket = await zebra(source);
  const bad = frame(route({ length: 33 }, [[RTA_DST, '192.0.2.0']]));
  socket.write(Buffer.concat([...Array<Buffer>(100).fill(bad), frame(routeTo(1))]));
  await awaits(/nexthop 1/);
  expect(events.filter((event) => event.startsWith('route'))).toEqual([lineOf(1)]);
  expect(source.counters().malformed).toBe(100);
  const told = log.filter((line) => line.startsWith('dropped a malformed message'));
  expect(told).toHaveLength(7);
  expect(told[1]).toContain(`"offset":${bad.length + 4 + 17},"total":2`);
});

test('a malformed message about a route that can be told ends what zebra sent of it before', async () => {
  const { source, events, awaits } = await rig();
  const bad = frame(
    route({}, [
      [RTA_DST, '192.0.2.0'],
      [RTA_NH_ID, Uint8Array.of(1)],
    ]),
  );
  (await zebra(source)).write(Buffer.concat([frame(routeTo(1)), bad, frame(routeTo(2))]));
  await awaits(/nexthop 2/);
  expect(events.filter((event) => event.startsWith('route'))).toEqual([
    lineOf(1),
    expect.stringContaining('could not be read'),
    lineOf(2),
  ]);
  expect(source.counters()).toMatchObject({ malformed: 1, updates: 3 });
});

test('frame types that nobody knows are skipped', async () => {
  const { source, awaits } = await rig();
  (await zebra(source)).write(Buffer.concat([frame(Buffer.alloc(9), 7), frame(routeTo(1))]));
  await awaits(/nexthop 1/);
  expect(source.counters().skipped).toEqual({ 'FPM frame type 7': 1 });
});

test('reasons that come out of the stream cannot fill memory', async () => {
  const { source, awaits } = await rig();
  const many = Array.from({ length: 1000 }, (_, i) => frame(message(1000 + i, new Uint8Array(4), [])));
  (await zebra(source)).write(Buffer.concat([...many, frame(routeTo(1))]));
  await awaits(/nexthop 1/);
  const { skipped } = source.counters();
  expect(Object.keys(skipped).length).toBeLessThanOrEqual(65);
  expect(Object.values(skipped).reduce((sum, count) => sum + count)).toBe(1000);
});

test('while paused nothing more is read, so that TCP holds zebra; resume reads on where it stopped', async () => {
  let seen = 0;
  let wanted = Infinity;
  let enough: () => void = () => undefined;
  const held: Rig = await rig('auto', {
    update: () => {
      seen++;
      if (seen === 1) held.source.pause();
      if (seen === wanted) enough();
    },
  });
  const socket = await zebra(held.source);
  // More than both socket buffers hold, so that a server which read on would be found out.
  const block = Buffer.concat(Array<Buffer>(20000).fill(frame(routeTo(1))));
  const blocks = 20;
  for (let i = 0; i < blocks; i++) socket.write(block);
  await held.awaits(/nexthop 1/);
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
  const readWhilePaused = seen;
  expect(readWhilePaused).toBeLessThan(20000);
  expect(socket.writableLength).toBeGreaterThan(0);
  const before = held.source.lastActivity();
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect([held.source.lastActivity() > before, held.source.behind]).toEqual([true, true]);
  wanted = 20000 * blocks;
  const all = new Promise<void>((resolve) => (enough = resolve));
  held.source.resume();
  await all;
  expect(held.source.counters()).toMatchObject({ frames: wanted, updates: wanted, malformed: 0 });
  expect(held.source.behind).toBe(false);
});

test('pausing holds for the next connection too', async () => {
  const { source, events, awaits } = await rig();
  source.pause();
  (await zebra(source)).write(frame(routeTo(1)));
  await awaits(/connected/);
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  expect(events).toEqual(['connected']);
  source.resume();
  await awaits(/nexthop 1/);
});

test('statuses reach zebra', async () => {
  const { source, awaits } = await rig();
  const socket = await zebra(source);
  await awaits(/connected/);
  const arrived = once(socket, 'data') as Promise<[Buffer]>;
  expect(source.report(reports(3))).toBe(3);
  const [bytes] = await arrived;
  expect(bytes.length).toBe(3 * STATUS_FRAME);
  expect(source.counters().statuses).toBe(3);
});

test('a zebra that does not read takes a bounded number; the rest goes when it reads', async () => {
  const total = 400000;
  const pending = reports(total);
  let given = 0;
  const held: Rig = await rig('auto', {
    writable: () => {
      given += held.source.report(pending.slice(given));
    },
  });
  const socket = await zebra(held.source);
  socket.pause();
  await held.awaits(/connected/);
  given += held.source.report(pending);
  expect(given).toBeLessThan(total);
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
  expect(given).toBeLessThan(total);
  expect(held.source.report(pending.slice(given))).toBe(0);
  let received = 0;
  const all = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length;
      if (received === total * STATUS_FRAME) resolve();
    });
  });
  socket.resume();
  await all;
  expect(given).toBe(total);
  expect(held.source.counters().statuses).toBe(total);
});

test('only as much is taken from an iterable as the socket took', async () => {
  const { source, awaits } = await rig();
  const socket = await zebra(source);
  socket.pause();
  await awaits(/connected/);
  let drawn = 0;
  function* endless(): Generator<StatusReport> {
    const [report] = reports(1);
    for (;;) {
      drawn++;
      yield report!;
    }
  }
  const taken = source.report(endless());
  expect(taken).toBe(drawn);
});

test('without zebra nothing is taken, and room is offered when one comes', async () => {
  const { source, events, awaits } = await rig();
  expect(source.report(reports(2))).toBe(0);
  await zebra(source);
  await awaits(/writable/);
  expect(events).toEqual(['connected', 'writable']);
});

test('with feedback off all are taken and none is sent', async () => {
  const { source, awaits } = await rig('off');
  expect(source.report(reports(5))).toBe(5);
  const socket = await zebra(source);
  await awaits(/connected/);
  expect(source.report(reports(5))).toBe(5);
  expect(source.counters().statuses).toBe(0);
  const closed = once(socket, 'close');
  socket.resume();
  await source.close();
  await closed;
  expect(socket.bytesRead).toBe(0);
});

test('an address in use is refused with what to do', async () => {
  const { source } = await rig();
  const config = {
    listen: source.address()!,
    feedback: 'auto' as const,
    zebraVty: '/nonexistent/zebra.vty',
    allow: { users: [], addresses: [] },
  };
  const second = createFpmServer(config, nullLogger);
  const noop = (): void => undefined;
  const handlers = { connected: noop, disconnected: noop, update: noop, frameEnd: noop, writable: noop };
  await expect(second.start(handlers)).rejects.toThrow(
    new RegExp(
      String.raw`^cannot listen for zebra on 127\.0\.0\.1:\d+ \(fpm\.listen\): .* \(pid ${process.pid}\) has that port: stop that one`,
    ),
  );
});

test('close ends the session and frees the port', async () => {
  const { source, awaits } = await rig();
  const socket = await zebra(source);
  await awaits(/connected/);
  const closed = once(socket, 'close');
  const port = source.address()!.port;
  await source.close();
  await closed;
  await awaits(/^disconnected: the FPM server is closing$/);
  const again = connect(port, '127.0.0.1');
  sockets.push(again);
  const [error] = (await once(again, 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ECONNREFUSED');
});
