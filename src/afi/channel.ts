/**
 * The gRPC channel of one session: where it leads, how a dead peer is found, and how it is closed.
 *
 * Closed hard: what the kernel still has to send is thrown away, and the server told with a reset. An ordinary close would
 * have the kernel go on for minutes to deliver operations of a session that is over.
 */
import type { Socket } from 'node:net';
import * as grpc from '@grpc/grpc-js';
import { MAX_MESSAGE_BYTES } from '../aft/service';
import type { AfiTls } from '../config/types';
import { formatEndpoint, type Endpoint } from '../net/endpoint';
import { resetSocket } from '../net/reset';
import { tlsClient, type TlsClient } from './tls-connection';

/** A peer that answers no ping within so long after one so long after the last sign of life is dead: found in 4 s. */
export const KEEPALIVE_MS = 2000;

export interface Channel {
  readonly client: grpc.Client;
  /** Why no connection came about, or how TLS broke; undefined: none of that. */
  readonly failure: NodeJS.ErrnoException | undefined;
  /** A connection stood, and TLS with it. */
  readonly connected: boolean;
  /** At once, whatever is under way. */
  close(): void;
}

/** The part of grpc-js's credentials that connects: it is handed the socket. */
interface Connector {
  connect(socket: Socket): Promise<{ readonly socket: Socket; readonly secure: boolean }>;
}
interface ConnectorSource {
  _createSecureConnector(...options: readonly unknown[]): Connector;
}

interface Watcher {
  opened(socket: Socket): void;
  /** `socket`: what HTTP/2 runs on. */
  secured(socket: Socket): void;
  failed(error: Error): void;
}

/** Credentials that tell of each socket that a channel uses. */
function watchedCredentials(tls: TlsClient | undefined, watcher: Watcher): grpc.ChannelCredentials {
  const credentials = grpc.credentials.createInsecure();
  const source = credentials as unknown as ConnectorSource;
  const create = source._createSecureConnector.bind(source);
  source._createSecureConnector = (...options) => {
    const connector = create(...options);
    const connect = connector.connect.bind(connector);
    connector.connect = async (socket) => {
      watcher.opened(socket);
      try {
        const connected =
          tls === undefined ? await connect(socket) : { socket: await tls.connect(socket), secure: true };
        watcher.secured(connected.socket);
        return connected;
      } catch (error) {
        watcher.failed(error as Error);
        throw error;
      }
    };
    return connector;
  };
  return credentials;
}

/**
 * Opens a channel to an AFI server. The files of `tls` are read now.
 * @throws OperatorError about them
 */
export function openChannel(server: Endpoint, tls?: AfiTls): Channel {
  const secure = tlsClient(tls, server);
  const sockets = new Set<Socket>();
  let closed = false;
  let connected = false;
  let failure: NodeJS.ErrnoException | undefined;
  const credentials = watchedCredentials(secure, {
    opened(socket) {
      if (closed) return resetSocket(socket);
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    },
    secured(socket) {
      connected = true;
      // TLS 1.3 stands for the client before the server has looked at its certificate.
      socket.on('error', (error) => (failure ??= error));
    },
    failed: (error) => (failure = error),
  });
  const client = new grpc.Client(formatEndpoint(server), credentials, {
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_MS,
    'grpc.keepalive_permit_without_calls': 1,
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    'grpc.enable_http_proxy': 0,
    'grpc.enable_retries': 0,
    // A fresh session must not inherit the back-off of the last one's channel.
    'grpc.use_local_subchannel_pool': 1,
  });
  return {
    client,
    get failure() {
      return failure;
    },
    get connected() {
      return connected;
    },
    close() {
      closed = true;
      client.close();
      for (const socket of sockets) resetSocket(socket);
    },
  };
}
