/**
 * The gRPC channel of one session: where it leads, how a dead peer is found, and how it is closed.
 *
 * Closed hard: what the kernel still has to send is thrown away, and the server told with a reset. An ordinary close would
 * have the kernel go on for minutes to deliver operations of a session that is over.
 */
import type { Socket } from 'node:net';
import * as grpc from '@grpc/grpc-js';
import { MAX_MESSAGE_BYTES } from '../aft/service';
import { resetSocket } from '../net/reset';

/** A peer that answers no ping within so long after one so long after the last sign of life is dead: found in 4 s. */
export const KEEPALIVE_MS = 2000;

export interface Channel {
  readonly client: grpc.Client;
  /** At once, whatever is under way. */
  close(): void;
}

/** The part of grpc-js's credentials that connects: it is handed the socket. */
interface Connector {
  connect(socket: Socket): Promise<unknown>;
}
interface ConnectorSource {
  _createSecureConnector(...options: readonly unknown[]): Connector;
}

/** Has the credentials tell of each socket that a channel uses. */
function watchSockets(credentials: grpc.ChannelCredentials, opened: (socket: Socket) => void): void {
  const source = credentials as unknown as ConnectorSource;
  const create = source._createSecureConnector.bind(source);
  source._createSecureConnector = (...options) => {
    const connector = create(...options);
    const connect = connector.connect.bind(connector);
    connector.connect = (socket) => {
      opened(socket);
      return connect(socket);
    };
    return connector;
  };
}

/** Opens a channel to an address as gRPC writes it. `credentials` must not be used for another one. */
export function openChannel(
  address: string,
  credentials: grpc.ChannelCredentials,
  more: grpc.ChannelOptions = {},
): Channel {
  const sockets = new Set<Socket>();
  let closed = false;
  watchSockets(credentials, (socket) => {
    if (closed) return resetSocket(socket);
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const client = new grpc.Client(address, credentials, {
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_MS,
    'grpc.keepalive_permit_without_calls': 1,
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    'grpc.enable_http_proxy': 0,
    'grpc.enable_retries': 0,
    // A fresh session must not inherit the back-off of the last one's channel.
    'grpc.use_local_subchannel_pool': 1,
    ...more,
  });
  return {
    client,
    close() {
      closed = true;
      client.close();
      for (const socket of sockets) resetSocket(socket);
    },
  };
}

/**
 * A gRPC failure as people read it: what happened, then the status in brackets. The same failure gives the same text, so
 * details that change from time to time are left out.
 */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (!('code' in error && 'details' in error)) return error.message;
  const { code, details } = error as grpc.ServiceError;
  const refused = /\bE[A-Z]{4,}\b/.exec(details)?.[0];
  let what = details;
  if (refused === 'ECONNREFUSED') what = 'connection refused: is the AFI server running there?';
  else if (refused !== undefined) what = `connection failed with ${refused}`;
  else if (code === grpc.status.DEADLINE_EXCEEDED) what = 'no answer in time';
  else if (code === grpc.status.ABORTED) what = `another session has the sandbox: ${details}`;
  else if (details === 'Connection dropped') what = 'the connection broke, or keepalive went unanswered';
  return `${what} [${grpc.status[code]}]`;
}

/** The same for a packet that wasn't traced. */
export function testFailure(error: unknown, address: string): string {
  const { code, details } = error as Partial<grpc.ServiceError>;
  if (code === grpc.status.UNIMPLEMENTED) {
    return `the AFI server at ${address} cannot trace packets: it doesn't have the rpc Test`;
  }
  return `the AFI server at ${address} didn't trace the packet: ${details ?? explain(error)}`;
}
