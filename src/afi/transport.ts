/**
 * The AFI client's transport: the seam (`AfiTransport`) that the programmer works through, and its gRPC implementation.
 *
 * One attempt ("session") is one gRPC channel: ALLOC, OPEN, then the Operate and Watch streams. Whatever breaks any of them ends
 * the session as a whole, once, and the next one is started after an exponential back-off; nothing is carried over but the
 * claim to the sandbox (claim.ts), whose epoch each operation bears. A server that stops answering is found by HTTP/2
 * keepalive (channel.ts), one that stops acknowledging by the operation timeout.
 */
import * as grpc from '@grpc/grpc-js';
import type { AfiTls, Config } from '../config/types';
import { formatEndpoint } from '../net/endpoint';
import { errorText } from '../net/error-text';
import type { Logger } from '../observe/log';
import type { AftError, AftNodeType, AftOperation, AftSandboxInfo, Token } from '../aft/model';
import { AckTimer } from './ack-timer';
import { ask, findBatches } from './calls';
import { openChannel, type Channel } from './channel';
import { Claim, type Identity } from './claim';
import { DEFAULT_REMEDY, explain, failureText, testFailure, type Failure } from './failure';
import { AFI_METHODS, quietGrpc } from '../aft/service';
import { encodeOperation } from '../aft/wire';
import type {
  FindReply,
  NodeInfo,
  OperationReply,
  PortEvent,
  SandboxName,
  SandboxReply,
  SandboxRequest,
  TestReply,
} from '../aft/wire';

/** What the transport tells. After `close` nothing more is called. */
export interface AfiTransportHandlers {
  /**
   * The sandbox is there and open, the stream takes operations. `info.instance` tells a reconnect from a restart.
   * @param tables `unknown`: another client had the sandbox since the last `up`, and may have changed what is in it
   */
  up(info: AftSandboxInfo, tables: 'kept' | 'unknown'): void;
  /**
   * Follows an `up`, once: no acks come any more for what is in flight; whether it was applied is unknown.
   * @param tables `lost`: somebody closed the sandbox, and what was in it may be gone
   */
  down(reason: string, tables: 'kept' | 'lost'): void;
  /** One operation's answer. No error: applied. */
  ack(id: number, error: AftError | undefined): void;
  /** A port's state: all ports after `up`, then changes. */
  port(index: number, up: boolean): void;
}

/** What to list; absent conditions match everything. `entriesOf` lists a container's entries instead of nodes. */
export interface AfiFindRequest {
  readonly tokens?: readonly Token[];
  readonly name?: string;
  readonly type?: AftNodeType;
  readonly entriesOf?: Token;
}

/** The seam between the bridge and an AFI server. */
export interface AfiTransport {
  /** Connects, and again whenever the connection is lost, until `close`. */
  start(handlers: AfiTransportHandlers): void;
  /**
   * Sends an operation; operations are applied in the order sent. `id` must be unused among those in flight.
   * @returns false: taken, but wait for `onDrain` before sending more. Without a session nothing is sent, and false.
   * @throws WireError when the operation holds a number that the wire can't carry
   */
  send(id: number, operation: AftOperation): boolean;
  /** Groups what is called when the stream takes more after a false `send`. */
  onDrain(callback: () => void): void;
  /** Reads nodes or entries back, in batches. Throws when there is no session or it breaks meanwhile. */
  find(request: AfiFindRequest): AsyncIterable<FindReply>;
  nodeInfo(tokens: readonly Token[]): Promise<NodeInfo[]>;
  /**
   * The way that a frame received on an input port would take, by the server's own word. Rejects with a sentence for
   * the operator when the server can't tell.
   */
  test(port: number, frame: Uint8Array): Promise<TestReply>;
  /** Present port states and counters. */
  sandboxInfo(): Promise<AftSandboxInfo>;
  /** Why the latest attempt to connect failed; undefined: it didn't, or there was none since the connection was lost. */
  failure(): Failure | undefined;
  /** Ends the session; what is programmed stays in the server. */
  close(): Promise<void>;
}

/** `ports`: how many input (and output) ports the sandbox has. */
export type AfiTransportConfig = Omit<Config['afi'], 'lost' | 'tls'> & {
  /** Absent, or without a CA: no TLS. */
  readonly tls?: AfiTls;
  readonly ports: number;
  readonly owner: Identity;
};

const SANDBOX_CLOSED = 'somebody closed the sandbox, and what was in it may be gone';

/** The server's answer to ALLOC or OPEN was a refusal. */
class Refused extends Error {
  constructor(
    message: string,
    readonly remedy: string,
  ) {
    super(message);
  }
}

/** An open session: its channel, streams and operations in flight. */
interface Session {
  readonly channel: Channel;
  readonly client: grpc.Client;
  answered: boolean;
  ended: boolean;
  /** Set when `up` was called. */
  open?: {
    readonly info: AftSandboxInfo;
    readonly epoch: number | undefined;
    readonly operate: grpc.ClientDuplexStream<Buffer, OperationReply>;
    readonly watch: grpc.ClientReadableStream<PortEvent>;
    readonly acks: AckTimer;
  };
}

/** A transport over gRPC to `config.server`. Nothing happens before `start`. */
export function createGrpcTransport(config: AfiTransportConfig, log: Logger): AfiTransport {
  quietGrpc();
  const { server, reconnectMs, timeoutMs } = config;
  const address = formatEndpoint(server);
  const sandbox = { engine: config.engine, name: config.sandbox };
  const label = `${sandbox.engine}:${sandbox.name}`;
  const claim = new Claim(config.owner, config.takeOver);
  let handlers: AfiTransportHandlers | undefined;
  let drained: () => void = () => undefined;
  let session: Session | undefined;
  let retry: NodeJS.Timeout | undefined;
  let backoff = reconnectMs.min;
  let failures = 0;
  let lastFailure: Failure | undefined;
  let closed = false;

  function connect(): void {
    retry = undefined;
    let channel: Channel;
    try {
      // The files are read for each connection: what was renewed is in force with the next one.
      channel = openChannel(server, config.tls);
    } catch (error) {
      failed({ reason: errorText(error), remedy: 'it is tried again without a restart' });
      return again();
    }
    const self: Session = { channel, client: channel.client, answered: false, ended: false };
    session = self;
    void open(self).catch((error: unknown) => end(self, why(self, error)));
  }

  async function open(self: Session): Promise<void> {
    const allocated = await manage(self.client, { action: 'alloc' });
    if (self.ended) return;
    self.answered = true;
    const { info, ...told } = await manage(self.client, { action: 'open', ...claim.request(allocated) });
    if (self.ended) return;
    const tables = claim.granted(told);
    const { epoch } = told;
    // The server ends the stream of port states when the session is replaced.
    const watched: SandboxName = epoch === undefined ? sandbox : { ...sandbox, epoch };
    const { operate: method, watch: watchMethod } = AFI_METHODS;
    // Operations are encoded in `send`, so that what can't be encoded fails there and not the stream.
    const asIs = (bytes: Buffer): Buffer => bytes;
    const operate = self.client.makeBidiStreamRequest(method.path, asIs, method.responseDeserialize);
    const watch = self.client.makeServerStreamRequest(
      watchMethod.path,
      watchMethod.requestSerialize,
      watchMethod.responseDeserialize,
      watched,
    );
    const acks = new AckTimer(timeoutMs, (id) => {
      end(self, `operation ${id} timed out: no acknowledgement within ${timeoutMs} ms`);
    });
    self.open = { info, epoch, operate, watch, acks };
    backoff = reconnectMs.min;
    const attempts = failures === 0 ? '' : ` after ${failures} failed attempt${failures === 1 ? '' : 's'}`;
    log.info(`connected to the AFI server at ${address}${attempts}; sandbox ${label} is open`, {
      instance: info.instance,
      ports: info.inputPorts.length,
      nodes: info.nodes,
      entries: info.entries,
      epoch,
    });
    if (tables === 'unknown')
      log.warn('another client had the sandbox in the meantime: what is in it is read again', {
        code: 'afi-other-client',
      });
    failures = 0;
    lastFailure = undefined;
    handlers?.up(info, tables);
    operate.on('data', (reply: OperationReply) => {
      if (self.ended) return;
      if (reply.error?.code === 'noSandbox') end(self, SANDBOX_CLOSED, 'lost');
      else if (reply.error?.code === 'fenced') end(self, `another session has the sandbox: ${reply.error.message}`);
      else if (acks.take(reply.id)) handlers?.ack(reply.id, reply.error);
      else
        log.warn(`the AFI server acknowledged operation ${reply.id}, which is not in flight; ignored`, {
          code: 'afi-unknown-acknowledgement',
        });
    });
    operate.on('drain', () => {
      if (!self.ended) drained();
    });
    operate.on('error', (error: Error) => end(self, why(self, error)));
    operate.on('end', () => end(self, 'the server ended the operation stream'));
    let watching = true;
    watch.on('data', (event: PortEvent) => {
      if (!self.ended) handlers?.port(event.index, event.up);
    });
    watch.on('error', (error: grpc.ServiceError) => {
      watching = false;
      if (error.code === grpc.status.UNIMPLEMENTED) log.debug('the AFI server tells no port states');
      else end(self, why(self, error));
    });
    watch.on('end', () => setImmediate(() => watching && void checkSandbox(self)));
  }

  /** The server tells no port states any more: most likely, somebody closed the sandbox. */
  async function checkSandbox(self: Session): Promise<void> {
    if (self.ended) return;
    const reply = await unary(self.client, AFI_METHODS.sandboxInfo, sandbox).catch(() => undefined);
    if (reply !== undefined && 'error' in reply) end(self, SANDBOX_CLOSED, 'lost');
    else
      log.warn('the AFI server ended the stream of port states: links that go down are not noticed any more', {
        code: 'afi-port-states-ended',
      });
  }

  /** ALLOC or OPEN; rejects with the server's reason. */
  async function manage(
    client: grpc.Client,
    asked: Pick<SandboxRequest, 'action' | 'owner' | 'after' | 'takeOver'>,
  ): Promise<Extract<SandboxReply, { info: unknown }>> {
    const request = { ...asked, sandbox, inputPorts: config.ports, outputPorts: config.ports };
    const reply = await unary(client, AFI_METHODS.sandbox, request);
    if ('info' in reply) return reply;
    const { code, message } = reply.error;
    if (code === 'held')
      throw new Refused(`${message} (afi.takeOver: always)`, 'stop the one of the two that is too many');
    const reason = `the server refused to ${asked.action} sandbox ${label} with ${config.ports} ports: ${message} (${code})`;
    throw new Refused(reason, 'have ports, afi.engine and afi.sandbox as the vASIC has them');
  }

  function unary<Request, Reply>(
    client: grpc.Client,
    method: grpc.MethodDefinition<Request, Reply>,
    request: Request,
  ): Promise<Reply> {
    return ask(client, method, request, timeoutMs);
  }

  /** Ends a session, once: streams canceled, `down` if it was up, and the next attempt scheduled. */
  function end(self: Session, cause: Failure | string, tables: 'kept' | 'lost' = 'kept'): void {
    if (self.ended) return;
    self.ended = true;
    session = undefined;
    const failure = typeof cause === 'string' ? { reason: cause, remedy: DEFAULT_REMEDY } : cause;
    const { open: opened } = self;
    if (opened !== undefined) {
      const inFlight = opened.acks.size;
      opened.acks.close();
      log.error(`lost the AFI server at ${address}: ${failure.reason}; reconnecting in ${backoff} ms`, {
        code: 'afi-lost',
        inFlight,
      });
    } else failed(failure);
    abandon(self);
    if (closed) return;
    again();
    if (opened !== undefined) handlers?.down(failure.reason, tables);
  }

  /**
   * Closes the connection, and then cancels its streams. In the other order Node would first send what the operation stream still has; and where
   * that has been ended by the server with operations in it, Node 20 makes empty frames of them without end, and of memory as much as there is.
   */
  function abandon({ channel, open: opened }: Session): void {
    channel.close();
    if (opened === undefined) return;
    setImmediate(() => {
      opened.operate.cancel();
      opened.watch.cancel();
    });
  }

  /** An attempt came to nothing. */
  function failed(failure: Failure): void {
    failures++;
    const text = `cannot open sandbox ${label} at the AFI server ${address}: ${failureText(failure)}; next attempt in ${backoff} ms`;
    if (failure.reason === lastFailure?.reason) log.debug(text, { failures });
    else log.warn(`${text} (further equal failures are logged at level debug)`, { code: 'afi-unreachable' });
    lastFailure = failure;
  }

  function again(): void {
    retry = setTimeout(connect, backoff);
    backoff = Math.min(backoff * 2, reconnectMs.max);
  }

  function why({ channel, answered }: Session, error: unknown): Failure {
    if (error instanceof Refused) return { reason: error.message, remedy: error.remedy };
    const tls = config.tls?.ca === undefined ? undefined : config.tls;
    return explain(error, { server, tls, connection: channel.failure, connected: channel.connected, answered });
  }

  function current(): NonNullable<Session['open']> & { readonly client: grpc.Client } {
    if (session?.open === undefined) throw new Error(`not connected to the AFI server at ${address}`);
    return { ...session.open, client: session.client };
  }

  return {
    start(given) {
      handlers = given;
      connect();
    },
    send(id, operation) {
      const opened = session?.open;
      if (opened === undefined) return false;
      const { info, epoch } = opened;
      const message = { sandboxId: info.id, id, ...(epoch !== undefined && { epoch }), operation };
      const more = opened.operate.write(encodeOperation(message));
      opened.acks.add(id);
      return more;
    },
    failure: () => lastFailure,
    onDrain(callback) {
      drained = callback;
    },
    async *find(request) {
      const { client, info } = current();
      yield* findBatches(client, { ...request, sandboxId: info.id });
    },
    async nodeInfo(tokens) {
      const { client, info } = current();
      return [...(await unary(client, AFI_METHODS.nodeInfo, { sandboxId: info.id, tokens }))];
    },
    async test(port, frame) {
      const { client, info } = current();
      try {
        return await unary(client, AFI_METHODS.test, { sandboxId: info.id, port, frame });
      } catch (error) {
        throw new Error(testFailure(error, address), { cause: error });
      }
    },
    async sandboxInfo() {
      const reply = await unary(current().client, AFI_METHODS.sandboxInfo, sandbox);
      if ('info' in reply) return reply.info;
      throw new Error(`${reply.error.message} (${reply.error.code})`);
    },
    close() {
      closed = true;
      handlers = undefined;
      clearTimeout(retry);
      const self = session;
      session = undefined;
      if (self !== undefined) {
        self.ended = true;
        self.open?.acks.close();
        abandon(self);
      }
      return Promise.resolve();
    },
  };
}
