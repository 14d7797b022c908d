/** A softvasic sandbox without a network, as the stages and their AFI server use it. */
import { nullLogger } from '../../src/observe/log';
import type { Sandbox } from '../../src/vasic/engine/api';
import type { FromDataplane } from '../../src/vasic/server/dataplane-protocol';
import { createMemoryPort } from '../bed/memory-port';
import { createSandbox } from '../../src/vasic/engine/sandbox/sandbox';
import { createSandboxHost, type SandboxHost } from '../../src/vasic/server/sandbox-host';

export const PORTS = 4;
export const SANDBOX_ID = 1;

export function makeSandbox(instance: string): Sandbox {
  const ports = Array.from({ length: PORTS }, (_, i) =>
    createMemoryPort({ name: `p${i}`, mac: Uint8Array.of(2, 0, 0, 0, 0, i) }),
  );
  const host = { punt: () => undefined };
  return createSandbox({ id: SANDBOX_ID, engine: 'trio', name: 'green', instance, ports, host });
}

export function createHost(post: (message: FromDataplane) => void): SandboxHost {
  const sandbox = { engine: 'trio', name: 'green' };
  return createSandboxHost({ sandbox, ports: PORTS, makeSandbox, log: nullLogger, post });
}
