/**
 * Very many nexthops that nobody answers for: how many solicitations a second that puts on the wire, and whether a nexthop that
 * does answer is found meanwhile. All are on one LAN, on tap1.
 */
import type { WhyView } from '../../../src/control/explain-types';
import { atMost, tenth, type Figure } from '../../../lab/figure';
import { buildHostsTopology, hostAddress6, type HostsTopology } from '../../../lab/hosts-topology';
import type { Lab } from '../../../lab/lab';
import { tapName } from '../../../lab/plan';
import { capture } from '../../../lab/traffic';
import { sleep, waitFor } from '../../../lab/wait';
import { ipBatch } from './ip-batch';
import type { Measurement } from './measurement';

const NEXTHOPS = 1000;
/** The kernel is asked for 110 nexthops in a second at most, and sends up to three solicitations for each (docs/operation.md). */
const PACE = 330;
/** Repeated requests have a quarter of the pace. */
const PACE_AT_LAST = 84;
const GOAL_FOUND_MS = 200;
/** When the nexthop that answers comes: while most of the others have yet to be asked for the first time. */
const FIRST_MS = 2000;
/** Of both families: zebra keeps nexthop objects for minutes after their routes are gone. */
const SOLICITATIONS = 'arp[6:2] = 1 or (icmp6 and ip6[40] = 135)';
const WATCH_MS = 18_000;
const LAST_S = 5;

interface Lan {
  readonly family: 4 | 6;
  /** One of the nexthops that nobody has. */
  readonly absent: (i: number) => string;
  readonly present: string;
  readonly prefix: (i: number) => string;
}

const LANS: readonly Lan[] = [
  {
    family: 4,
    absent: (i) => `172.20.${i >> 7}.${(i & 127) + 2}`,
    present: '172.20.200.1',
    prefix: (i) => `60.${i >> 8}.${i & 255}.0/24`,
  },
  {
    family: 6,
    absent: (i) => hostAddress6(1, (i + 0x1000).toString(16)),
    present: hostAddress6(1, 'c8'),
    prefix: (i) => `2001:db8:6000:${i.toString(16)}::/64`,
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
  { family, absent, present, prefix }: Lan,
  say: (line: string) => void,
): Promise<Figure[]> {
  const route = (i: number, via: string): string => `${prefix(i)} via ${via} dev ${tapName(1)} proto static`;
  const routes = Array.from({ length: NEXTHOPS }, (_, i) => route(i, absent(i)));
  const watching = await capture(hosts[1]!, 'veth', [SOLICITATIONS], { times: true });
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
  const steady = moments.filter((moment) => moment > moments.at(-1)! - LAST_S * 1000).length / LAST_S;
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
      name: `storm.ip${family}.atLast`,
      what: `the same once all were asked for: the mean of the last ${LAST_S} s`,
      unit: 'a second',
      value: tenth(steady),
      ...atMost(PACE_AT_LAST, 'a second', steady),
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
