/** Two clients, and two lives of one: who may write into the sandbox, and what the other one is told. */
import * as grpc from '@grpc/grpc-js';
import type { AftNode, AftOperation } from '../../../src/aft/model';
import type { TakeOverPolicy } from '../../../src/afi/claim';
import { createGrpcTransport, type AfiTransport } from '../../../src/afi/transport';
import * as wire from '../../../src/aft/wire';
import { AFI_RAW_SERVICE } from '../../../src/aft/service';
import { nullLogger, type Logger } from '../../../src/observe/log';
import { startAfiServer, type AfiServer } from '../../../src/vasic/server/server';
import { createInProcessDataplane, type InProcessDataplane } from '../vasic/inprocess-dataplane';

const node = (token: number): AftNode => ({ token, type: 'counter', bytes: 0, packets: 0 });
const insert = (token: number): AftOperation => ({ kind: 'insert', insert: { nodes: [node(token)], entries: [] } });

let dataplane: InProcessDataplane;
let server: AfiServer;
const clients: Client[] = [];

/** A client of the test: what its transport told, a word each. */
class Client {
  readonly told: string[] = [];
  readonly warnings: string[] = [];
  private readonly transport: AfiTransport;

  constructor(owner: string, takeOver: TakeOverPolicy = 'restart', port = server.port) {
    clients.push(this);
    const log: Logger = {
      ...nullLogger,
      warn: (message) => void this.warnings.push(message),
      error: (message) => void this.warnings.push(message),
    };
    this.transport = createGrpcTransport(
      {
        server: { host: '127.0.0.1', port },
        ...{ engine: 'trio', sandbox: 'green', takeOver, timeoutMs: 60_000, batch: 1, inFlight: 1 },
        ...{ reconnectMs: { min: 5, max: 20 }, ports: 2, owner: { id: owner, name: `bridge ${owner}` } },
      },
      log,
    );
    this.transport.start({
      up: (_info, tables) => this.told.push(`up ${tables}`),
      down: (reason) => this.told.push(`down ${reason}`),
      ack: (id, error) => this.told.push(`ack ${id}${error === undefined ? '' : ` ${error.code}`}`),
      port: () => undefined,
    });
  }

  send(id: number): void {
    this.transport.send(id, insert(2000 + id));
  }

  async says(text: string | RegExp): Promise<void> {
    while (!this.told.some((said) => said.match(text) !== null)) await turn();
  }

  async warns(text: string | RegExp): Promise<string> {
    for (;;) {
      const found = this.warnings.find((said) => said.match(text) !== null);
      if (found !== undefined) return found;
      await turn();
    }
  }

  close(): Promise<void> {
    return this.transport.close();
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2));
const tokens = (): number[] => dataplane.host.sandbox!.find({}).map(({ token }) => token);

beforeEach(async () => {
  dataplane = createInProcessDataplane(2);
  server = await startAfiServer({ host: '127.0.0.1', port: 0 }, dataplane, nullLogger);
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  server.close();
});

test('a client that is there is not disturbed by another one, which is told its name, pid and address, until it is gone', async () => {
  const first = new Client('a');
  await first.says('up kept');
  const second = new Client('b');
  const why = await second.warns(/is held by/);
  expect(why).toMatch(
    new RegExp(String.raw`held by bridge a \(pid ${process.pid}, from 127\.0\.0\.1:\d+\).*afi\.takeOver: always`),
  );
  first.send(1);
  await first.says('ack 1');
  expect(second.told).toEqual([]);
  await first.close();
  await second.says('up kept');
  second.send(2);
  await second.says('ack 2');
});

test('a later life of the same client takes over at once; the earlier one writes no more, says so and does not fight', async () => {
  const earlier = new Client('a');
  await earlier.says('up kept');
  const later = new Client('a');
  await later.says('up kept');
  await earlier.says(/^down another session has the sandbox: .*bridge a/);
  await earlier.warns(/is held by bridge a/);
  later.send(1);
  await later.says('ack 1');
  expect(later.told).toEqual(['up kept', 'ack 1']);
  await later.close();
  // Another one had it: what it holds is not what it was.
  await earlier.says('up unknown');
});

test('never: not even an earlier life is replaced; always: anybody is', async () => {
  const first = new Client('a');
  await first.says('up kept');
  const careful = new Client('a', 'never');
  await careful.warns(/is held by/);
  expect(first.told).toEqual(['up kept']);
  await careful.close();
  const bold = new Client('b', 'always');
  await bold.says('up kept');
  await first.says(/^down another session/);
});

test('a connection of its own that broke is no reason to read the tables again', async () => {
  const client = new Client('a');
  await client.says('up kept');
  const { port } = server;
  server.close();
  await client.says('down');
  server = await startAfiServer({ host: '127.0.0.1', port }, dataplane, nullLogger);
  while (client.told.filter((said) => said.startsWith('up')).length < 2) await turn();
  expect(client.told.filter((said) => said.startsWith('up'))).toEqual(['up kept', 'up kept']);
});

/** Raw calls, as a client that minds no rules makes them. */
function raw(): {
  operate(bytes: Buffer): Promise<grpc.StatusObject>;
  open(request: object): Promise<wire.SandboxReply>;
} {
  const client = new grpc.Client(`127.0.0.1:${server.port}`, grpc.credentials.createInsecure());
  const asIs = (bytes: Buffer): Buffer => bytes;
  return {
    async operate(bytes) {
      const stream: grpc.ClientDuplexStream<Buffer, Buffer> = client.makeBidiStreamRequest(
        AFI_RAW_SERVICE.operate.path,
        asIs,
        asIs,
      );
      stream.on('data', () => undefined).on('error', () => undefined);
      stream.end(bytes);
      return new Promise((resolve) => stream.on('status', resolve));
    },
    open: (request) =>
      new Promise((resolve, reject) => {
        const sandbox = { engine: 'trio', name: 'green' };
        const whole = { action: 'open' as const, sandbox, inputPorts: 2, outputPorts: 2, ...request };
        const bytes = wire.encodeSandboxRequest(whole);
        client.makeUnaryRequest(AFI_RAW_SERVICE.sandbox.path, asIs, asIs, bytes, (error, reply) => {
          if (error) reject(error);
          else resolve(wire.decodeSandboxReply(reply!));
        });
      }),
  };
}

test('an operation of another epoch, or of none, ends its stream and changes nothing', async () => {
  const client = new Client('a');
  await client.says('up kept');
  const { epoch } = (await raw().open({})) as { epoch: number };
  for (const other of [{}, { epoch: epoch - 1 }, { epoch: epoch + 1 }]) {
    const bytes = wire.encodeOperation({ sandboxId: 7, id: 1, operation: insert(3000), ...other });
    expect(await raw().operate(bytes)).toMatchObject({ code: grpc.status.ABORTED });
  }
  expect(tokens()).not.toContain(3000);
  const bytes = wire.encodeOperation({ sandboxId: 7, id: 1, operation: insert(3000), epoch });
  expect(await raw().operate(bytes)).toMatchObject({ code: grpc.status.OK });
  expect(tokens()).toContain(3000);
});

test('an OPEN that was held up and names an older epoch is refused; one of a client without epochs too, while it is held', async () => {
  const client = new Client('a');
  await client.says('up kept');
  const { epoch } = (await raw().open({})) as { epoch: number };
  const owner = { id: 'a', life: 'x', name: 'old', pid: 1 };
  expect(await raw().open({ owner, after: epoch - 1, takeOver: 'always' })).toMatchObject({
    error: { code: 'fenced' },
  });
  expect(await raw().open({})).toMatchObject({ error: { code: 'held' }, epoch });
  expect(client.told).toEqual(['up kept']);
});

test('a server that knows no epochs is served as ever', async () => {
  const strip = (bytes: Buffer): Buffer => {
    const reply = wire.decodeSandboxReply(bytes);
    return wire.encodeSandboxReply('info' in reply ? { info: reply.info } : { error: reply.error });
  };
  const seen: wire.OperationMessage[] = [];
  const plain = new grpc.Server();
  let opened = 0;
  const upstream = raw();
  plain.addService(AFI_RAW_SERVICE, {
    sandbox: (call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) => {
      const { action, sandbox, inputPorts, outputPorts } = wire.decodeSandboxRequest(call.request);
      if (action === 'open') opened++;
      void upstream
        .open({ action, sandbox, inputPorts, outputPorts })
        .then((reply) => done(null, strip(wire.encodeSandboxReply(reply))));
    },
    sandboxInfo: () => undefined,
    nodeInfo: () => undefined,
    test: () => undefined,
    find: () => undefined,
    watch: () => undefined,
    operate: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
      call.on('data', (bytes: Buffer) => {
        seen.push(wire.decodeOperation(bytes));
        call.write(wire.encodeOperationReply({ id: seen.at(-1)!.id }));
      });
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    plain.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  const client = new Client('a', 'restart', port);
  await client.says('up kept');
  client.send(5);
  await client.says('ack 5');
  expect(seen.map(({ id, epoch }) => [id, epoch])).toEqual([[5, undefined]]);
  expect(opened).toBe(1);
  await client.close();
  plain.forceShutdown();
});
