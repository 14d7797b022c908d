/**
 * The web view over HTTP: the page's files, what it asks for, and samples as they come, all below a path that nobody can guess. Read only, as
 * nothing of it can be posted, and of the control API only what the page needs.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { formatEndpoint, type HostPort } from '../net/endpoint';
import { errorText } from '../net/error-text';
import { closeServer, HTTP_LIMITS, refuse } from '../net/http-limits';
import { listenFault } from '../sys/listen-fault';
import { ANSWERS, statusOf } from './answers';
import { readPage } from './files';
import { GUARDED, refusalOf } from './guard';
import { LiveFeed } from './live-feed';

export interface WebOptions {
  /** The daemon's control socket. */
  readonly socket: string;
  readonly listen: HostPort;
  /** May be asked by other machines. */
  readonly remote: boolean;
  /** Between two samples. */
  readonly intervalMs: number;
}

export interface WebServer {
  /** What to open: it has the key in it. */
  readonly url: string;
  /** Stops listening and ends the connections. */
  close(): Promise<void>;
}

/** Of a few browsers, each with some connections. */
const MAX_CONNECTIONS = 64;
/** A page that takes no events has this much waiting at most; then it misses some. */
const MOST_WAITING = 1024 * 1024;

/** Starts serving. Rejects with a message for the operator when the address can't be listened on. */
export async function startWeb(options: WebOptions): Promise<WebServer> {
  // What the control socket's mode keeps from other users of this machine, the key does here.
  const key = randomBytes(16).toString('base64url');
  const context: Context = {
    ...{ key, options, files: readPage() },
    feed: new LiveFeed(options.socket, options.intervalMs),
  };
  const server = createServer(HTTP_LIMITS, (request, response) => {
    for (const [name, value] of Object.entries(GUARDED)) response.setHeader(name, value);
    if (refuse(request, response)) return;
    void answer(request, response, context);
  });
  server.maxConnections = MAX_CONNECTIONS;
  await bind(server, options.listen);
  const { address: host, port } = server.address() as AddressInfo;
  return {
    url: `http://${formatEndpoint({ host, port })}/${key}/`,
    close: () => closeServer(server),
  };
}

interface Context {
  readonly key: string;
  readonly options: WebOptions;
  readonly files: ReturnType<typeof readPage>;
  readonly feed: LiveFeed;
}

async function answer(request: IncomingMessage, response: ServerResponse, context: Context): Promise<void> {
  const { options, files, feed } = context;
  const refusal = refusalOf(request, options.remote);
  if (refusal !== undefined) {
    if (refusal.status === 405) response.setHeader('allow', 'GET');
    return say(response, refusal.status, `${refusal.text}\n`);
  }
  const [path = '', query = ''] = (request.url ?? '').split('?', 2);
  const [, key = '', name, ...more] = path.split('/');
  if (!isKey(key, context.key) || name === undefined || more.length > 0) {
    return say(response, 404, 'nothing here: open the whole address that fpm2afi web printed, with the key in it\n');
  }
  const file = files.get(name);
  if (file !== undefined) return say(response, 200, file.body, file.type);
  if (name === 'live') return live(response, feed);
  const ask = ANSWERS.get(name);
  if (ask === undefined) return say(response, 404, `no ${name} here\n`);
  const json = 'application/json';
  try {
    say(response, 200, JSON.stringify(await ask(options.socket, new URLSearchParams(query))), json);
  } catch (error) {
    say(response, statusOf(error), JSON.stringify({ error: errorText(error) }), json);
  }
}

function say(
  response: ServerResponse,
  status: number,
  body: string | Buffer,
  type = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, { 'content-type': type }).end(body);
}

/** Samples, until the page goes. One that doesn't read misses some. */
function live(response: ServerResponse, feed: LiveFeed): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
  const end = feed.listen((event) => {
    if (response.writableLength < MOST_WAITING) response.write(event);
  });
  response.on('close', end);
}

/** Compared in the same time whatever is wrong with it. */
function isKey(text: string, key: string): boolean {
  const [given, wanted] = [Buffer.from(text), Buffer.from(key)];
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function bind(server: Server, listen: HostPort): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const fault = listenFault(error, listen);
      reject(new Error(`cannot listen on ${formatEndpoint(listen)} (--listen): ${fault}`, { cause: error }));
    });
    server.listen(listen.port, listen.host, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}
