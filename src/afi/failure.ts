/**
 * What became of an attempt to reach the AFI server, for the operator: what is wrong, and what to do about exactly that. The same failure
 * gives the same text, so details that change from time to time are left out.
 */
import * as grpc from '@grpc/grpc-js';
import type { AfiTls } from '../config/types';
import { isUnix, type Endpoint } from '../net/endpoint';
import { errorText } from '../net/error-text';
import { isUntrusted } from '../net/tls-faults';

/** `remedy` is an order without a full stop. */
export interface Failure {
  readonly reason: string;
  readonly remedy: string;
}

export const DEFAULT_REMEDY = 'start the vASIC, or correct afi.server';

/** Both in a line. */
export function failureText(failure: Failure | undefined): string | undefined {
  return failure && `${failure.reason}: ${failure.remedy}`;
}

/** What is known of a channel besides the error that a call got. */
export interface Reached {
  readonly server: Endpoint;
  /** Undefined: without TLS. */
  readonly tls: AfiTls | undefined;
  /** Why no connection came about, or what the server said against this client's certificate. */
  readonly connection: NodeJS.ErrnoException | undefined;
  /** A connection stood, and TLS with it. */
  readonly connected: boolean;
  /** The server has answered something. */
  readonly answered: boolean;
}

/** Why a session ended, or didn't begin. */
export function explain(error: unknown, reached: Reached): Failure {
  if (!isServiceError(error)) return { reason: errorText(error), remedy: DEFAULT_REMEDY };
  const { code, details } = error;
  const withStatus = ({ reason, remedy }: Failure): Failure => ({ reason: `${reason} [${grpc.status[code]}]`, remedy });
  if (code === grpc.status.ABORTED) {
    return withStatus({ reason: `another session has the sandbox: ${details}`, remedy: 'stop the other one' });
  }
  if (code === grpc.status.DEADLINE_EXCEEDED) {
    return withStatus({
      reason: 'no answer in time',
      remedy: 'see the log of the vASIC: it is overloaded or hangs, or the way there drops packets',
    });
  }
  if (code !== grpc.status.UNAVAILABLE) return withStatus({ reason: details, remedy: DEFAULT_REMEDY });
  return withStatus(unreachable(details, reached));
}

function isServiceError(error: unknown): error is grpc.ServiceError {
  return error instanceof Error && 'code' in error && 'details' in error;
}

function unreachable(details: string, reached: Reached): Failure {
  const { server, tls, connection, connected, answered } = reached;
  const ofTls = tls === undefined ? undefined : tlsFailure(connection, tls, connected);
  if (ofTls !== undefined) return ofTls;
  const errno = /\bE[A-Z]{4,}\b/.exec(details)?.[0];
  if (errno !== undefined && !connected) return isUnix(server) ? unixFailure(errno) : tcpFailure(errno);
  if (connected && !answered) {
    return tls === undefined
      ? {
          reason: 'the server ended the connection before it answered',
          remedy: 'does it want TLS? Then set afi.tls.ca; its log says why',
        }
      : {
          reason: 'the server ended the connection after TLS stood',
          remedy: `see its log: most likely it doesn't take the certificate of this client (${tls.cert === undefined ? 'set afi.tls.cert and afi.tls.key' : 'afi.tls.cert must be signed by its --tls-client-ca, and not be expired'})`,
        };
  }
  if (details === 'Connection dropped' || errno !== undefined) {
    return { reason: 'the connection broke, or keepalive went unanswered', remedy: DEFAULT_REMEDY };
  }
  return { reason: details, remedy: DEFAULT_REMEDY };
}

function tcpFailure(errno: string): Failure {
  switch (errno) {
    case 'ECONNREFUSED':
      return { reason: 'connection refused: is the AFI server running there?', remedy: DEFAULT_REMEDY };
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return { reason: `its name isn't known (${errno})`, remedy: 'correct afi.server, or /etc/resolv.conf' };
    default:
      return { reason: `connection failed with ${errno}`, remedy: DEFAULT_REMEDY };
  }
}

function unixFailure(errno: string): Failure {
  switch (errno) {
    case 'ENOENT':
      return {
        reason: 'there is no such socket: is softvasic running?',
        remedy: 'start it with --listen as afi.server says, or correct afi.server',
      };
    case 'ECONNREFUSED':
      return {
        reason: 'nobody listens there, its file was left behind: is softvasic running?',
        remedy: 'start it with --listen as afi.server says, or correct afi.server',
      };
    case 'EACCES':
    case 'EPERM':
      return {
        reason: `this process (uid ${process.geteuid!()}) may not connect there`,
        remedy: 'run fpm2afi as root or in the group of the socket (ls -l)',
      };
    default:
      return { reason: `connection failed with ${errno}`, remedy: DEFAULT_REMEDY };
  }
}

/** Undefined: TLS wasn't what failed. */
function tlsFailure(
  error: NodeJS.ErrnoException | undefined,
  { ca, serverName }: AfiTls,
  connected: boolean,
): Failure | undefined {
  const code = error?.code ?? '';
  if (isUntrusted(code)) {
    return {
      reason: `its certificate isn't signed by the CA in afi.tls.ca (${ca})`,
      remedy:
        'put the certificate of the CA that signed it there; if that is the right one already, somebody else answers at afi.server',
    };
  }
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return {
        reason: 'its certificate has expired',
        remedy: 'renew it there (--tls-cert), or set the clock of this machine',
      };
    case 'CERT_NOT_YET_VALID':
      return {
        reason: 'its certificate is not valid yet',
        remedy: 'set the clock of this machine, or of the one that signed it',
      };
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return {
        reason: error!.message.replace(/^.*?: /, 'its certificate is for another name: '),
        remedy: `set afi.tls.serverName to a name in it${serverName === undefined ? '' : ` (it is ${serverName} now)`}, or have one made for this name`,
      };
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return { reason: "it doesn't speak TLS", remedy: 'give it --tls-cert and --tls-key, or leave out afi.tls' };
    case 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED':
      return { reason: 'it wants a certificate of this client', remedy: 'set afi.tls.cert and afi.tls.key' };
    case 'ECONNRESET':
      return connected
        ? undefined
        : {
            reason: 'the server ended the connection before TLS stood',
            remedy: 'does it speak TLS (--tls-cert)? Its log says why',
          };
    default:
      return code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_')
        ? { reason: `TLS failed with ${code}`, remedy: 'see the log of the server' }
        : undefined;
  }
}

/** Why a packet wasn't traced. */
export function testFailure(error: unknown, address: string): string {
  const { code, details } = error as Partial<grpc.ServiceError>;
  if (code === grpc.status.UNIMPLEMENTED) {
    return `the AFI server at ${address} cannot trace packets: it doesn't have the rpc Test`;
  }
  return `the AFI server at ${address} didn't trace the packet: ${details ?? errorText(error)}`;
}
