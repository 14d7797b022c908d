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

export class NextProgram {
  private answer: SharedArrayBuffer | undefined;
  private name = '';

  /** Whether one is being made ready, or is. */
  get isUnderWay(): boolean {
    return this.answer !== undefined;
  }

  /** Begins to load it; there must be none under way. What it shares has to stay until it is taken. */
  start(request: LoadRequest, large: LargeMap): void {
    this.answer = new SharedArrayBuffer(BYTES);
    this.name = request.name;
    const workerData: LoadTask = { request, large, answer: this.answer };
    const thread = new Worker(join(__dirname, 'next-program-thread.js'), { workerData });
    // It says by its answer what went wrong, and isn't waited for.
    thread.on('error', () => undefined);
    thread.unref();
  }

  /** The one that was begun, when it is ready: the caller's from now on. Undefined: there is none, or it could not be loaded. */
  take(): BpfObject | undefined {
    const { answer } = this;
    if (answer === undefined) return undefined;
    const state = new Int32Array(answer);
    Atomics.wait(state, STATE, LOADING, AT_MOST_MS);
    this.answer = undefined;
    if (Atomics.load(state, STATE) !== LOADED) return undefined;
    return BpfObject.takeOver(this.name, new BigUint64Array(answer)[HANDLE]!);
  }

  /** Ends it, ready or not. */
  drop(): void {
    this.take()?.close();
  }
}
