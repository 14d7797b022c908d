/** What the vASIC does, what zebra was told and what is held, compared with the model when all is settled. Throws what is wrong. */
import { isDeepStrictEqual } from 'node:util';
import { vrfTokens } from '../../../src/afi/base-tokens';
import { keyText } from '../../../src/afi/graph';
import { policerToken, type PuntLimits } from '../../../src/afi/policers';
import { filterTokens, portGraph } from '../../../src/afi/port-graph';
import { PuntReason, type AftEntry } from '../../../src/aft/model';
import { formatAddress, formatMac, formatPrefix } from '../../../src/net/address';
import { macOfPort, TABLE, type Bed } from '../../bed/bed';
import { labelledFrame, stackOf } from '../../bed/labelled';
import type { Random } from '../random';
import type { Inputs } from './inputs';
import { Oracle, type Expected } from './oracle';

/** Something is not as it must be. */
export class Wrong extends Error {}

interface Looked {
  readonly bed: Bed;
  readonly inputs: Inputs;
  /** Most entries that the server takes. */
  readonly limit: number | undefined;
  readonly limits: PuntLimits;
  /** For the packets. */
  readonly random: Random;
}

const PACKETS = 24;
const FLOWS = 3;
const FIRST_CLIENT = 1024;
/** Groups and link-local, which are always the host's. */
const HOST_ROWS = 4;
const FIRST_UNRESERVED_LABEL = 16;
const LABEL_TTL = 9;
/** Where no route but a default one leads. */
const ELSEWHERE = Uint8Array.of(192, 0, 2, 9);

/** Returns how many packets were sent. */
export function compare(looked: Looked): number {
  const tables: Tables = new Map(
    Array.from(looked.inputs.tables(), (table) => [table, new Oracle(looked.inputs, table)]),
  );
  const present = checkEntries(looked, tables);
  checkTokens(looked);
  checkPorts(looked);
  checkLimits(looked);
  const packets = checkPackets(looked, tables, present) + checkLabelled(looked, tables);
  if (looked.limit === undefined) checkStatus(looked, tables);
  return packets;
}

/** What is expected in each table that is forwarded by. */
type Tables = ReadonlyMap<number, Oracle>;

/** As `Bed.told` has it. */
export function nameOf(update: {
  readonly table: number;
  readonly prefix: { bytes: Uint8Array; length: number };
}): string {
  return `${update.table === TABLE ? '' : `${update.table} `}${formatPrefix(update.prefix)}`;
}

/** Returns the prefixes that have entries, by table, where not all need to. */
function checkEntries({ bed, limit }: Looked, tables: Tables): ReadonlyMap<number, ReadonlySet<string>> | undefined {
  const entries = new Map(
    Array.from(tables.keys(), (table) => [table, new Set(bed.entries(vrfTokens(table, TABLE).tree).keys())]),
  );
  const total = [...entries.values()].reduce((sum, { size }) => sum + size, 0);
  for (const [table, oracle] of tables) {
    const wanted = oracle.prefixes();
    if (wanted === undefined) continue;
    const present = entries.get(table)!;
    const missing = [...wanted].filter((prefix) => !present.has(prefix));
    const extra = [...present].filter((prefix) => !wanted.has(prefix));
    const where = table === TABLE ? '' : ` in table ${table}`;
    if (extra.length > 0) throw new Wrong(`entries that nobody wants${where}: ${extra.join(' ')}`);
    if (missing.length > 0 && total < (limit ?? Infinity))
      throw new Wrong(`entries that are missing${where}: ${missing.join(' ')}`);
  }
  return limit === undefined ? undefined : entries;
}

/** The programmer's nodes are the server's, and no more. */
function checkTokens({ bed }: Looked): void {
  const known = new Set([...bed.programmer.tables.tokens()].map(({ token }) => token));
  const nodes = bed.server.sandbox.find({}).map(({ token }) => token);
  const held = new Set(nodes.filter((token) => token >= FIRST_CLIENT));
  const lost = [...known].filter((token) => !held.has(token));
  const left = [...held].filter((token) => !known.has(token));
  if (lost.length > 0) throw new Wrong(`nodes that the server doesn't have: ${lost.join()}`);
  if (left.length > 0) throw new Wrong(`nodes that nobody knows of: ${left.join()}`);
}

/** What each port's nodes are, and the entries in its switches: as the FIB has Linux's word, whatever happened on the way. */
function checkPorts({ bed }: Looked): void {
  const { graph, ports } = bed.programmer.tables;
  const failed = [...ports.failures()];
  if (failed.length > 0) throw new Wrong(`ports that are refused: ${failed.join(' ')}`);
  for (const port of graph.ports) {
    const wanted = portGraph(port);
    for (const node of wanted.nodes) {
      const [held] = bed.server.sandbox.find({}).filter(({ token }) => token === node.token);
      if (!isDeepStrictEqual({ ...held }, { ...held, ...node }))
        throw new Wrong(`port ${port.index} is not as Linux says`);
    }
    const names = (entries: Iterable<Pick<AftEntry, 'key'>>): string =>
      Array.from(entries, ({ key }) => keyText(key))
        .sort()
        .join(' ');
    for (const parent of Object.values(filterTokens(port.index))) {
      const held = names(bed.server.sandbox.entriesOf(parent) ?? []);
      const expected = names(wanted.entries.filter((entry) => entry.parent === parent));
      if (held !== expected) throw new Wrong(`port ${port.index} lets in ${held}, expected ${expected}`);
    }
  }
}

function checkLimits({ bed, limits }: Looked): void {
  const token = policerToken(PuntReason.Glean, 0);
  const [held] = bed.server.sandbox.find({ type: 'policer' }).filter((node) => node.token === token);
  const rate = held?.type === 'policer' ? held.rate : undefined;
  if (rate !== limits[PuntReason.Glean])
    throw new Wrong(`a rate limit of ${rate}, expected ${limits[PuntReason.Glean]}`);
}

/** The port's address, by Linux's word where that counts. */
function macAt(bed: Bed, port: number): Uint8Array {
  return bed.programmer.tables.graph.portOf(port)?.mac ?? macOfPort(port);
}

/** Returns how many packets were sent. */
function checkPackets(
  { bed, random, inputs }: Looked,
  tables: Tables,
  present: ReadonlyMap<number, ReadonlySet<string>> | undefined,
): number {
  let packets = 0;
  const from = [0, 1, 2, 3].filter((port) => inputs.forwards(port));
  for (let i = 0; i < PACKETS && from.length > 0; i++) {
    const port = random.pick(from);
    const table = inputs.tableOfPort(port);
    const oracle = tables.get(table)!;
    const destination = Uint8Array.from(random.pick(oracle.destinations()));
    // The prefix's first address, or one within it, or beside.
    if (random.below(2) === 0) destination[destination.length - 1]! ^= random.below(16);
    if (random.below(8) === 0) destination[destination.length - 2]! ^= random.below(4);
    const expected = oracle.packet(destination, present?.get(table));
    for (let flow = 0; flow < FLOWS; flow++) {
      packets++;
      const to = formatAddress(destination);
      const seen = withStack(
        bed,
        bed.packet(to, port, {
          sport: random.below(65536),
          flow: random.below(1 << 20),
          to: formatMac(macAt(bed, port)),
        }),
      );
      if (expected?.has(seen) === false) {
        throw new Wrong(`a packet to ${to} at port ${port}: ${seen}, expected ${[...expected].join(' or ')}`);
      }
    }
  }
  return packets;
}

/** The labels of what was sent, behind where it went. */
function withStack(bed: Bed, seen: string): string {
  const port = /^p(\d) /.exec(seen)?.[1];
  if (port === undefined) return seen;
  const labels = stackOf(bed.server.ports[Number(port)]!.sent[0]!.frame).map(({ label }) => label);
  return labels.length === 0 ? seen : `${seen} label ${labels.join('/')}`;
}

/** Returns how many packets were sent. Where entries have no room, which ones have is nobody's promise. */
function checkLabelled({ bed, random, inputs, limit }: Looked, tables: Tables): number {
  const from = [0, 1, 2, 3].filter((port) => inputs.forwards(port));
  if (limit !== undefined || from.length === 0) return 0;
  const labels = new Set([...inputs.lsps.keys(), FIRST_UNRESERVED_LABEL + random.below(6)]);
  let packets = 0;
  for (const label of labels) {
    const fate = label < FIRST_UNRESERVED_LABEL ? undefined : tables.get(TABLE)!.labelled(label);
    for (let flow = 0; flow < FLOWS; flow++) {
      packets++;
      const port = random.pick(from);
      // Where it is looked up, what is behind the label decides.
      const inner = fate !== undefined && 'lookup' in fate ? tables.get(fate.lookup)! : undefined;
      const known = inner?.destinations().filter((address) => address.length === 4) ?? [];
      const to = known.length === 0 ? ELSEWHERE : random.pick(known);
      const expected = inner === undefined ? (fate as Expected) : inner.packet(to);
      const frame = labelledFrame(macAt(bed, port), [[label, LABEL_TTL]], formatAddress(to), random.below(250));
      const seen = withStack(bed, bed.frame(frame, port));
      if (expected?.has(seen) === false)
        throw new Wrong(
          `a packet with label ${label} to ${formatAddress(to)}: ${seen}, expected ${[...expected].join(' or ')}`,
        );
    }
  }
  return packets;
}

function checkStatus({ bed, inputs }: Looked, tables: Tables): void {
  for (const { update } of inputs.routes.values()) {
    const oracle = tables.get(update.table);
    const expected = oracle === undefined ? 'trapped' : oracle.status(update.prefix);
    const told = bed.told.get(nameOf(update));
    if (expected !== undefined && told !== expected)
      throw new Wrong(`zebra is told of ${nameOf(update)}: ${told}, expected ${expected}`);
  }
}

/** When all was withdrawn. */
export function checkNothingLeft(bed: Bed): void {
  const { fib } = bed;
  const left: Readonly<Record<string, number>> = {
    routes: fib.rows.routes.size - HOST_ROWS,
    LSPs: fib.lsps.size,
    'nexthop groups': [...fib.rows.nexthops.all()].filter((group) => !group.permanent).length,
    'nexthop ids': fib.rows.nexthops.zebraIdCount(),
    neighbors: fib.neighbors.size,
    'neighbors asked for': bed.needed.size,
    'refused rows': fib.rows.failed.size + fib.rows.withoutRoom.size,
    'routes to be written': fib.forwarding.dirtyRoutes,
    reports: fib.status.reportsDue,
  };
  for (const [what, count] of Object.entries(left)) if (count !== 0) throw new Wrong(`left behind: ${count} ${what}`);
}
