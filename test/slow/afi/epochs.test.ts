/**
 * Connections that die while they carry operations, and deliver them when the next one has programmed on: none of them may
 * be applied. And many such sessions in any order. FIB, programmer and transport are real, and so are softvasic's server and sandbox.
 */
import { createGrpcTransport, type AfiTransport } from '../../../src/afi/transport';
import { ROUTE_TREE } from '../../../src/afi/base-graph';
import type { AftNode, Token } from '../../../src/aft/model';
import { formatMac, formatPrefix } from '../../../src/net/address';
import { nullLogger } from '../../../src/observe/log';
import { startAfiServer, type AfiServer } from '../../../src/vasic/server/server';
import { Bed } from '../../bed/bed';
import { FaultProxy } from '../../faults/proxy';
import { Random } from '../../fuzz/random';
import { createInProcessDataplane, type InProcessDataplane } from '../../unit/vasic/inprocess-dataplane';
import { until } from '../../bed/until';

jest.setTimeout(240_000);

const PREFIXES = 200;
const PORTS = 4;
const CHANGES = 150;
/** Tokens below are those of the engine itself. */
const FIRST_NODE = 1024;

let dataplane: InProcessDataplane;
let server: AfiServer;
let proxy: FaultProxy;
let transport: AfiTransport | undefined;

beforeEach(async () => {
  dataplane = createInProcessDataplane(PORTS);
  server = await startAfiServer({ host: '127.0.0.1', port: 0 }, dataplane, nullLogger);
  proxy = await FaultProxy.listen({ host: '127.0.0.1', port: 0 }, { host: '127.0.0.1', port: server.port });
});

afterEach(async () => {
  await transport?.close();
  proxy.close();
  server.close();
});

/** A bed whose operations go through gRPC. */
class Bridge {
  readonly bed = new Bed(undefined, { batch: 8, inFlight: 64 });
  ups = 0;
  private readonly routes = new Map<string, string>();
  private readonly macs = new Map<string, string>();

  constructor(private readonly random: Random) {
    for (let port = 0; port < PORTS; port++) for (const host of [2, 3]) this.neighbor(port, host);
    transport = createGrpcTransport(
      {
        server: { host: '127.0.0.1', port: proxy.port },
        ...{ engine: 'trio', sandbox: 'green', takeOver: 'restart', timeoutMs: 400, batch: 8, inFlight: 64 },
        ...{ reconnectMs: { min: 10, max: 50 }, ports: PORTS, owner: { id: 'bed', name: 'bed' } },
      },
      nullLogger,
    );
    transport.onDrain(() => {
      this.bed.programmer.drained();
      this.pump();
    });
    transport.start({
      up: (info, tables) => {
        this.ups++;
        void this.bed.programmer.up(info, tables).then(() => this.pump());
      },
      down: (reason, tables) => {
        this.bed.queue.length = 0;
        this.bed.programmer.down(reason, tables);
      },
      ack: (id, error) => {
        this.bed.programmer.ack(id, error);
        this.pump();
      },
      port: () => undefined,
    });
  }

  /** What the programmer wants to send goes. */
  pump(): void {
    this.bed.programmer.pump();
    for (const { id, operation } of this.bed.queue.splice(0)) transport!.send(id, operation);
  }

  private neighbor(port: number, host: number): void {
    const address = `10.0.${port}.${host}`;
    const mac = `02:00:00:00:${port}0:${String(this.random.below(90) + 10)}`;
    this.macs.set(address, mac);
    this.bed.neighbor(port, address, mac);
  }

  change(): void {
    const { bed, random } = this;
    const [port, host] = [random.below(PORTS), 2 + random.below(2)];
    if (random.below(40) === 0) this.neighbor(port, host);
    const prefix = `20.0.${random.below(PREFIXES)}.0/24`;
    if (random.below(4) === 0) {
      this.routes.delete(prefix);
      bed.withdraw(prefix);
    } else {
      this.routes.set(prefix, `10.0.${port}.${host}`);
      bed.via(prefix, `10.0.${port}.${host}@${port}`);
    }
    this.pump();
  }

  async churn(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      this.change();
      if (i % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async settled(): Promise<void> {
    await until(() => this.bed.programmer.ready && this.bed.programmer.idle && this.bed.queue.length === 0);
  }

  /** Prefixes of the test whose packets wouldn't leave to the MAC that they should. */
  differences(): string[] {
    const { sandbox } = dataplane.host;
    const nodes = new Map<Token, AftNode>(sandbox!.find({}).map((node) => [node.token, node]));
    const macOf = (token: Token): string => {
      const node = nodes.get(token);
      if (node?.type === 'indirect') return macOf(node.target);
      if (node?.type !== 'encap') return `${node?.type ?? 'nothing'}`;
      const data = node.keys[1]!.data;
      return data.kind === 'ether' ? formatMac(data.bytes) : '?';
    };
    const there = new Map<string, string>();
    for (const { key, next } of sandbox!.entriesOf(ROUTE_TREE) ?? []) {
      if (key.data.kind !== 'prefix' || key.data.bytes[0] !== 20) continue;
      there.set(formatPrefix(key.data), macOf(next));
    }
    const wrong: string[] = [];
    for (const prefix of new Set([...there.keys(), ...this.routes.keys()])) {
      const gateway = this.routes.get(prefix);
      const expected = gateway === undefined ? undefined : this.macs.get(gateway);
      if (there.get(prefix) !== expected) wrong.push(`${prefix}: ${there.get(prefix)}, not ${expected}`);
    }
    return wrong;
  }

  /** References to nodes that aren't there, and neighbors' nodes that nothing needs any more. */
  dangling(): string[] {
    const { sandbox } = dataplane.host;
    const nodes = new Map<Token, AftNode>(sandbox!.find({}).map((node) => [node.token, node]));
    const entries = [...(sandbox!.entriesOf(ROUTE_TREE) ?? [])].map(({ next }) => next);
    const targets = [...nodes.values()].flatMap((node) => (node.type === 'indirect' ? [node.target] : []));
    const missing = [...entries, ...targets].filter((token) => token >= FIRST_NODE && !nodes.has(token));
    const encaps = [...nodes.values()].filter(({ type }) => type === 'encap').length;
    return [
      ...missing.map((token) => `there is no node ${token}`),
      ...(encaps > this.macs.size ? [`${encaps} nodes for ${this.macs.size} neighbors`] : []),
    ];
  }
}

test.each([1, 2, 3, 4, 5])('seed %i: operations that arrive after a newer session are never applied', async (seed) => {
  const bridge = new Bridge(new Random(seed));
  await until(() => bridge.bed.programmer.ready);
  await bridge.churn(CHANGES);
  await bridge.settled();
  expect(bridge.differences()).toEqual([]);
  proxy.set({ kind: 'late' });
  // These go into the connection that is dead already.
  await bridge.churn(CHANGES);
  await until(() => bridge.ups === 2);
  await bridge.settled();
  await bridge.churn(CHANGES);
  await bridge.settled();
  expect(bridge.differences()).toEqual([]);
  expect(proxy.held).toBeGreaterThan(1000);
  proxy.heal();
  // Client, proxy and server share this thread: what was written is read, and done with, in a few turns.
  for (let i = 0; i < 500; i++) await new Promise((resolve) => setImmediate(resolve));
  await bridge.churn(5);
  await bridge.settled();
  expect(bridge.differences()).toEqual([]);
});

/** The connection goes quiet with operations in it, and the next session has programmed on before they are delivered. */
async function overtaken(bridge: Bridge, random: Random): Promise<void> {
  proxy.heal();
  await bridge.settled();
  const before = bridge.ups;
  proxy.set({ kind: 'late' });
  await bridge.churn(30 + random.below(60));
  await until(() => bridge.ups > before);
  await bridge.churn(random.below(60));
  await bridge.settled();
}

/** What may happen to the connection at any time. */
const FAULTS: readonly ((random: Random) => void)[] = [
  () => proxy.cut(),
  () => proxy.set({ kind: 'mute' }),
  () => proxy.set({ kind: 'stall' }),
  (random) => proxy.set({ kind: 'trickle', bytes: 20 + random.below(400), ms: 1 }),
  () => proxy.heal(),
];

test.each([1, 2, 3])(
  'seed %i: sessions of many epochs, cut, stalled, mute and late in any order: what the server holds is what was meant, and nothing else',
  async (seed) => {
    const random = new Random(seed);
    const bridge = new Bridge(random);
    await until(() => bridge.bed.programmer.ready);
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 8; i++) {
        random.pick(FAULTS)(random);
        await bridge.churn(10 + random.below(30));
        if (i % 4 === 1) await overtaken(bridge, random);
        // A part of what follows meets the next session.
        for (let turn = random.below(60); turn > 0; turn--) await new Promise((resolve) => setImmediate(resolve));
      }
      proxy.heal();
      await bridge.settled();
      // What was late has come now, if it is to come.
      await until(() => proxy.held === 0);
      for (let i = 0; i < 200; i++) await new Promise((resolve) => setImmediate(resolve));
      await bridge.settled();
      expect(bridge.differences()).toEqual([]);
      expect(bridge.dangling()).toEqual([]);
    }
    expect(bridge.ups).toBeGreaterThan(8);
  },
);
