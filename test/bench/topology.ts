/**
 * The bench's lab: a router (FRR with bgpd, fpm2afi) with four TAPs of /16 each, a vASIC whose ports lead to one namespace of
 * neighbors, and a namespace that feeds bgpd. `fpm2afi punt` holds the TAPs in a process of its own, so that they stay up, and
 * zebra keeps its table, while the bridge is started anew.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startFrr, type Frr } from '../../lab/frr';
import type { Lab } from '../../lab/lab';
import { link, type LabNode } from '../../lab/node';
import { numberAt } from '../../lab/json';
import { logLines, logMark } from '../../lab/process';
import { portMac, portName, ROUTER_MGMT, tapName, VASIC_MGMT } from '../../lab/plan';
import { AFI_PORT, distDir, HOSTPATH_CLIENT_PORT, HOSTPATH_VASIC_PORT } from '../../lab/programs';
import { buildRouter } from '../../lab/router';
import { waitFor } from '../../lab/wait';
import { loadConfig } from '../../src/config/load';
import { formatAddress, formatMac } from '../../src/net/address';
import { nullLogger } from '../../src/observe/log';
import { connectPunt, lookAtPunt } from '../../src/punt/client';
import type { FeederAnswer, FeederCommand } from './feeder';
import { gateway6Of, gatewayOf } from './stream';

export const PORTS = 4;
export const FPM_PORT = 2620;
const FEED_ROUTER = '192.168.255.1';
const PEER_AS = 65001;
/** Feeders that bgpd is ready for: what all of them announce becomes nexthop groups of so many paths. */
export const PEERS = 4;
const peerAddress = (peer: number): string => `192.168.255.${peer + 2}`;

/** The ends of what goes through the vASIC to the router itself and back: pings and BFD, by the second port. */
export const PUNT_ROUTER = { address: '10.1.0.1', interface: 'tap1' };
export const PUNT_NEIGHBOR = { address: '10.1.0.2', interface: 'n1' };
export const BFD_INTERVAL_MS = 50;
const BFD_MULTIPLIER = 6;

export const neighborMac = (hop: number): string => formatMac(Uint8Array.of(2, 1, 0, 0, hop >> 8, hop));

export interface BenchTopology {
  readonly lab: Lab;
  readonly router: LabNode;
  readonly vasic: LabNode;
  readonly neighbors: LabNode;
  readonly feeder: LabNode;
  readonly frr: Frr;
  /** How many gateways there are in all. */
  readonly nexthops: number;
}

type PuntEnd = typeof PUNT_ROUTER;

/** One end of the BFD session, as in frr.conf. */
export function bfdConfig(own: PuntEnd, peer: PuntEnd): string {
  return [
    'bfd',
    ` peer ${peer.address} local-address ${own.address} interface ${own.interface}`,
    `  detect-multiplier ${BFD_MULTIPLIER}`,
    `  receive-interval ${BFD_INTERVAL_MS}`,
    `  transmit-interval ${BFD_INTERVAL_MS}`,
    ' exit',
    'exit',
    '',
  ].join('\n');
}

function frrConfig(): string {
  const peers = Array.from({ length: PEERS }, (_, peer) => peerAddress(peer));
  const family = (name: string): string[] => [
    ` address-family ${name} unicast`,
    `  maximum-paths ${PEERS}`,
    ...peers.flatMap((peer) => [`  neighbor ${peer} activate`, `  neighbor ${peer} route-map NOTHING out`]),
    ' exit-address-family',
  ];
  return [
    'hostname router',
    // Else each peer's routes were told to the others.
    'route-map NOTHING deny 10',
    'router bgp 65000',
    ` bgp router-id ${FEED_ROUTER}`,
    ' no bgp ebgp-requires-policy',
    ' no bgp default ipv4-unicast',
    ...peers.flatMap((peer) => [
      ` neighbor ${peer} remote-as ${PEER_AS}`,
      ` neighbor ${peer} ebgp-multihop 4`,
      ` neighbor ${peer} passive`,
    ]),
    ...family('ipv4'),
    ...family('ipv6'),
    '',
  ].join('\n');
}

/** The MAC behind each IPv4 gateway. */
export function neighborMacs({ nexthops }: BenchTopology): ReadonlyMap<string, string> {
  return new Map(
    Array.from({ length: nexthops }, (_, hop) => [formatAddress(gatewayOf(hop, PORTS).address), neighborMac(hop)]),
  );
}

/** Builds everything but vASIC and bridge; zebra has no FPM address yet. */
export async function buildBench(lab: Lab, nexthops: number): Promise<BenchTopology> {
  const { router, vasic } = await buildRouter(lab, true);
  const neighbors = await lab.node('neighbors');
  const feeder = await lab.node('feeder');
  await link(
    { node: router, ifname: 'feed0', addresses: [`${FEED_ROUTER}/24`] },
    { node: feeder, ifname: 'feed0', addresses: Array.from({ length: PEERS }, (_, peer) => `${peerAddress(peer)}/24`) },
  );
  for (let port = 0; port < PORTS; port++) {
    await link(
      { node: vasic, ifname: portName(port), mac: portMac(port) },
      { node: neighbors, ifname: `n${port}`, mac: neighborMac(port) },
    );
  }
  await startPuntProcess(router);
  for (let port = 0; port < PORTS; port++) {
    await router.must(['ip', 'address', 'add', `10.${port}.0.1/16`, 'dev', tapName(port)]);
    await router.must(['ip', 'address', 'add', `2001:db8:0:${port}::1/64`, 'dev', tapName(port), 'nodad']);
    await router.must(['ip', 'link', 'set', tapName(port), 'up']);
  }
  const lines = Array.from({ length: nexthops }, (_, hop) =>
    [gatewayOf, gateway6Of].map((gateway) => {
      const { port, address } = gateway(hop, PORTS);
      return `neigh replace ${formatAddress(address)} lladdr ${neighborMac(hop)} dev ${tapName(port)} nud permanent`;
    }),
  ).flat();
  const batch = join(router.dir, 'neighbors.batch');
  writeFileSync(batch, `${lines.join('\n')}\n`);
  await router.must(['ip', '-batch', batch]);
  const zebraArgs = ['-M', 'dplane_fpm_nl', '--asic-offload=notify_on_offload'];
  const config = frrConfig() + bfdConfig(PUNT_ROUTER, PUNT_NEIGHBOR);
  const frr = await startFrr(lab, router, { config, daemons: ['bgpd', 'bfdd'], zebraArgs });
  return { lab, router, vasic, neighbors, feeder, frr, nexthops };
}

/** Whether the TAPs of these ports are up and have carrier. */
export async function tapsUp(router: LabNode, ports: readonly number[]): Promise<boolean> {
  const shown = await Promise.all(ports.map((port) => router.exec(['ip', 'link', 'show', tapName(port)])));
  return shown.every(({ stdout }) => stdout.includes('LOWER_UP'));
}

async function startPuntProcess(router: LabNode): Promise<void> {
  const file = join(router.dir, 'punt.yaml');
  const ports = Array.from({ length: PORTS }, (_, port) => port);
  const lines = [
    `afi: { server: '${VASIC_MGMT}:${AFI_PORT}' }`,
    'ports:',
    ...ports.map((port) => `  - { index: ${port}, tap: ${tapName(port)}, mac: '${portMac(port)}' }`),
    'punt:',
    '  mode: external',
    // Where the bridge of startBridge looks.
    `  socket: ${join(router.dir, 'punt.sock')}`,
    `  listen: ${ROUTER_MGMT}:${HOSTPATH_CLIENT_PORT}`,
    `  vasic: ${VASIC_MGMT}:${HOSTPATH_VASIC_PORT}`,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  const punt = router.start('punt', [process.execPath, join(distDir(), 'src/main.js'), 'punt', '--config', file]);
  const config = loadConfig(file);
  const answers = async () => punt.ended() !== undefined || (await lookAtPunt(config.punt.socket)) !== undefined;
  await waitFor(answers, { timeoutMs: 20_000, what: `the punt process (log: ${punt.logFile})` });
  if (punt.ended() !== undefined) throw new Error(`fpm2afi punt ended: see ${punt.logFile}`);
  // What a bridge would say, and no bridge is there yet; it stays so when we go.
  const owner = await connectPunt(config, { socket: config.punt.socket }, nullLogger);
  for (const port of ports) owner.setCarrier(port, true);
  await waitFor(() => tapsUp(router, ports), { timeoutMs: 20_000, what: `the TAPs to be up (log: ${punt.logFile})` });
  await owner.close();
}

/** A BGP peer that does what it is told; see feeder.ts. */
export interface Feeder {
  /** Resolves with the answer, when bgpd's TCP has taken everything; commands are obeyed one after the other. */
  readonly command: (command: FeederCommand) => Promise<FeederAnswer>;
  /** Prefixes that it announces now, after the last command that was answered. */
  readonly announced: (family: 4 | 6) => number;
}

const FEEDER_TIMEOUT_MS = 300_000;

/** Starts the feeder with this number (0 … PEERS - 1); returns when its BGP session is established. */
export async function startFeeder({ feeder }: BenchTopology, peer = 0): Promise<Feeder> {
  const argv = [FEED_ROUTER, peerAddress(peer), PEER_AS, peer, PORTS].map(String);
  const started = feeder.start(`feeder${peer}`, [process.execPath, join(__dirname, 'feeder.js'), ...argv], {
    stdin: true,
  });
  const announced = { 4: 0, 6: 0 };
  let mark = logMark(started.logFile);
  const answer = async (what: string): Promise<Record<string, unknown>> => {
    const line = await waitFor(
      () => started.ended() ?? logLines(started.logFile, mark).find((text) => text.startsWith('{')),
      {
        timeoutMs: FEEDER_TIMEOUT_MS,
        everyMs: 20,
        what: `feeder ${peer}: ${what}`,
      },
    );
    if (typeof line !== 'string') throw new Error(`feeder ${peer} ended: see ${started.logFile}`);
    mark += Buffer.byteLength(line) + 1;
    const said = JSON.parse(line) as Record<string, unknown>;
    if (said.error !== undefined) throw new Error(`feeder ${peer}, ${what}: ${String(said.error)}`);
    return said;
  };
  await answer('the BGP session');
  let last: Promise<unknown> = Promise.resolve();
  return {
    announced: (family) => announced[family],
    command: (command) => {
      const result = last.then(async () => {
        const line = JSON.stringify(command);
        started.tell(line);
        const said = (await answer(line)) as unknown as FeederAnswer;
        announced[said.family] = said.announced;
        return said;
      });
      last = result.catch(() => undefined);
      return result;
    },
  };
}

/** Feeds bgpd with an IPv4 table; returns when zebra has every route. */
export async function feed(topology: BenchTopology, routes: number, nexthops: number): Promise<Feeder> {
  const feeder = await startFeeder(topology);
  await feeder.command({ do: 'announce', family: 4, routes, nexthops });
  await awaitRib(topology.frr, 4, routes);
  return feeder;
}

/** Waits until zebra's RIB has so many BGP routes of a family. */
export async function awaitRib(frr: Frr, family: 4 | 6, routes: number): Promise<void> {
  await waitFor(async () => (await ribRoutes(frr, family)) === routes, {
    timeoutMs: 120_000 + routes / 2,
    everyMs: 500,
    what: `${routes} BGP routes of IPv${family} in zebra`,
  });
}

const QUIET_LOOK_MS = 500;
const QUIET_LOOKS = 3;
/** Of one CPU: more than what answering `vtysh` takes. */
const QUIET_SHARE = 0.05;

/** CPU time of a process and all its threads so far, in milliseconds. */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  // utime and stime in clock ticks of 10 ms.
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Waits until bgpd and zebra have nothing left to do. */
export async function untilQuiet(frr: Frr): Promise<void> {
  let last = NaN;
  let looks = 0;
  const quiet = (): boolean => {
    const now = cpuMs(frr.process('bgpd').pid) + cpuMs(frr.process('zebra').pid);
    looks = now - last < QUIET_SHARE * QUIET_LOOK_MS ? looks + 1 : 0;
    last = now;
    return looks >= QUIET_LOOKS;
  };
  await waitFor(quiet, {
    timeoutMs: 180_000,
    everyMs: QUIET_LOOK_MS,
    what: 'bgpd and zebra to have nothing left to do',
  });
}

async function summary(frr: Frr, column: string, family: 4 | 6): Promise<number> {
  const shown = await frr.json(`show ${family === 4 ? 'ip' : 'ipv6'} route summary json`);
  const protocols = (shown as { routes?: readonly unknown[] }).routes ?? [];
  return protocols.reduce<number>((sum, entry) => {
    const type = (entry as { type?: string }).type;
    return type === 'ebgp' || type === 'bgp' ? sum + (numberAt(entry, column) ?? 0) : sum;
  }, 0);
}

/** BGP routes in zebra's RIB. */
export function ribRoutes(frr: Frr, family: 4 | 6 = 4): Promise<number> {
  return summary(frr, 'rib', family);
}

/** BGP routes that zebra counts as offloaded. */
export function offloadedRoutes(frr: Frr, family: 4 | 6 = 4): Promise<number> {
  return summary(frr, 'fibOffLoaded', family);
}

/** Has zebra (re)connect its FPM, which makes it replay everything. */
export async function connectFpm(frr: Frr, on: boolean): Promise<void> {
  await frr.vtysh(`configure terminal\n${on ? `fpm address 127.0.0.1 port ${FPM_PORT}` : 'no fpm address'}`);
}
