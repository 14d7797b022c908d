/** The CLI's side of the control API: requests over the Unix socket, and errors that say what to do. */
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { OperatorError } from '../net/error-text';
import type { ListName, ListViews } from './types';
import type { StatusView } from './status-types';

/** Longest silence of the daemon that is waited for, in milliseconds. */
const PATIENCE = 30_000;

/** Why there is no answer, for the operator. */
export class ControlError extends OperatorError {
  constructor(
    message: string,
    options?: ErrorOptions,
    /** The control socket that nobody answers at. */
    readonly absent?: string,
    /** The status by which the daemon refused the request. */
    readonly status?: number,
  ) {
    super(message, options);
  }
}

/** Parameters of a list request (types.ts, RouteFilter), as text. */
export type Query = Readonly<Record<string, string | number | undefined>>;

/** Asks for the status. Throws ControlError. */
export async function requestStatus(socket: string, options: RequestOptions = {}): Promise<StatusView> {
  return (await requestObject(socket, '/v1/status', options)) as StatusView;
}

/** How a request is made, where it isn't a plain question. */
export interface RequestOptions {
  readonly method?: 'GET' | 'POST';
  /** The longest silence that is waited for. */
  readonly patienceMs?: number;
  /** Ends the request, which then rejects, when nobody wants the answer any more. */
  readonly signal?: AbortSignal;
}

/** Asks for one object. Throws ControlError. */
export async function requestObject(socket: string, path: string, options: RequestOptions = {}): Promise<unknown> {
  let text = '';
  for await (const chunk of requestText(socket, path, options)) text += chunk;
  return parseLine(text);
}

/** Asks for a list and yields its items as they come. Throws ControlError. */
export async function* requestList<N extends ListName>(
  socket: string,
  list: N,
  query: Query = {},
): AsyncGenerator<ListViews[N]> {
  for await (const lines of requestLines(socket, listPath(list, { ...query, stream: 1 }))) {
    for (const line of lines) yield parseLine(line) as ListViews[N];
  }
}

/** The lines of an answer, without their ends, as many at a time as have come. Throws ControlError. */
export async function* requestLines(
  socket: string,
  path: string,
  options: RequestOptions = {},
): AsyncGenerator<readonly string[]> {
  let rest = '';
  for await (const chunk of requestText(socket, path, options)) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    yield lines;
  }
  if (rest !== '') yield [rest];
}

/** The path of a list with its query. */
export function listPath(list: ListName, query: Query): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const text = new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)])).toString();
  return `/v1/${list}${text === '' ? '' : `?${text}`}`;
}

/** The body of an answer, in pieces as they come. Throws ControlError, also when the answer breaks off. */
export async function* requestText(socket: string, path: string, options: RequestOptions = {}): AsyncGenerator<string> {
  yield* read(socket, path, options, 'utf8') as AsyncGenerator<string>;
}

/** The same as bytes, for those who only pass them on. */
export async function* requestBytes(socket: string, path: string): AsyncGenerator<Uint8Array> {
  yield* read(socket, path, {}, undefined) as AsyncGenerator<Uint8Array>;
}

async function* read(
  socket: string,
  path: string,
  options: RequestOptions,
  encoding: 'utf8' | undefined,
): AsyncGenerator<string | Uint8Array> {
  const response = await open(socket, path, options);
  if (response.statusCode !== 200)
    throw new ControlError(await refusal(response), undefined, undefined, response.statusCode);
  if (encoding !== undefined) response.setEncoding(encoding);
  try {
    for await (const chunk of response) yield chunk as string | Uint8Array;
  } catch (error) {
    throw new ControlError(`the daemon behind ${socket} went away in the middle of its answer`, { cause: error });
  }
}

function open(
  socket: string,
  path: string,
  { method = 'GET', patienceMs = PATIENCE, signal }: RequestOptions,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath: socket, path, method, agent: false, timeout: patienceMs, signal }, resolve);
    call.on('timeout', () => {
      call.destroy(new Error(`no answer for ${patienceMs / 1000} s`));
    });
    call.on('error', (error: NodeJS.ErrnoException) => {
      const absent = error.code === 'ENOENT' || error.code === 'ECONNREFUSED';
      reject(new ControlError(explain(error, socket), { cause: error }, absent ? socket : undefined));
    });
    call.end();
  });
}

function explain(error: NodeJS.ErrnoException, socket: string): string {
  switch (error.code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return (
        `fpm2afi isn't running: nothing answers on ${socket}.\n` +
        'Start it with "systemctl start fpm2afi" or "fpm2afi run --config FILE"; ' +
        'if it runs with another control.socket, name that with --socket or --config.'
      );
    case 'EACCES':
      return `no permission to use ${socket}: run this as root or as a member of the socket's group`;
    default:
      return `cannot ask the daemon on ${socket}: ${error.message}`;
  }
}

async function refusal(response: IncomingMessage): Promise<string> {
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response) text += chunk as string;
  try {
    return (JSON.parse(text) as { error: string }).error;
  } catch {
    return `the daemon answered with HTTP status ${String(response.statusCode)}`;
  }
}

/** The value of a line of JSON. Throws ControlError. */
export function parseLine(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ControlError('the answer is not what this version of fpm2afi expects', { cause: error });
  }
}
