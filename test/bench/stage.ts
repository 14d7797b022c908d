/**
 * One stage of a route's way, measured in a process of its own (so that no stage runs on what another has made V8 believe).
 * `node stage.js STAGE ROUTES NEXTHOPS` prints one JSON line: CPU and wall time, and the longest turn of the event loop.
 *
 * Stages, each with all before it: decode (framing and netlink), fib (tables), program (queues, intents, operations as values,
 * answered at once), encode (operations to bytes), status (acknowledgements to FPM frames for zebra), apply (bytes into a
 * softvasic sandbox, same thread), wire (gRPC to a server that only acknowledges), whole (gRPC to a sandbox).
 */
import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { encodeOperation, decodeOperation } from '../../src/aft/wire';
import type { AftOperation } from '../../src/aft/model';
import { Programmer, type ProgrammerTransport } from '../../src/afi/programmer';
import { createGrpcTransport } from '../../src/afi/transport';
import { Fib } from '../../src/fib/fib';
import type { FpmUpdate } from '../../src/fib/updates';
import { FrameReader } from '../../src/fpm/framing';
import { decodeNetlink } from '../../src/fpm/netlink/decoder';
import { MAX_STATUS_FRAME, writeStatus } from '../../src/fpm/status';
import { nullLogger } from '../../src/observe/log';
import { makePrefixes } from './prefixes';
import { makeSandbox, PORTS, SANDBOX_ID } from './sandbox';
import { gatewayOf, makeStream } from './stream';

export const STAGES = ['decode', 'fib', 'program', 'encode', 'status', 'apply', 'wire', 'whole'] as const;
export type Stage = (typeof STAGES)[number];

export interface StageResult {
  readonly stage: Stage;
  readonly routes: number;
  readonly cpuMs: number;
  readonly wallMs: number;
  /** CPU time of the server process, where there is one. */
  readonly serverCpuMs?: number;
  /** The longest turn, from one chunk (or acknowledgement) to the next. */
  readonly longestTurnMs: number;
}

const MAIN_TABLE = 254;
const BATCH = 1000;
const IN_FLIGHT = 16;
const STATUS_BYTES = 64 * 1024;
const ifindexOf = (port: number): number => 10 + port;

function feed(chunks: readonly Buffer[], update: (update: FpmUpdate) => void): () => boolean {
  const sink = { update, message: () => undefined, skipped: fail, malformed: fail };
  const reader = new FrameReader((_type, buffer, start, end) => decodeNetlink(buffer, start, end, sink));
  let next = 0;
  return () => {
    const chunk = chunks[next++];
    if (chunk !== undefined) reader.push(chunk);
    return next < chunks.length;
  };
}

function fail(reason: string): never {
  throw new Error(`the stream is wrong: ${reason}`);
}

/** The FIB, with ports up and every gateway known. */
function makeFib(nexthops: number, onWork: () => void): Fib {
  const ports = Array.from({ length: PORTS }, (_, i) => i);
  const fib = new Fib({
    table: MAIN_TABLE,
    ports: new Map(ports.map((port) => [`tap${port}`, port])),
    onWork,
    onReport: onWork,
    onNeed: () => undefined,
    now: () => performance.now(),
  });
  for (const port of ports) {
    fib.applyKernel({ kind: 'link', ifindex: ifindexOf(port), name: `tap${port}`, present: true, up: true, master: 0 });
  }
  for (let hop = 0; hop < nexthops; hop++) {
    const { port, address } = gatewayOf(hop, PORTS);
    const mac = Uint8Array.of(2, 1, 0, 0, hop >> 8, hop);
    const ifindex = ifindexOf(port);
    fib.applyKernel({ kind: 'neighborAdd', source: 'kernel', ifindex, address, mac, state: 'permanent' });
  }
  return fib;
}

const noTables: Pick<ProgrammerTransport, 'readNodes' | 'readEntries'> = {
  readNodes: () => Promise.resolve([]),
  readEntries: () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: [] }) }) }),
};

/** Statuses as the FPM server writes them; returns how many. */
function makeReporter(fib: Fib): () => number {
  const buffer = Buffer.alloc(STATUS_BYTES);
  return () => {
    let [count, at] = [0, 0];
    for (let next = fib.status.takeReport(); next !== undefined; next = fib.status.takeReport()) {
      if (at > STATUS_BYTES - MAX_STATUS_FRAME) at = 0;
      at = writeStatus(buffer, at, next, 'auto');
      count++;
    }
    return count;
  };
}

interface Run {
  /** Does a turn's worth; false: all is done. */
  readonly turn: () => boolean;
  readonly done: () => number;
}

function localRun(stage: Stage, chunks: readonly Buffer[], nexthops: number): Run {
  let seen = 0;
  if (stage === 'decode') return { turn: feed(chunks, () => seen++), done: () => seen - nexthops };
  const fib = makeFib(nexthops, () => undefined);
  const turn = feed(chunks, (update) => fib.applyFpm(update));
  const before = fib.rows.routes.size;
  if (stage === 'fib') return { turn, done: () => fib.rows.routes.size - before };

  const sandbox = makeSandbox('1');
  let answers: { id: number; operation: AftOperation }[] = [];
  const programmer = new Programmer({
    source: fib.forwarding,
    transport: { ...noTables, send: (id, operation) => answers.push({ id, operation }) > 0 },
    batch: BATCH,
    inFlight: IN_FLIGHT,
    ports: Array.from({ length: PORTS }, (_, index) => ({ index, mac: undefined })),
    limits: {},
    log: nullLogger,
  });
  void programmer.up(sandbox.info());
  const report = makeReporter(fib);
  let reported = 0;
  const answer = (): void => {
    while (answers.length > 0) {
      const now = answers;
      answers = [];
      for (const { id, operation } of now) {
        let error;
        if (stage !== 'program') {
          const bytes = encodeOperation({ sandboxId: SANDBOX_ID, id, operation });
          if (stage === 'apply') error = sandbox.apply(decodeOperation(bytes).operation);
        }
        if (error !== undefined) throw new Error(error.message);
        programmer.ack(id, undefined);
      }
    }
  };
  answer();
  const written = programmer.counters.routesWritten;
  return {
    turn: () => {
      const more = turn();
      programmer.pump();
      answer();
      if (stage === 'status' || stage === 'apply') reported += report();
      return more;
    },
    done: () => (stage === 'status' || stage === 'apply' ? reported : programmer.counters.routesWritten - written),
  };
}

/** Runs a stage that has a server in another process. */
async function remote(stage: Stage, chunks: readonly Buffer[], nexthops: number, routes: number): Promise<StageResult> {
  const child = fork(join(__dirname, 'acks.js'), stage === 'whole' ? ['sandbox'] : []);
  const { port } = await said<{ port: number }>(child);
  let due = false;
  let [longest, reported] = [0, 0];
  let more = true;
  const fib = makeFib(nexthops, () => soon());
  const push = feed(chunks, (update) => fib.applyFpm(update));
  const report = makeReporter(fib);
  const transport = createGrpcTransport(
    {
      server: { host: '127.0.0.1', port },
      engine: 'trio',
      sandbox: 'green',
      takeOver: 'restart',
      owner: { id: 'bench', name: 'bench' },
      timeoutMs: 60_000,
      batch: BATCH,
      inFlight: IN_FLIGHT,
      reconnectMs: { min: 100, max: 1000 },
      ports: PORTS,
    },
    nullLogger,
  );
  const programmer = new Programmer({
    source: fib.forwarding,
    transport: { ...noTables, send: (id, operation) => transport.send(id, operation) },
    batch: BATCH,
    inFlight: IN_FLIGHT,
    ports: Array.from({ length: PORTS }, (_, index) => ({ index, mac: undefined })),
    limits: {},
    log: nullLogger,
  });
  function soon(): void {
    if (due) return;
    due = true;
    setImmediate(() => {
      due = false;
      timed(() => {
        programmer.pump();
        reported += report();
      });
    });
  }
  const timed = (work: () => void): void => {
    const at = performance.now();
    work();
    longest = Math.max(longest, performance.now() - at);
  };
  transport.onDrain(() => programmer.drained());
  await new Promise<void>((resolve) => {
    transport.start({
      up: (info) => void programmer.up(info),
      down: (reason) => fail(reason),
      ack: (id, error) => {
        if (error !== undefined) fail(error.message);
        programmer.ack(id, error);
        soon();
      },
      port: () => undefined,
    });
    const wait = setInterval(() => {
      if (!programmer.ready || !programmer.idle) return;
      clearInterval(wait);
      resolve();
    }, 50);
  });
  const started = performance.now();
  const startedCpu = process.cpuUsage();
  await new Promise<void>((resolve) => {
    const step = (): void => {
      // As the bridge pauses zebra when too much waits.
      if (more && fib.forwarding.dirtyRoutes < 300_000) timed(() => (more = push()));
      if (!more && reported >= routes) resolve();
      else setImmediate(step);
    };
    step();
  });
  const wallMs = performance.now() - started;
  const { user, system } = process.cpuUsage(startedCpu);
  child.send('end');
  const { cpuMs } = await said<{ cpuMs: number }>(child);
  await transport.close();
  return { stage, routes, cpuMs: (user + system) / 1000, wallMs, serverCpuMs: cpuMs, longestTurnMs: longest };
}

function said<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as T));
    child.once('exit', (code) => reject(new Error(`the AFI server ended with ${code}`)));
  });
}

function local(stage: Stage, chunks: readonly Buffer[], nexthops: number, routes: number): StageResult {
  const { turn, done } = localRun(stage, chunks, nexthops);
  const cpu = process.cpuUsage();
  const started = performance.now();
  let longest = 0;
  for (let more = true; more;) {
    const at = performance.now();
    more = turn();
    longest = Math.max(longest, performance.now() - at);
  }
  const wallMs = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  if (done() !== routes) throw new Error(`${stage}: ${done()} of ${routes} routes came through`);
  return { stage, routes, cpuMs: (user + system) / 1000, wallMs, longestTurnMs: longest };
}

async function main(): Promise<void> {
  const stage = STAGES.find((name) => name === process.argv[2]);
  if (stage === undefined) throw new Error(`stage ${process.argv[2] ?? ''}: one of ${STAGES.join(', ')}`);
  const routes = Number(process.argv[3]);
  const nexthops = Number(process.argv[4]);
  const chunks = makeStream({ prefixes: makePrefixes(routes), nexthops, ports: PORTS, ifindexOf });
  const run = stage === 'wire' || stage === 'whole' ? remote : local;
  console.log(JSON.stringify(await run(stage, chunks, nexthops, routes)));
  process.exit(0);
}

if (require.main === module) void main();
