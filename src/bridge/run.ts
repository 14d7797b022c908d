/**
 * One life of `fpm2afi run`: the bridge, the control socket and the metrics beside it, and its reloads. Those two outlive a
 * bridge that is made anew; a reload that fails leaves the old configuration in force.
 */
import type { Config } from '../config/types';
import type { ControlBackend } from '../control/backend';
import { RequestError } from '../control/filter';
import { startControlServer } from '../control/server';
import type { ReloadView } from '../control/status-types';
import { formatAddress } from '../net/address';
import { formatEndpoint } from '../net/endpoint';
import { errorText } from '../net/error-text';
import { startMetricsServer, type MetricsServer } from '../metrics/exporter';
import type { RootLogger } from '../observe/log';
import { stopSignal } from '../observe/signals';
import { createSupervisor, type Supervisor } from '../sys/supervisor';
import { startBridge, type Bridge, type BridgeOptions } from './bridge';
import { closeAll, type Closer } from './closers';
import { planReload } from './reload';

export interface RunOptions extends BridgeOptions {
  /** Reads the configuration again. @throws ConfigError */
  readonly readConfig: () => Config;
}

/** Runs until SIGTERM or SIGINT. What is programmed stays in the vASIC. Rejects when it can't start, or go on. */
export async function runBridge(config: Config, log: RootLogger, options: RunOptions): Promise<void> {
  const stopped = stopSignal(log);
  const supervisor = createSupervisor();
  const life = new Life(config, log, options, supervisor);
  const onHangUp = (): void => {
    life.reload().catch((error: unknown) => {
      log.error('SIGHUP: the configuration is not reloaded, the old one stays', {
        code: 'config-not-reloaded',
        reason: errorText(error),
      });
    });
  };
  process.on('SIGHUP', onHangUp);
  try {
    await life.start();
    supervisor.ready(statusOf(config));
    await Promise.race([stopped, life.failed]);
  } finally {
    process.off('SIGHUP', onHangUp);
    supervisor.stopping();
    await life.close();
  }
}

function statusOf({ ports, fpm }: Config): string {
  return `${ports.length} ports, zebra may connect to ${formatEndpoint(fpm.listen)}`;
}

class Life {
  /** Rejects when neither a new configuration nor the old one can be had. */
  readonly failed: Promise<never>;
  private fail: (error: unknown) => void = () => undefined;
  private readonly closers: Closer[] = [];
  /** While it is made anew, who asks waits. */
  private bridge: Promise<Bridge>;
  private metrics: MetricsServer | undefined;
  /** Reloads come one after the other, the first after the start. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    private config: Config,
    private readonly log: RootLogger,
    private readonly options: RunOptions,
    private readonly supervisor: Supervisor,
  ) {
    this.failed = new Promise((_, reject) => (this.fail = reject));
    this.failed.catch(() => undefined);
    this.bridge = startBridge(config, log, options);
  }

  start(): Promise<void> {
    const started = this.open();
    this.turn = started;
    return started;
  }

  private async open(): Promise<void> {
    await this.bridge;
    this.closers.push(async () => (await this.bridge).close());
    const { config, log } = this;
    const control = await startControlServer(config.control.socket, this.backend, log.child('control'));
    this.closers.push(() => control.close());
    this.closers.push(() => this.metrics?.close());
    this.metrics = await this.openMetrics(config);
    log.info('running', {
      fpm: formatEndpoint(config.fpm.listen),
      afi: formatEndpoint(config.afi.server),
      ports: config.ports.map(({ tap }) => tap).join(','),
      neighbors: config.neighbors.static.map(({ address }) => formatAddress(address)).join(',') || undefined,
    });
  }

  close(): Promise<void> {
    return closeAll(this.closers, this.log);
  }

  /** Reads the file and has what it changes. Rejects, with nothing changed, when it can't. */
  reload(): Promise<ReloadView> {
    const reloaded = this.turn.then(async () => {
      this.supervisor.reloading();
      try {
        return await this.reloadNow();
      } finally {
        this.supervisor.ready(statusOf(this.config));
      }
    });
    this.turn = reloaded.catch(() => undefined);
    return reloaded;
  }

  private async reloadNow(): Promise<ReloadView> {
    const { config: before, log } = this;
    const next = this.options.readConfig();
    const plan = planReload(before, next);
    if (plan.kind === 'refused') throw new Error(plan.reasons.join('\n'));
    if (plan.rebuild && this.options.record !== undefined) {
      throw new Error(`${plan.changed.join(', ')}: can't be changed while FPM sessions are recorded (--record)`);
    }
    // What may fail comes first.
    const moves = plan.changed.some((key) => key.startsWith('metrics'));
    const metrics = moves ? await this.openMetrics(next) : this.metrics;
    try {
      if (plan.rebuild) await this.rebuild(before, next);
      else (await this.bridge).apply(next);
    } catch (error) {
      if (moves) await metrics?.close();
      throw error;
    }
    if (moves) await this.metrics?.close();
    this.metrics = metrics;
    this.config = next;
    log.configure(next.log);
    log.info('the configuration is reloaded', { changed: plan.changed.join(',') || 'nothing' });
    return { changed: plan.changed };
  }

  /** As a restart, in the same process: the punt process keeps the TAPs, the vASIC what it has. */
  private async rebuild(before: Config, next: Config): Promise<void> {
    await (await this.bridge).close();
    const started = startBridge(next, this.log, this.options);
    this.bridge = started.catch(() => startBridge(before, this.log, this.options));
    this.bridge.catch((error: unknown) => this.fail(error));
    await started;
  }

  private openMetrics({ metrics }: Config): Promise<MetricsServer | undefined> {
    if (metrics.listen === undefined) return Promise.resolve(undefined);
    return startMetricsServer(metrics.listen, this.backend, this.log.child('metrics'));
  }

  /** The control API of the bridge that there is, or is about to be. */
  private readonly backend: ControlBackend = {
    status: async () => (await this.bridge).backend.status(),
    routeSummary: async () => (await this.bridge).backend.routeSummary(),
    routes: (filter) => this.listed((backend) => backend.routes(filter)),
    vrfs: async () => (await this.bridge).backend.vrfs(),
    nexthops: () => this.listed((backend) => backend.nexthops()),
    neighbors: () => this.listed((backend) => backend.neighbors()),
    ports: () => this.listed((backend) => backend.ports()),
    tokens: () => this.listed((backend) => backend.tokens()),
    punt: () => this.listed((backend) => backend.punt()),
    lsps: () => this.listed((backend) => backend.lsps()),
    evpn: () => this.listed((backend) => backend.evpn()),
    sids: () => this.listed((backend) => backend.sids()),
    why: async (query) => (await this.bridge).backend.why(query),
    trace: async (query) => (await this.bridge).backend.trace(query),
    graph: async (query) => (await this.bridge).backend.graph(query),
    audit: async (query) => (await this.bridge).backend.audit(query),
    monitor: (query, signal) => this.listed((backend) => backend.monitor(query, signal)),
    displace: async () => (await this.bridge).backend.displace(),
    debug: (query) => {
      if (query !== undefined && !this.log.setDebug(query.component, query.on)) {
        const known = this.log.components().map(({ component }) => component);
        throw new RequestError(404, `no component ${query.component} has a log, but ${known.join(', ')}`);
      }
      return this.log.components();
    },
    reload: () =>
      this.reload().catch((error: unknown) => {
        throw new RequestError(409, `not reloaded, the old configuration stays:\n${errorText(error)}`);
      }),
  };

  private async *listed<T>(list: (backend: Bridge['backend']) => Iterable<T> | AsyncIterable<T>): AsyncGenerator<T> {
    yield* list((await this.bridge).backend);
  }
}
