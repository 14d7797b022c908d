/**
 * An AFI server for the stage "transport": it opens the sandbox, acknowledges every operation and keeps nothing, so that
 * what is measured is the wire. With the argument `sandbox` a softvasic sandbox does the work instead. Started by stages.ts as a
 * child; says its port, and at the end the CPU time it took.
 */
import { nullLogger } from '../../src/observe/log';
import type { Dataplane, FromDataplane } from '../../src/vasic/server/dataplane-protocol';
import { packBundle, unpackBundle } from '../../src/vasic/server/dataplane-protocol';
import { encodeOperationReply, peekOperationId } from '../../src/aft/wire';
import { startAfiServer } from '../../src/vasic/server/server';
import { createHost, PORTS } from './sandbox';

function acknowledging(): Dataplane {
  let handler: (message: FromDataplane) => void = () => undefined;
  const host = createHost((message) => handler(message));
  const real = process.argv[2] === 'sandbox';
  return {
    onMessage: (given) => {
      handler = given;
    },
    post(message) {
      if (!real && message.kind === 'operate') {
        const replies = unpackBundle(message.bundle).map((bytes) =>
          encodeOperationReply({ id: peekOperationId(bytes)! }),
        );
        setImmediate(() => handler({ kind: 'replies', stream: message.stream, bundle: packBundle(replies) }));
        return;
      }
      host.receive(message);
      setImmediate(() => {
        while (host.work(5));
      });
    },
  };
}

async function main(): Promise<void> {
  const server = await startAfiServer({ host: '127.0.0.1', port: 0 }, acknowledging(), nullLogger);
  const idle = process.cpuUsage();
  process.on('message', () => {
    const { user, system } = process.cpuUsage(idle);
    process.send!({ cpuMs: (user + system) / 1000 });
    server.close();
    process.disconnect();
  });
  process.send!({ port: server.port, ports: PORTS });
}

void main();
