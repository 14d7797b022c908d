/**
 * The composition root: builds the modules and connects them, and decides nothing: each policy has a file beside this one. zebra's updates go to the FIB, the FIB's work to the
 * programmer, acknowledgements back to the FIB, statuses back to zebra. Work is gathered within one turn of the event
 * loop, so that what came together is resolved once, in its final state.
 */
import { errorText } from '../net/error-text';
import { performance } from 'node:perf_hooks';
import { isDeepStrictEqual } from 'node:util';
import { puntLimits } from '../afi/policers';
import { Programmer } from '../afi/programmer';
import { createGrpcTransport } from '../afi/transport';
import { createAudit } from '../audit/audit';
import type { Config } from '../config/types';
import { Fib } from '../fib/fib';
import type { KernelUpdate } from '../fib/updates';
import { createRecorder } from '../fpm/recorder';
import { Access } from '../fpm/access';
import { createFpmServer } from '../fpm/server';
import { askVty, Vty } from '../vty/vty';
import { dumpKernel } from '../kernel/dump';
import { createKernelNeighbors } from '../kernel/kernel';
import { takesLabels } from '../kernel/label-input';
import { limitLog } from '../observe/limited-log';
import type { Logger } from '../observe/log';
import { connectPunt } from '../punt/client';
import { startPunt, type Punt } from '../punt/punt';
import { giveBackMemory } from '../sys/libc';
import { createBackend, type BridgeBackend } from '../views/backend';
import { told } from './told';
import { AfiLost } from './afi-lost';
import { Backpressure } from './backpressure';
import { closeAll, type Closer } from './closers';
import { Convergence } from './convergence';
import { later } from './later';
import { LABEL_INPUT_POLL_MS, reviewLabelInput } from './label-input';
import { IdleMemory } from './idle-memory';
import { identityOf } from './identity';
import { watchKernelRoutes } from './kernel-routes';
import { NeighborVerification, staleHosts, VERIFICATION_POLL_MS } from './neighbor-verification';
import { plainTablesOf } from './plain-tables';
import { Ports } from './ports';
import { Replay } from './replay';
import { StaticNeighbors } from './static-neighbors';
import { UnclearDeletes } from './unclear-deletes';
import { StatusReporter } from './status-reporter';
import { Moment } from '../observe/moment';

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
  /** The command that starts the punt process, for `punt.mode: process`. */
  readonly puntCommand?: readonly string[];
}

export interface Bridge {
  readonly backend: Omit<BridgeBackend, 'close'>;
  /** Has `fpm.allow`, `punt.policers` and `neighbors.static` of this configuration from now on. */
  apply(config: Config): void;
  /** What is programmed stays in the vASIC. */
  close(): Promise<void>;
}

/** The punt path as the configuration wants it; undefined: none. */
async function openPunt(config: Config, { puntCommand }: BridgeOptions, log: Logger): Promise<Punt | undefined> {
  const { mode, socket } = config.punt;
  switch (mode) {
    case 'off':
      return undefined;
    case 'worker':
      return startPunt(config, log);
    case 'external':
      return connectPunt(config, { socket }, log);
    case 'process':
      return connectPunt(config, { socket, ...(puntCommand === undefined ? {} : { start: puntCommand }) }, log);
  }
}

/** Starts everything. Resolves when zebra can connect; rejects, with nothing left running, when a part can't start. */
export async function startBridge(given: Config, log: Logger, options: BridgeOptions = {}): Promise<Bridge> {
  const closers: Closer[] = [];
  const close = (): Promise<void> => closeAll(closers, log);
  try {
    return { ...(await build(given, log, closers, options)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function build(
  given: Config,
  log: Logger,
  closers: Closer[],
  options: BridgeOptions,
): Promise<Omit<Bridge, 'close'>> {
  const { record } = options;
  /** What `apply` changes is read from here whenever it is needed. */
  const config = { ...given };
  const kernelLog = log.child('kernel');
  const fpmLog = limitLog(log.child('fpm'));
  const afiLog = log.child('afi');
  let fpmSince = new Moment();

  const neighbors = createKernelNeighbors({ taps: config.ports.map(({ tap }) => tap) }, log.child('neighbor'));
  const recorder = record === undefined ? undefined : await createRecorder(record, fpmLog);
  if (recorder !== undefined) closers.push(() => recorder.close());
  const access = new Access({ allow: () => config.fpm.allow });
  const fpm = createFpmServer(config.fpm, fpmLog, { access, ...(recorder !== undefined && { tap: recorder }) });
  const ports = Math.max(...config.ports.map(({ index }) => index)) + 1;
  const transport = createGrpcTransport({ ...config.afi, ports, owner: identityOf(config) }, afiLog);

  const now = (): number => performance.now();
  let turnDue = false;
  let policersChanged = false;
  const fib = new Fib({
    table: config.table,
    ports: new Map(config.ports.map(({ tap, index }) => [tap, index])),
    portTables: new Map(config.ports.flatMap(({ index, table }) => (table === undefined ? [] : [[index, table]]))),
    vrfs: config.vrfs,
    onWork: soon,
    onReport: soon,
    onNeed: (ifindex, address, needed) => {
      if (needed && config.neighbors.kernel) neighbors.need(ifindex, address);
      else neighbors.release(ifindex, address);
    },
    onKernelRoute: () => kernelRoutes.routeSent(),
    onUnclearDelete: (prefix, tables) => unclearDeletes.add(prefix, tables),
    now,
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
    get limits() {
      return puntLimits(config.punt.policers);
    },
    labelTtl: { propagate: config.mpls.ttlPropagate, initial: config.mpls.defaultTtl },
    log: afiLog,
  });

  const convergence = new Convergence({
    vty: config.fpm.sweep.bgpdVty,
    ask: async (command) => (await askVty(config.fpm.sweep.bgpdVty, [command], VTY_MS, VTY_BYTES))[0] ?? '',
    ...{ now, log: fpmLog },
  });
  const plainTables = plainTablesOf({ fib, vtyPath: config.fpm.zebraVty, soon, log: fpmLog });
  closers.push(() => plainTables.close());
  const unclearDeletes = new UnclearDeletes({
    open: () => Vty.open(config.fpm.zebraVty),
    withdraw: (table, prefix) => {
      fib.applyFpm({ kind: 'routeDelete', table, prefix });
      soon();
    },
    askAgain: (reason) => fpm.askAgain(reason),
    replayed: () => replay.complete,
    ...{ later, now, log: fpmLog },
  });
  closers.push(() => unclearDeletes.close());
  const replay = new Replay({
    fib: {
      beginReplay: () => fib.beginReplay(),
      replayStanding: () => fib.replayStanding(),
      countOwnSubnets: () => fib.countOwnSubnets(),
      get confirmed() {
        return fib.confirmed;
      },
      endReplay: (tables) => fib.endReplay(tables),
      dropAdopted: () => fib.forwarding.dropAdopted(),
      get routes() {
        return fib.rows.routes.size;
      },
    },
    convergence: {
      begin: () => {
        convergence.begin();
        plainTables.begin();
      },
      waitingFor: (elapsedMs) => convergence.waitingFor(elapsedMs) ?? plainTables.waitingFor,
    },
    ...{ programmer, fpm, now },
    sweep: config.fpm.sweep,
    away: config.fpm.away,
    log: fpmLog,
  });
  const statuses = new StatusReporter({
    statuses: fib.status,
    replayFrom: () => replay.startedAt,
    ...{ fpm, soon, now },
  });
  const afiLost = new AfiLost({
    policy: config.afi.lost,
    ready: () => programmer.ready,
    statuses: fib.status,
    ...{ soon, now, log: afiLog },
  });
  closers.push(() => afiLost.close());
  const kernelRoutes = watchKernelRoutes({ routes: fib.kernelRoutes, soon, log: kernelLog });
  closers.push(() => kernelRoutes.close());
  const backpressure = new Backpressure(fpm, fpmLog);
  const staticNeighbors = new StaticNeighbors(config.neighbors.static);
  const idleMemory = new IdleMemory(giveBackMemory);

  /** One turn: what came together is programmed and reported together. */
  function soon(): void {
    if (turnDue) return;
    turnDue = true;
    setImmediate(turn);
  }

  function turn(): void {
    turnDue = false;
    if (policersChanged && programmer.ready) {
      policersChanged = false;
      programmer.rewrite({ layer: 'base', id: 0 });
    }
    programmer.pump();
    statuses.report();
    backpressure.update(programmer.ready ? fib.forwarding.dirtyRoutes : 0);
  }

  function fromKernel(update: KernelUpdate): void {
    if (kernelLog.verbose) kernelLog.debug('the kernel says', told(update));
    fib.applyKernel(update);
    for (const neighbor of staticNeighbors.follow(update)) fib.applyKernel(neighbor);
  }

  const punt = await openPunt(config, options, log.child('punt'));
  closers.push(() => punt?.close());
  const vasicPorts = new Ports({ ports: config.ports, punt, fib, log });
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
      fpmSince = new Moment();
      replay.connected(peer);
    },
    disconnected: () => {
      fpmSince = new Moment();
      replay.disconnected();
      plainTables.close();
      unclearDeletes.close();
    },
    update: (update) => {
      if (fpmLog.verbose) fpmLog.debug('zebra says', told(update));
      replay.received(update.kind);
      plainTables.received(update);
      unclearDeletes.received(update);
      fib.applyFpm(update);
    },
    frameEnd: soon,
    writable: soon,
  });
  closers.push(() => fpm.close());

  const tick = setInterval(() => {
    fib.status.settlePassing();
    idleMemory.check(now(), fpm.lastActivity(), programmer.idle);
    replay.check();
    unclearDeletes.check();
    afiLost.check();
  }, TICK_MS);
  const retry = setInterval(() => programmer.retry(), RETRY_MS);
  const verification = new NeighborVerification({
    stale: () => staleHosts(fib.neighbors.all(), (id) => programmer.tables.encapOfAdjacency(id)),
    counters: (tokens) => transport.nodeInfo(tokens),
    verify: (ifindex, address) => neighbors.verify(ifindex, address),
  });
  const verifying = setInterval(() => void verification.poll(), VERIFICATION_POLL_MS);
  const reviewLabels = (): void =>
    reviewLabelInput({
      ports: config.ports,
      input: config.mpls.input,
      takesLabels,
      tell: (port, takes) => fib.setLabelInput(port, takes),
    });
  reviewLabels();
  const reviewingLabels = setInterval(reviewLabels, LABEL_INPUT_POLL_MS);
  const readAgain = setInterval(() => void programmer.retryAdoption(), READ_AGAIN_MS);
  closers.push(() => {
    statuses.close();
    clearInterval(tick);
    clearInterval(retry);
    clearInterval(readAgain);
    clearInterval(reviewingLabels);
    clearInterval(verifying);
  });

  transport.onDrain(() => programmer.drained());
  transport.start({
    up: (info, tables) => {
      vasicPorts.opened(info);
      programmer.up(info, tables).catch((error: unknown) => {
        afiLog.error('could not take over the sandbox', { code: 'afi-unreadable', reason: errorText(error) });
      });
    },
    down: (reason, tables) => programmer.down(reason, tables),
    ack: (id, error) => {
      programmer.ack(id, error);
      soon();
    },
    port: (index, up) => {
      vasicPorts.linkChanged(index, up);
      soon();
    },
  });
  closers.push(() => transport.close());

  const audit = createAudit({
    ...{ fib, programmer, transport, fpm, replay, now, soon },
    vtyPath: config.fpm.zebraVty,
    taps: config.ports.map(({ tap }) => tap),
    neighbors: config.neighbors.kernel,
    dump: dumpKernel,
    resync: () => neighbors.resync(),
    log: log.child('audit'),
  });
  const backend = createBackend({
    ...{ config, fib, programmer, transport, fpm, punt, replay, audit, recorder },
    vasicPorts: () => vasicPorts.vasicPorts(),
    kernel: neighbors,
    fpmSince: () => fpmSince,
    progress: (ifindex, address) => neighbors.progress(ifindex, address),
  });
  closers.push(() => backend.close());

  function apply(next: Config): void {
    policersChanged ||= !isDeepStrictEqual(next.punt.policers, config.punt.policers);
    config.fpm = { ...config.fpm, allow: next.fpm.allow };
    config.punt = { ...config.punt, policers: next.punt.policers };
    config.neighbors = { ...config.neighbors, static: next.neighbors.static };
    const links = config.ports.flatMap(({ tap }) => fib.interfaces.byName(tap) ?? []);
    for (const update of staticNeighbors.reload(next.neighbors.static, links)) fib.applyKernel(update);
    soon();
  }

  return { backend, apply };
}
