/**
 * The demonstration's topology with everything at once that a restart may disturb: OSPF, BGP and BFD with every vrouter over the
 * TAPs, a table of any size by BGP from vrouter0, and a loopback that vrouter2 and vrouter3 share, over which flows are spread.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bgpSection } from './bgp-section';
import { at, entries, items, numberAt, textAt } from './json';
import type { Lab } from './lab';
import { IP4, PORTS, ROUTER_ID } from './plan';
import type { Protocol } from './protocol';
import { buildTopology, type Topology } from './topology';
import type { Frr } from './frr';
import { ping } from './traffic';
import { waitFor } from './wait';

const ROUTER_AS = 100;
const vrouterAs = (port: number): number => 10 + port;
/** zebra's netlink socket must hold them. */
const PORTION = 10_000;

export interface RestartsOptions {
  /** Runs OSPF; its neighbors are watched. */
  readonly ospf: Protocol;
  /** Routes of BGP. */
  readonly routes: number;
  readonly bfd: { readonly intervalMs: number; readonly multiplier: number };
  readonly settings?: readonly string[];
  /** Lines for the end of the router's configuration; staticd runs too. */
  readonly routerExtra?: readonly string[];
}

/** What FRR's daemons on the vrouters, which nobody restarts, say of their sessions with the router. */
export interface Sessions {
  readonly up: number;
  /** How often BGP and BFD have lost one since they were started. */
  readonly dropped: number;
  /** Of each OSPF neighbor that is up, by vrouter: since when, Unix ms. It counts no losses. */
  readonly ospfSince: ReadonlyMap<number, number>;
}

/** OSPF tells an age, and the answer takes its time. */
const AGE_SLACK_MS = 1500;

/** How many of the sessions at `before` were lost until `after`. */
export function sessionsLost(before: Sessions, after: Sessions): number {
  const ospf = [...before.ospfSince].filter(([vrouter, since]) => {
    const now = after.ospfSince.get(vrouter);
    return now === undefined || now > since + AGE_SLACK_MS;
  });
  return after.dropped - before.dropped + ospf.length;
}

/** Builds it and waits until all sessions are up and all routes offloaded. */
export async function buildRestarts(lab: Lab, options: RestartsOptions): Promise<Topology> {
  const { ospf, bfd } = options;
  const profile = [
    'bfd',
    ' profile lab',
    `  detect-multiplier ${bfd.multiplier}`,
    `  receive-interval ${bfd.intervalMs}`,
    `  transmit-interval ${bfd.intervalMs}`,
    ' exit',
    'exit',
  ];
  const bgpOf = (as: number, id: string, peers: readonly (readonly [string, number])[], more: readonly string[]) => [
    ...profile,
    ...bgpSection(as, id, peers, []),
    `router bgp ${as}`,
    ...peers.map(([address]) => ` neighbor ${address} bfd profile lab`),
    ...more,
    'exit',
  ];
  const protocol: Protocol = {
    ...ospf,
    linkLines: [...ospf.linkLines, ' ip ospf bfd', ' ip ospf bfd profile lab'],
    router: () => [
      ...ospf.router(),
      ...bgpOf(
        ROUTER_AS,
        ROUTER_ID,
        PORTS.map((port) => [IP4.vrouterAddress(port), vrouterAs(port)] as const),
        [],
      ),
    ],
    vrouter: (port, loopbacks) => [
      ...ospf.vrouter(port, loopbacks),
      ...bgpOf(
        vrouterAs(port),
        IP4.loopback(port),
        [[IP4.routerAddress(port), ROUTER_AS]],
        port === 0 ? [' address-family ipv4 unicast', '  redistribute kernel', ' exit-address-family'] : [],
      ),
    ],
  };
  const topology = await buildTopology(lab, {
    protocol,
    daemons: ['bgpd', 'bfdd', 'staticd'],
    extraLoopbacks: (port) => (port >= 2 ? [IP4.shared] : []),
    settings: options.settings ?? [],
    routerExtra: options.routerExtra ?? [],
  });
  await waitFor(async () => (await sessions(topology)).up === ALL_SESSIONS, {
    timeoutMs: 60_000,
    everyMs: 500,
    what: 'OSPF, BGP and BFD with all vrouters',
  });
  for (let first = 0; first < options.routes; first += PORTION) {
    const end = Math.min(options.routes, first + PORTION);
    const lines: string[] = [];
    for (let i = first; i < end; i++) {
      lines.push(`route add blackhole ${20 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}.0/24 proto static`);
    }
    const file = join(topology.vrouters[0]!.dir, 'routes.batch');
    writeFileSync(file, `${lines.join('\n')}\n`);
    await topology.vrouters[0]!.must(['ip', '-batch', file], { timeoutMs: 60_000 });
    await allOffloaded(topology, end);
  }
  await bothPaths(topology);
  return topology;
}

/** Full adjacencies come before routes: waits until flows are spread over both paths, and their answers find back. */
async function bothPaths({ bridge, vrouters }: Topology): Promise<void> {
  const spread = async (): Promise<boolean> => {
    const shared = (await bridge.routes()).find(({ prefix }) => prefix === `${IP4.shared}/32`);
    if (shared?.state !== 'offloaded' || shared.nexthops.length < 2) return false;
    const { received } = await ping(vrouters[1]!, IP4.shared, { source: IP4.loopback(1), count: 1 });
    return received === 1;
  };
  await waitFor(spread, { timeoutMs: 60_000, everyMs: 500, what: `both paths to ${IP4.shared}, and answers` });
}

/** Waits until so many routes and those of the topology are offloaded, and none waits. */
export async function allOffloaded({ bridge }: Topology, routes: number): Promise<void> {
  const look = async (): Promise<boolean> => {
    const { afi, fib } = await bridge.status();
    return afi.state === 'up' && fib.offloaded >= routes + PORTS.length && fib.pending + fib.unresolved === 0;
  };
  await waitFor(look, { timeoutMs: 240_000, everyMs: 500, what: `${routes} routes offloaded` });
}

/** The sessions of all vrouters with the router: OSPF, BGP, and the BFD that both share. */
export async function sessions({ vrouterFrr }: Topology): Promise<Sessions> {
  let up = 0;
  let dropped = 0;
  const ospfSince = new Map<number, number>();
  const look = async (frr: Frr, vrouter: number): Promise<void> => {
    const ospf = at(await frr.json('show ip ospf neighbor detail json'), 'neighbors');
    for (const neighbor of entries(ospf).flatMap(([, list]) => items(list))) {
      if (!textAt(neighbor, 'nbrState').startsWith('Full')) continue;
      up++;
      ospfSince.set(vrouter, Date.now() - (numberAt(neighbor, 'lastPrgrsvChangeMsec') ?? 0));
    }
    for (const [, peer] of entries(await frr.json('show bgp neighbors json'))) {
      if (textAt(peer, 'bgpState') === 'Established') up++;
      dropped += numberAt(peer, 'connectionsDropped') ?? 0;
    }
    for (const peer of items(await frr.json('show bfd peers json'))) if (textAt(peer, 'status') === 'up') up++;
    for (const peer of items(await frr.json('show bfd peers counters json'))) {
      dropped += numberAt(peer, 'session-down') ?? 0;
    }
  };
  await Promise.all(vrouterFrr.map(look));
  return { up, dropped, ospfSince };
}

/** How many that are. */
export const ALL_SESSIONS = 3 * PORTS.length;
