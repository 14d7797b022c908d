/** Asks the daemon for what `top` and the web view show. */
import { performance } from 'node:perf_hooks';
import { listPath, requestObject, requestStatus } from './client';
import type { Sample, Timed } from './top-model';
import type { PortView, PuntReasonView } from './types';

/** What it says now. Throws ControlError, also when `signal` is aborted. */
export async function takeSample(socket: string, signal?: AbortSignal): Promise<Sample> {
  const options = signal === undefined ? {} : { signal };
  const timed = async <T>(answer: Promise<T>): Promise<Timed<T>> => ({ value: await answer, atMs: performance.now() });
  const [status, ports, punt] = await Promise.all([
    timed(requestStatus(socket, options)),
    timed(requestObject(socket, listPath('ports', {}), options) as Promise<readonly PortView[]>),
    timed(requestObject(socket, listPath('punt', {}), options) as Promise<readonly PuntReasonView[]>),
  ]);
  return { status, ports, punt };
}
