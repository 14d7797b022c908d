/**
 * The gRPC side of softvasic: the rpcs of fpm2afi.afi.Afi, as a pipe between HTTP/2 and the dataplane. No message is decoded
 * here. Runs in the main thread; the dataplane is behind the `Dataplane` seam, another thread or (in tests) the same.
 *
 * Operations that arrive together cross together, in the stream's order; one stream's reading pauses while too many of its
 * operations are unanswered or the client doesn't read its answers, so a careless client fills its own buffers only.
 */
import * as grpc from '@grpc/grpc-js';
import { AFI_RAW_SERVICE, MAX_MESSAGE_BYTES, MAX_REQUEST_BYTES, quietGrpc } from '../../aft/service';
import type { Endpoint } from '../../net/endpoint';
import { limitLog } from '../../observe/limited-log';
import type { Logger } from '../../observe/log';
import { Connections, MAX_CALLS, MAX_STREAMS } from './connections';
import { openListener, type ServerTls } from './listener';
import { packBundle, unpackBundle, type CallMethod, type Dataplane, type FailCode } from './dataplane-protocol';

/** A running server. */
export interface AfiServer {
  /** The TCP port, where the configured one was 0; 0 of a Unix socket. */
  readonly port: number;
  /** Cuts all connections. */
  close(): void;
}

/** Unanswered operations of one stream at which its reading pauses, and goes on. */
const PAUSE_AT = 512;
const RESUME_AT = 256;
/** HTTP/2's own buffers of one connection, in MB. */
const SESSION_MEMORY_MB = 32;
/** A client that answers no ping within so long, after so long without one, is dead: found in 8 s. */
const KEEPALIVE_MS = 4000;

const STATUS: Readonly<Record<FailCode, grpc.status>> = {
  invalid: grpc.status.INVALID_ARGUMENT,
  notFound: grpc.status.NOT_FOUND,
  internal: grpc.status.INTERNAL,
  fenced: grpc.status.ABORTED,
};

/** Where the answers to one call go. */
interface CallSink {
  data(bytes: Buffer): void;
  end(): void;
  fail(code: grpc.status, message: string): void;
}

interface Stream {
  readonly call: grpc.ServerDuplexStream<Buffer, Buffer>;
  readonly peer: string;
  waiting: Buffer[];
  unanswered: number;
  /** The client doesn't read its answers. */
  blocked: boolean;
  /** The client sends no more; the stream ends with the last answer. */
  ended: boolean;
}

function failure(code: grpc.status, details: string): Error & { code: grpc.status; details: string } {
  return Object.assign(new Error(details), { code, details });
}

/**
 * Listens and serves, with TLS where files for it are given.
 * @throws Error for the operator, when the address cannot be listened on or the files not be used
 */
export async function startAfiServer(
  listen: Endpoint,
  dataplane: Dataplane,
  unlimited: Logger,
  tls?: ServerTls,
): Promise<AfiServer> {
  quietGrpc();
  // Whoever may connect may do so as often as it likes.
  const log = limitLog(unlimited, { lines: 10, windowMs: 60_000 });
  const sinks = new Map<number, CallSink>();
  const streams = new Map<number, Stream>();
  let nextNumber = 1;
  let flushing: NodeJS.Immediate | undefined;

  dataplane.onMessage((message) => {
    switch (message.kind) {
      case 'data':
        sinks
          .get(message.call)
          ?.data(Buffer.from(message.bytes.buffer, message.bytes.byteOffset, message.bytes.length));
        return;
      case 'end':
        sinks.get(message.call)?.end();
        sinks.delete(message.call);
        return;
      case 'fail':
        sinks.get(message.call)?.fail(STATUS[message.code], message.message);
        sinks.delete(message.call);
        return;
      case 'replies':
        return reply(message.stream, message.bundle);
      case 'broken': {
        const stream = streams.get(message.stream);
        if (stream === undefined) return;
        streams.delete(message.stream);
        dataplane.post({ kind: 'gone', stream: message.stream });
        const why = message.code === 'fenced' ? 'belongs to an older session' : 'sent something that is no operation';
        log.warn(`a client ${why}; its stream is ended`, {
          code: 'vasic-client-ended',
          client: stream.peer,
          reason: message.message,
        });
        stream.call.emit('error', failure(STATUS[message.code], message.message));
        return;
      }
      default:
        message satisfies never;
    }
  });

  function start(method: CallMethod, request: Buffer, peer: string, sink: CallSink): number {
    const call = nextNumber++;
    sinks.set(call, sink);
    // A call sees what was done by the operations that came before it.
    flush();
    dataplane.post({ kind: 'call', call, method, request: Uint8Array.from(request), peer });
    return call;
  }

  const unary =
    (method: CallMethod): grpc.handleUnaryCall<Buffer, Buffer> =>
    (call, done) => {
      start(method, call.request, call.getPeer(), {
        data: (bytes) => done(null, bytes),
        end: () => undefined,
        fail: (code, details) => done(failure(code, details)),
      });
    };

  /** `paced`: each message is asked for, so that a long answer is made no faster than it is read. */
  const streaming =
    (method: CallMethod, paced: boolean): grpc.handleServerStreamingCall<Buffer, Buffer> =>
    (stream) => {
      const more = (): void => {
        if (sinks.has(call)) dataplane.post({ kind: 'more', call });
      };
      const call = start(method, stream.request, stream.getPeer(), {
        data: (bytes) => {
          const ready = stream.write(bytes);
          if (!paced) return;
          if (ready) more();
          else stream.once('drain', more);
        },
        end: () => stream.end(),
        fail: (code, details) => void stream.emit('error', failure(code, details)),
      });
      stream.on('cancelled', () => {
        if (sinks.delete(call)) dataplane.post({ kind: 'cancel', call });
      });
    };

  function flush(): void {
    clearImmediate(flushing);
    flushing = undefined;
    for (const [number, stream] of streams) {
      if (stream.waiting.length === 0) continue;
      dataplane.post({ kind: 'operate', stream: number, bundle: packBundle(stream.waiting) });
      stream.waiting = [];
    }
  }

  function operate(call: grpc.ServerDuplexStream<Buffer, Buffer>): void {
    const number = nextNumber++;
    const stream: Stream = { call, peer: call.getPeer(), waiting: [], unanswered: 0, blocked: false, ended: false };
    streams.set(number, stream);
    log.info('a client opened an operation stream', { client: stream.peer });
    call.on('data', (bytes: Buffer) => {
      stream.waiting.push(bytes);
      if (++stream.unanswered >= PAUSE_AT) call.pause();
      flushing ??= setImmediate(flush);
    });
    call.on('drain', () => {
      stream.blocked = false;
      resume(stream);
    });
    call.on('end', () => {
      stream.ended = true;
      finish(number, stream);
    });
    call.on('cancelled', () => gone(number, 'is gone: its operation stream broke'));
    call.on('error', (error: Error) => log.debug(`operation stream of ${stream.peer}: ${error.message}`));
  }

  /** Ends a stream that its client has ended, once all is answered. */
  function finish(number: number, stream: Stream): void {
    if (!stream.ended || stream.unanswered > 0) return;
    stream.call.end();
    gone(number, 'ended its operation stream');
  }

  function gone(number: number, how: string): void {
    const stream = streams.get(number);
    if (stream === undefined) return;
    // What was sent whole is applied: the client finds out by reconnecting.
    flush();
    streams.delete(number);
    dataplane.post({ kind: 'gone', stream: number });
    log.info(`a client ${how}; what it programmed stays in force`, { client: stream.peer });
  }

  function reply(number: number, bundle: Uint8Array): void {
    const stream = streams.get(number);
    if (stream === undefined) return;
    for (const bytes of unpackBundle(bundle)) {
      stream.unanswered--;
      if (!stream.call.write(bytes)) stream.blocked = true;
    }
    resume(stream);
    finish(number, stream);
  }

  function resume(stream: Stream): void {
    if (stream.blocked) stream.call.pause();
    else if (stream.unanswered < RESUME_AT && stream.call.isPaused()) stream.call.resume();
  }

  const connections = new Connections();
  const server = new grpc.Server({
    'grpc.max_receive_message_length': MAX_REQUEST_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_MS,
    'grpc.max_concurrent_streams': MAX_STREAMS,
    'grpc-node.max_session_memory': SESSION_MEMORY_MB,
    interceptors: [countCalls(connections)],
  });
  server.addService(AFI_RAW_SERVICE, {
    sandbox: unary('sandbox'),
    sandboxInfo: unary('sandboxInfo'),
    nodeInfo: unary('nodeInfo'),
    test: unary('test'),
    inject: unary('inject'),
    find: streaming('find', true),
    watch: streaming('watch', false),
    operate,
  });
  const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
  const { port, close } = await openListener({
    ...{ endpoint: listen, tls, connections, log },
    serve: (socket) => injector.injectConnection(socket),
  });
  return {
    port,
    close() {
      close();
      // Node aborts when a session is destroyed in the middle of what it reads, and this may be called from there.
      setImmediate(() => {
        connections.close();
        server.forceShutdown();
      });
    },
  };
}

/** Has calls counted, and those refused that are too many: before the first byte of their messages is kept. */
function countCalls(connections: Connections): grpc.ServerInterceptor {
  return (_method, call) => {
    const peer = call.getPeer();
    let open = false;
    const over = (): void => {
      if (open) connections.over(peer);
      open = false;
    };
    return new grpc.ServerInterceptingCall(call, {
      start(next) {
        open = connections.began(peer);
        if (open) return next({ onReceiveMessage: (message, pass) => pass(message), onCancel: over });
        call.sendStatus({ code: grpc.status.RESOURCE_EXHAUSTED, details: `${MAX_CALLS} calls are open already` });
      },
      sendStatus(status, next) {
        over();
        next(status);
      },
    });
  };
}
