/** What the vASIC does, what zebra was told and what is held, compared with the model when all is settled. Throws what is wrong. */
import { formatAddress, formatPrefix } from '../../../src/net/address';
import { TABLE, type Bed } from '../../bed/bed';
import type { Random } from '../random';
import type { Inputs } from './inputs';
import { Oracle } from './oracle';

/** Something is not as it must be. */
export class Wrong extends Error {}

interface Looked {
  readonly bed: Bed;
  readonly inputs: Inputs;
  /** Most entries that the server takes. */
  readonly limit: number | undefined;
  /** For the packets. */
  readonly random: Random;
}

const PACKETS = 24;
const FLOWS = 3;
const FIRST_CLIENT = 1024;
/** Groups and link-local, which are always the host's. */
const HOST_ROWS = 4;

/** Returns how many packets were sent. */
export function compare(looked: Looked): number {
  const oracle = new Oracle(looked.inputs);
  const present = checkEntries(looked, oracle);
  checkTokens(looked);
  const packets = checkPackets(looked, oracle, present);
  if (looked.limit === undefined) checkStatus(looked, oracle);
  return packets;
}

/** As `Bed.told` has it. */
export function nameOf(update: {
  readonly table: number;
  readonly prefix: { bytes: Uint8Array; length: number };
}): string {
  return `${update.table === TABLE ? '' : `${update.table} `}${formatPrefix(update.prefix)}`;
}

/** Returns the prefixes that have entries, where not all need to. */
function checkEntries({ bed, limit }: Looked, oracle: Oracle): ReadonlySet<string> | undefined {
  const wanted = oracle.prefixes();
  const present = new Set(bed.entries().keys());
  if (wanted !== undefined) {
    const most = limit ?? Infinity;
    const missing = [...wanted].filter((prefix) => !present.has(prefix));
    const extra = [...present].filter((prefix) => !wanted.has(prefix));
    if (extra.length > 0) throw new Wrong(`entries that nobody wants: ${extra.join(' ')}`);
    if (missing.length > 0 && present.size < most) throw new Wrong(`entries that are missing: ${missing.join(' ')}`);
  }
  return limit === undefined ? undefined : present;
}

/** The programmer's nodes are the server's, and no more. */
function checkTokens({ bed }: Looked): void {
  const known = new Set([...bed.programmer.tokens()].map(({ token }) => token));
  const nodes = bed.server.sandbox.find({}).map(({ token }) => token);
  const held = new Set(nodes.filter((token) => token >= FIRST_CLIENT));
  const lost = [...known].filter((token) => !held.has(token));
  const left = [...held].filter((token) => !known.has(token));
  if (lost.length > 0) throw new Wrong(`nodes that the server doesn't have: ${lost.join()}`);
  if (left.length > 0) throw new Wrong(`nodes that nobody knows of: ${left.join()}`);
}

/** Returns how many packets were sent. */
function checkPackets(
  { bed, random, inputs }: Looked,
  oracle: Oracle,
  present: ReadonlySet<string> | undefined,
): number {
  let packets = 0;
  const from = [0, 1, 2, 3].filter((port) => inputs.forwards(port));
  const destinations = oracle.destinations();
  for (let i = 0; i < PACKETS && from.length > 0; i++) {
    const destination = Uint8Array.from(random.pick(destinations));
    // The prefix's first address, or one within it, or beside.
    if (random.below(2) === 0) destination[destination.length - 1]! ^= random.below(16);
    if (random.below(8) === 0) destination[destination.length - 2]! ^= random.below(4);
    const expected = oracle.packet(destination, present);
    for (let flow = 0; flow < FLOWS; flow++) {
      packets++;
      const to = formatAddress(destination);
      const seen = bed.packet(to, random.pick(from), { sport: random.below(65536), flow: random.below(1 << 20) });
      if (expected?.has(seen) === false) {
        throw new Wrong(`a packet to ${to}: ${seen}, expected ${[...expected].join(' or ')}`);
      }
    }
  }
  return packets;
}

function checkStatus({ bed, inputs }: Looked, oracle: Oracle): void {
  for (const { update } of inputs.routes.values()) {
    const expected = update.table === TABLE ? oracle.status(update.prefix) : 'trapped';
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
