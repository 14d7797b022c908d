/**
 * A dataplane in the caller's own thread: a sandbox host worked on between other things of the event loop. For programs that use
 * softvasic as a library, and for tests; softvasic itself has a thread (dataplane.ts).
 */
import type { FromDataplane, Dataplane } from './dataplane-protocol';
import { createSandboxHost, type SandboxHost, type SandboxHostOptions } from './sandbox-host';

/** A turn's worth of work, in ms. */
const SLICE_MS = 10;

export interface InProcessDataplane extends Dataplane {
  readonly host: SandboxHost;
}

/** @param mayWork asked each time something came; false: it waits for the next that comes */
export function createInProcessDataplane(
  options: Omit<SandboxHostOptions, 'post'>,
  mayWork: () => boolean = () => true,
): InProcessDataplane {
  let handler: (message: FromDataplane) => void = () => undefined;
  const host = createSandboxHost({ ...options, post: (message) => setImmediate(() => handler(message)) });
  const work = (): void => {
    if (mayWork() && host.work(SLICE_MS)) setImmediate(work);
  };
  return {
    host,
    post(message) {
      host.receive(message);
      setImmediate(work);
    },
    onMessage(given) {
      handler = given;
    },
  };
}
