/**
 * The Prometheus exporter: `GET /metrics` over HTTP. A scrape reads what the control API reads, on the bridge's event loop, which the
 * backend leaves to others between portions of a large table; scrapes that come together share one reading.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { Gauge, Registry } from 'prom-client';
import { errorText } from '../net/error-text';
import { formatEndpoint, type HostPort } from '../net/endpoint';
import type { ControlBackend } from '../control/backend';
import { closeServer, HTTP_LIMITS, refuse } from '../net/http-limits';
import type { Logger } from '../observe/log';
import { listenFault } from '../sys/listen-fault';
import { METRICS } from './metrics';
import type { Snapshot } from './metrics';

/** What a scrape reads. */
export type MetricsSource = Pick<ControlBackend, 'status' | 'ports' | 'punt' | 'vrfs'>;

export interface MetricsServer {
  /** The address listened on; of use with port 0. */
  readonly address: HostPort;
  /** Stops listening and ends the connections. */
  close(): Promise<void>;
}

/** More than any number of Prometheus servers needs, and less than would use up the daemon's descriptors. */
const MAX_CONNECTIONS = 64;

/**
 * The library's own metrics that are worth having. Its event loop's would double ours, its handles and resources mean nothing to an
 * operator, and of the garbage collections of one turn of the loop it counts the first only.
 */
const OF_PROCESS = /^(process_|nodejs_heap_size_|nodejs_external_memory_|nodejs_version_)/;

/** Starts serving. Rejects with a message for the operator when the address can't be listened on. */
export async function startMetricsServer(listen: HostPort, source: MetricsSource, log: Logger): Promise<MetricsServer> {
  let snapshot: Snapshot | undefined;
  const registry = await createRegistry(() => snapshot!);
  let reading: Promise<string> | undefined;
  const read = async (): Promise<string> => {
    const [status, ports, punt, vrfs] = await Promise.all([
      source.status(),
      all(source.ports()),
      all(source.punt()),
      source.vrfs(),
    ]);
    snapshot = { status, ports, punt, vrfs, busySeconds: performance.eventLoopUtilization().active / 1000 };
    return registry.metrics();
  };
  const scrape = (): Promise<string> => {
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  };
  const server = createServer(HTTP_LIMITS, (request, response) => {
    if (refuse(request, response)) return;
    void answer(request, response, { scrape, type: registry.contentType, log });
  });
  server.maxConnections = MAX_CONNECTIONS;
  await bind(server, listen);
  server.on('error', (error) => {
    log.error('accepting a scrape failed', { code: 'metrics-accept-failed', error });
  });
  const { address: host, port } = server.address() as AddressInfo;
  log.info('metrics ready', { host, port });
  return {
    address: { host, port },
    close: () => closeServer(server),
  };
}

/** All metrics, ours with the values of `snapshot`. */
async function createRegistry(snapshot: () => Snapshot): Promise<Registry> {
  // Loaded here, as it takes 12 MB that those who don't want it shouldn't pay for.
  const { collectDefaultMetrics, Registry } = await import('prom-client');
  const registry = new Registry();
  for (const { name, help, type, samples } of METRICS) {
    const get = (): Promise<object> => Promise.resolve({ name, help, type, values: samples(snapshot()) });
    // All that a registry asks of a metric; the library's counters and histograms can't be set to what was counted elsewhere.
    registry.registerMetric({ name, get } as unknown as Gauge);
  }
  // It measures the event loop even so: as seldom as possible.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 1000 });
  for (const { name } of registry.getMetricsAsArray()) {
    if (!name.startsWith('fpm2afi_') && !OF_PROCESS.test(name)) registry.removeSingleMetric(name);
  }
  return registry;
}

async function all<T>(items: Iterable<T> | AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

function bind(server: Server, { host, port }: HostPort): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const where = `${formatEndpoint({ host, port })} (metrics.listen)`;
      reject(
        new Error(`cannot listen for Prometheus on ${where}: ${listenFault(error, { host, port })}`, { cause: error }),
      );
    });
    server.listen(port, host, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

interface Answering {
  readonly scrape: () => Promise<string>;
  readonly type: string;
  readonly log: Logger;
}

async function answer(
  { method, url }: IncomingMessage,
  response: ServerResponse,
  { scrape, type, log }: Answering,
): Promise<void> {
  const say = (status: number, text: string, headers: Readonly<Record<string, string>> = {}): void => {
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...headers }).end(text);
  };
  if (method !== 'GET') return say(405, `${String(method)}: only GET is served\n`, { allow: 'GET' });
  if (url?.split('?', 1)[0] !== '/metrics') return say(404, 'nothing here, but /metrics\n');
  try {
    say(200, await scrape(), { 'content-type': type });
  } catch (error) {
    const reason = errorText(error);
    log.error('a scrape failed', { code: 'metrics-scrape-failed', error: reason });
    say(500, `${reason}\n`);
  }
}
