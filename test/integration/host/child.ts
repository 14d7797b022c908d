/**
 * Runs in a namespace: starts punt or the kernel neighbors as told by JSON lines on stdin, and answers and reports on
 * stdout. Bytes are hex. Also plays the vASIC's side of hostpath.
 */
import { type Socket, createSocket } from 'node:dgram';
import { createInterface } from 'node:readline';
import type { Worker } from 'node:worker_threads';
import { errorText } from '../../../src/net/error-text';
import { parseAddress } from '../../../src/net/address';
import { type NeighborSource, createKernelNeighbors } from '../../../src/kernel/kernel';
import type { Logger } from '../../../src/observe/log';
import { type Punt, type PuntConfig, startPunt } from '../../../src/punt/punt';
import { connectPunt, stopPunt } from '../../../src/punt/client';
import { startPuntServer, type PuntServer } from '../../../src/punt/process';
import { Tap } from '../../../src/sys/tap';

interface PortGiven {
  readonly index: number;
  readonly tap: string;
  readonly mac?: string;
  readonly mtu?: number;
}

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

function say(message: object): void {
  const text = JSON.stringify(message, (_key, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
  );
  process.stdout.write(`${text}\n`);
}

const at = (level: string) => (message: string, meta?: object) => say({ log: level, message, ...meta });
const log: Logger = {
  error: at('error'),
  warn: at('warn'),
  verbose: true,
  info: at('info'),
  debug: at('debug'),
  child: () => log,
};

/** The thread started last. */
let worker: Worker | undefined;
process.on('worker', (started) => (worker = started));

const VASIC = { host: '127.0.0.16', port: 9002 };
const LISTEN = { host: '127.0.0.1', port: 8001 };
let punt: Punt | undefined;
let server: PuntServer | undefined;
let neighbors: NeighborSource | undefined;
let vasic: Socket | undefined;

function need<T>(thing: T | undefined): T {
  if (thing === undefined) throw new Error('not started');
  return thing;
}

const configOf = (ports: readonly PortGiven[]): PuntConfig => ({
  punt: { listen: LISTEN, vasic: VASIC },
  ports: ports.map(({ mac, ...port }) => ({ ...port, ...(mac !== undefined && { mac: bytes(mac) }) })),
});

const calls = {
  async startPunt(ports: readonly PortGiven[]): Promise<void> {
    punt = await startPunt(configOf(ports), log);
    punt.onError((error) => say({ puntError: error.message }));
  },
  /** A punt process: this one. */
  async startPuntServer(ports: readonly PortGiven[], socket: string): Promise<void> {
    server = await startPuntServer(configOf(ports), socket, log);
    void server.stopped.then(() => server?.close()).then(() => say({ serverClosed: true }));
  },
  /** A bridge, as far as the punt process sees it. */
  async connectPunt(ports: readonly PortGiven[], socket: string, start?: readonly string[]): Promise<void> {
    punt = await connectPunt(configOf(ports), { socket, ...(start !== undefined && { start }) }, log);
    punt.onError((error) => say({ puntError: error.message }));
  },
  reconfigure: (ports: readonly PortGiven[]) => need(punt).reconfigure(configOf(ports)),
  setSandbox: (id: number): void => need(punt).setSandbox(id),
  ownPid: (): number => process.pid,
  puntState: () => ({ process: need(punt).process(), problem: need(punt).problem() }),
  stopPunt: (socket: string) => stopPunt(socket),
  configurePort: (index: number, details: { mac?: string; mtu?: number }): boolean =>
    need(punt).configurePort(index, {
      ...(details.mac !== undefined && { mac: bytes(details.mac) }),
      ...(details.mtu !== undefined && { mtu: details.mtu }),
    }),
  setCarrier: (index: number, up: boolean): void => need(punt).setCarrier(index, up),
  puntCounters: () => need(punt).counters(),
  closePunt: () => need(punt).close(),
  /** Attaches to a TAP and does nothing with it. */
  holdTap: (name: string): void => void Tap.open(name),

  /** The vASIC's side: every datagram received is an event. */
  startVasic: () =>
    new Promise<void>((resolve) => {
      vasic = createSocket('udp4', (datagram) => say({ vasic: datagram.toString('hex') }));
      vasic.bind(VASIC.port, VASIC.host, resolve);
    }),
  vasicSend: (hex: string): void => need(vasic).send(bytes(hex), LISTEN.port, LISTEN.host),
  strangerSend(hex: string): void {
    const stranger = createSocket('udp4');
    stranger.send(bytes(hex), LISTEN.port, LISTEN.host, () => stranger.close());
  },

  async startNeighbors(taps: readonly string[], receiveBufferBytes?: number): Promise<void> {
    neighbors = createKernelNeighbors({ taps, ...(receiveBufferBytes !== undefined && { receiveBufferBytes }) }, log);
    await neighbors.start({ update: (update) => say({ update }), batchEnd: () => say({ batchEnd: true }) });
  },
  need: (ifindex: number, address: string): void => need(neighbors).need(ifindex, need(parseAddress(address))),
  release: (ifindex: number, address: string): void => need(neighbors).release(ifindex, need(parseAddress(address))),
  neighborCounters: () => need(neighbors).counters(),
  closeNeighbors: () => need(neighbors).close(),
  /** Ends the thread from outside, which takes effect when its poll returns. */
  killWorker(): void {
    void need(worker).terminate();
  },
  /** Keeps the event loop from running, as a large load would. */
  block(ms: number): void {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  },
  exit: (): void => process.exit(0),
} as const;

createInterface(process.stdin)
  .on('line', (line) => {
    const { call, name, args } = JSON.parse(line) as { call: number; name: keyof typeof calls; args: unknown[] };
    const run = calls[name] as (...given: unknown[]) => unknown;
    Promise.resolve()
      .then(() => run(...args))
      .then(
        (result) => say({ call, result: result ?? null }),
        (error: unknown) => say({ call, error: errorText(error) }),
      );
  })
  .on('close', () => process.exit(0));
