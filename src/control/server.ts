/**
 * The control API: HTTP over a Unix socket, read only but for what is posted: `/v1/audit`, which repairs, `/v1/reload`,
 * `/v1/debug`, and `/v1/displace`, which gives zebra's place to the next FPM connection. `GET /v1/status` is one JSON object, `GET /v1/<list>` a JSON array,
 * or with `?stream=1` one object a line (NDJSON). It runs on the bridge's event loop, so a list is written in portions
 * with a turn of the loop between them, and no faster than the reader takes it: a million routes cost neither memory nor
 * anybody's turn. Who may ask is the socket's file mode (0660).
 */
import { chmodSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { errorText } from '../net/error-text';
import { closeServer, HTTP_LIMITS, refuse } from '../net/http-limits';
import { listenUnix } from '../net/unix-socket';
import type { Logger } from '../observe/log';
import { peerCredentials, processText } from '../sys/peer-credentials';
import { WHOLE } from './answers';
import { parseDebug } from './debug-query';
import { parseTrace, parseWhy } from './explain-query';
import { parseGraph } from './graph-query';
import { parseFilter, parseMonitor, RequestError } from './filter';
import type { MonitorQuery } from './monitor-types';
import { LISTS } from './types';
import type { ControlBackend } from './backend';
import type { ListName, Listing, RouteRest, RouteRow } from './types';

/** Rows between two turns of the event loop. */
const PORTION = 200;
/** Items written at a time: a text longer than a hundred kilobytes would be memory that is given back late. */
const PIECE = 200;

/** Of operators, monitors and web views; less than would use up the daemon's descriptors. */
const MAX_CONNECTIONS = 256;

export interface ControlServer {
  /** Stops listening, ends the connections and removes the socket file. */
  close(): Promise<void>;
}

/** How soon to look again whether there is room for the socket. */
const AGAIN_MS = 2000;

/**
 * Starts serving `backend` at the path `socket`. The directory is made if missing; a socket file that a dead process left
 * is replaced. Rejects with a message for the operator when the path can't be used or a live process answers there. Where there is only no
 * room for the file, as /run is full, it is made later: routes don't wait for those who ask.
 */
export async function startControlServer(socket: string, backend: ControlBackend, log: Logger): Promise<ControlServer> {
  const server = createServer(HTTP_LIMITS, (request, response) => {
    if (refuse(request, response)) return;
    answer(request, response, backend).catch((error: unknown) => {
      fail(response, error, log);
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  const failed = (error: unknown): void => log.error('control socket failed', { code: 'control-socket-failed', error });
  let again: NodeJS.Timeout | undefined;
  let closed = false;
  const listen = async (): Promise<void> => {
    await listenUnix(server, socket, (holder) => {
      const by = peerCredentials(holder);
      const who = by === undefined ? 'another fpm2afi' : processText(by.pid);
      return `${who} is running and answers there: stop it; for a second vASIC, give this one another path`;
    });
    chmodSync(socket, 0o660);
    server.on('error', failed);
    log.info('control socket ready', { socket });
    if (closed) server.close();
  };
  const listenLater = (): void => {
    if (closed) return;
    again = setTimeout(() => {
      listen().catch((error: unknown) => {
        if (isFull(error)) listenLater();
        else failed(error);
      });
    }, AGAIN_MS);
  };
  try {
    await listen();
  } catch (error) {
    if (!isFull(error)) {
      server.close();
      throw new Error(`control.socket ${socket}: ${(error as Error).message}`, { cause: error });
    }
    failed(error);
    listenLater();
  }
  return {
    close: () => {
      closed = true;
      clearTimeout(again);
      return closeServer(server);
    },
  };
}

function isFull(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOSPC';
}

async function answer(request: IncomingMessage, response: ServerResponse, backend: ControlBackend): Promise<void> {
  const url = urlOf(request.url ?? '/');
  const name = /^\/v1\/([a-z]+)$/.exec(url.pathname)?.[1];
  const isPost = request.method === 'POST' && POSTED.some((posted) => posted === name);
  if (request.method !== 'GET' && !isPost) {
    const paths = POSTED.map((posted) => `/v1/${posted}`).join(', ');
    throw new RequestError(405, `${String(request.method)}: only GET is served, and POST of ${paths}`);
  }
  const makeObject = isPost ? actionOf(name, url.searchParams, backend) : objectOf(name, url.searchParams, backend);
  if (makeObject !== undefined) {
    const body = JSON.stringify(await makeObject());
    response.writeHead(200, { 'content-type': 'application/json' }).end(`${body}\n`);
    return;
  }
  if (name === 'monitor') return writeEvents(response, backend, parseMonitor(url.searchParams));
  const list = LISTS.find((known) => known === name);
  if (list === undefined) {
    const known = [...WHOLE, 'monitor', ...LISTS].map((item) => `/v1/${item}`).join(', ');
    throw new RequestError(404, `no ${url.pathname} here, but ${known}`);
  }
  const { filter, stream } = parseFilter(url.searchParams, list);
  const portions = list === 'routes' ? routePortions(backend.routes(filter)) : portionsOf(await rowsOf(backend, list));
  await writeRows(response, portions, stream, filter.limit ?? Infinity);
}

/** Items as JSON, a portion between two turns of the event loop. */
type Portions = AsyncIterable<readonly string[]>;

/** What many routes have in common is written once for all of a portion. */
async function* routePortions(rows: AsyncIterable<readonly RouteRow[]>): Portions {
  for await (const portion of rows) {
    const texts = new Map<RouteRest, string>();
    yield portion.map(({ prefix, rest }) => {
      let text = texts.get(rest);
      if (text === undefined) texts.set(rest, (text = JSON.stringify(rest).slice(1)));
      return `{"prefix":"${prefix}",${text}`;
    });
  }
}

async function* portionsOf(rows: Listing<object>): Portions {
  let portion: string[] = [];
  for await (const row of rows) {
    if (portion.push(JSON.stringify(row)) < PORTION) continue;
    yield portion;
    portion = [];
    await nextTurn();
  }
  yield portion;
}

/** A path as it came: `//` and the like are no URL. */
function urlOf(path: string): URL {
  try {
    return new URL(path, 'http://fpm2afi');
  } catch {
    throw new RequestError(400, `${JSON.stringify(path)} is no path`);
  }
}

/** What can be posted. */
const POSTED = ['audit', 'debug', 'displace', 'reload'] as const;

/** What does one of them. */
function actionOf(
  name: string | undefined,
  query: URLSearchParams,
  backend: ControlBackend,
): () => object | Promise<object> {
  switch (name) {
    case 'debug':
      return () => backend.debug(parseDebug(query));
    case 'audit':
      return () => backend.audit({ repair: true });
    case 'reload':
      return () => backend.reload();
    default:
      return async () => (await backend.displace(), { displaces: true });
  }
}

/** What makes the answer of one object; undefined: nothing of that name. */
function objectOf(
  name: string | undefined,
  query: URLSearchParams,
  backend: ControlBackend,
): (() => object | Promise<object>) | undefined {
  switch (name) {
    case 'status':
      return () => backend.status();
    case 'audit':
      return () => backend.audit({ repair: false });
    case 'debug':
      return () => backend.debug();
    case 'summary':
      return () => backend.routeSummary();
    case 'why':
      return () => backend.why(parseWhy(query));
    case 'trace':
      return () => backend.trace(parseTrace(query));
    case 'graph':
      return () => backend.graph(parseGraph(query));
    default:
      return undefined;
  }
}

async function rowsOf(backend: ControlBackend, list: Exclude<ListName, 'routes'>): Promise<Listing<object>> {
  switch (list) {
    case 'vrfs':
      return await backend.vrfs();
    case 'nexthops':
      return backend.nexthops();
    case 'neighbors':
      return backend.neighbors();
    case 'ports':
      return backend.ports();
    case 'tokens':
      return backend.tokens();
    case 'lsps':
      return backend.lsps();
    case 'evpn':
      return backend.evpn();
    case 'sids':
      return backend.sids();
    case 'punt':
      return backend.punt();
  }
}

/** Writes a list, no faster than the reader takes it; a reader that is gone ends it. */
async function writeRows(response: ServerResponse, portions: Portions, stream: boolean, limit: number): Promise<void> {
  const between = stream ? '\n' : ',\n';
  let written = 0;
  const begin = (): void => {
    if (response.headersSent) return;
    response.writeHead(200, { 'content-type': stream ? 'application/x-ndjson' : 'application/json' });
    if (!stream) response.write('[');
  };
  for await (const portion of limit > 0 ? portions : []) {
    if (response.destroyed) return;
    begin();
    const items = portion.length > limit - written ? portion.slice(0, limit - written) : portion;
    if (items.length === 0) continue;
    for (let from = 0; from < items.length; from += PIECE) {
      const before = written + from === 0 ? (stream ? '' : '\n') : between;
      response.write(before + items.slice(from, from + PIECE).join(between));
    }
    written += items.length;
    if (response.writableNeedDrain) await drained(response);
    if (written >= limit) break;
  }
  begin();
  response.end(stream ? (written === 0 ? '' : '\n') : written === 0 ? ']\n' : '\n]\n');
}

/** What changes, a JSON object a line, until the reader goes. What it doesn't take isn't made. */
async function writeEvents(response: ServerResponse, backend: ControlBackend, query: MonitorQuery): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  for await (const events of backend.monitor(query, gone.signal)) {
    if (!response.headersSent) {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      response.flushHeaders();
    }
    for (const event of events) response.write(`${JSON.stringify(event)}\n`);
    if (response.writableNeedDrain) await drained(response);
  }
  response.end();
}

/** Resolves when the reader has caught up, or is gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
    if (response.destroyed) done();
  });
}

function fail(response: ServerResponse, error: unknown, log: Logger): void {
  const status = error instanceof RequestError ? error.status : 500;
  const message = errorText(error);
  if (status === 500) log.error('control request failed', { code: 'control-request-failed', error: message });
  // An answer cut short is the only way left to say so once it has begun.
  if (response.headersSent) response.destroy();
  else
    response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify({ error: message })}\n`);
}
