/** A packet's way through the vASIC, by the vASIC's own word, with the bridge's names for the nodes. */
import { errorText } from '../net/error-text';
import type { AftPort, Token } from '../aft/model';
import type { TestReply } from '../aft/wire';
import type { TraceQuery, TraceView } from '../control/explain-types';
import { RequestError } from '../control/filter';
import type { Fib } from '../fib/fib';
import { pathsOf } from '../fib/leaves';
import type { NexthopGroup } from '../fib/nexthops';
import { formatAddress } from '../net/address';
import { buildProbe, probeText } from '../net/probe';
import type { RouteViews } from './routes';
import { engineView, outcomeView } from './trace-outcome';
import { tableAsked, tableView } from './vrfs';
import { coveringRows } from './why';

export interface TraceOptions {
  readonly fib: Fib;
  readonly views: RouteViews;
  /** Index and TAP of the ports in use. */
  readonly ports: readonly { readonly index: number; readonly tap: string; readonly mac?: Uint8Array }[];
  /** The vASIC's input ports. */
  readonly inputPorts: () => Promise<readonly AftPort[]>;
  readonly test: (port: number, frame: Uint8Array) => Promise<TestReply>;
  /** What each token stands for. */
  readonly purposes: () => ReadonlyMap<Token, string>;
}

/** Traces a packet. Rejects with a RequestError that says why it can't be. */
export async function traceView(options: TraceOptions, query: TraceQuery): Promise<TraceView> {
  const asked = tableAsked(options.fib, query);
  const named = query.port ?? portTowards(options, asked ?? options.fib.vrfs.defaultTable, query.source);
  const port = options.ports.find(({ index, tap }) => (typeof named === 'string' ? tap : index) === named);
  if (port === undefined) {
    const known = options.ports.map((candidate) => `${candidate.index} (${candidate.tap})`).join(', ');
    const why = named === undefined ? `no port leads to ${formatAddress(query.source)}: name one` : `no port ${named}`;
    throw new RequestError(400, `port: ${why}, of ${known}`);
  }
  const table = options.fib.interfaces.rules(port.index)?.table ?? options.fib.vrfs.defaultTable;
  if (asked !== undefined && asked !== table) {
    throw new RequestError(400, `table: port ${port.index} (${port.tap}) is bound to table ${table}, not ${asked}`);
  }
  const inputs = await options.inputPorts().catch(unavailable);
  const mac = port.mac ?? inputs.find((input) => input.index === port.index)?.mac;
  if (mac === undefined) throw new RequestError(400, `port: the hardware address of port ${port.index} isn't known`);
  const frame = buildProbe(query, mac);
  const { steps, outcome, engine, engineReason } = await options.test(port.index, frame).catch(unavailable);
  const purposes = options.purposes();
  return {
    packet: probeText(query),
    input: { port: port.index, tap: port.tap, ...tableView(options.fib, table) },
    steps: steps.map((step) => ({ ...step, purpose: purposes.get(step.token) ?? '' })),
    outcome: outcomeView(options.ports, outcome),
    ...engineView({ engine, engineReason }),
  };
}

function unavailable(error: unknown): never {
  throw new RequestError(503, errorText(error));
}

/** The port by which packets for this address leave: where its own come in by, unless routing is asymmetric. */
function portTowards(options: TraceOptions, table: number, address: Uint8Array): number | undefined {
  const { fib } = options;
  for (const row of coveringRows(options, table, address, 8 * address.length)) {
    const group = fib.rows.nexthops.get(fib.rows.routes.wanted[row]!);
    const port = group && firstPort(fib, group);
    if (port !== undefined) return port;
  }
  return undefined;
}

function firstPort(fib: Fib, group: NexthopGroup): number | undefined {
  return pathsOf(group)
    .map(({ path }) => fib.interfaces.portOf(path.ifindex))
    .find((port) => port !== undefined);
}
