/**
 * The bridge as the control API sees it: one object that answers from the modules' present state. It keeps nothing but
 * the times at which connections changed.
 */
import { performance } from 'node:perf_hooks';
import { UNKNOWN_LABEL } from '../afi/label-graph';
import { policerTokens } from '../afi/policers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { instanceOf, isOpen } from '../afi/connection-state';
import type { Programmer } from '../afi/programmer';
import type { AfiTransport } from '../afi/transport';
import type { AftPort, AftPortEngine, Token } from '../aft/model';
import type { Config } from '../config/types';
import type { TraceQuery, TraceView, WhyAnswer, WhyQuery } from '../control/explain-types';
import type { GraphQuery, GraphView } from '../control/graph-types';
import type { AuditQuery, AuditSummary, AuditView } from '../control/audit-types';
import type { ControlBackend } from '../control/backend';
import { latencyView } from '../control/latency';
import type {
  EvpnView,
  LspView,
  NeighborView,
  NexthopView,
  EngineView,
  PortView,
  PuntReasonView,
  RouteFilter,
  RouteRow,
  SidView,
  TokenView,
  TrafficView,
} from '../control/types';
import type { AfiStatus, FibStatus, FpmStatus, PuntStatus, StatusView } from '../control/status-types';
import type { Fib } from '../fib/fib';
import { ROW } from '../fib/route-table';
import type { FpmSource } from '../fpm/server';
import { formatMac } from '../net/address';
import { formatEndpoint } from '../net/endpoint';
import { startLoopMonitor } from '../observe/loop';
import { packageVersion } from '../observe/version';
import type { Punt, PuntCounters } from '../punt/punt';
import { lastKnown, lastKnownSince } from './known';
import { problems, type ProblemParts, type ReplayDoubt } from './problems';
import { graphView } from './graph';
import { Monitor } from './monitor';
import { puntReasons } from './punt';
import { listRoutes, withTapOf } from './route-rows';
import { RouteViews } from './routes';
import { evpnViews, sidViews } from './unsupported';
import { lspNow, lspViews, type LspSources } from './lsps';
import { summaryView } from './summary';
import { traceView } from './trace';
import { vrfViews } from './vrfs';
import { whyView, type WhyOptions } from './why';
import { whyLabelView } from './why-label';
import { Moment } from '../observe/moment';

export interface BackendParts {
  readonly config: Config;
  readonly fib: Fib;
  readonly programmer: Programmer;
  readonly transport: AfiTransport;
  readonly fpm: FpmSource;
  readonly punt: Punt | undefined;
  readonly replay: { readonly active: boolean; readonly doubt: ReplayDoubt | undefined };
  readonly audit: { run(query: AuditQuery): Promise<AuditView>; last(): AuditSummary | undefined };
  readonly recorder: ProblemParts['recorder'];
  readonly kernel: ProblemParts['kernel'];
  readonly vasicPorts: ProblemParts['vasicPorts'];
  /** Since when zebra is connected, or not. */
  fpmSince(): Moment;
  /** What was done to resolve a neighbor. */
  readonly progress: WhyOptions['progress'];
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function traffic(port: AftPort | undefined): TrafficView | undefined {
  if (port?.packets === undefined) return undefined;
  return { packets: port.packets, bytes: port.bytes ?? 0, drops: port.drops ?? 0 };
}

function engineView({ name, hook, packets, slow }: AftPortEngine): EngineView {
  return { name, hook, fast: packets, slow: Object.fromEntries(slow.map((one) => [one.reason, one.packets])) };
}

/** The control API, but for what concerns more than the bridge. */
export type BridgeBackend = Omit<ControlBackend, 'reload' | 'debug'> & { close(): void };

/** Rows that a status looks at in one turn: a millisecond or so. */
const ROWS_PER_SLICE = 32_768;

export function createBackend(parts: BackendParts): BridgeBackend {
  const { config, fib, programmer, transport, fpm, punt, replay } = parts;
  const started = performance.now();
  const loop = startLoopMonitor();
  const views = new RouteViews(fib, programmer);

  const tapNames = new Map(config.ports.map(({ index, tap }) => [index, tap]));

  const isUp = (): boolean => isOpen(programmer.connection);

  const purposes = (): ReadonlyMap<Token, string> =>
    new Map([...programmer.tables.tokens()].map(({ token, name }) => [token, name]));

  const lspSources: LspSources = {
    fib,
    tokensOf: (group) => programmer.tables.nexthops.tokensOf(group),
    countersOf: (group) => programmer.tables.labelTokensOf(group),
    nodeInfo: (tokens) => (isUp() ? transport.nodeInfo(tokens).catch(() => []) : Promise.resolve([])),
  };

  /** Why there is no connection, by the latest attempt. */
  function afiError(): string | undefined {
    const { connection } = programmer;
    if (isOpen(connection)) return undefined;
    return transport.failure()?.reason ?? (connection.kind === 'down' ? connection.reason : undefined);
  }

  function fpmStatus(): FpmStatus {
    const counters = fpm.counters();
    const peer = fpm.peer();
    const feedback = fpm.feedback();
    const { host, port } = fpm.address() ?? config.fpm.listen;
    return {
      state: peer === undefined ? 'listening' : 'connected',
      listen: `${host}:${port}`,
      ...(peer === undefined ? {} : { peer }),
      since: parts.fpmSince().toISOString(),
      frames: counters.frames,
      messages: total(counters.messages),
      updates: counters.updates,
      malformed: counters.malformed,
      skipped: total(counters.skipped),
      feedbackMode: config.fpm.feedback,
      ...(feedback === undefined ? {} : { feedback: feedback.mode, feedbackReason: feedback.reason }),
      statuses: counters.statuses,
    };
  }

  async function unknownLabels(): Promise<Pick<AfiStatus, 'unknownLabels'>> {
    const [info] = await lspSources.nodeInfo([UNKNOWN_LABEL]);
    return info?.found === true && info.counted ? { unknownLabels: info.packets } : {};
  }

  function afiStatus(entries: number): AfiStatus {
    const { connection } = programmer;
    const instance = instanceOf(connection);
    const error = afiError();
    return {
      state: !isOpen(connection) ? connection.kind : programmer.idle ? 'up' : 'reprogramming',
      server: formatEndpoint(config.afi.server),
      engine: config.afi.engine,
      sandbox: config.afi.sandbox,
      ...(instance === undefined ? {} : { instance }),
      since: connection.since.toISOString(),
      opsInFlight: programmer.operationsInFlight,
      opsSent: programmer.counters.operations,
      opsFailed: programmer.counters.failed,
      opsRetried: programmer.counters.retried,
      entries,
      ...(error === undefined ? {} : { error }),
      ...lastKnownSince(connection),
    };
  }

  /** Looks at the rows in slices: a large table must not hold up the event loop. */
  async function fibStatus(): Promise<{ fib: FibStatus; entries: number }> {
    const counts = { offloaded: 0, trapped: 0, failed: 0, unresolved: 0, pending: 0 };
    let [ipv4, ipv6, entries, stale] = [0, 0, 0, 0];
    const { routes } = fib.rows;
    for (let row = 1; row < routes.end; row++) {
      if (row % ROWS_PER_SLICE === 0) await nextTurn();
      if (!routes.live(row)) continue;
      if (routes.programmed[row] !== 0) entries++;
      if ((routes.flags[row]! & ROW.zebra) === 0) continue;
      if (routes.isIp6(row)) ipv6++;
      else ipv4++;
      counts[fib.status.stateOf(row)]++;
      if (replay.active && fib.isStale(row)) stale++;
    }
    return {
      entries,
      fib: {
        routes: ipv4 + ipv6,
        ipv4,
        ipv6,
        ...counts,
        stale: replay.active ? fib.forwarding.adopted + stale : 0,
        nexthops: fib.rows.nexthops.zebraIdCount(),
        neighbors: fib.neighbors.size,
        dirty: fib.forwarding.dirtyRoutes,
        lsps: fib.lsps.counts(),
      },
    };
  }

  function puntStatus(counters: PuntCounters | undefined): PuntStatus {
    const sum = (value: (port: PuntCounters['ports'][number]) => number): number =>
      (counters?.ports ?? []).reduce((result, port) => result + value(port), 0);
    const process = punt?.process();
    return {
      mode: config.punt.mode,
      ...(process === undefined ? {} : { process: { ...process, since: process.since.toISOString() } }),
      punted: sum((port) => port.punted),
      injected: sum((port) => port.injected),
      drops: sum((port) => total(port.drops)) + total(counters?.drops ?? {}),
    };
  }

  const backend: Omit<BridgeBackend, 'close'> = {
    async status(): Promise<StatusView> {
      const { fib: fibView, entries } = await fibStatus();
      const audit = parts.audit.last();
      return {
        version: packageVersion(),
        pid: process.pid,
        time: new Moment().toISOString(),
        uptimeSeconds: Math.floor((performance.now() - started) / 1000),
        fpm: fpmStatus(),
        afi: { ...afiStatus(entries), ...(await unknownLabels()) },
        fib: fibView,
        latency: latencyView(fib.forwarding.latencies.buckets()),
        told: latencyView(fib.status.latencies.buckets()),
        punt: puntStatus(await punt?.counters()),
        loop: loop.read(),
        ...(audit === undefined ? {} : { audit }),
        problems: problems(parts, fibView),
      };
    },

    routes: (filter: RouteFilter): AsyncIterable<readonly RouteRow[]> =>
      listRoutes(fib, views, withTapOf(config.ports, filter)),
    vrfs: () => vrfViews(fib, programmer, (port) => tapNames.get(port) ?? String(port)),
    routeSummary: () => summaryView(fib),
    nexthops: (): Iterable<NexthopView> => views.nexthops(),
    neighbors: (): Iterable<NeighborView> => views.neighbors(),

    async *ports(): AsyncGenerator<PortView> {
      const info = isUp() ? await transport.sandboxInfo().catch(() => undefined) : undefined;
      const counters = await punt?.counters();
      for (const port of config.ports) {
        const input = info?.inputPorts.find(({ index }) => index === port.index);
        const output = info?.outputPorts.find(({ index }) => index === port.index);
        const link = fib.interfaces.byName(port.tap);
        const rules = fib.interfaces.rules(port.index);
        const mac = rules?.mac ?? port.mac ?? input?.mac ?? link?.mac;
        const mtu = rules?.mtu ?? port.mtu ?? input?.mtu ?? link?.mtu;
        const punted = counters?.ports.find(({ index }) => index === port.index);
        const [received, sent] = [traffic(input), traffic(output)];
        yield {
          index: port.index,
          tap: port.tap,
          ...(link === undefined ? {} : { ifindex: link.ifindex }),
          ...(mac === undefined ? {} : { mac: formatMac(mac) }),
          ...(mtu === undefined ? {} : { mtu }),
          tapState: link === undefined ? 'absent' : link.up ? 'up' : 'down',
          vasicState: input?.up === undefined ? 'unknown' : input.up ? 'up' : 'down',
          ...(received === undefined ? {} : { input: received }),
          ...(sent === undefined ? {} : { output: sent }),
          ...(input?.engine === undefined ? {} : { engine: engineView(input.engine) }),
          punt: {
            punted: punted?.punted ?? 0,
            injected: punted?.injected ?? 0,
            drops: total(punted?.drops ?? {}),
          },
        };
      }
    },

    tokens: (): AsyncIterable<TokenView> =>
      views.tokens(async (tokens) => {
        const infos = isUp() ? await transport.nodeInfo(tokens).catch(() => []) : [];
        return new Map(infos.map((info) => [info.token, info.references]));
      }),

    async *punt(): AsyncGenerator<PuntReasonView> {
      const ports = config.ports.map(({ index }) => index);
      const infos = isUp() ? await transport.nodeInfo(policerTokens(ports)).catch(() => []) : [];
      yield* puntReasons(config.punt.policers, ports, infos, await punt?.counters());
    },

    lsps: (): AsyncIterable<LspView> => lspViews(lspSources),
    evpn: (): Iterable<EvpnView> => evpnViews(fib),
    sids: (): Iterable<SidView> => sidViews(fib),
    async why(query: WhyQuery): Promise<WhyAnswer> {
      const info = isUp() ? await transport.sandboxInfo().catch(() => undefined) : undefined;
      const names = (info?.outputPorts ?? []).map(
        ({ token, index, name }) => [token, `port ${index} (${tapNames.get(index) ?? name})`] as const,
      );
      const { progress } = parts;
      const options = { fib, programmer, views, kernelNeighbors: config.neighbors.kernel, progress };
      const remedy = isOpen(programmer.connection) ? undefined : transport.failure()?.remedy;
      const context = {
        afi: afiStatus(0).state,
        afiError: afiError(),
        ...(remedy !== undefined && { afiRemedy: remedy }),
        known: lastKnown(programmer.connection),
        afiServer: formatEndpoint(config.afi.server),
        portNames: new Map(names),
      };
      if (!('label' in query)) return whyView(options, query, context);
      const { label } = query;
      return whyLabelView(options, label, await lspNow(lspSources, label), context);
    },

    audit: (query: AuditQuery): Promise<AuditView> => parts.audit.run(query),
    displace: (): void => fpm.displaceNext(),

    trace: (query: TraceQuery): Promise<TraceView> =>
      traceView(
        {
          fib,
          views,
          ports: config.ports,
          inputPorts: async () => (await transport.sandboxInfo()).inputPorts,
          test: (port, frame) => transport.test(port, frame),
          purposes,
        },
        query,
      ),
    graph: (query: GraphQuery): Promise<GraphView> =>
      graphView({ find: (request) => transport.find(request), purposes }, query),

    monitor: (query, signal) => monitor.watch({ ...query, filter: withTapOf(config.ports, query.filter) }, signal),
  };
  const monitor = new Monitor({
    ...{ fib, views },
    status: async () => backend.status(),
    ports: async function* () {
      yield* await backend.ports();
    },
  });
  return {
    ...backend,
    close: () => {
      loop.stop();
      monitor.close();
    },
  };
}
