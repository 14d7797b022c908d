/**
 * Very many nexthops that nobody answers for: how many solicitations a second that puts on the wire, and whether a nexthop that
 * does answer is found meanwhile. All are on one LAN, on tap1.
 */
import type { WhyView } from '../../src/control/explain-types';
import { atMost, type Figure } from '../lab/figure';
import { buildHostsTopology, hostAddress6, type HostsTopology } from '../lab/hosts-topology';
import type { Lab } from '../lab/lab';
import { tapName } from '../lab/plan';
import { capture } from '../lab/traffic';
import { sleep, waitFor } from '../lab/wait';
import { ipBatch } from './ip-batch';
import type { Measurement } from './measurement';

const NEXTHOPS = 1000;
/** The kernel is asked for 100 nexthops a second, and sends up to three solicitations for each (docs/operation.md). */
const PACE = 300;
const GOAL_FOUND_MS = 1000;
/** When the nexthop that answers comes: while most of the others have yet to be asked for the first time. */
const FIRST_MS = 2000;
const WATCH_MS = 25_000;

interface Lan {
  readonly family: 4 | 6;
  /** One of the nexthops that nobody has. */
  readonly absent: (i: number) => string;
  readonly present: string;
  readonly prefix: (i: number) => string;
  readonly filter: string;
}

const LANS: readonly Lan[] = [
  {
    family: 4,
    absent: (i) => `172.20.${i >> 7}.${(i & 127) + 2}`,
    present: '172.20.200.1',
    prefix: (i) => `60.${i >> 8}.${i & 255}.0/24`,
    filter: 'arp[6:2] = 1 and arp dst net 172.20.0.0/16',
  },
  {
    family: 6,
    absent: (i) => hostAddress6(1, (i + 0x1000).toString(16)),
    present: hostAddress6(1, 'c8'),
    prefix: (i) => `2001:db8:6000:${i.toString(16)}::/64`,
    filter: 'icmp6 and ip6[40] = 135',
  },
];

/** The most of these moments (milliseconds, sorted) that lie within any one second. */
export function mostInASecond(moments: readonly number[]): number {
  let most = 0;
  let first = 0;
  moments.forEach((moment, i) => {
    while (moment - moments[first]! >= 1000) first++;
    most = Math.max(most, i - first + 1);
  });
  return most;
}

async function measureLan(
  lab: Lab,
  { router, hosts }: HostsTopology,
  { family, absent, present, prefix, filter }: Lan,
  say: (line: string) => void,
): Promise<Figure[]> {
  const route = (i: number, via: string): string => `${prefix(i)} via ${via} dev ${tapName(1)} proto static`;
  const routes = Array.from({ length: NEXTHOPS }, (_, i) => route(i, absent(i)));
  const watching = await capture(hosts[1]!, 'veth', [filter], { times: true });
  await ipBatch(
    lab,
    router,
    routes.map((words) => `route add ${words}`),
  );
  await sleep(FIRST_MS);
  await ipBatch(lab, router, [`route add ${route(NEXTHOPS, present)}`]);
  const found = await waitFor(
    async () => {
      const view = JSON.parse(await router.must(['fpm2afi', 'why', prefix(NEXTHOPS), '--json'])) as WhyView;
      const { received, nexthop, route: found } = view.routes[0]!;
      if (found.state !== 'offloaded' || received === undefined) return undefined;
      return Date.parse(nexthop?.acknowledged ?? '') - Date.parse(received);
    },
    { timeoutMs: 60_000, what: `${prefix(NEXTHOPS)} offloaded` },
  );
  await sleep(WATCH_MS);
  const moments = (await watching.stop()).map((line) => Number(line.split(' ')[0]) * 1000);
  const most = mostInASecond(moments);
  const steady = moments.filter((moment) => moment > moments.at(-1)! - 5000).length / 5;
  say(
    `IPv${family}: ${moments.length} solicitations, at most ${most} in a second, ${steady} a second at last; ${found} ms`,
  );
  await ipBatch(
    lab,
    router,
    routes.map((words) => `route del ${words}`),
  );
  return [
    {
      name: `storm.ip${family}.solicitations`,
      what: `${NEXTHOPS} IPv${family} nexthops that don't answer: the most solicitations on the wire in any one second`,
      unit: 'a second',
      value: most,
      ...atMost(PACE, 'a second', most),
    },
    {
      name: `storm.ip${family}.found`,
      what: `a nexthop that answers, among them: from zebra's route to the vASIC having it`,
      unit: 'ms',
      value: found,
      ...atMost(GOAL_FOUND_MS, 'ms', found),
    },
  ];
}

async function build(lab: Lab): Promise<HostsTopology> {
  const config = [`interface ${tapName(1)}`, ' ip address 172.20.0.1/16'];
  const topology = await buildHostsTopology(lab, { hosts: 2, ip6: true, config });
  for (const { family, present } of LANS) {
    const address = family === 4 ? [`${present}/16`] : [`${present}/64`, 'nodad'];
    await topology.hosts[1]!.must(['ip', 'address', 'add', ...address, 'dev', 'veth']);
  }
  await waitFor(async () => (await topology.bridge.status()).fib.routes >= 4, { timeoutMs: 30_000, what: 'zebra' });
  return topology;
}

export const storm: Measurement = {
  name: 'storm',
  title: `${NEXTHOPS} nexthops that nobody answers for`,
  measure: async (lab, say) => {
    const topology = await build(lab);
    const figures: Figure[] = [];
    for (const lan of LANS) figures.push(...(await measureLan(lab, topology, lan, say)));
    return figures;
  },
};
