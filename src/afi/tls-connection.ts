/** TLS over a connection to the AFI server: who answers must have a certificate of the configured CA, for the name that was asked for. */
import { isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import type { AfiTls } from '../config/types';
import { isUnix, type Endpoint } from '../net/endpoint';
import { OperatorError } from '../net/error-text';
import { loadTls, type PemFile } from '../net/tls-files';

export interface TlsClient {
  /** Rejects with OpenSSL's or Node's error when the server isn't who it should be, or doesn't speak TLS. */
  connect(socket: Socket): Promise<TLSSocket>;
}

/**
 * By files as they are now; undefined: without TLS.
 * @throws OperatorError about the files
 */
export function tlsClient(tls: AfiTls | undefined, server: Endpoint): TlsClient | undefined {
  if (tls?.ca === undefined || isUnix(server)) return undefined;
  const file = (key: 'ca' | 'cert' | 'key', path: string): PemFile => ({ setting: `afi.tls.${key}`, path });
  const { ca, cert, key, serverName: name = server.host } = tls;
  const identity =
    cert === undefined || key === undefined ? undefined : { cert: file('cert', cert), key: file('key', key) };
  const { options, doubt } = loadTls({ ca: file('ca', ca), ...(identity && { identity }) });
  // The server would only close the connection, without a word.
  if (doubt !== undefined) throw new OperatorError(doubt);
  const context = createSecureContext(options);
  return { connect: (socket) => secure(socket, context, name) };
}

function secure(socket: Socket, secureContext: SecureContext, name: string): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secured = connect({
      socket,
      secureContext,
      ALPNProtocols: ['h2'],
      // An address is never sent as a name (RFC 6066, section 3).
      ...(isIP(name) === 0 && { servername: name }),
      checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
    });
    secured.once('secureConnect', () => resolve(secured));
    secured.once('error', reject);
    secured.once('close', () => reject(new Error('the connection was closed before TLS stood')));
  });
}
