/** The AFI server with a client that speaks raw bytes: order, malformed messages, half-closed streams, paced finds, watches. */
import * as grpc from '@grpc/grpc-js';
import { AFI_RAW_SERVICE } from '../../../src/aft/service';
import * as wire from '../../../src/aft/wire';
import { AftField, type AftOperation } from '../../../src/aft/model';
import { nullLogger } from '../../../src/observe/log';
import {
  packBundle,
  unpackBundle,
  type FromDataplane,
  type ToDataplane,
} from '../../../src/vasic/server/dataplane-protocol';
import { startAfiServer, type AfiServer } from '../../../src/vasic/server/server';
import { createInProcessDataplane, type InProcessDataplane } from './inprocess-dataplane';

const asIs = (bytes: Buffer): Buffer => bytes;
const sandbox = { engine: 'trio', name: 'green' };

let dataplane: InProcessDataplane;
let server: AfiServer;
let client: grpc.Client;

beforeEach(async () => {
  dataplane = createInProcessDataplane();
  server = await startAfiServer({ host: '127.0.0.1', port: 0 }, dataplane, nullLogger);
  client = new grpc.Client(`127.0.0.1:${server.port}`, grpc.credentials.createInsecure());
});

afterEach(() => {
  client.close();
  server.close();
});

type UnaryName = 'sandbox' | 'sandboxInfo' | 'nodeInfo' | 'inject';

const unary = (name: UnaryName, request: Buffer): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    client.makeUnaryRequest(AFI_RAW_SERVICE[name].path, asIs, asIs, request, (error, reply) => {
      if (error) reject(error);
      else resolve(reply!);
    });
  });

const manage = async (action: wire.SandboxAction, ports = 2): Promise<wire.SandboxReply> =>
  wire.decodeSandboxReply(
    await unary('sandbox', wire.encodeSandboxRequest({ action, sandbox, inputPorts: ports, outputPorts: ports })),
  );

const operateStream = (): grpc.ClientDuplexStream<Buffer, Buffer> =>
  client.makeBidiStreamRequest(AFI_RAW_SERVICE.operate.path, asIs, asIs);

/** Everything a stream gives until it ends, and its status. */
async function drain(
  stream: grpc.ClientReadableStream<Buffer>,
): Promise<{ data: Buffer[]; status: grpc.StatusObject }> {
  const data: Buffer[] = [];
  stream.on('data', (bytes: Buffer) => data.push(bytes));
  stream.on('error', () => undefined);
  const status = await new Promise<grpc.StatusObject>((resolve) => stream.on('status', resolve));
  return { data, status };
}

const counter = (token: number): AftOperation => ({
  kind: 'insert',
  insert: { nodes: [{ token, type: 'counter', bytes: 0, packets: 0 }], entries: [] },
});
const operation = (id: number, op: AftOperation, sandboxId = 7): Buffer =>
  wire.encodeOperation({ sandboxId, id, operation: op });

test('alloc is idempotent, needs the right name and number of ports, and release empties', async () => {
  expect(await manage('open')).toMatchObject({ error: { code: 'noSandbox' } });
  const first = await manage('alloc');
  expect(await manage('alloc')).toEqual(first);
  // As public AFI clients ask for them, with the port to the host.
  expect(await manage('alloc', 3)).toEqual(first);
  expect(await manage('alloc', 4)).toMatchObject({ error: { code: 'exists' } });
  expect(await manage('alloc', 1)).toMatchObject({ error: { code: 'exists' } });
  const other = wire.encodeSandboxRequest({
    action: 'alloc',
    sandbox: { engine: 'trio', name: 'red' },
    inputPorts: 2,
    outputPorts: 2,
  });
  expect(wire.decodeSandboxReply(await unary('sandbox', other))).toMatchObject({ error: { code: 'noSandbox' } });
  // None: as many as there are.
  expect(await manage('alloc', 0)).toEqual(first);
  const uneven = wire.encodeSandboxRequest({ action: 'alloc', sandbox, inputPorts: 0, outputPorts: 2 });
  expect(wire.decodeSandboxReply(await unary('sandbox', uneven))).toMatchObject({ error: { code: 'exists' } });
  await manage('release');
  expect(await manage('open')).toMatchObject({ error: { code: 'noSandbox' } });
  const second = await manage('alloc');
  if (!('info' in first && 'info' in second)) throw new Error('alloc failed');
  expect(second.info.instance).not.toBe(first.info.instance);
});

test('injected frames go through the graph or out of a port; not before the sandbox is open, and no others', async () => {
  const frame = Buffer.alloc(60, 7);
  const inject = async (message: Partial<wire.InjectMessage>): Promise<wire.InjectReply> =>
    wire.decodeInjectReply(
      await unary('inject', wire.encodeInject({ sandboxId: 7, direction: 'out', port: 1, frame, ...message })),
    );
  await manage('alloc');
  await expect(inject({})).rejects.toThrow('sandbox trio:green is not open');
  await manage('open');
  expect(await inject({})).toEqual({ ok: true });
  expect(dataplane.ports[1]!.sent.map((sent) => sent.frame)).toEqual([frame]);
  dataplane.ports[1]!.full = true;
  expect(await inject({})).toEqual({ ok: false });
  const bound = { nodes: [], entries: [], binds: [{ port: 1, next: 512 }] };
  dataplane.host.sandbox!.apply({ kind: 'insert', insert: bound });
  expect(await inject({ direction: 'in' })).toEqual({ ok: true });
  // What is behind its Ethernet header: nothing on its way gave it another one.
  expect(dataplane.ports[0]!.sent.map((sent) => sent.frame)).toEqual([frame.subarray(14)]);
  expect(dataplane.host.sandbox!.info().inputPorts[1]).toMatchObject({ packets: 1, bytes: 60 });
  for (const [wrong, why] of [
    [{ port: 2 }, 'INVALID_ARGUMENT: no port 2: there are 2'],
    [{ frame: frame.subarray(0, 13) }, 'INVALID_ARGUMENT: a frame of 13 bytes: from 14 to 65527 are possible'],
    [{ frame: Buffer.alloc(65528) }, 'INVALID_ARGUMENT: a frame of 65528 bytes'],
    [{ sandboxId: 8 }, 'NOT_FOUND: no sandbox with id 8'],
    [{ epoch: 5 }, 'ABORTED: of epoch 5, and sandbox trio:green is at'],
  ] as const) {
    await expect(inject(wrong)).rejects.toThrow(why);
  }
});

test('operations are refused until the sandbox is open, and for another sandbox id', async () => {
  await manage('alloc');
  const stream = operateStream();
  const result = drain(stream);
  stream.write(operation(1, counter(1024)));
  // An answered call means the operation before it was dealt with.
  await manage('open');
  stream.write(operation(2, counter(1024), 8));
  stream.write(operation(3, counter(1024)));
  stream.end();
  const { data } = await result;
  expect(data.map(wire.decodeOperationReply).map(({ id, error }) => [id, error?.code])).toEqual([
    [1, 'noSandbox'],
    [2, 'noSandbox'],
    [3, undefined],
  ]);
});

test('a half-closed stream ends with the last answer, not before', async () => {
  await manage('alloc');
  await manage('open');
  const stream = operateStream();
  const result = drain(stream);
  for (let id = 1; id <= 1500; id++) stream.write(operation(id, counter(1023 + id)));
  stream.end();
  const { data, status } = await result;
  expect(data.map((bytes) => wire.decodeOperationReply(bytes).id)).toEqual(
    Array.from({ length: 1500 }, (_, i) => i + 1),
  );
  expect(status.code).toBe(grpc.status.OK);
});

test('a malformed operation with an id is refused alone; one without ends the stream', async () => {
  await manage('alloc');
  await manage('open');
  const stream = operateStream();
  const result = drain(stream);
  // id 9, insert with an entry that has no key
  stream.write(Buffer.from([0x10, 9, 0x1a, 2, 0x12, 0]));
  stream.write(operation(10, counter(1024)));
  stream.write(Buffer.from([0xff, 0xff, 0xff]));
  const { data, status } = await result;
  expect(data.map(wire.decodeOperationReply).map(({ id, error }) => [id, error?.code])).toEqual([
    [9, 'invalid'],
    [10, undefined],
  ]);
  expect(status.code).toBe(grpc.status.INVALID_ARGUMENT);
  expect(status.details).toMatch(/not an AfiOperation/);
});

test('malformed requests fail with INVALID_ARGUMENT, unknown sandboxes with NOT_FOUND', async () => {
  await expect(unary('nodeInfo', Buffer.from([0x0a]))).rejects.toMatchObject({ code: grpc.status.INVALID_ARGUMENT });
  await expect(unary('nodeInfo', wire.encodeNodeInfoRequest({ sandboxId: 7, tokens: [] }))).rejects.toMatchObject({
    code: grpc.status.NOT_FOUND,
  });
  await expect(unary('sandboxInfo', wire.encodeSandboxName(sandbox))).rejects.toMatchObject({
    code: grpc.status.NOT_FOUND,
  });
});

test('a canceled find asks for no more', async () => {
  await manage('alloc');
  await manage('open');
  const entries = Array.from({ length: 60_000 }, (_, i) => ({
    parent: 1024,
    key: {
      field: AftField.Ip4Daddr,
      data: { kind: 'prefix' as const, bytes: Uint8Array.of(10, i >> 8, i & 255, 0), length: 24 },
    },
    next: 0,
  }));
  const stream = operateStream();
  const done = drain(stream);
  const nodes = [{ token: 1024, type: 'tree' as const, fields: [AftField.PacketLookupKey], defaultNext: 0 }];
  stream.write(operation(1, { kind: 'insert', insert: { nodes, entries } }));
  stream.end();
  await done;
  const posted: ToDataplane[] = [];
  const { post } = dataplane;
  dataplane.post = (message) => {
    posted.push(message);
    post(message);
  };
  const find = client.makeServerStreamRequest(
    AFI_RAW_SERVICE.find.path,
    asIs,
    asIs,
    wire.encodeFind({ sandboxId: 7, entriesOf: 1024 }),
  );
  find.on('error', () => undefined);
  await new Promise((resolve) => find.once('data', resolve));
  const closed = new Promise((resolve) => find.on('status', resolve));
  find.cancel();
  await closed;
  while (!posted.some(({ kind }) => kind === 'cancel')) await new Promise((resolve) => setImmediate(resolve));
  const asked = posted.filter(({ kind }) => kind === 'more').length;
  expect(asked).toBeLessThan(60_000 / 500);
  // Anything after the cancellation would have been asked for by now.
  await manage('open');
  expect(posted.filter(({ kind }) => kind === 'more').length).toBe(asked);
});

test('watch tells all ports, then changes, and ends when the sandbox is closed', async () => {
  await manage('alloc');
  await manage('open');
  const watch = client.makeServerStreamRequest(AFI_RAW_SERVICE.watch.path, asIs, asIs, wire.encodeSandboxName(sandbox));
  const result = drain(watch);
  await new Promise((resolve) => watch.once('data', resolve));
  dataplane.host.portChanged(1, false);
  await manage('close');
  const { data, status } = await result;
  expect(data.map(wire.decodePortEvent)).toEqual([
    { index: 0, up: true },
    { index: 1, up: true },
    { index: 1, up: false },
  ]);
  expect(status.code).toBe(grpc.status.OK);
});

test('an address that cannot be listened on is named', async () => {
  await expect(
    startAfiServer({ host: '127.0.0.1', port: server.port }, createInProcessDataplane(), nullLogger),
  ).rejects.toThrow(`cannot listen on 127.0.0.1:${server.port} (--listen)`);
});

test('a stream whose answers are missing is read no further', async () => {
  const received: ToDataplane[] = [];
  let answer: (message: FromDataplane) => void = () => undefined;
  const deaf = await startAfiServer(
    { host: '127.0.0.1', port: 0 },
    { post: (message) => void received.push(message), onMessage: (handler) => void (answer = handler) },
    nullLogger,
  );
  const other = new grpc.Client(`127.0.0.1:${deaf.port}`, grpc.credentials.createInsecure());
  const stream: grpc.ClientDuplexStream<Buffer, Buffer> = other.makeBidiStreamRequest(
    AFI_RAW_SERVICE.operate.path,
    asIs,
    asIs,
  );
  const ids: number[] = [];
  stream.on('data', (bytes: Buffer) => ids.push(wire.decodeOperationReply(bytes).id));
  stream.on('error', () => undefined);
  const total = 3000;
  for (let id = 1; id <= total; id++) stream.write(operation(id, counter(1024)));
  stream.end();
  const arrived = (): Buffer[] =>
    received.flatMap((message) => (message.kind === 'operate' ? unpackBundle(message.bundle) : []));
  const turns = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await new Promise((resolve) => setImmediate(resolve));
  };
  await turns(() => arrived().length >= 512);
  for (let i = 0; i < 2000; i++) await new Promise((resolve) => setImmediate(resolve));
  // What one HTTP/2 read carried may exceed the limit a little; all of it must not be there.
  expect(arrived().length).toBeLessThan(total / 2);
  let answered = 0;
  while (answered < total) {
    await turns(() => arrived().length > answered);
    const batch = arrived().slice(answered);
    answered += batch.length;
    const first = received.find((message) => message.kind === 'operate')!;
    const number = first.kind === 'operate' ? first.stream : 0;
    const replies = batch.map((bytes) => wire.encodeOperationReply({ id: wire.decodeOperation(bytes).id }));
    answer({ kind: 'replies', stream: number, bundle: packBundle(replies) });
  }
  await new Promise((resolve) => stream.on('status', resolve));
  expect(ids).toEqual(Array.from({ length: total }, (_, i) => i + 1));
  other.close();
  deaf.close();
});
