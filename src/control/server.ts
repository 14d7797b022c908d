/**
 * The control API: HTTP over a Unix socket, read only but for `POST /v1/audit`, which repairs. `GET /v1/status` is one JSON object, `GET /v1/<list>` a JSON array,
 * or with `?stream=1` one object a line (NDJSON). It runs on the bridge's event loop, so a list is written in portions
 * with a turn of the loop between them, and no faster than the reader takes it: a million routes cost neither memory nor
 * anybody's turn. Who may ask is the socket's file mode (0660).
 */
import { chmodSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { errorText } from '../net/error-text';
import type { Logger } from '../observe/log';
import { parseTrace, parseWhy } from './explain-query';
import { parseFilter, RequestError, routeMatches } from './filter';
import { LISTS } from './types';
import type { ControlBackend } from './backend';
import type { ListName, Listing, RouteFilter } from './types';

/** Rows between two turns of the event loop. */
const PORTION = 200;

export interface ControlServer {
  /** Stops listening, ends the connections and removes the socket file. */
  close(): Promise<void>;
}

/**
 * Starts serving `backend` at the path `socket`. The directory is made if missing; a socket file that a dead process left
 * is replaced. Rejects with a message for the operator when the path can't be used or a live process answers there.
 */
export async function startControlServer(socket: string, backend: ControlBackend, log: Logger): Promise<ControlServer> {
  const server = createServer((request, response) => {
    answer(request, response, backend).catch((error: unknown) => {
      fail(response, error, log);
    });
  });
  try {
    mkdirSync(dirname(socket), { recursive: true, mode: 0o755 });
    await listen(server, socket);
    chmodSync(socket, 0o660);
  } catch (error) {
    server.close();
    throw new Error(`control.socket ${socket}: ${(error as Error).message}`, { cause: error });
  }
  server.on('error', (error) => {
    log.error('control socket failed', { error });
  });
  log.info('control socket ready', { socket });
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function listen(server: Server, socket: string): Promise<void> {
  try {
    await bind(server, socket);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    if (!lstatSync(socket).isSocket()) {
      throw new Error('this file exists and is no socket; remove it or choose another path', { cause: error });
    }
    if (await someoneAnswers(socket)) {
      throw new Error('another fpm2afi is running and answers there; stop it, or give this one another path', {
        cause: error,
      });
    }
    unlinkSync(socket);
    await bind(server, socket);
  }
}

function bind(server: Server, socket: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(socket, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function someoneAnswers(socket: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = connect(socket, () => {
      probe.destroy();
      resolve(true);
    });
    probe.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false);
      else reject(error);
    });
  });
}

async function answer(request: IncomingMessage, response: ServerResponse, backend: ControlBackend): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://fpm2afi');
  const name = /^\/v1\/([a-z]+)$/.exec(url.pathname)?.[1];
  const repair = request.method === 'POST' && name === 'audit';
  if (request.method !== 'GET' && !repair) {
    throw new RequestError(405, `${String(request.method)}: only GET is served, and POST of /v1/audit`);
  }
  const makeObject = name === 'audit' ? () => backend.audit({ repair }) : objectOf(name, url.searchParams, backend);
  if (makeObject !== undefined) {
    const body = JSON.stringify(await makeObject());
    response.writeHead(200, { 'content-type': 'application/json' }).end(`${body}\n`);
    return;
  }
  const list = LISTS.find((known) => known === name);
  if (list === undefined) {
    const known = ['status', 'why', 'trace', 'audit', ...LISTS].map((item) => `/v1/${item}`).join(', ');
    throw new RequestError(404, `no ${url.pathname} here, but ${known}`);
  }
  const { filter, stream } = parseFilter(url.searchParams, list);
  await writeRows(
    response,
    rowsOf(backend, list, filter),
    stream,
    (row) => {
      return list !== 'routes' || routeMatches(row as Parameters<typeof routeMatches>[0], filter);
    },
    filter.limit ?? Infinity,
  );
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
    case 'why':
      return () => backend.why(parseWhy(query));
    case 'trace':
      return () => backend.trace(parseTrace(query));
    default:
      return undefined;
  }
}

function rowsOf(backend: ControlBackend, list: ListName, filter: RouteFilter): Listing<object> {
  switch (list) {
    case 'routes':
      return backend.routes(filter);
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

async function writeRows(
  response: ServerResponse,
  rows: Listing<object>,
  stream: boolean,
  wanted: (row: object) => boolean,
  limit: number,
): Promise<void> {
  let text = stream ? '' : '[';
  let seen = 0;
  let written = 0;
  const flush = async (): Promise<void> => {
    if (!response.headersSent) {
      response.writeHead(200, { 'content-type': stream ? 'application/x-ndjson' : 'application/json' });
    }
    if (text !== '' && !response.write(text)) await drained(response);
    text = '';
    await nextTurn();
  };
  if (limit > 0) {
    for await (const row of rows) {
      if (wanted(row)) {
        const before = stream ? '' : written === 0 ? '\n' : ',\n';
        text += `${before}${JSON.stringify(row)}${stream ? '\n' : ''}`;
        if (++written >= limit) break;
      }
      if (++seen % PORTION === 0) await flush();
      if (response.destroyed) return;
    }
  }
  await flush();
  response.end(stream ? '' : written === 0 ? ']\n' : '\n]\n');
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
  if (status === 500) log.error('control request failed', { error: message });
  // An answer cut short is the only way left to say so once it has begun.
  if (response.headersSent) response.destroy();
  else
    response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify({ error: message })}\n`);
}
