/** The thread that loads one instance of the program, and ends (next-program.ts). */
import { workerData } from 'node:worker_threads';
import { setElement } from '../../sys/bpf';
import { BpfObject } from '../../sys/bpf-object';
import { nameThread } from '../../sys/libc';
import { FAILED, HANDLE, LOADED, STATE, type LargeMap, type LoadTask } from './next-program';

/**
 * Writes zeros over a map of zeros. Under some hypervisors the first write to each page takes tens of microseconds: then whoever copies into it would wait for
 * these, longer than for the verifier.
 */
function touch(map: number, { values, bytes }: LargeMap): void {
  const zeros = Buffer.alloc(bytes);
  for (let key = 0; key < values; key++) setElement(map, key, zeros);
}

const { request, large, answer } = workerData as LoadTask;
nameThread('loading');
const state = new Int32Array(answer);
let outcome = FAILED;
try {
  const object = BpfObject.load(request);
  touch(object.mapFd(large.name), large);
  new BigUint64Array(answer)[HANDLE] = object.handOver();
  outcome = LOADED;
} finally {
  Atomics.store(state, STATE, outcome);
  Atomics.notify(state, STATE);
}
