/** The harness's hold of a proxy that runs in a namespace (proxy-program.ts). */
import { join } from 'node:path';
import type { LabNode } from '../../lab/node';
import { waitForLine } from '../../lab/process';
import type { ProxyFault } from './proxy';
import type { ProxyOrder } from './proxy-program';

export interface RunningProxy {
  readonly set: (fault: ProxyFault) => Promise<void>;
  readonly heal: () => Promise<void>;
  /** Resets its connections. */
  readonly cut: () => Promise<void>;
}

type Order = ProxyOrder extends infer T ? (T extends ProxyOrder ? Omit<T, 'id'> : never) : never;

/** Starts it; returns when it listens. */
export async function startProxy(node: LabNode, name: string, listen: string, to: string): Promise<RunningProxy> {
  const program = join(__dirname, 'proxy-program.js');
  const started = node.start(name, [process.execPath, program, listen, to], { stdin: true });
  await waitForLine(started.logFile, /^ready$/, 0, 10_000);
  let id = 0;
  const order = async (what: Order): Promise<void> => {
    id++;
    started.tell(JSON.stringify({ id, ...what }));
    await waitForLine(started.logFile, new RegExp(`^done ${id}$`), 0, 10_000);
  };
  return {
    set: (fault) => order({ kind: 'set', fault }),
    heal: () => order({ kind: 'heal' }),
    cut: () => order({ kind: 'cut' }),
  };
}
