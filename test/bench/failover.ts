/**
 * Failover of a whole table: packets run through the vASIC while the MAC of a nexthop changes, or the link of a path goes down, and
 * change with it.
 */
import { join } from 'node:path';
import { atMost, hundredth, median, type Figure } from '../../lab/figure';
import { portMac, tapName } from '../../lab/plan';
import { logLines } from '../../lab/process';
import { formatAddress, formatMac, parseMac } from '../../src/net/address';
import { makePrefixes } from './prefixes';
import { gatewayOf, hopOf } from './stream';
import { neighborMac, PORTS, type BenchTopology } from './topology';

const CHANGES = 7;
const GOAL_MS = 10;
const LINK_DOWNS = 8;

/** An address within one of the /24 over the first nexthop, late in the table. */
function destinationOver(routes: number, nexthops: number): string {
  const { addresses, lengths } = makePrefixes(routes);
  let chosen = routes - 1;
  while (hopOf(chosen, nexthops) !== 0 || lengths[chosen] !== 24) chosen--;
  const address = addresses[chosen]!;
  return formatAddress(Uint8Array.of(address >>> 24, address >>> 16, address >>> 8, 9));
}

interface Seen {
  readonly ms: number;
}

/** Runs a probe among the neighbors; one line each. */
async function runProbe({ neighbors }: BenchTopology, name: string, argv: readonly string[]): Promise<readonly Seen[]> {
  const probe = neighbors.start(name, [process.execPath, join(__dirname, `${name}.js`), ...argv]);
  const { status } = await probe.end;
  const lines = logLines(probe.logFile);
  if (status !== 0) throw new Error(`the probe failed: ${lines.join('\n')}`);
  return lines.map((line) => JSON.parse(line) as Seen);
}

/** For a bridge and a vASIC that have the table. */
export async function measureMacChange(topology: BenchTopology, routes: number, nexthops: number): Promise<Figure[]> {
  const destination = destinationOver(routes, nexthops);
  const first = neighborMac(0);
  const changed = parseMac(first)!;
  changed[1] = 0x7f;
  // There and back: the last change restores what it was.
  const macs = Array.from({ length: CHANGES + 1 }, (_, i) => (i % 2 === 0 ? formatMac(changed) : first));
  const { address } = gatewayOf(0, PORTS);
  const { router } = topology;
  const target = [destination, router.netns, tapName(0), formatAddress(address)];
  const seen = await runProbe(topology, 'probe', ['n1', 'n0', portMac(1), ...target, ...macs]);
  const what = 'a nexthop changes its MAC: from the command to a running `ip` to the first packet with the new MAC';
  return [failoverFigure('failover.mac', what, routes, seen)];
}

/**
 * For a bridge and a vASIC that have the table, each route over the two paths that two feeders give it: the link of port 0 goes down.
 */
export async function measurePathDown(topology: BenchTopology, routes: number, nexthops: number): Promise<Figure[]> {
  const destination = destinationOver(routes, nexthops);
  const seen = await runProbe(topology, 'path-probe', ['n2', 'n0', 'n1', portMac(2), destination, String(LINK_DOWNS)]);
  const what =
    'a group loses a path: from the command to a running `ip`, link down, to the last flow out of the other path';
  return [failoverFigure('failover.path', what, routes, seen)];
}

function failoverFigure(name: string, what: string, routes: number, seen: readonly Seen[]): Figure {
  const samples = seen.map(({ ms }) => hundredth(ms));
  const value = hundredth(median(samples));
  return { name, what, unit: 'ms', value, routes, samples, ...atMost(GOAL_MS, 'ms', value) };
}
