/**
 * A worker thread whose life is a poll(2) loop over raw file descriptors, and its supervision.
 *
 * The owner opens the descriptors and keeps them; the thread only pumps. So a thread that dies loses no device and no
 * bound port: a new one goes on with the same descriptors. Stopping goes through a `Wakeup`, because terminate() cannot
 * interrupt a thread inside poll(2); for the same reason the process's own exit stops the thread first.
 */
import { Worker, parentPort, workerData } from 'node:worker_threads';
import { Wakeup, type WakeupHandle } from './wakeup';

export interface PollThreadOptions<Data, Report> {
  /** Absolute path of the compiled module that runs in the thread. */
  readonly file: string;
  /** What the thread gets, asked for at every start; must be cloneable. */
  readonly data: () => Data;
  readonly onReport: (report: Report) => void;
  /** The thread died by itself; a new one starts `restartMs` later. */
  readonly onCrash: (error: Error, restartMs: number) => void;
}

export interface PollThread {
  /** The wake-up of the thread that runs now. */
  wakeup(): Wakeup;
  /** Ends the thread, calls `between` (which may close and open its descriptors; must not throw) and starts another. */
  restart(between: () => void): Promise<void>;
  /** Ends the thread; resolves when it is gone, so that its descriptors may be closed. */
  close(): Promise<void>;
}

/** A thread that dies sooner than this after its start is restarted with a delay. */
const STABLE_MS = 10_000;
const RESTART_MS = 1000;

interface Running {
  readonly worker: Worker;
  readonly wakeup: Wakeup;
  readonly ended: Promise<void>;
  readonly startedAt: number;
  stopping: boolean;
}

/** Starts the thread and keeps it running until `close`. */
export function startPollThread<Data, Report>(options: PollThreadOptions<Data, Report>): PollThread {
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let running = start();
  // A chain, so that restarts and the close don't overlap.
  let turn: Promise<void> = Promise.resolve();

  const onExit = (): void => {
    if (!running.stopping) running.wakeup.stop();
  };
  process.on('exit', onExit);

  function start(): Running {
    const wakeup = Wakeup.create();
    const worker = new Worker(options.file, { workerData: { wakeup: wakeup.handle, data: options.data() } });
    let failure: Error | undefined;
    worker.on('message', (report: Report) => options.onReport(report));
    worker.on('error', (error: unknown) => (failure = error instanceof Error ? error : new Error(String(error))));
    const ended = new Promise<void>((resolve) => {
      worker.on('exit', (code) => {
        wakeup.close();
        resolve();
        if (!self.stopping) crashed(failure ?? new Error(`thread ended with code ${code}`), self);
      });
    });
    const self: Running = { worker, wakeup, ended, startedAt: performance.now(), stopping: false };
    return self;
  }

  function crashed(error: Error, dead: Running): void {
    dead.stopping = true;
    const restartMs = performance.now() - dead.startedAt < STABLE_MS ? RESTART_MS : 0;
    timer = setTimeout(() => {
      timer = undefined;
      if (!closed) running = start();
    }, restartMs);
    options.onCrash(error, restartMs);
  }

  async function stop(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    // A thread that has died closed its wake-up already.
    if (!running.stopping) {
      running.stopping = true;
      running.wakeup.stop();
    }
    await running.ended;
  }

  return {
    wakeup: () => running.wakeup,
    restart: (between) =>
      (turn = turn.then(async () => {
        if (closed) return;
        await stop();
        between();
        running = start();
      })),
    close: () =>
      (turn = turn.then(async () => {
        if (closed) return;
        closed = true;
        process.off('exit', onExit);
        await stop();
      })),
  };
}

/** In the thread: what the owner gave, and how to report to it. Throws when this isn't a thread of `startPollThread`. */
export function pollThreadContext<Data, Report>(): {
  readonly wakeup: Wakeup;
  readonly data: Data;
  readonly report: (report: Report, transfer?: readonly ArrayBuffer[]) => void;
} {
  const port = parentPort;
  if (port === null) throw new Error('runs as a worker thread only');
  const given = workerData as { readonly wakeup: WakeupHandle; readonly data: Data };
  return {
    wakeup: Wakeup.attach(given.wakeup),
    data: given.data,
    report: (report, transfer = []) => port.postMessage(report, transfer),
  };
}
