/** A client that comes for a moment, at a real server: what it may, beside a client that has the sandbox. */
import type { AftNode, AftOperation } from '../../../src/aft/model';
import { createGrpcTransport, type AfiTransport } from '../../../src/afi/transport';
import { AfiVisitor, type VisitorSettings } from '../../../src/afi/visitor';
import { nullLogger } from '../../../src/observe/log';
import { startAfiServer, type AfiServer } from '../../../src/vasic/server/server';
import { createInProcessDataplane, type InProcessDataplane } from '../vasic/inprocess-dataplane';
import { until } from '../../bed/until';

const node = (token: number): AftNode => ({ token, type: 'discard', name: `n${token}` });
const insert = (...tokens: number[]): AftOperation => ({
  kind: 'insert',
  insert: { nodes: tokens.map(node), entries: [] },
});

let dataplane: InProcessDataplane;
let server: AfiServer;
const visitors: AfiVisitor[] = [];
let bridge: AfiTransport | undefined;

function visitor(settings: Partial<VisitorSettings> = {}): AfiVisitor {
  const one = new AfiVisitor({
    server: { host: '127.0.0.1', port: server.port },
    ...{ engine: 'trio', sandbox: 'green', name: 'a visitor', takeOver: 'never', timeoutMs: 60_000 },
    ...settings,
  });
  visitors.push(one);
  return one;
}

/** A client that has the sandbox; `told` what it was told, a word each. */
async function startBridge(): Promise<{ readonly told: string[]; says(text: RegExp): Promise<void> }> {
  const told: string[] = [];
  bridge = createGrpcTransport(
    {
      server: { host: '127.0.0.1', port: server.port },
      ...{ engine: 'trio', sandbox: 'green', takeOver: 'restart', timeoutMs: 60_000, batch: 1, inFlight: 1 },
      ...{ reconnectMs: { min: 5, max: 20 }, ports: 2, owner: { id: 'bridge', name: 'the bridge' } },
    },
    nullLogger,
  );
  bridge.start({
    up: (_info, tables) => told.push(`up ${tables}`),
    down: (reason) => told.push(`down ${reason}`),
    ack: (id) => told.push(`ack ${id}`),
    port: () => undefined,
  });
  const says = async (text: RegExp): Promise<void> => {
    await until(() => told.some((said) => text.test(said)));
  };
  await says(/^up/);
  return { told, says };
}

beforeEach(async () => {
  dataplane = createInProcessDataplane(2);
  server = await startAfiServer({ host: '127.0.0.1', port: 0 }, dataplane, nullLogger);
});

afterEach(async () => {
  for (const one of visitors.splice(0)) await one.close();
  await bridge?.close();
  bridge = undefined;
  server.close();
});

const tokens = async (one: AfiVisitor): Promise<number[]> => (await one.nodes()).map(({ token }) => token);

test('the first write allocates the sandbox with the ports that there are, and going closes it', async () => {
  const first = visitor();
  expect(await first.look()).toBeUndefined();
  await expect(first.nodes()).rejects.toThrow('sandbox trio:green is not allocated');
  await first.apply(insert(2000, 2001));
  expect(await first.look()).toMatchObject({ info: { nodes: 2 }, holder: { name: 'a visitor', pid: process.pid } });
  // Whoever comes while it has the sandbox reads, and may not write.
  const second = visitor({ name: 'another' });
  expect(await tokens(second)).toEqual([2000, 2001]);
  await expect(second.apply(insert(2002))).rejects.toThrow(/is held by a visitor \(pid \d+, from 127.0.0.1:\d+\)/);
  await first.close();
  await second.apply(insert(2002));
  expect(await tokens(second)).toEqual([2000, 2001, 2002]);
});

test('what the server refuses is not applied, and the session goes on', async () => {
  const one = visitor();
  const missing: AftNode = { token: 2001, type: 'indirect', target: 99 };
  const fault = { code: 'unknownToken', item: { list: 'node', index: 1 } };
  const refused = one.apply({ kind: 'insert', insert: { nodes: [node(2000), missing], entries: [] } });
  await expect(refused).rejects.toMatchObject({ name: 'AfiRefused', fault });
  await one.apply(insert(2002));
  expect(await tokens(one)).toEqual([2002]);
});

test('it reads beside a client that has the sandbox, and disturbs nothing', async () => {
  const { told } = await startBridge();
  const one = visitor();
  bridge!.send(1, insert(3000));
  expect(await one.look()).toMatchObject({ holder: { name: 'the bridge' } });
  while ((await tokens(one)).length === 0);
  expect(await one.nodeInfo([3000, 3001])).toMatchObject([{ found: true }, { found: false }]);
  expect((await one.test(0, Buffer.alloc(60))).outcome).toEqual({ kind: 'discard', reason: 'unbound' });
  await expect(one.test(2, Buffer.alloc(60))).rejects.toThrow('no input port 2: there are 2');
  await expect(one.apply(insert(1))).rejects.toMatchObject({ fault: { code: 'held' } });
  await expect(one.inject('out', 0, Buffer.alloc(60))).rejects.toMatchObject({ fault: { code: 'held' } });
  await one.close();
  bridge!.send(2, insert(3001));
  await until(() => told.includes('ack 2'));
  expect(told).toEqual(['up kept', 'ack 1', 'ack 2']);
  expect(dataplane.ports[0]!.sent).toEqual([]);
});

test('taken over, the other one is told, waits, and has the sandbox again when the visitor goes', async () => {
  const { says } = await startBridge();
  const one = visitor({ takeOver: 'always' });
  await one.apply(insert(2000));
  await says(/^down another session has the sandbox: .*a visitor/);
  expect(await one.inject('out', 1, Buffer.alloc(60, 3))).toBe(true);
  expect(dataplane.ports[1]!.sent).toHaveLength(1);
  await one.close();
  await says(/^up unknown/);
});

test('one that was itself taken over says so once, and then takes nothing from who has it', async () => {
  const one = visitor({ takeOver: 'always' });
  await one.apply(insert(2000));
  const other = visitor({ takeOver: 'always', name: 'another' });
  await other.apply(insert(2001));
  // Told at once where it has been noticed, and by the operation where it hasn't.
  await expect(
    (async () => {
      for (;;) await one.apply(insert(2002));
    })(),
  ).rejects.toThrow(/another session has the sandbox|is held by another/);
  await expect(one.apply(insert(2002))).rejects.toThrow(/is held by another/);
  await one.close();
  // Closing did nothing to the session of the other one.
  await other.apply(insert(2003));
  expect(await tokens(other)).toEqual([2000, 2001, 2003]);
});

test('entries come bit by bit', async () => {
  const one = visitor();
  const entries = Array.from({ length: 3000 }, (_, value) => ({
    parent: 2000,
    key: { field: 4, data: { kind: 'int' as const, value } },
    next: 0,
  }));
  const container: AftNode = { token: 2000, type: 'switch', field: 4, defaultNext: 0 };
  await one.apply({ kind: 'insert', insert: { nodes: [container], entries } });
  const keys: unknown[] = [];
  for await (const { key } of one.entries(2000)) keys.push(key.data);
  expect(keys).toEqual(entries.map(({ key }) => key.data));
  await expect(one.entries(1).next()).rejects.toThrow('token 1 is not a container');
});

test('a server that is not there, or has another sandbox, is said with what to do', async () => {
  const wrong = visitor({ sandbox: 'red' });
  await expect(wrong.look()).rejects.toThrow('no sandbox trio:red here; this vASIC has trio:green (--sandbox)');
  const nobody = visitor({ server: { path: '/nonexistent/afi.sock' } });
  await expect(nobody.look()).rejects.toThrow(
    'cannot ask the AFI server unix:/nonexistent/afi.sock: there is no such socket: is softvasic running? [UNAVAILABLE]: start it',
  );
});

test('when the connection breaks, the outcome of an operation is unknown; the next one begins another session', async () => {
  const one = visitor();
  await one.apply(insert(2000));
  const { port } = server;
  dataplane.stalled = true;
  const cut = one.apply(insert(2001));
  const broken = expect(cut).rejects.toMatchObject({ name: 'AfiUnreachable' });
  server.close();
  await broken;
  dataplane.stalled = false;
  server = await startAfiServer({ host: '127.0.0.1', port }, dataplane, nullLogger);
  await one.apply(insert(2002)).catch(() => one.apply(insert(2002)));
  expect(await tokens(one)).toContain(2002);
});
