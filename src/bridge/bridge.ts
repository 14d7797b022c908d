/**
 * The composition root: builds the modules and connects them, and decides nothing: each policy has a file beside this one. zebra's updates go to the FIB, the FIB's work to the
 * programmer, acknowledgements back to the FIB, statuses back to zebra. Work is gathered within one turn of the event
 * loop, so that what came together is resolved once, in its final state.
 */
import { errorText } from '../net/error-text';
import { performance } from 'node:perf_hooks';
import { puntLimits } from '../afi/policers';
import { Programmer } from '../afi/programmer';
import { createGrpcTransport } from '../afi/transport';
import { createAudit } from '../audit/audit';
import type { Config } from '../config/types';
import { startControlServer } from '../control/server';
import { Fib } from '../fib/fib';
import type { KernelUpdate } from '../fib/updates';
import { createRecorder } from '../fpm/recorder';
import { createFpmServer } from '../fpm/server';
import { askVty } from '../vty/vty';
import { dumpKernel } from '../kernel/dump';
import { createKernelNeighbors } from '../kernel/kernel';
import { formatAddress } from '../net/address';
import { startMetricsServer } from '../metrics/exporter';
import type { Logger } from '../observe/log';
import { startPunt, type Punt } from '../punt/punt';
import { startStandalonePunt } from '../punt/standalone';
import { giveBackMemory } from '../sys/libc';
import { createBackend } from '../views/backend';
import { Backpressure } from './backpressure';
import { closeAll, type Closer } from './closers';
import { Convergence } from './convergence';
import { IdleMemory } from './idle-memory';
import { watchKernelRoutes } from './kernel-routes';
import { NeighborVerification, staleHosts, VERIFICATION_POLL_MS } from './neighbor-verification';
import { Replay } from './replay';
import { staticNeighbors } from './static-neighbors';
import { StatusReporter } from './status-reporter';

const TICK_MS = 250;
/** Refused routes get another try this often, in case the server's mind has changed. */
const RETRY_MS = 60_000;
/** What the sandbox holds is read again this often, where that failed. */
const READ_AGAIN_MS = 5000;
/** bgpd's answer about a thousand peers takes a while, and some megabytes. */
const VTY_MS = 30_000;
const VTY_BYTES = 64 * 1024 * 1024;

export interface BridgeOptions {
  /** A file that takes all FPM sessions (docs/decode.md). */
  readonly record?: string;
}

/** Runs until SIGTERM or SIGINT. What is programmed stays in the vASIC. Rejects when it can't start. */
export async function runBridge(config: Config, log: Logger, options: BridgeOptions = {}): Promise<void> {
  const bridge = await startBridge(config, log, options);
  await stopSignal(log);
  await bridge.close();
}

/** Runs the punt path alone until SIGTERM or SIGINT. */
export async function runPunt(config: Config, log: Logger): Promise<void> {
  const punt = await startStandalonePunt(config, log.child('punt'));
  await stopSignal(log);
  await punt.close();
}

function stopSignal(log: Logger): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        log.info('stopping', { signal });
        resolve();
      });
    }
  });
}

/** Starts everything. Resolves when zebra can connect; rejects, with nothing left running, when a part can't start. */
export async function startBridge(
  config: Config,
  log: Logger,
  options: BridgeOptions = {},
): Promise<{ close(): Promise<void> }> {
  const closers: Closer[] = [];
  const close = (): Promise<void> => closeAll(closers, log);
  try {
    await build(config, log, closers, options);
  } catch (error) {
    await close();
    throw error;
  }
  return { close };
}

async function build(config: Config, log: Logger, closers: Closer[], { record }: BridgeOptions): Promise<void> {
  const fpmLog = log.child('fpm');
  const afiLog = log.child('afi');
  let fpmSince = new Date();

  const neighbors = createKernelNeighbors({ taps: config.ports.map(({ tap }) => tap) }, log.child('neighbor'));
  const recorder = record === undefined ? undefined : await createRecorder(record, fpmLog);
  if (recorder !== undefined) closers.push(() => recorder.close());
  const fpm = createFpmServer(config.fpm, fpmLog, recorder);
  const ports = Math.max(...config.ports.map(({ index }) => index)) + 1;
  const transport = createGrpcTransport({ ...config.afi, ports }, afiLog);

  const now = (): number => performance.now();
  let turnDue = false;
  const fib = new Fib({
    table: config.table,
    ports: new Map(config.ports.map(({ tap, index }) => [tap, index])),
    onWork: soon,
    onReport: soon,
    onNeed: (ifindex, address, needed) => {
      if (needed && config.neighbors.kernel) neighbors.need(ifindex, address);
      else neighbors.release(ifindex, address);
    },
    onKernelRoute: () => kernelRoutes.routeSent(),
    now,
  });
  // In this mode the bridge itself makes the TAPs what their ports are.
  const foreign = config.punt.mode !== 'worker';
  for (const { index, mac } of config.ports) fib.portOwn(index, { mac }, foreign);
  const programmer = new Programmer({
    source: fib.forwarding,
    transport: {
      send: (id, operation) => transport.send(id, operation),
      readNodes: async () => {
        const nodes = [];
        for await (const batch of transport.find({})) nodes.push(...batch.nodes);
        return nodes;
      },
      async *readEntries(container) {
        for await (const batch of transport.find({ entriesOf: container })) yield batch.entries;
      },
    },
    batch: config.afi.batch,
    inFlight: config.afi.inFlight,
    ports: config.ports.map(({ index, mac }) => ({ index, mac })),
    limits: puntLimits(config.punt.policers),
    log: afiLog,
  });

  const convergence = new Convergence({
    vty: config.fpm.sweep.bgpdVty,
    ask: async (command) => (await askVty(config.fpm.sweep.bgpdVty, [command], VTY_MS, VTY_BYTES))[0] ?? '',
    ...{ now, log: fpmLog },
  });
  const replay = new Replay({
    fib: {
      beginReplay: () => fib.beginReplay(),
      endReplay: () => fib.endReplay(),
      dropAdopted: () => fib.forwarding.dropAdopted(),
      get routes() {
        return fib.rows.routes.size;
      },
    },
    ...{ convergence, programmer, fpm, now },
    sweep: config.fpm.sweep,
    log: fpmLog,
  });
  const statuses = new StatusReporter({
    statuses: fib.status,
    replayFrom: () => replay.startedAt,
    ...{ fpm, soon, now },
  });
  const kernelRoutes = watchKernelRoutes({ routes: fib.kernelRoutes, soon, log: log.child('kernel') });
  closers.push(() => kernelRoutes.close());
  const backpressure = new Backpressure(fpm, fpmLog);
  const idleMemory = new IdleMemory(giveBackMemory);

  /** One turn: what came together is programmed and reported together. */
  function soon(): void {
    if (turnDue) return;
    turnDue = true;
    setImmediate(turn);
  }

  function turn(): void {
    turnDue = false;
    programmer.pump();
    statuses.report();
    backpressure.update(programmer.ready ? fib.forwarding.dirtyRoutes : 0);
  }

  function fromKernel(update: KernelUpdate): void {
    fib.applyKernel(update);
    for (const neighbor of staticNeighbors(config.neighbors.static, update)) fib.applyKernel(neighbor);
  }

  let punt: Punt | undefined;
  if (config.punt.mode === 'worker') {
    punt = await startPunt(config, log.child('punt'));
    closers.push(() => punt?.close());
  }
  // The kernel's view of the ports (links, addresses) is always needed; its neighbors may be configured away.
  await neighbors.start({
    update: (update) => {
      const isNeighbor = update.kind === 'neighborAdd' || update.kind === 'neighborDelete';
      if (config.neighbors.kernel || !isNeighbor) fromKernel(update);
    },
    batchEnd: soon,
  });
  closers.push(() => neighbors.close());

  await fpm.start({
    connected: (peer) => {
      fpmSince = new Date();
      replay.begin(peer);
    },
    disconnected: () => {
      fpmSince = new Date();
    },
    update: (update) => fib.applyFpm(update),
    frameEnd: soon,
    writable: soon,
  });
  closers.push(() => fpm.close());

  const tick = setInterval(() => {
    fib.status.settlePassing();
    idleMemory.check(now(), fpm.lastActivity(), programmer.idle);
    replay.check();
  }, TICK_MS);
  const retry = setInterval(() => programmer.retry(), RETRY_MS);
  const verification = new NeighborVerification({
    stale: () => staleHosts(fib.neighbors.all(), (id) => programmer.encapOfAdjacency(id)),
    counters: (tokens) => transport.nodeInfo(tokens),
    verify: (ifindex, address) => neighbors.verify(ifindex, address),
  });
  const verifying = setInterval(() => void verification.poll(), VERIFICATION_POLL_MS);
  const readAgain = setInterval(() => void programmer.retryAdoption(), READ_AGAIN_MS);
  closers.push(() => {
    statuses.close();
    clearInterval(tick);
    clearInterval(retry);
    clearInterval(readAgain);
    clearInterval(verifying);
  });

  transport.onDrain(() => programmer.drained());
  transport.start({
    up: (info) => {
      punt?.setSandbox(info.id);
      for (const { index, mac } of config.ports) {
        const port = info.outputPorts.find((candidate) => candidate.index === index);
        punt?.configurePort(index, {
          ...(port?.mac === undefined ? {} : { mac: port.mac }),
          ...(port?.mtu === undefined ? {} : { mtu: port.mtu }),
        });
        fib.portOwn(index, { mac: mac ?? port?.mac, mtu: port?.mtu }, foreign);
        if (port?.up === undefined) {
          punt?.setCarrier(index, true);
          fib.portChanged(index, true);
        }
      }
      programmer.up(info).catch((error: unknown) => {
        afiLog.error('could not take over the sandbox', { reason: errorText(error) });
      });
    },
    down: (reason, tables) => programmer.down(reason, tables),
    ack: (id, error) => {
      programmer.ack(id, error);
      soon();
    },
    port: (index, up) => {
      log.info(up ? 'the link of a port is up' : 'the link of a port is down', { port: index });
      punt?.setCarrier(index, up);
      // At once: the kernel may take a second to tell that a TAP lost its carrier.
      fib.portChanged(index, up);
      soon();
    },
  });
  closers.push(() => transport.close());

  const audit = createAudit({
    ...{ fib, programmer, transport, fpm, replay, now, soon },
    vtyPath: config.fpm.zebraVty,
    table: config.table,
    taps: config.ports.map(({ tap }) => tap),
    neighbors: config.neighbors.kernel,
    dump: dumpKernel,
    resync: () => neighbors.resync(),
    log: log.child('audit'),
  });
  const backend = createBackend({
    ...{ config, fib, programmer, transport, fpm, punt, replay, audit },
    fpmSince: () => fpmSince,
    progress: (ifindex, address) => neighbors.progress(ifindex, address),
  });
  closers.push(() => backend.close());
  const control = await startControlServer(config.control.socket, backend, log.child('control'));
  closers.push(() => control.close());
  if (config.metrics.listen !== undefined) {
    const metrics = await startMetricsServer(config.metrics.listen, backend, log.child('metrics'));
    closers.push(() => metrics.close());
  }
  log.info('running', {
    fpm: `${config.fpm.listen.host}:${config.fpm.listen.port}`,
    afi: `${config.afi.server.host}:${config.afi.server.port}`,
    ports: config.ports.map(({ tap }) => tap).join(','),
    neighbors: config.neighbors.static.map(({ address }) => formatAddress(address)).join(',') || undefined,
  });
}
