/**
 * The dataplane thread seen from the main thread: starts it, passes messages, re-isolates interfaces that come back, ends it.
 *
 * A thread that dies takes the sandbox with it, so it isn't restarted behind the clients' backs: `onDeath` ends softvasic,
 * and whoever started softvasic starts it again, empty and with a new instance.
 */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { SandboxName } from '../../aft/wire';
import type { HostPort } from '../../net/endpoint';
import type { Prefix } from '../../net/address';
import { limitLog } from '../../observe/limited-log';
import type { Logger } from '../../observe/log';
import { Wakeup, type WakeupHandle } from '../../sys/wakeup';
import type { Dataplane, FromDataplane, ToDataplane } from './dataplane-protocol';
import type { EngineOptions } from '../kernel/kernel-engine';
import { writeEntry, type LogEntry } from './thread-log';

/** What the dataplane needs to know; cloneable. */
export interface DataplaneOptions {
  readonly sandbox: SandboxName;
  /** Interface names; the order gives the port indexes. */
  readonly ports: readonly string[];
  readonly hostpath: HostPort;
  readonly puntTo: HostPort;
  readonly maxEntries?: number;
  readonly refuse: readonly Prefix[];
  /** 0: no counters in the log. */
  readonly statsIntervalMs: number;
  readonly engine: EngineOptions;
}

export interface ThreadOptions extends DataplaneOptions {
  readonly wakeup: WakeupHandle;
}

/** What only the thread and this file say to each other, besides the protocol. */
export type ToThread = ToDataplane;
export type FromThread =
  | FromDataplane
  | ({ readonly kind: 'log' } & LogEntry)
  | { readonly kind: 'ready'; readonly hostpathPort: number; readonly keeps: boolean }
  /** The port has no interface now; to be isolated, and answered with `isolated`. */
  | { readonly kind: 'detached'; readonly port: number };

export interface DataplaneHooks {
  /** A port's interface is missing: its index when it is back and isolated, so that it may be attached. */
  readonly reattach: (name: string) => number | undefined;
  /** The thread ended by itself. */
  readonly onDeath: (error: Error) => void;
}

export interface RunningDataplane extends Dataplane {
  /** UDP port of hostpath, where the configured one was 0. */
  readonly hostpathPort: number;
  /** Ports go on forwarding after `close`. */
  readonly keeps: boolean;
  /** Resolves when the thread has ended and its sockets are closed. */
  close(): Promise<void>;
}

/**
 * Starts the thread; resolves when its ports and sockets are open.
 * @throws Error saying what couldn't be opened
 */
export async function startDataplane(
  options: DataplaneOptions,
  hooks: DataplaneHooks,
  log: Logger,
): Promise<RunningDataplane> {
  // Clients and datagrams from outside can have the thread say things; the counters come every second at most.
  const limited = limitLog(log, { lines: 20, windowMs: 10_000 });
  const wakeup = Wakeup.create();
  const data: ThreadOptions = { ...options, wakeup: wakeup.handle };
  const worker = new Worker(join(__dirname, 'dataplane-worker.js'), { workerData: data });
  let handler: (message: FromDataplane) => void = () => undefined;
  let closing = false;
  let gone = false;
  let failure: Error | undefined;

  const post = (message: ToThread): void => {
    if (gone) return;
    worker.postMessage(message, transferable(message));
    wakeup.wake();
  };
  // A thread inside poll(2) can't be terminated, so the process must not exit before it.
  const onExit = (): void => wakeup.stop();
  process.on('exit', onExit);
  const ended = new Promise<void>((resolve) => {
    worker.on('exit', (code) => {
      gone = true;
      process.off('exit', onExit);
      wakeup.close();
      resolve();
      if (!closing) hooks.onDeath(failure ?? new Error(`the dataplane thread ended with code ${code}`));
    });
  });
  worker.on('error', (error: unknown) => (failure = error instanceof Error ? error : new Error(String(error))));

  const { hostpathPort, keeps } = await new Promise<{ hostpathPort: number; keeps: boolean }>((resolve, reject) => {
    const early = (): void => {
      closing = true;
      reject(failure ?? new Error('the dataplane thread ended while starting'));
    };
    worker.prependOnceListener('exit', early);
    worker.on('message', (message: FromThread) => {
      switch (message.kind) {
        case 'log':
          writeEntry(limited, message);
          return;
        case 'ready':
          worker.off('exit', early);
          resolve(message);
          return;
        case 'detached': {
          const ifindex = hooks.reattach(options.ports[message.port]!);
          post({ kind: 'isolated', port: message.port, ...(ifindex !== undefined && { ifindex }) });
          return;
        }
        default:
          handler(message);
      }
    });
  });

  return {
    hostpathPort,
    keeps,
    post,
    onMessage(given) {
      handler = given;
    },
    async close() {
      if (!closing) {
        closing = true;
        wakeup.stop();
      }
      await ended;
    },
  };
}

/** Buffers of a message that were made for it and can be moved. */
function transferable(message: ToThread): ArrayBuffer[] {
  const bytes = message.kind === 'call' ? message.request : message.kind === 'operate' ? message.bundle : undefined;
  return bytes?.buffer instanceof ArrayBuffer ? [bytes.buffer] : [];
}
