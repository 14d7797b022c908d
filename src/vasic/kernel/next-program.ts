/**
 * The next instance of the program, made ready by a thread of its own: the verifier takes 0.1 s and more, on a busy machine several times that, in which
 * the dataplane thread would forward nothing and punt nothing. That thread doesn't return to an event loop, so the two tell each other by shared memory.
 *
 * Owner: the Forwarder.
 */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { BpfObject, type LoadRequest } from '../../sys/bpf-object';

/** What the thread writes, in words: a state, and of the object 64 bits. */
export const STATE = 0;
export const HANDLE = 1;
export const LOADING = 0;
export const LOADED = 1;
export const FAILED = 2;
const BYTES = 16;
/** A thread that couldn't begin says nothing. */
const AT_MOST_MS = 5000;

/** A map that is made with the instance, and so many values of so many bytes. */
export interface LargeMap {
  readonly name: string;
  readonly values: number;
  readonly bytes: number;
}

export interface LoadTask {
  readonly request: LoadRequest;
  readonly large: LargeMap;
  readonly answer: SharedArrayBuffer;
}

/** What is ready is kept for so long: its heap is twice as large as the one in use. */
const READY_MS = 30_000;

export class NextProgram {
  private task: LoadTask | undefined;
  /** Milliseconds, monotonic. */
  private wantedUntil = 0;
  private overdueAt = 0;

  /** Whether one is being made ready, or is. */
  get isUnderWay(): boolean {
    return this.task !== undefined;
  }

  /** Whether one is under way that isn't ready yet: to take it would be to wait. */
  get isLoading(): boolean {
    const { task } = this;
    if (task === undefined || performance.now() >= this.overdueAt) return false;
    return Atomics.load(new Int32Array(task.answer), STATE) === LOADING;
  }

  /** Begins to load it; there must be none under way. What it shares has to stay until it is taken. */
  start(request: LoadRequest, large: LargeMap): void {
    this.task = { request, large, answer: new SharedArrayBuffer(BYTES) };
    const now = performance.now();
    this.wantedUntil = now + READY_MS;
    this.overdueAt = now + AT_MOST_MS;
    const thread = new Worker(join(__dirname, 'next-program-thread.js'), { workerData: this.task });
    // It says by its answer what went wrong, and isn't waited for.
    thread.on('error', () => undefined);
    thread.unref();
  }

  /**
   * The one that was begun, when it is ready, if its large map has so many values: the caller's from now on. There is none under way
   * afterwards. Undefined: there was none, it is of another size, or it could not be loaded.
   */
  take(values: number): BpfObject | undefined {
    const size = this.task?.large.values;
    const ready = this.end();
    if (size === values) return ready;
    ready?.close();
    return undefined;
  }

  /** What is ready and wasn't taken for long gives its memory back. @param now milliseconds, monotonic */
  tick(now: number): void {
    if (now >= this.wantedUntil) this.drop();
  }

  /** Ends it, ready or not. */
  drop(): void {
    this.end()?.close();
  }

  private end(): BpfObject | undefined {
    if (this.task === undefined) return undefined;
    const { answer, request } = this.task;
    const state = new Int32Array(answer);
    Atomics.wait(state, STATE, LOADING, AT_MOST_MS);
    this.task = undefined;
    if (Atomics.load(state, STATE) !== LOADED) return undefined;
    return BpfObject.takeOver(request.name, new BigUint64Array(answer)[HANDLE]!);
  }
}
