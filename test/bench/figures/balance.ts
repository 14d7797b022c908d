/**
 * Load balancing as packets see it: how many flows each path of a route carries against its weight, and which flows move when a
 * path leaves the route and when it comes back. The routes are the router's kernel's, as static ones have no weights; the paths
 * are neighbors that don't exist: where their packets come out tells whose they are.
 */
import { buildHostsTopology, hostAddress, hostAddress6, type HostsTopology } from '../../../lab/hosts-topology';
import { portMac, tapName } from '../../../lab/plan';
import { distributionOf, measureSpread, movesOf, type Spread } from '../../../lab/spread';
import { waitFor } from '../../../lab/wait';
import { atMost, tenth, type Figure } from '../../../lab/figure';
import type { Measurement } from './measurement';
import { settledOperations } from './quiet';

const GOAL_PERCENT = 5;
const GOAL_MOVED_BEYOND_SHARE = 2;
const LEG_PORT = 1;
const FIRST_LEG = 100;

interface Case {
  readonly name: string;
  readonly family: 4 | 6;
  readonly weights: readonly number[];
  /** So many that chance alone stays well below the goal, whatever the smallest share. */
  readonly flows: number;
}

const CASES: readonly Case[] = [
  { name: 'ip4.equal', family: 4, weights: [1, 1, 1, 1], flows: 20_000 },
  { name: 'ip4.weighted', family: 4, weights: [1, 2, 3, 4], flows: 40_000 },
  { name: 'ip6.equal', family: 6, weights: [1, 1, 1, 1], flows: 20_000 },
  { name: 'ip6.weighted', family: 6, weights: [1, 2, 3, 4], flows: 40_000 },
  { name: 'ip4.legs128', family: 4, weights: new Array<number>(128).fill(1), flows: 1_000_000 },
];
/** To see what moves, fewer flows will do. */
const FLOWS_MOVING = 20_000;

const pathMac = (path: number): string => `02:00:00:00:00:${(path + 1).toString(16).padStart(2, '0')}`;
const pathAddress = (family: 4 | 6, path: number): string =>
  family === 4 ? hostAddress(LEG_PORT, FIRST_LEG + path) : hostAddress6(LEG_PORT, (FIRST_LEG + path).toString(16));
const PREFIX = { 4: '10.20.0.0/16', 6: '2001:db8:20::/48' };

/** Gives the route these paths, and waits until the vASIC has it so. */
async function groupPaths(topology: HostsTopology, one: Case, paths: readonly number[]): Promise<void> {
  const { family, weights } = one;
  const prefix = PREFIX[family];
  const hops = paths.flatMap((path) => [
    ...['nexthop', 'via', pathAddress(family, path), 'dev', tapName(LEG_PORT)],
    ...['weight', String(weights[path])],
  ]);
  await topology.router.must(['ip', `-${family}`, 'route', 'replace', prefix, 'proto', 'static', ...hops]);
  await waitFor(
    async () => {
      const route = (await topology.bridge.routes()).find((shown) => shown.prefix === prefix);
      const ready = route?.nexthops.filter(({ state }) => state === 'ready').length;
      return route?.state === 'offloaded' && ready === paths.length;
    },
    { timeoutMs: 30_000, what: `${prefix} over ${paths.length} paths` },
  );
  await settledOperations(topology.bridge);
}

async function measureCase(topology: HostsTopology, one: Case, say: (line: string) => void): Promise<Figure[]> {
  const { name, family, weights, flows } = one;
  const { router, hosts } = topology;
  const all = weights.map((_, path) => path);
  for (const path of all) {
    const neighbor = [pathAddress(family, path), 'lladdr', pathMac(path), 'dev', tapName(LEG_PORT), 'nud', 'permanent'];
    await router.must(['ip', 'neigh', 'replace', ...neighbor]);
  }
  const spread = (count: number): Promise<Spread> =>
    measureSpread({
      ...{ sender: hosts[0]!, portMac: portMac(0), receiver: hosts[LEG_PORT]!, flows: count },
      source: family === 4 ? hostAddress(0) : hostAddress6(0),
      destination: PREFIX[family].split('/')[0]!,
    });
  await groupPaths(topology, one, all);
  const whole = await spread(flows);
  const seen = distributionOf(whole, new Map(all.map((path) => [pathMac(path), weights[path]!])));
  if (seen.flows < flows * 0.99 || seen.strays > 0)
    throw new Error(`${name}: ${JSON.stringify(seen)} of ${flows} flows`);
  const gone = 1;
  const share = (weights[gone]! / weights.reduce((sum, weight) => sum + weight, 0)) * 100;
  await groupPaths(
    topology,
    one,
    all.filter((path) => path !== gone),
  );
  const without = await spread(FLOWS_MOVING);
  const left = movesOf(whole, without, pathMac(gone));
  await groupPaths(topology, one, all);
  const joined = movesOf(without, await spread(FLOWS_MOVING), pathMac(gone));
  say(`${name}: ${JSON.stringify({ ...seen, share, left, joined })}`);
  const paths = `${weights.length} paths${new Set(weights).size === 1 ? '' : ` of weights ${weights.join(':')}`}, IPv${family}`;
  const moved = (key: string, what: string, { percent, needless }: typeof left): Figure => ({
    name: `balance.${name}.${key}`,
    what: `${what} of ${paths}: flows that moved (${needless} of them neither from nor to that path)`,
    unit: '%',
    value: tenth(percent),
    goal: `at most its share, ${tenth(share)} %, and ${GOAL_MOVED_BEYOND_SHARE} %; none needlessly`,
    met: percent <= share + GOAL_MOVED_BEYOND_SHARE && needless === 0,
  });
  return [
    {
      name: `balance.${name}.deviation`,
      what: `${seen.flows} flows over ${paths}: by how much of its due share the worst path was off`,
      unit: '%',
      value: tenth(seen.worstPercent),
      ...atMost(GOAL_PERCENT, '%', seen.worstPercent),
    },
    moved('pathLeft', 'one path left', left),
    moved('pathCame', 'it came back', joined),
  ];
}

export const balance: Measurement = {
  name: 'balance',
  title: 'Load balancing: shares against weights, and the flows that a change of paths moves',
  measure: async (lab, say) => {
    const topology = await buildHostsTopology(lab, { hosts: 2, ip6: true });
    await waitFor(async () => (await topology.bridge.status()).fib.routes >= 4, { timeoutMs: 30_000, what: 'zebra' });
    const figures: Figure[] = [];
    for (const one of CASES) figures.push(...(await measureCase(topology, one, say)));
    return figures;
  },
};
