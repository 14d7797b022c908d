/**
 * The bridge's end of the punt process: a `Punt` like the one in a thread, whose TAPs are another process's and outlive this
 * one. It starts that process where it may and none answers, and connects again, with all that was said of the ports,
 * when it ends.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { errorText, OperatorError } from '../net/error-text';
import type { Logger } from '../observe/log';
import type { PuntCounters } from './counters';
import type { PortDetails } from './port';
import {
  configToLine,
  onLines,
  portToLine,
  PROTOCOL,
  send,
  type ProcessLine,
  type Reply,
  type Request,
} from './protocol';
import type { PortTold, Punt, PuntConfig, PuntProcess } from './punt';
import { Moment } from '../observe/moment';

export interface PuntClientOptions {
  /** The Unix socket of the process. */
  readonly socket: string;
  /** The command that starts one; absent: somebody else does, and it is waited for. */
  readonly start?: readonly string[];
}

/** How soon to try again where nobody answers. */
const RETRY_MS = 250;
/** A process that was started and ends at once is not started again before. */
const START_AGAIN_MS = 2000;
/** How long a process that was started may take to answer, on a busy machine. */
const START_PATIENCE_MS = 30_000;

/** This process, to the punt process. */
const LIFE = randomUUID();

/** The process refuses this bridge: it has another, or can't have these TAPs. Trying again is no use. */
class RefusedError extends Error {}

type Ask = (request: Request & { id: number }) => Promise<Reply & { kind: 'answer' }>;

interface Connection {
  readonly socket: Socket;
  readonly ask: Ask;
  process: ProcessLine;
  /** When that process began. */
  readonly since: Moment;
}

/**
 * Takes a punt process over, with the TAPs of this configuration. Resolves when it has them, or, where it is somebody else's to
 * start and isn't there, at once.
 *
 * @throws Error when it can't be started, or refuses: another bridge has it, or a TAP can't be had
 */
export async function connectPunt(config: PuntConfig, options: PuntClientOptions, log: Logger): Promise<Punt> {
  const client = new PuntClient(config, options, log);
  await client.begin();
  return client;
}

class PuntClient implements Punt {
  private connection: Connection | undefined;
  private lastId = 0;
  private readonly waiting = new Map<number, { take: (reply: Reply) => void; fail: (error: Error) => void }>();
  private readonly listeners: ((error: Error) => void)[] = [];
  private readonly details = new Map<number, PortDetails>();
  private readonly carriers = new Map<number, boolean>();
  private sandbox: number | undefined;
  private startedAt = -Infinity;
  /** The process that was started last has not ended. */
  private runs = false;
  /** Why the process that was started last is none any more. */
  private startFailure: string | undefined;
  private retry: NodeJS.Timeout | undefined;
  private trouble: string | undefined;
  private lastCounters: PuntCounters | undefined;
  private closed = false;

  constructor(
    private config: PuntConfig,
    private readonly options: PuntClientOptions,
    private readonly log: Logger,
  ) {}

  async begin(): Promise<void> {
    const deadline = performance.now() + START_PATIENCE_MS;
    for (;;) {
      try {
        await this.takeOver();
        return;
      } catch (error) {
        if (error instanceof RefusedError) throw error;
        if (this.options.start === undefined) {
          this.lost(`no punt process answers: ${errorText(error)}; start fpm2afi-punt`);
          return;
        }
        if (this.startFailure !== undefined) throw new Error(this.startFailure, { cause: error });
        if (performance.now() > deadline) throw error;
        this.startProcess(this.options.start);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  configurePort(index: number, details: PortDetails): boolean {
    const all = { ...this.details.get(index), ...details };
    this.details.set(index, all);
    this.tell({ kind: 'configurePort', port: portToLine({ index, ...details }) });
    const told = this.connection?.process.told?.find((line) => line.index === index);
    return told !== undefined && isDeepStrictEqual(told, portToLine({ index, ...all }));
  }

  told(): readonly PortTold[] {
    return Array.from(this.details, ([index, details]) => ({ index, ...details }));
  }

  setCarrier(index: number, up: boolean): void {
    this.carriers.set(index, up);
    this.tell({ kind: 'setCarrier', index, up });
  }

  setSandbox(id: number): void {
    this.sandbox = id;
    this.tell({ kind: 'setSandbox', sandbox: id });
  }

  async reconfigure(config: PuntConfig): Promise<void> {
    const { connection } = this;
    if (connection === undefined) throw new Error(this.trouble ?? 'no punt process');
    connection.process = (
      await connection.ask({ kind: 'reconfigure', id: ++this.lastId, config: configToLine(config) })
    ).process;
    this.config = config;
  }

  /** While there is no process: what it counted last. */
  async counters(): Promise<PuntCounters> {
    const answer = await this.connection?.ask({ kind: 'counters', id: ++this.lastId }).catch(() => undefined);
    this.lastCounters = answer?.counters ?? this.lastCounters;
    return this.lastCounters ?? { ports: [], reasons: [], drops: NO_DROPS, restarts: 0 };
  }

  process(): PuntProcess | undefined {
    const { connection } = this;
    return connection && { pid: connection.process.pid, since: connection.since, socket: this.options.socket };
  }

  problem(): string | undefined {
    return this.trouble;
  }

  onError(listener: (error: Error) => void): void {
    this.listeners.push(listener);
  }

  close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.retry);
    this.connection?.socket.end();
    this.connection = undefined;
    return Promise.resolve();
  }

  private tell(request: Request): void {
    if (this.connection !== undefined) send(this.connection.socket, request);
  }

  /** Connects, takes the process over and tells it all that was said of the ports. */
  private async takeOver(): Promise<void> {
    const socket = await open(this.options.socket);
    const ask: Ask = (request) =>
      new Promise((resolve, reject) => {
        const settle = (reply: Reply): void => {
          if (reply.kind === 'answer') resolve(reply);
          else reject(new RefusedError(reply.kind === 'refused' ? reply.reason : reply.message));
        };
        this.waiting.set(request.id, { take: settle, fail: reject });
        send(socket, request);
      });
    onLines(socket, (message) => this.hear(message as Reply));
    socket.on('close', () => this.ended(socket));
    const id = ++this.lastId;
    const config = configToLine(this.config);
    const self = { protocol: PROTOCOL, pid: process.pid, life: LIFE };
    const { process: line } = await ask({ kind: 'take', id, ...self, config }).catch((error: unknown) => {
      socket.destroy();
      throw error;
    });
    if (this.closed) return void socket.destroy();
    this.connection = { socket, ask, process: line, since: Moment.parse(line.since) };
    this.trouble = undefined;
    this.log.info('the punt process has the TAPs', { pid: line.pid, since: line.since, taps: line.taps.join(',') });
    for (const [index, details] of this.details) {
      this.tell({ kind: 'configurePort', port: portToLine({ index, ...details }) });
    }
    for (const [index, up] of this.carriers) this.tell({ kind: 'setCarrier', index, up });
    if (this.sandbox !== undefined) this.tell({ kind: 'setSandbox', sandbox: this.sandbox });
  }

  private hear(reply: Reply): void {
    if (reply.kind === 'error') return this.failed(`punt process: ${reply.message}`);
    this.waiting.get(reply.id)?.take(reply);
    this.waiting.delete(reply.id);
  }

  private ended(socket: Socket): void {
    for (const { fail } of this.waiting.values()) fail(new Error('the punt process ended'));
    this.waiting.clear();
    if (this.connection?.socket !== socket) return;
    this.connection = undefined;
    if (!this.closed) this.lost('the punt process ended, and its TAPs with it');
  }

  private lost(reason: string): void {
    this.trouble = reason;
    this.failed(reason);
    this.again();
  }

  private again(): void {
    if (this.closed) return;
    this.retry = setTimeout(() => {
      this.takeOver().catch((error: unknown) => {
        if (error instanceof RefusedError) this.trouble = error.message;
        else if (this.options.start !== undefined) this.startProcess(this.options.start);
        this.again();
      });
    }, RETRY_MS);
  }

  /** It leads a session of its own, so that nothing that ends us ends it; its log goes where ours does. */
  private startProcess([program, ...args]: readonly string[]): void {
    const now = performance.now();
    // One that runs may still be about to answer: another beside it would only make both slower.
    if (now - this.startedAt <= (this.runs ? START_PATIENCE_MS : START_AGAIN_MS)) return;
    this.startedAt = now;
    this.runs = true;
    const child = spawn(program!, args, { detached: true, stdio: ['ignore', 'inherit', 'inherit'] });
    this.log.info('punt process started', { pid: child.pid, socket: this.options.socket });
    this.startFailure = undefined;
    child.on('error', (error) => {
      this.runs = false;
      this.startFailure = `the punt process can't be started: ${error.message}`;
    });
    child.on('exit', (code, signal) => {
      this.runs = false;
      this.startFailure = `the punt process (pid ${child.pid}) ended with ${signal ?? `status ${code}`}: its log says why`;
    });
    child.unref();
  }

  private failed(message: string): void {
    this.log.error(message, { code: 'punt-failed' });
    this.listeners.forEach((listener) => listener(new Error(message)));
  }
}

const NO_DROPS = {
  ...{ foreignSender: 0, malformedHeader: 0, wrongDirection: 0 },
  ...{ unknownSandbox: 0, unknownPort: 0, shortFrame: 0 },
} as const;

function open(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => {
      socket.off('error', reject);
      socket.on('error', () => undefined);
      resolve(socket);
    });
    socket.on('error', reject);
  });
}

/** What the punt process at this socket is; undefined: nobody answers there. */
export async function lookAtPunt(path: string): Promise<ProcessLine | undefined> {
  return (await askOnce(path, { kind: 'look', id: 1 }))?.process;
}

/** Ends the punt process at this socket, and with it its TAPs; returns what it was when it is gone. */
export async function stopPunt(path: string): Promise<ProcessLine | undefined> {
  return (await askOnce(path, { kind: 'stop', id: 1 }))?.process;
}

/** One request over a connection of its own; resolves when the other end has closed it, or after its answer to `look`. */
async function askOnce(
  path: string,
  request: Request & { id: number },
): Promise<(Reply & { kind: 'answer' }) | undefined> {
  let socket: Socket;
  try {
    socket = await open(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return undefined;
    if (code === 'EACCES') {
      throw new OperatorError(`no permission to use ${path}: run this as root or as the user of the punt process`, {
        cause: error,
      });
    }
    throw error;
  }
  return new Promise((resolve, reject) => {
    let answer: (Reply & { kind: 'answer' }) | undefined;
    onLines(socket, (message) => {
      const reply = message as Reply;
      if (reply.kind === 'answer') answer = reply;
      else if (reply.kind === 'refused') reject(new Error(reply.reason));
      if (request.kind !== 'stop') socket.end();
    });
    socket.on('close', () => resolve(answer));
    send(socket, request);
  });
}
