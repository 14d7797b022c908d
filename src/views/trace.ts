/** A packet's way through the vASIC, by the vASIC's own word, with the bridge's names for the nodes. */
import { errorText } from '../net/error-text';
import type { AftPort, Token } from '../aft/model';
import { PuntReason } from '../aft/model';
import type { TestReply } from '../aft/wire';
import type { TraceOutcome, TraceQuery, TraceView } from '../control/explain-types';
import { RequestError } from '../control/filter';
import type { Fib } from '../fib/fib';
import { pathsOf } from '../fib/leaves';
import type { NexthopGroup } from '../fib/nexthops';
import { formatAddress, formatMac } from '../net/address';
import { ETHER_HEADER, frameFacts } from '../net/frame';
import { stackText } from '../net/labels';
import { buildProbe } from '../net/probe';
import type { RouteViews } from './routes';
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

const LABEL_BYTES = 4;

/** Traces a packet. Rejects with a RequestError that says why it can't be. */
export async function traceView(options: TraceOptions, query: TraceQuery): Promise<TraceView> {
  const asked = tableAsked(options.fib, query);
  const index = query.port ?? portTowards(options, asked ?? options.fib.vrfs.defaultTable, query.source);
  const port = options.ports.find((candidate) => candidate.index === index);
  if (port === undefined) {
    const known = options.ports.map((candidate) => `${candidate.index} (${candidate.tap})`).join(', ');
    const why = index === undefined ? `no port leads to ${formatAddress(query.source)}: name one` : `no port ${index}`;
    throw new RequestError(400, `port: ${why}, of ${known}`);
  }
  const table = options.fib.interfaces.rules(port.index)?.table ?? options.fib.vrfs.defaultTable;
  if (asked !== undefined && asked !== table) {
    throw new RequestError(400, `table: port ${port.index} (${port.tap}) is bound to table ${table}, not ${asked}`);
  }
  const inputs = await options.inputPorts().catch(unavailable);
  const mac = port.mac ?? inputs.find((input) => input.index === index)?.mac;
  if (mac === undefined) throw new RequestError(400, `port: the hardware address of port ${index} isn't known`);
  const frame = buildProbe(query, mac);
  const { steps, outcome, engine, engineReason } = await options.test(port.index, frame).catch(unavailable);
  const purposes = options.purposes();
  return {
    packet: packetText(query, frame.length - ETHER_HEADER - LABEL_BYTES * (query.labels?.length ?? 0)),
    input: { port: port.index, tap: port.tap, ...tableView(options.fib, table) },
    steps: steps.map((step) => ({ ...step, purpose: purposes.get(step.token) ?? '' })),
    outcome: outcomeView(options, outcome),
    ...(engine !== undefined && {
      engine: { name: engine, ...(engineReason !== undefined && { reason: engineReason }) },
    }),
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

function packetText(query: TraceQuery, size: number): string {
  const { source, destination, protocol, sourcePort, destinationPort, ttl } = query;
  const [from, to] = [formatAddress(source), formatAddress(destination)];
  const ports = protocol === 'icmp' ? 'icmp echo' : `${protocol} ${sourcePort} > ${destinationPort}`;
  const label = query.flowLabel === 0 ? '' : `, flow label ${query.flowLabel}`;
  const labels = query.labels === undefined ? '' : `label ${stackText(query.labels)}, `;
  return `${labels}${from} > ${to}, ${ports}, ${source.length === 4 ? 'TTL' : 'hop limit'} ${ttl}${label}, ${size} bytes`;
}

function outcomeView({ ports }: TraceOptions, outcome: TestReply['outcome']): TraceOutcome {
  switch (outcome.kind) {
    case 'output': {
      const { port, frame } = outcome;
      const { source, destination, ttl, labels } = frameFacts(frame);
      return {
        kind: 'output',
        port,
        tap: ports.find(({ index }) => index === port)?.tap ?? '?',
        sourceMac: formatMac(source),
        destinationMac: formatMac(destination),
        ...(ttl === undefined ? {} : { ttl }),
        ...(labels === undefined ? {} : { labels }),
        frame: hex(frame),
      };
    }
    case 'punt': {
      const { reason, frame } = outcome;
      return { kind: 'punt', reason, reasonName: PuntReason[reason] ?? String(reason), frame: hex(frame) };
    }
    case 'discard':
      return outcome;
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}
