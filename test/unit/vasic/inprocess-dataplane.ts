/** A dataplane in the test's own thread: a sandbox host over memory ports, for tests of the server and of the transport. */
import { nullLogger } from '../../../src/observe/log';
import type { HostSink } from '../../../src/vasic/engine/api';
import type { Dataplane } from '../../../src/vasic/server/dataplane-protocol';
import { createMemoryPort, type MemoryPort } from '../../bed/memory-port';
import { createSandbox } from '../../../src/vasic/engine/sandbox/sandbox';
import { createInProcessDataplane as createDataplane } from '../../../src/vasic/server/in-process';
import type { SandboxHost } from '../../../src/vasic/server/sandbox-host';

export interface InProcessDataplane extends Dataplane {
  readonly ports: readonly MemoryPort[];
  readonly host: SandboxHost;
  /** While true nothing is worked on and nothing is answered. */
  stalled: boolean;
  /** Operations' bytes that arrived, oldest first, in bundles. */
  readonly bundles: Uint8Array[];
}

const noHost: HostSink = { punt: () => undefined };

/** `--sandbox trio:green` with `ports` memory ports. */
export function createInProcessDataplane(ports = 2, maxEntries?: number): InProcessDataplane {
  const memory = Array.from({ length: ports }, (_, i) =>
    createMemoryPort({ name: `ge${i}`, mac: Uint8Array.of(2, 0, 0, 0, 0, i) }),
  );
  const inner = createDataplane(
    {
      sandbox: { engine: 'trio', name: 'green' },
      ports,
      makeSandbox: (instance) =>
        createSandbox({
          id: 7,
          engine: 'trio',
          name: 'green',
          instance,
          ports: memory,
          host: noHost,
          ...(maxEntries === undefined ? undefined : { maxEntries }),
        }),
      log: nullLogger,
    },
    () => !self.stalled,
  );
  const self: InProcessDataplane = {
    ports: memory,
    host: inner.host,
    stalled: false,
    bundles: [],
    post(message) {
      if (message.kind === 'operate') self.bundles.push(message.bundle);
      inner.post(message);
    },
    onMessage: (handler) => inner.onMessage(handler),
  };
  return self;
}
