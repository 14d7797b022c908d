/** The proxy's faults: what each end sees of them, and that nothing is lost or reordered where nothing should be. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mkdtempSync, rmSync } from 'node:fs';
import { MAX_WAITING } from '../../faults/pipe';
import { FaultProxy, type ProxyFault } from '../../faults/proxy';
import { until } from '../../bed/until';

/** An end of a connection: what it heard, and how it ended. */
class End {
  private readonly parts: Buffer[] = [];
  /** `end`: closed in order; an error's code: reset. */
  over: string | undefined;

  constructor(readonly socket: Socket) {
    socket.on('data', (bytes: Buffer) => this.parts.push(bytes));
    socket.on('end', () => (this.over ??= 'end'));
    socket.on('error', (error: NodeJS.ErrnoException) => (this.over ??= error.code ?? 'error'));
    socket.on('close', () => (this.over ??= 'closed'));
  }

  get text(): string {
    return Buffer.concat(this.parts).toString();
  }
}

/** All that was going to happen soon has happened. Used where nothing may: it can only make a test weaker, never fail. */
const moment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30));

let server: Server;
let proxy: FaultProxy;
let atServer: End[];
let clients: End[];

beforeEach(async () => {
  atServer = [];
  clients = [];
  server = createServer({ allowHalfOpen: true }, (socket) => atServer.push(new End(socket)));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  proxy = await FaultProxy.listen({ host: '127.0.0.1', port: 0 }, { host: '127.0.0.1', port });
});

afterEach(() => {
  proxy.close();
  for (const { socket } of [...clients, ...atServer]) socket.destroy();
  server.close();
});

async function open(): Promise<{ readonly client: End; readonly end: End }> {
  const known = atServer.length;
  const client = new End(connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true }));
  clients.push(client);
  await until(() => atServer.length > known);
  return { client, end: atServer[known]! };
}

const NUMBERS = Array.from({ length: 2000 }, (_, i) => `${i} `).join('');

describe('nothing is lost or reordered', () => {
  test.each<[string, ProxyFault | undefined]>([
    ['without a fault', undefined],
    ['delay', { kind: 'delay', ms: 5 }],
    ['trickle', { kind: 'trickle', bytes: 700, ms: 1 }],
  ])('%s', async (_name, fault) => {
    if (fault !== undefined) proxy.set(fault);
    const { client, end } = await open();
    client.socket.write(NUMBERS);
    end.socket.write(NUMBERS);
    client.socket.end();
    await until(() => end.over !== undefined && client.text.length === NUMBERS.length);
    expect(end.text).toBe(NUMBERS);
    expect(client.text).toBe(NUMBERS);
    expect(end.over).toBe('end');
  });

  test.each<[string, ProxyFault]>([
    ['stall', { kind: 'stall' }],
    ['late', { kind: 'late' }],
    ['a trickle that ends', { kind: 'trickle', bytes: 1, ms: 5 }],
  ])('%s, after it is healed', async (_name, fault) => {
    const { client, end } = await open();
    client.socket.write('before ');
    await until(() => end.text === 'before ');
    proxy.set(fault);
    client.socket.write(NUMBERS);
    end.socket.write('answer');
    await moment();
    expect(end.text.length).toBeLessThan(NUMBERS.length / 2);
    proxy.heal();
    await until(() => end.text.length === 7 + NUMBERS.length && client.text === 'answer');
    expect(end.text).toBe(`before ${NUMBERS}`);
  });
});

test('a stall reads no more than a little: the sender finds its socket full', async () => {
  const { client } = await open();
  proxy.set({ kind: 'stall' });
  const MUCH = 32 << 20;
  client.socket.write(Buffer.alloc(MUCH));
  await until(() => proxy.held >= MAX_WAITING);
  await moment();
  expect(proxy.held).toBeLessThan(MUCH / 4);
  expect(client.socket.writableLength).toBeGreaterThan(0);
});

test('mute: the server gets all, its answers are lost, and the connection is cut with the fault', async () => {
  const { client, end } = await open();
  proxy.set({ kind: 'mute' });
  client.socket.write('question');
  await until(() => end.text === 'question');
  end.socket.write('answer');
  await moment();
  proxy.heal();
  await until(() => client.over !== undefined && end.over !== undefined);
  expect(client.text).toBe('');
  expect(client.over).toBe('ECONNRESET');
});

test('late: a new connection works, and the old one speaks after it although its client is gone', async () => {
  const old = await open();
  proxy.set({ kind: 'late' });
  old.client.socket.write('old');
  await until(() => proxy.held === 3);
  old.client.socket.destroy();
  const next = await open();
  next.client.socket.write('new');
  await until(() => next.end.text === 'new');
  expect([old.end.text, old.end.over]).toEqual(['', undefined]);
  proxy.heal();
  await until(() => old.end.over !== undefined);
  expect([old.end.text, old.end.over]).toEqual(['old', 'end']);
  expect(next.end.over).toBeUndefined();
});

test('cut resets both ends; refuse resets new ones until it is healed', async () => {
  const { client, end } = await open();
  proxy.cut();
  await until(() => client.over !== undefined && end.over !== undefined);
  expect([client.over, end.over]).toEqual(['ECONNRESET', 'ECONNRESET']);
  proxy.set({ kind: 'refuse' });
  const refused = new End(connect(proxy.port, '127.0.0.1'));
  clients.push(refused);
  await until(() => refused.over !== undefined);
  expect(atServer).toHaveLength(1);
  proxy.heal();
  const later = await open();
  later.client.socket.write('again');
  await until(() => later.end.text === 'again');
  expect(proxy.size).toBe(1);
});

test('a server that is not there resets the client', async () => {
  server.close();
  await new Promise((done) => server.once('close', done));
  const client = new End(connect(proxy.port, '127.0.0.1'));
  clients.push(client);
  await until(() => client.over !== undefined);
  expect(proxy.size).toBe(0);
});

test('Unix sockets on either side', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'proxy-'));
  try {
    const path = join(folder, 'p.sock');
    const outer = await FaultProxy.listen({ path }, { host: '127.0.0.1', port: proxy.port });
    const client = new End(connect(path));
    clients.push(client);
    client.socket.write('hello');
    await until(() => atServer[0]?.text === 'hello');
    outer.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
