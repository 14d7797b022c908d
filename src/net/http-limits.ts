/** What a server of HTTP takes from whoever connects, and its end: for servers whose requests are a line and some headers, and nothing else. */
import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * A connection without a whole request is ended within seconds, so that those who only stand there keep nobody out for long; headers are at most
 * 16 KiB (431).
 */
export const HTTP_LIMITS: ServerOptions = {
  headersTimeout: 5000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 2000,
  maxHeaderSize: 16 * 1024,
};

const answering = new WeakSet<Socket>();

/** Ends the connection of a request that no server here takes: one sent before the one before it is answered, or with a body. Returns whether it is such. */
export function refuse(request: IncomingMessage, response: ServerResponse): boolean {
  return refusePipelined(request, response) || refuseBody(request, response);
}

/** Node would begin with all requests in a piece of the stream, thousands of them, and keep their answers. */
function refusePipelined({ socket }: IncomingMessage, response: ServerResponse): boolean {
  if (answering.has(socket)) {
    socket.destroy();
    return true;
  }
  answering.add(socket);
  response.once('close', () => answering.delete(socket));
  return false;
}

/** A request with a body is answered with 413: Node would read it to its end, however long. */
function refuseBody(request: IncomingMessage, response: ServerResponse): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  if (encoding === undefined && (length === undefined || length === '0')) return false;
  response.writeHead(413, { 'content-type': 'text/plain', connection: 'close' });
  response.end('no request here has a body\n', () => request.socket.destroy());
  return true;
}

/** Ends a server and all of its connections; resolves when none is left. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
