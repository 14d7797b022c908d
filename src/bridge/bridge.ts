/**
 * The composition root: builds the modules and connects them. zebra's updates go to the FIB, the FIB's work to the
 * programmer, acknowledgements back to the FIB, statuses back to zebra. Work is gathered within one turn of the event
 * loop, so that what came together is resolved once, in its final state.
 */
import { performance } from 'node:perf_hooks';
import { puntLimits } from '../afi/policers';
import { Programmer } from '../afi/programmer';
import { createGrpcTransport } from '../afi/transport';
import type { Config } from '../config/types';
import { startControlServer } from '../control/server';
import { Fib } from '../fib/fib';
import type { KernelUpdate, StatusReport } from '../fib/updates';
import { createRecorder } from '../fpm/recorder';
import { createFpmServer } from '../fpm/server';
import { StatusPace } from '../fpm/status-pace';
import { createKernelNeighbors } from '../kernel/kernel';
import { formatAddress } from '../net/address';
import { startMetricsServer } from '../metrics/exporter';
import type { Logger } from '../observe/log';
import { startPunt, type Punt } from '../punt/punt';
import { startStandalonePunt } from '../punt/standalone';
import { giveBackMemory } from '../sys/libc';
import { createBackend, type ConnectionState } from '../views/backend';

/** zebra is paused while more routes than this wait for a slow AFI server, and goes on below the second number. */
const PAUSE_ABOVE = 300_000;
const RESUME_BELOW = 100_000;
const TICK_MS = 250;
/** After so long without a byte from zebra, what a burst left behind goes back to the system. */
const QUIET_MS = 2000;
/** Refused routes get another try this often, in case the server's mind has changed. */
const RETRY_MS = 60_000;

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
  const closers: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.reverse().splice(0)) await closer();
  };
  try {
    await build(config, log, closers, options);
  } catch (error) {
    await close();
    throw error;
  }
  return { close };
}

async function build(
  config: Config,
  log: Logger,
  closers: (() => Promise<void> | void)[],
  { record }: BridgeOptions,
): Promise<void> {
  const fpmLog = log.child('fpm');
  const afiLog = log.child('afi');
  const state: ConnectionState = {
    fpmSince: new Date(),
    afi: 'connecting',
    afiSince: new Date(),
    afiInstance: undefined,
    afiError: undefined,
    replaying: false,
  };

  const neighbors = createKernelNeighbors({ taps: config.ports.map(({ tap }) => tap) }, log.child('neighbor'));
  const recorder = record === undefined ? undefined : await createRecorder(record, fpmLog);
  if (recorder !== undefined) closers.push(() => recorder.close());
  const fpm = createFpmServer(config.fpm, fpmLog, recorder);
  const ports = Math.max(...config.ports.map(({ index }) => index)) + 1;
  const transport = createGrpcTransport({ ...config.afi, ports }, afiLog);

  let turnDue = false;
  let replayStarted = 0;
  let reporting: NodeJS.Timeout | undefined;
  const pace = new StatusPace();
  let paused = false;
  const fib = new Fib({
    table: config.table,
    ports: new Map(config.ports.map(({ tap, index }) => [tap, index])),
    onWork: soon,
    onReport: soon,
    onNeed: (ifindex, address, needed) => {
      if (needed && config.neighbors.kernel) neighbors.need(ifindex, address);
      else neighbors.release(ifindex, address);
    },
    now: () => performance.now(),
  });
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

  /** One turn: what came together is programmed and reported together. */
  function soon(): void {
    if (turnDue) return;
    turnDue = true;
    setImmediate(turn);
  }

  function turn(): void {
    turnDue = false;
    programmer.pump();
    report();
    const waiting = programmer.ready ? fib.forwarding.dirtyRoutes : 0;
    if (!paused && waiting > PAUSE_ABOVE) {
      paused = true;
      fpmLog.info('the AFI server is slower than zebra: zebra waits', { routes: waiting });
      fpm.pause();
    } else if (paused && waiting < RESUME_BELOW) {
      paused = false;
      fpm.resume();
    }
  }

  function* reports(most: number): Generator<StatusReport> {
    for (let i = 0; i < most; i++) {
      const next = fib.status.takeReport();
      if (next === undefined) return;
      yield next;
    }
  }

  /** Sends what is due, as far as zebra should have it now; comes back for the rest. */
  function report(): void {
    if (fpm.peer() === undefined) return;
    const due = fib.status.reportsDue;
    if (due === 0) return;
    const replayFrom = state.replaying ? replayStarted : undefined;
    const wait = pace.wait({ due, lastActivity: fpm.lastActivity(), replayFrom }, performance.now());
    if (wait >= 1) return reportIn(wait);
    // Too short for a timer, so it spins. Sleeping instead leaves a core to zebra's FPM thread, which then outruns zebra's main thread.
    if (wait > 0) return soon();
    const { room } = pace;
    const taken = fpm.report(reports(room));
    pace.spend(taken);
    if (taken === room) soon();
  }

  function reportIn(ms: number): void {
    reporting ??= setTimeout(() => {
      reporting = undefined;
      soon();
    }, Math.ceil(ms));
  }

  function fromKernel(update: KernelUpdate): void {
    fib.applyKernel(update);
    if (update.kind !== 'link' || !update.present) return;
    for (const entry of config.neighbors.static) {
      if (entry.tap !== update.name) continue;
      const { address, mac } = entry;
      fib.applyKernel({
        kind: 'neighborAdd',
        source: 'static',
        ifindex: update.ifindex,
        address,
        mac,
        state: 'permanent',
      });
    }
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
      state.fpmSince = new Date();
      state.replaying = true;
      replayStarted = performance.now();
      fib.beginReplay();
      fpmLog.info('what zebra replays is compared with what is programmed', { peer, routes: fib.rows.routes.size });
    },
    disconnected: () => {
      state.fpmSince = new Date();
    },
    update: (update) => fib.applyFpm(update),
    frameEnd: soon,
    writable: soon,
  });
  closers.push(() => fpm.close());

  let givenBack = 0;
  const tick = setInterval(() => {
    fib.status.settlePassing();
    const now = performance.now();
    const active = fpm.lastActivity();
    if (active > givenBack && now - active > QUIET_MS && programmer.idle) {
      givenBack = now;
      giveBackMemory();
    }
    const { idleMs, minimumMs } = config.fpm.sweep;
    if (!state.replaying || fpm.peer() === undefined || !programmer.ready) return;
    if (now - replayStarted < minimumMs || now - fpm.lastActivity() < idleMs) return;
    state.replaying = false;
    const swept = fib.endReplay();
    fpmLog.info('the replay is over: what it did not confirm is removed', swept);
    programmer.releaseAdopted();
  }, TICK_MS);
  const retry = setInterval(() => programmer.retry(), RETRY_MS);
  closers.push(() => {
    clearTimeout(reporting);
    clearInterval(tick);
    clearInterval(retry);
  });

  transport.onDrain(() => programmer.drained());
  transport.start({
    up: (info) => {
      state.afi = 'up';
      state.afiSince = new Date();
      state.afiError = undefined;
      state.afiInstance = info.instance;
      punt?.setSandbox(info.id);
      for (const { index } of config.ports) {
        const port = info.outputPorts.find((candidate) => candidate.index === index);
        punt?.configurePort(index, {
          ...(port?.mac === undefined ? {} : { mac: port.mac }),
          ...(port?.mtu === undefined ? {} : { mtu: port.mtu }),
        });
        if (port?.up === undefined) {
          punt?.setCarrier(index, true);
          fib.portChanged(index, true);
        }
      }
      programmer.up(info).catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        afiLog.error('could not take over the sandbox', { reason });
      });
    },
    down: (reason) => {
      state.afi = 'down';
      state.afiSince = new Date();
      state.afiError = reason;
      programmer.down();
    },
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

  const backend = createBackend({
    ...{ config, fib, programmer, transport, fpm, punt, state },
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
