/** The gRPC transport against a real AFI server in this process: life of a session, answers, loss, time-out, back-pressure. */
import { createServer, type Server, type Socket } from 'node:net';
import * as grpc from '@grpc/grpc-js';
import { AFI_METHODS, AFI_RAW_SERVICE } from '../../../src/aft/service';
import {
  AftField,
  type AftEntry,
  type AftError,
  type AftNode,
  type AftOperation,
  type AftSandboxInfo,
} from '../../../src/aft/model';
import type { TakeOverPolicy } from '../../../src/afi/claim';
import { createGrpcTransport, type AfiTransport } from '../../../src/afi/transport';
import { encodeSandboxReply, WireError } from '../../../src/aft/wire';
import { nullLogger, type Logger } from '../../../src/observe/log';
import { startAfiServer, type AfiServer } from '../../../src/vasic/server/server';
import { createInProcessDataplane, type InProcessDataplane } from '../vasic/inprocess-dataplane';
import { Log } from './log';

type Event =
  | { kind: 'up'; info: AftSandboxInfo }
  | { kind: 'down'; reason: string; tables: 'kept' | 'lost' }
  | { kind: 'ack'; id: number; error: AftError | undefined }
  | { kind: 'port'; index: number; up: boolean };

/** Collects a transport's events and lets a test wait for one. */
class Events {
  readonly all: Event[] = [];
  private waiting: (() => void)[] = [];

  handlers = {
    up: (info: AftSandboxInfo): void => this.add({ kind: 'up', info }),
    down: (reason: string, tables: 'kept' | 'lost'): void => this.add({ kind: 'down', reason, tables }),
    ack: (id: number, error: AftError | undefined): void => this.add({ kind: 'ack', id, error }),
    port: (index: number, up: boolean): void => this.add({ kind: 'port', index, up }),
  };

  private add(event: Event): void {
    this.all.push(event);
    for (const wake of this.waiting.splice(0)) wake();
  }

  of<K extends Event['kind']>(kind: K): Extract<Event, { kind: K }>[] {
    return this.all.filter((event): event is Extract<Event, { kind: K }> => event.kind === kind);
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((wake) => this.waiting.push(wake));
  }
}

const tree: AftNode = { token: 1024, type: 'tree', fields: [AftField.PacketLookupKey], defaultNext: 0 };
const insertNodes = (...nodes: AftNode[]): AftOperation => ({ kind: 'insert', insert: { nodes, entries: [] } });
const route = (i: number): AftEntry => ({
  parent: 1024,
  key: { field: AftField.Ip4Daddr, data: { kind: 'prefix', bytes: Uint8Array.of(10, i >> 8, i & 255, 0), length: 24 } },
  next: 0,
});
const insertRoutes = (from: number, to: number): AftOperation => ({
  kind: 'insert',
  insert: { nodes: [], entries: Array.from({ length: to - from }, (_, i) => route(from + i)) },
});

let dataplane: InProcessDataplane;
let server: AfiServer | undefined;
let transport: AfiTransport | undefined;
let silent: Server | undefined;
const accepted: Socket[] = [];

beforeEach(() => {
  dataplane = createInProcessDataplane(2, 5000);
});

afterEach(async () => {
  await transport?.close();
  server?.close();
  silent?.close();
  for (const socket of accepted.splice(0)) socket.destroy();
  transport = server = silent = undefined;
});

const listen = async (port = 0): Promise<number> => {
  server = await startAfiServer({ host: '127.0.0.1', port }, dataplane, nullLogger);
  return server.port;
};

function connect(
  port: number,
  options: {
    timeoutMs?: number;
    ports?: number;
    sandbox?: string;
    log?: Logger;
    owner?: string;
    takeOver?: TakeOverPolicy;
  } = {},
): Events {
  const events = new Events();
  transport = createGrpcTransport(
    {
      server: { host: '127.0.0.1', port },
      engine: 'trio',
      sandbox: options.sandbox ?? 'green',
      takeOver: options.takeOver ?? 'restart',
      owner: { id: options.owner ?? 'router', name: `bridge ${options.owner ?? 'router'}` },
      timeoutMs: options.timeoutMs ?? 5000,
      batch: 1000,
      inFlight: 16,
      reconnectMs: { min: 10, max: 100 },
      ports: options.ports ?? 2,
    },
    options.log ?? nullLogger,
  );
  transport.start(events.handlers);
  return events;
}

test('allocates, opens, tells port states, applies operations in order and answers each once', async () => {
  dataplane.ports[1]!.up = false;
  const events = connect(await listen());
  await events.until(() => events.of('port').length === 2);
  const [{ info }] = events.of('up') as [Extract<Event, { kind: 'up' }>];
  expect(info).toMatchObject({ id: 7, engine: 'trio', name: 'green', nodes: 0, entries: 0 });
  expect(info.inputPorts.map((port) => port.name)).toEqual(['ge0', 'ge1']);
  expect(info.outputPorts.map((port) => port.name)).toEqual(['ge0', 'ge1', 'punt']);
  expect(info.inputPorts[0]).toMatchObject({ mac: Uint8Array.of(2, 0, 0, 0, 0, 0), mtu: 1500, up: true });
  expect(events.of('port')).toEqual([
    { kind: 'port', index: 0, up: true },
    { kind: 'port', index: 1, up: false },
  ]);
  transport!.send(1, insertNodes(tree));
  transport!.send(2, insertRoutes(0, 1000));
  transport!.send(3, { kind: 'remove', remove: { entries: [{ parent: 1024, key: route(5).key }], tokens: [] } });
  transport!.send(4, { kind: 'remove', remove: { entries: [{ parent: 1024, key: route(5).key }], tokens: [] } });
  await events.until(() => events.of('ack').length === 4);
  expect(events.of('ack').map(({ id, error }) => [id, error?.code])).toEqual([
    [1, undefined],
    [2, undefined],
    [3, undefined],
    [4, 'unknownEntry'],
  ]);
  expect(await transport!.sandboxInfo()).toMatchObject({ nodes: 1, entries: 999 });
  expect((await transport!.nodeInfo([1024, 9999])).map(({ found, entries }) => [found, entries])).toEqual([
    [true, 999],
    [false, 0],
  ]);
});

test('find reads nodes and all entries back in batches', async () => {
  const events = connect(await listen());
  await events.until(() => events.of('up').length === 1);
  transport!.send(1, insertNodes(tree));
  transport!.send(2, insertRoutes(0, 3000));
  const nodes: AftNode[] = [];
  for await (const batch of transport!.find({ type: 'tree' })) nodes.push(...batch.nodes);
  expect(nodes).toEqual([tree]);
  const entries: AftEntry[] = [];
  let batches = 0;
  for await (const batch of transport!.find({ entriesOf: 1024 })) {
    entries.push(...batch.entries);
    batches++;
  }
  expect(batches).toBeGreaterThan(1);
  const text = (entry: AftEntry): string => (entry.key.data.kind === 'prefix' ? entry.key.data.bytes.join('.') : '?');
  expect(new Set(entries.map(text))).toEqual(new Set(Array.from({ length: 3000 }, (_, i) => text(route(i)))));
  expect(entries).toHaveLength(3000);
  await expect(async () => {
    for await (const batch of transport!.find({ entriesOf: 4711 })) void batch;
  }).rejects.toThrow(/4711 is not a container/);
});

test('port changes reach the client', async () => {
  const events = connect(await listen());
  await events.until(() => events.of('port').length === 2);
  dataplane.host.portChanged(0, false);
  await events.until(() => events.of('port').length === 3);
  expect(events.of('port')[2]).toEqual({ kind: 'port', index: 0, up: false });
});

test('a refused operation comes back with code, reason and item', async () => {
  const events = connect(await listen());
  await events.until(() => events.of('up').length === 1);
  transport!.send(1, insertNodes(tree));
  transport!.send(2, insertRoutes(0, 5001));
  await events.until(() => events.of('ack').length === 2);
  expect(events.of('ack')[1]!.error).toMatchObject({ code: 'full', item: { list: 'entry' } });
});

test('many operations in flight: false from send is followed by a drain, and all are answered', async () => {
  const events = connect(await listen());
  await events.until(() => events.of('up').length === 1);
  let drains = 0;
  let drained: () => void = () => undefined;
  transport!.onDrain(() => {
    drains++;
    drained();
  });
  transport!.send(1, insertNodes(tree));
  let refusals = 0;
  for (let id = 2; id < 2000; id++) {
    if (transport!.send(id, insertRoutes(id, id + 1))) continue;
    refusals++;
    await new Promise<void>((resolve) => (drained = resolve));
  }
  expect(refusals).toBeGreaterThan(0);
  expect(drains).toBe(refusals);
  await events.until(() => events.of('ack').length === 1999);
  expect(events.of('ack').map(({ id }) => id)).toEqual(Array.from({ length: 1999 }, (_, i) => i + 1));
  expect(events.of('ack').every(({ error }) => error === undefined)).toBe(true);
});

test('a server that dies is noticed at once and reconnected to; the same tables have the same instance', async () => {
  const log = new Log();
  const port = await listen();
  const events = connect(port, { log });
  await events.until(() => events.of('up').length === 1);
  dataplane.stalled = true;
  transport!.send(1, insertNodes(tree));
  server!.close();
  await events.until(() => events.of('down').length === 1);
  expect(transport!.send(2, insertNodes(tree))).toBe(false);
  await expect(transport!.sandboxInfo()).rejects.toThrow(/not connected/);
  dataplane.stalled = false;
  await listen(port);
  await events.until(() => events.of('up').length === 2);
  const [first, second] = events.of('up');
  expect(second!.info.instance).toBe(first!.info.instance);
  expect(events.of('ack')).toEqual([]);
  expect(events.of('down')).toHaveLength(1);
  expect(log.lines.filter((line) => /^error: lost the AFI server .*reconnecting in 10 ms/.test(line))).toHaveLength(1);
});

test.each(['release', 'close'] as const)(
  'a sandbox that another client takes away (%s) ends the session, with its tables, before an operation is wasted',
  async (action) => {
    const port = await listen();
    const events = connect(port);
    await events.until(() => events.of('up').length === 1);
    const { path, requestSerialize, responseDeserialize } = AFI_METHODS.sandbox;
    const other = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
    const takeOver = 'always' as const;
    const request = { action, sandbox: { engine: 'trio', name: 'green' }, inputPorts: 2, outputPorts: 2, takeOver };
    await new Promise<void>((resolve, reject) => {
      other.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error) =>
        error === null ? resolve() : reject(error),
      );
    });
    other.close();
    transport!.send(7, insertNodes(tree));
    await events.until(() => events.of('up').length === 2);
    expect(events.of('down')).toEqual([
      { kind: 'down', reason: 'somebody closed the sandbox, and what was in it may be gone', tables: 'lost' },
    ]);
    expect(events.of('ack')).toEqual([]);
  },
);

test('a restarted server has another instance', async () => {
  const port = await listen();
  const events = connect(port);
  await events.until(() => events.of('up').length === 1);
  server!.close();
  await events.until(() => events.of('down').length === 1);
  dataplane = createInProcessDataplane(2);
  await listen(port);
  await events.until(() => events.of('up').length === 2);
  const [first, second] = events.of('up');
  expect(second!.info.instance).not.toBe(first!.info.instance);
});

test('no acknowledgement in time: down says so, and a new session is opened', async () => {
  const port = await listen();
  const events = connect(port, { timeoutMs: 150 });
  await events.until(() => events.of('up').length === 1);
  dataplane.stalled = true;
  transport!.send(42, insertNodes(tree));
  await events.until(() => events.of('down').length === 1);
  expect(events.of('down')[0]!.reason).toMatch(/operation 42 timed out/);
  dataplane.stalled = false;
  await events.until(() => events.of('up').length === 2);
  expect(events.of('ack')).toEqual([]);
});

test('an acknowledged operation does not time out later', async () => {
  const events = connect(await listen(), { timeoutMs: 100 });
  await events.until(() => events.of('up').length === 1);
  transport!.send(1, insertNodes(tree));
  await events.until(() => events.of('ack').length === 1);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(events.of('down')).toEqual([]);
});

test('a server that is not there yet: one warning with the cause, then success', async () => {
  const port = await listen();
  server!.close();
  const log = new Log();
  const events = connect(port, { log });
  await new Promise<void>((resolve) => {
    const look = (): void =>
      void (log.lines.filter((l) => l.startsWith('debug')).length >= 2 ? resolve() : setTimeout(look, 5));
    look();
  });
  expect(log.lines.filter((line) => line.startsWith('warn'))).toHaveLength(1);
  expect(log.lines[0]).toMatch(/connection refused: is the AFI server running there/);
  expect(events.all).toEqual([]);
  await listen(port);
  await events.until(() => events.of('up').length === 1);
  expect(events.of('down')).toEqual([]);
  expect(log.lines.at(-1)).toMatch(/connected to the AFI server .* after \d+ failed attempt/);
});

test('something that accepts and says nothing is given up after the time-out', async () => {
  silent = createServer((socket) => void accepted.push(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => silent!.listen(0, '127.0.0.1', resolve));
  const log = new Log();
  const { port } = silent.address() as { port: number };
  connect(port, { timeoutMs: 100, log });
  await new Promise<void>((resolve) => {
    const look = (): void => void (log.lines.length > 0 ? resolve() : setTimeout(look, 5));
    look();
  });
  expect(log.lines[0]).toMatch(/^warn: cannot open sandbox trio:green/);
});

test.each([
  [{ ports: 4 }, /this vASIC has 2 \(--port\).*\(invalid\)/],
  [{ sandbox: 'blue' }, /no sandbox trio:blue here; this vASIC has trio:green.*\(noSandbox\)/],
])('a sandbox that the server refuses (%j) is explained', async (options, message) => {
  const log = new Log();
  const events = connect(await listen(), { ...options, log });
  await new Promise<void>((resolve) => {
    const look = (): void => void (log.lines.length > 0 ? resolve() : setTimeout(look, 5));
    look();
  });
  expect(log.lines[0]).toMatch(message);
  expect(events.all).toEqual([]);
});

test('a packet is tried; a wrong port is answered with a sentence', async () => {
  const events = connect(await listen());
  await events.until(() => events.of('up').length === 1);
  transport!.send(1, insertNodes(tree));
  transport!.send(2, { kind: 'insert', insert: { nodes: [], entries: [], binds: [{ port: 1, next: 1024 }] } });
  await events.until(() => events.of('ack').length === 2);
  const frame = Uint8Array.of(2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 0x88, 0xcc, 1, 2, 3, 4);
  expect(await transport!.test(1, frame)).toEqual({
    steps: [
      { token: 2, type: 'inputPort', detail: 'ge1' },
      { token: 1024, type: 'tree', detail: 'no address to look up: default' },
      { token: 0, type: 'discard', detail: '' },
    ],
    outcome: { kind: 'discard', reason: 'discard' },
  });
  await expect(transport!.test(2, frame)).rejects.toThrow(/didn't trace the packet: no input port 2: there are 2$/);
});

test('a server without the rpc Test is said to have none, and the session goes on', async () => {
  const { sandbox, sandboxInfo, nodeInfo, find, watch, operate } = AFI_RAW_SERVICE;
  const info = { id: 1, engine: 'trio', name: 'green', instance: 'i', nodes: 0, entries: 0 };
  const reply = encodeSandboxReply({ info: { ...info, inputPorts: [], outputPorts: [] } });
  const old = new grpc.Server();
  const silentCall = (): void => undefined;
  old.addService(
    { sandbox, sandboxInfo, nodeInfo, find, watch, operate },
    {
      sandbox: (_call: unknown, done: (error: null, bytes: Buffer) => void) => done(null, reply),
      sandboxInfo: silentCall,
      nodeInfo: silentCall,
      find: silentCall,
      watch: silentCall,
      operate: silentCall,
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    old.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  try {
    const events = connect(port);
    await events.until(() => events.of('up').length === 1);
    await expect(transport!.test(0, new Uint8Array(14))).rejects.toThrow(
      `the AFI server at 127.0.0.1:${port} cannot trace packets: it doesn't have the rpc Test`,
    );
    expect(events.of('down')).toEqual([]);
  } finally {
    old.forceShutdown();
  }
});

test('what cannot be encoded fails in send and leaves the stream alone', async () => {
  const events = connect(await listen());
  await events.until(() => events.of('up').length === 1);
  expect(() => transport!.send(1, insertNodes({ ...tree, token: -5 }))).toThrow(WireError);
  transport!.send(2, insertNodes(tree));
  await events.until(() => events.of('ack').length === 1);
  expect(events.of('ack')).toEqual([{ kind: 'ack', id: 2, error: undefined }]);
});

test('after close nothing is called', async () => {
  const events = connect(await listen());
  await events.until(() => events.of('port').length === 2);
  const before = events.all.length;
  transport!.send(1, insertNodes(tree));
  await transport!.close();
  server!.close();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(events.all).toHaveLength(before);
});
