/**
 * Where AFI clients connect: a TCP port, with TLS or without, or a Unix socket. Each connection is looked at before HTTP/2 gets it: is there
 * a place for it, does it speak what is spoken here. Whoever is sent away is told of in the log, with what to do if that was the bridge.
 *
 * Certificates are read again when a connection comes and a file has changed since; with new ones that can't be used, the old ones stay.
 */
import { chmodSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer, type TLSSocket } from 'node:tls';
import { formatEndpoint, isUnix, type Endpoint } from '../../net/endpoint';
import { errorText } from '../../net/error-text';
import { resetSocket } from '../../net/reset';
import { isUntrusted } from '../../net/tls-faults';
import { loadTls, stampOf, type TlsFiles } from '../../net/tls-files';
import { listenUnix } from '../../net/unix-socket';
import { limitLog } from '../../observe/limited-log';
import type { Logger } from '../../observe/log';
import { listenFault } from '../../sys/listen-fault';
import { peerCredentials, processText } from '../../sys/peer-credentials';
import { MAX_CONNECTIONS, type Connections } from './connections';

/** The server's own certificate, and with `ca` (--tls-client-ca) who must have signed the client's. */
export type ServerTls = TlsFiles & Required<Pick<TlsFiles, 'identity'>>;

export interface ListenerParts {
  readonly endpoint: Endpoint;
  readonly tls: ServerTls | undefined;
  readonly connections: Connections;
  readonly log: Logger;
  /** Speaks HTTP/2 with it. */
  serve(socket: Socket): void;
}

export interface Listener {
  /** The TCP port, where the configured one was 0; 0 of a Unix socket. */
  readonly port: number;
  /** Takes no more connections. */
  close(): void;
}

/** A client has to say something within so long, and TLS has to stand within so long after that. */
const FIRST_BYTE_MS = 5000;
/** The first byte of a TLS record that holds a ClientHello (RFC 8446, section 5.1). */
const TLS_HANDSHAKE = 0x16;

/**
 * Listens.
 * @throws Error for the operator: who has the address already, what is wrong with the files
 */
export async function openListener(parts: ListenerParts): Promise<Listener> {
  const { endpoint, tls, connections, serve } = parts;
  const log = limitLog(parts.log);
  const secure = tls && tlsServer(tls, log, serve);
  let count = 0;

  function accept(socket: Socket): void {
    socket.on('error', (error) => log.debug('a connection broke', { reason: error.message }));
    const name = nameOf(socket, endpoint, ++count);
    if (name === undefined) return resetSocket(socket);
    if (!connections.admit(name, () => resetSocket(socket))) {
      log.warn(`a client was refused: ${MAX_CONNECTIONS} others are connected, each with a call open`, {
        code: 'vasic-client-refused',
        client: name,
      });
      return resetSocket(socket);
    }
    socket.once('close', () => connections.left(name));
    socket.setTimeout(FIRST_BYTE_MS, () => {
      log.warn(`a client was disconnected: it said nothing for ${FIRST_BYTE_MS / 1000} s`, {
        code: 'vasic-client-silent',
        client: name,
      });
      resetSocket(socket);
    });
    socket.once('readable', () => {
      const first = socket.read(1) as Buffer | null;
      if (first === null) return;
      socket.setTimeout(0);
      socket.unshift(first);
      const speaksTls = first[0] === TLS_HANDSHAKE;
      if (speaksTls !== (secure !== undefined)) {
        log.warn(
          speaksTls
            ? 'a client was refused: it speaks TLS, and this server does not: leave out afi.tls there, or give --tls-cert and --tls-key here'
            : 'a client was refused: it speaks no TLS, and this server does: set afi.tls.ca there',
          { code: 'vasic-client-tls', client: name },
        );
        socket.destroy();
      } else if (secure === undefined) serve(socket);
      else secure.take(socket);
    });
  }

  const server = createServer(accept);
  const port = await listen(server, endpoint);
  return {
    port,
    close: () => server.close(),
  };
}

/** As gRPC's getPeer tells it, which it takes from `remoteAddress`: that of a Unix socket is made up of who is there. Undefined: gone. */
function nameOf(socket: Socket, endpoint: Endpoint, number: number): string | undefined {
  if (!isUnix(endpoint)) {
    const { remoteAddress, remotePort } = socket;
    return remoteAddress === undefined ? undefined : `${remoteAddress}:${remotePort}`;
  }
  const peer = peerCredentials(socket);
  const name = `${peer === undefined ? 'unknown' : `${processText(peer.pid)} of uid ${peer.uid}`}, connection ${number}`;
  Object.defineProperty(socket, 'remoteAddress', { value: name });
  return name;
}

async function listen(server: Server, endpoint: Endpoint): Promise<number> {
  const where = `cannot listen on ${formatEndpoint(endpoint)} (--listen)`;
  try {
    if (isUnix(endpoint)) {
      await listenUnix(server, endpoint.path, (holder) => {
        const by = peerCredentials(holder);
        return `${by === undefined ? 'somebody' : processText(by.pid)} listens there: stop that one, or choose another path`;
      });
      // Whoever may connect can program the vASIC: its user and group.
      chmodSync(endpoint.path, 0o660);
      return 0;
    }
    return await listenTcp(server, endpoint);
  } catch (error) {
    server.close();
    throw new Error(`${where}: ${reasonOf(error as NodeJS.ErrnoException, endpoint)}`, { cause: error });
  }
}

function listenTcp(server: Server, { host, port }: { readonly host: string; readonly port: number }): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve((server.address() as { readonly port: number }).port);
    });
  });
}

function reasonOf(error: NodeJS.ErrnoException, endpoint: Endpoint): string {
  if (!isUnix(endpoint)) return listenFault(error, endpoint);
  switch (error.code) {
    case 'EACCES':
    case 'EPERM':
      return `uid ${process.geteuid!()} may not write in that folder (${error.code}): choose another one, or run as root`;
    default:
      return errorText(error);
  }
}

interface TlsTaker {
  take(socket: Socket): void;
}

/** Why TLS with a client came to nothing, and what to do if that was the bridge. */
function tlsReason(error: NodeJS.ErrnoException, socket: TLSSocket): string {
  // Node checks after the handshake, and then tells only the socket.
  const code = (socket.authorizationError as unknown as string | null | undefined) ?? error.code ?? '';
  if (isUntrusted(code))
    return "its certificate isn't signed by the CA of --tls-client-ca: have one made by that, or add the other CA to the file";
  switch (code) {
    case 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE':
      return 'it sent no certificate, and --tls-client-ca asks for one: set afi.tls.cert and afi.tls.key there';
    case 'CERT_HAS_EXPIRED':
      return 'its certificate has expired: renew afi.tls.cert there, or set the clock of this machine';
    case 'CERT_NOT_YET_VALID':
      return 'its certificate is not valid yet: set the clock of this machine, or of the one that signed it';
    case 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA':
      return 'it does not know the CA of --tls-cert: set afi.tls.ca there';
    case 'ERR_TLS_HANDSHAKE_TIMEOUT':
      return `TLS did not stand within ${FIRST_BYTE_MS / 1000} s`;
    default:
      return `TLS with it failed: ${error.message}`;
  }
}

/** @throws OperatorError about the files */
function tlsServer(files: ServerTls, log: Logger, serve: (socket: Socket) => void): TlsTaker {
  let stamp = stampOf(files);
  const loaded = loadTls(files);
  if (loaded.doubt !== undefined)
    log.warn(`clients will refuse this server: ${loaded.doubt}`, { code: 'vasic-certificate' });
  const server: TlsServer = createTlsServer({
    ...{ ALPNProtocols: ['h2'], handshakeTimeout: FIRST_BYTE_MS, ...loaded.options },
    requestCert: files.ca !== undefined,
    rejectUnauthorized: files.ca !== undefined,
  });
  server.on('secureConnection', (socket: TLSSocket) => {
    socket.on('error', (error) => log.debug('a connection broke', { reason: error.message }));
    serve(socket);
  });
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    log.warn(`a client was refused: ${tlsReason(error, socket)}`, {
      code: 'vasic-client-tls',
      client: socket.remoteAddress,
    });
    socket.destroy();
  });

  function refresh(): void {
    const now = stampOf(files);
    if (now === stamp) return;
    stamp = now;
    try {
      const { options, doubt } = loadTls(files);
      server.setSecureContext(options);
      log.info('the TLS certificates have changed: connections from now on have the new ones');
      if (doubt !== undefined) log.warn(`clients will refuse this server: ${doubt}`, { code: 'vasic-certificate' });
    } catch (error) {
      log.error(
        `the TLS certificates have changed and can't be used, the old ones stay in force: ${errorText(error)}`,
        { code: 'vasic-certificate' },
      );
    }
  }
  return {
    take(socket) {
      refresh();
      server.emit('connection', socket);
    },
  };
}
