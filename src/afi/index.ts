/**
 * `fpm2afi/afi`: an AFI client for programs that aren't fpm2afi, kept by the rules of semantic versioning (docs/library.md). One
 * connection to one sandbox, with a promise for each operation; and the AFT model, the values that an operation is made of.
 *
 * It takes the sandbox only when nobody has it (`takeOver: 'never'`): what fpm2afi programs is not this client's to change. A
 * connection that breaks is made again; operations in flight then have an unknown outcome, and their promises reject.
 *
 * @module fpm2afi/afi
 */
import type { AftError, AftNode, AftEntry, AftOperation, AftSandboxInfo, NodeInfo, Token } from '../aft/model';
import type { TestReply } from '../aft/wire';
import type { AfiTls } from '../config/types';
import { nullLogger, type Logger } from '../observe/log';
import { failureText } from './failure';
import { AfiRefused } from './refused';
import { createGrpcTransport, type AfiFindRequest, type AfiTransport, type AfiTransportConfig } from './transport';

export * from '../aft/model';
export { AfiRefused } from './refused';
export type { TestOutcome, TestReply, TestStep } from '../aft/wire';
export type { AfiFindRequest } from './transport';
export type { AfiTls } from '../config/types';
export type { Logger } from '../observe/log';

/** Which vASIC, and how it is spoken to. */
export interface AfiClientSettings {
  /** Address of the AFI server; 127.0.0.1. */
  readonly host?: string;
  /** TCP port; 50051. */
  readonly port?: number;
  /** Path of a Unix socket in their place. */
  readonly path?: string;
  /** TLS: files in PEM. Absent: none. */
  readonly tls?: AfiTls;
  /** How many ports the vASIC has. A server refuses a client that thinks otherwise. */
  readonly ports: number;
  /** Engine and name of the sandbox; trio and green. */
  readonly engine?: string;
  readonly sandbox?: string;
  /** From whom the sandbox is taken: `never`, only when nobody has it; `restart`, from the same `name`; `always`. */
  readonly takeOver?: 'never' | 'restart' | 'always';
  /** Who this is, for others that want the sandbox. */
  readonly name?: string;
  /** Milliseconds for each answer; 2000. */
  readonly timeoutMs?: number;
  /** Called when a port goes up or down, and once for each port after connecting. */
  readonly onPort?: (index: number, up: boolean) => void;
  /** Who is told what goes on; nobody. */
  readonly log?: Logger;
}

interface InFlight {
  resolve(): void;
  reject(error: Error): void;
}

/** A client of one sandbox. */
export class AfiClient {
  private readonly transport: AfiTransport;
  private readonly inFlight = new Map<number, InFlight>();
  private nextId = 1;
  private info: AftSandboxInfo | undefined;

  constructor(private readonly settings: AfiClientSettings) {
    const name = settings.name ?? `a program (pid ${process.pid})`;
    const config: AfiTransportConfig = {
      server:
        settings.path === undefined
          ? { host: settings.host ?? '127.0.0.1', port: settings.port ?? 50051 }
          : { path: settings.path },
      ...(settings.tls && { tls: settings.tls }),
      engine: settings.engine ?? 'trio',
      sandbox: settings.sandbox ?? 'green',
      takeOver: settings.takeOver ?? 'never',
      timeoutMs: settings.timeoutMs ?? 2000,
      batch: 1000,
      inFlight: 16,
      reconnectMs: { min: 200, max: 5000 },
      ports: settings.ports,
      owner: { id: name, name },
    };
    this.transport = createGrpcTransport(config, settings.log ?? nullLogger);
  }

  /**
   * Connects, allocates and opens the sandbox.
   * @returns what the server tells of it; rejects when that didn't come about within `timeoutMs`, with the latest reason, and gives up
   */
  connect(): Promise<AftSandboxInfo> {
    const within = this.settings.timeoutMs ?? 2000;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        void this.close();
        reject(new Error(failureText(this.transport.failure()) ?? `the AFI server did not answer within ${within} ms`));
      }, within);
      this.transport.start({
        up: (info) => {
          this.info = info;
          clearTimeout(late);
          resolve(info);
        },
        down: (reason) => this.lost(reason),
        ack: (id, error) => this.answered(id, error),
        port: (index, up) => this.settings.onPort?.(index, up),
      });
    });
  }

  /** Whether the sandbox is open now. */
  get connected(): boolean {
    return this.info !== undefined;
  }

  /**
   * Applies an operation: all of it or nothing. Operations are applied in the order of the calls.
   * @returns when the server has acknowledged; rejects with AfiRefused, or with another Error when the connection broke
   */
  apply(operation: AftOperation): Promise<void> {
    if (this.info === undefined) return Promise.reject(new Error('not connected to the AFI server'));
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.inFlight.set(id, { resolve, reject });
      try {
        this.transport.send(id, operation);
      } catch (error) {
        this.inFlight.delete(id);
        reject(error as Error);
      }
    });
  }

  /** The nodes that match; all of them without conditions. */
  async nodes(request: Omit<AfiFindRequest, 'entriesOf'> = {}): Promise<AftNode[]> {
    const found: AftNode[] = [];
    for await (const { nodes } of this.transport.find(request)) found.push(...nodes);
    return found;
  }

  /** The entries of a container, bit by bit: there may be a million. */
  async *entries(container: Token): AsyncIterable<AftEntry> {
    for await (const { entries } of this.transport.find({ entriesOf: container })) yield* entries;
  }

  /** State and counters of nodes, one for each token, in order. */
  nodeInfo(tokens: readonly Token[]): Promise<NodeInfo[]> {
    return this.transport.nodeInfo(tokens);
  }

  /** The way that an Ethernet frame received on an input port would take. Nothing is sent. */
  test(port: number, frame: Uint8Array): Promise<TestReply> {
    return this.transport.test(port, frame);
  }

  /** Port states and counters as they are now. */
  sandboxInfo(): Promise<AftSandboxInfo> {
    return this.transport.sandboxInfo();
  }

  /** Ends the connection; what is programmed stays in the server. */
  async close(): Promise<void> {
    await this.transport.close();
    this.lost('the client is closed');
  }

  private answered(id: number, error: AftError | undefined): void {
    const waiting = this.inFlight.get(id);
    this.inFlight.delete(id);
    if (error === undefined) waiting?.resolve();
    else waiting?.reject(new AfiRefused(error));
  }

  private lost(reason: string): void {
    this.info = undefined;
    const failed = [...this.inFlight.values()];
    this.inFlight.clear();
    for (const { reject } of failed) reject(new Error(`it is not known whether the operation was applied: ${reason}`));
  }
}
