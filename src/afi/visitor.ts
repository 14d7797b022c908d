/**
 * A client that comes for a moment: it reads a sandbox without a claim to it, whoever has it, and opens it only to write. What it
 * wrote stays when it goes; it closes the session that it began, so that the next client needn't wait until it is found gone.
 *
 * It makes one attempt at everything: what went wrong is thrown, and nothing is repeated.
 */
import { randomUUID } from 'node:crypto';
import * as grpc from '@grpc/grpc-js';
import type { AftEntry, AftNode, AftOperation, AftSandboxInfo, NodeInfo, Token } from '../aft/model';
import { AFI_METHODS, quietGrpc } from '../aft/service';
import { encodeOperation } from '../aft/wire';
import type { InjectDirection, OperationReply, SandboxReply, SandboxRequest, TestReply } from '../aft/wire';
import type { AfiTls } from '../config/types';
import { formatEndpoint, type Endpoint } from '../net/endpoint';
import { OperatorError } from '../net/error-text';
import { ask, findBatches } from './calls';
import { openChannel, type Channel } from './channel';
import { Claim, type TakeOverPolicy } from './claim';
import { explain, failureText, type Failure } from './failure';
import { AfiRefused } from './refused';
import type { AfiFindRequest } from './transport';

/** Whom to visit, and as who. */
export interface VisitorSettings {
  readonly server: Endpoint;
  /** Absent, or without a CA: no TLS. */
  readonly tls?: AfiTls;
  /** The sandbox: engine and name. */
  readonly engine: string;
  readonly sandbox: string;
  /** For people: who has the sandbox while it is open. */
  readonly name: string;
  readonly takeOver: Exclude<TakeOverPolicy, 'restart'>;
  /** Milliseconds for each answer. */
  readonly timeoutMs: number;
}

/** A sandbox as the server tells it; `holder` is who opened it last, there or not. */
export type SandboxSeen = Extract<SandboxReply, { info: unknown }>;

/** The server couldn't be asked, or the connection broke. */
export class AfiUnreachable extends Error {
  constructor(
    address: string,
    readonly failure: Failure,
  ) {
    super(`cannot ask the AFI server ${address}: ${failureText(failure)}`);
    this.name = 'AfiUnreachable';
  }
}

/** The server's own word on why it doesn't do what it was asked for. */
class Answered extends OperatorError {
  constructor(
    readonly status: grpc.status,
    details: string,
  ) {
    super(details);
  }
}

interface Waiting {
  resolve(): void;
  reject(error: Error): void;
}

/** The sandbox, open for this client. */
interface Session {
  readonly info: AftSandboxInfo;
  readonly epoch: number | undefined;
  readonly operate: grpc.ClientDuplexStream<Buffer, OperationReply>;
  readonly waiting: Map<number, Waiting>;
  /** Cancels its streams. */
  end(): void;
}

/** These come from the server and not from the way there. */
const ANSWERED: ReadonlySet<grpc.status> = new Set([
  grpc.status.INVALID_ARGUMENT,
  grpc.status.NOT_FOUND,
  grpc.status.INTERNAL,
  grpc.status.UNIMPLEMENTED,
]);

export class AfiVisitor {
  private readonly channel: Channel;
  private readonly claim: Claim;
  private readonly address: string;
  private readonly label: string;
  private session: Session | undefined;
  private sandboxId: number | undefined;
  private answered = false;
  private nextId = 1;

  /**
   * Connects with the first question.
   * @throws OperatorError about the files of TLS
   */
  constructor(private readonly settings: VisitorSettings) {
    quietGrpc();
    this.address = formatEndpoint(settings.server);
    this.label = `${settings.engine}:${settings.sandbox}`;
    this.channel = openChannel(settings.server, settings.tls);
    this.claim = new Claim({ id: randomUUID(), name: settings.name }, settings.takeOver);
  }

  /** The sandbox as it is now; undefined: nobody has allocated it since the server started. */
  async look(): Promise<SandboxSeen | undefined> {
    const reply = await this.ask(AFI_METHODS.sandboxInfo, this.name()).catch((error: unknown) => {
      if (error instanceof Answered && error.status === grpc.status.NOT_FOUND) return undefined;
      throw error;
    });
    if (reply === undefined) return undefined;
    if ('error' in reply) throw new AfiRefused(reply.error);
    this.sandboxId = reply.info.id;
    return reply;
  }

  /**
   * The same, of one that is to be there.
   * @throws OperatorError
   */
  async see(): Promise<SandboxSeen> {
    const seen = await this.look();
    if (seen === undefined) throw this.unallocated();
    return seen;
  }

  /** The same, allocated where nobody has. */
  async allocate(): Promise<SandboxSeen> {
    const seen = (await this.look()) ?? (await this.manage({ action: 'alloc' }));
    this.sandboxId = seen.info.id;
    return seen;
  }

  /** The nodes that match; all that clients inserted without conditions. */
  async nodes(request: Omit<AfiFindRequest, 'entriesOf'> = {}): Promise<AftNode[]> {
    const found: AftNode[] = [];
    for await (const { nodes } of this.find(request)) for (const node of nodes) found.push(node);
    return found;
  }

  /** The entries of a container, bit by bit: there may be a million. */
  async *entries(container: Token): AsyncGenerator<AftEntry, void> {
    for await (const { entries } of this.find({ entriesOf: container })) yield* entries;
  }

  /** State and counters of nodes, one for each token, in order. */
  async nodeInfo(tokens: readonly Token[]): Promise<readonly NodeInfo[]> {
    return tokens.length === 0 ? [] : this.ask(AFI_METHODS.nodeInfo, { sandboxId: await this.id(), tokens });
  }

  /** The way that a frame received on an input port would take. Nothing is sent. */
  async test(port: number, frame: Uint8Array): Promise<TestReply> {
    return this.ask(AFI_METHODS.test, { sandboxId: await this.id(), port, frame });
  }

  /**
   * Carries a frame, in the session of this client. Opens it as `apply` does.
   * @returns false: the output port didn't take it
   */
  async inject(direction: InjectDirection, port: number, frame: Uint8Array): Promise<boolean> {
    const { info, epoch } = await this.open();
    const request = { sandboxId: info.id, direction, port, frame, ...(epoch !== undefined && { epoch }) };
    return (await this.ask(AFI_METHODS.inject, request)).ok;
  }

  /**
   * Applies an operation: all of it or nothing. The first one allocates the sandbox, where it isn't, and opens it.
   * @throws AfiRefused by the server: nothing was applied; code `held`: somebody else has the sandbox
   * @throws AfiUnreachable also when the connection broke: then it may have been applied
   */
  async apply(operation: AftOperation): Promise<void> {
    const { info, epoch, operate, waiting } = await this.open();
    const id = this.nextId++;
    const bytes = encodeOperation({ sandboxId: info.id, id, ...(epoch !== undefined && { epoch }), operation });
    const { timeoutMs } = this.settings;
    let late: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        const reason = `no acknowledgement within ${timeoutMs} ms, it is not known whether the operation was applied`;
        const remedy = 'see the log of the vASIC';
        late = setTimeout(() => reject(new AfiUnreachable(this.address, { reason, remedy })), timeoutMs);
        operate.write(bytes);
      });
    } finally {
      clearTimeout(late);
      waiting.delete(id);
    }
  }

  /** Closes the sandbox, where this client opened it, and the connection. What was written stays. */
  async close(): Promise<void> {
    const { session } = this;
    this.session = undefined;
    if (session !== undefined) {
      // Whoever has it by now keeps it.
      const { owner } = this.claim.request(session.epoch === undefined ? {} : { epoch: session.epoch });
      await this.manage({ action: 'close', ...(owner && { owner }) }).catch(() => undefined);
    }
    this.channel.close();
    session?.end();
  }

  private async *find(request: AfiFindRequest): ReturnType<typeof findBatches> {
    const sandboxId = await this.id();
    try {
      yield* findBatches(this.channel.client, { ...request, sandboxId });
    } catch (error) {
      throw this.failed(error);
    }
  }

  private async id(): Promise<number> {
    return this.sandboxId ?? (await this.see()).info.id;
  }

  private name(): { readonly engine: string; readonly name: string } {
    return { engine: this.settings.engine, name: this.settings.sandbox };
  }

  private unallocated(): OperatorError {
    return new OperatorError(
      `sandbox ${this.label} is not allocated, so there is nothing in it; fpm2afi or the first insert allocates it`,
    );
  }

  private async open(): Promise<Session> {
    if (this.session !== undefined) return this.session;
    const allocated = await this.manage({ action: 'alloc' });
    const { info, ...told } = await this.manage({ action: 'open', ...this.claim.request(allocated) });
    this.claim.granted(told);
    this.sandboxId = info.id;
    const { client } = this.channel;
    const { operate: method, watch: watchMethod } = AFI_METHODS;
    // Operations are encoded before, so that what can't be encoded fails alone.
    const asIs = (bytes: Buffer): Buffer => bytes;
    const operate = client.makeBidiStreamRequest(method.path, asIs, method.responseDeserialize);
    const waiting = new Map<number, Waiting>();
    const end = (): void => {
      operate.cancel();
      watch.cancel();
    };
    const session: Session = { info, epoch: told.epoch, operate, waiting, end };
    operate.on('data', ({ id, error }: OperationReply) => {
      if (error === undefined) return waiting.get(id)?.resolve();
      waiting.get(id)?.reject(new AfiRefused(error));
      if (error.code === 'noSandbox' || error.code === 'fenced') this.lost(session, new AfiRefused(error));
    });
    operate.on('error', (error) => this.lost(session, this.failed(error)));
    operate.on('end', () => this.lost(session, this.failed(new Error('the server ended the operation stream'))));
    // A session without a stream counts as gone, and operations may be long in coming.
    const watched = { ...this.name(), ...(told.epoch !== undefined && { epoch: told.epoch }) };
    const { path, requestSerialize, responseDeserialize } = watchMethod;
    const watch = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, watched);
    watch.on('data', () => undefined);
    watch.on('error', (error: grpc.ServiceError) => {
      if (error.code !== grpc.status.UNIMPLEMENTED) this.lost(session, this.failed(error));
    });
    this.session = session;
    return session;
  }

  /** The session is over: the next operation begins another. */
  private lost(session: Session, why: Error): void {
    if (this.session === session) this.session = undefined;
    for (const { reject } of session.waiting.values()) reject(why);
    setImmediate(() => session.end());
  }

  private async manage(asked: Pick<SandboxRequest, 'action' | 'owner' | 'after' | 'takeOver'>): Promise<SandboxSeen> {
    // No number of ports: as many as there are.
    const request = { ...asked, sandbox: this.name(), inputPorts: 0, outputPorts: 0 };
    const reply = await this.ask(AFI_METHODS.sandbox, request);
    if ('info' in reply) return reply;
    throw new AfiRefused(reply.error);
  }

  private async ask<Request, Reply>(method: grpc.MethodDefinition<Request, Reply>, request: Request): Promise<Reply> {
    try {
      const reply = await ask(this.channel.client, method, request, this.settings.timeoutMs);
      this.answered = true;
      return reply;
    } catch (error) {
      throw this.failed(error);
    }
  }

  /** What went wrong with a call, for the operator. */
  private failed(error: unknown): Error {
    const { code, details } = error as Partial<grpc.ServiceError>;
    if (code !== undefined && ANSWERED.has(code)) return new Answered(code, details!);
    const { server, tls } = this.settings;
    const { channel, answered } = this;
    const reached = { server, tls: tls?.ca === undefined ? undefined : tls, answered };
    const failure = explain(error, { ...reached, connection: channel.failure, connected: channel.connected });
    return new AfiUnreachable(this.address, failure);
  }
}
