/** Failover of a whole table: packets run through the vASIC while the MAC of a nexthop changes, and change with it. */
import { atMost, hundredth, median, type Figure } from '../../demo/lab/figure';
import { logLines } from '../../demo/lab/process';
import { formatAddress, formatMac, parseMac } from '../../src/net/address';
import { makePrefixes } from './prefixes';
import { gatewayOf, hopOf } from './stream';
import { neighborMac, portMac, PORTS, tapName, type BenchTopology } from './topology';

const CHANGES = 7;
const GOAL_MS = 10;

/** An address within one of the /24 over the first nexthop, late in the table. */
function destinationOver(routes: number, nexthops: number): string {
  const { addresses, lengths } = makePrefixes(routes);
  let chosen = routes - 1;
  while (hopOf(chosen, nexthops) !== 0 || lengths[chosen] !== 24) chosen--;
  const address = addresses[chosen]!;
  return formatAddress(Uint8Array.of(address >>> 24, address >>> 16, address >>> 8, 9));
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
  const { router, neighbors } = topology;
  const target = [destination, router.netns, tapName(0), formatAddress(address)];
  const argv = [process.execPath, `${__dirname}/probe.js`, 'n1', 'n0', portMac(1), ...target, ...macs];
  const probe = neighbors.start('probe', argv);
  const { status } = await probe.end;
  const lines = logLines(probe.logFile);
  if (status !== 0) throw new Error(`the probe failed: ${lines.join('\n')}`);
  const seen = lines.map((line) => JSON.parse(line) as { ms: number; commandMs: number });
  const samples = seen.map(({ ms }) => hundredth(ms));
  const commands = seen.map(({ commandMs }) => hundredth(commandMs));
  const value = hundredth(median(samples));
  return [
    {
      name: 'failover.mac',
      what: 'a nexthop changes its MAC: from the start of `ip neigh replace` to the first packet with the new MAC',
      unit: 'ms',
      value,
      routes,
      samples,
      ...atMost(GOAL_MS, 'ms', value),
    },
    {
      name: 'failover.mac.command',
      what: 'what `ip neigh replace` itself took, from its start to its exit',
      unit: 'ms',
      value: hundredth(median(commands)),
      routes,
      samples: commands,
    },
  ];
}
